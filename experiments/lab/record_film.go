package lab

import (
	"errors"
	"fmt"
	"image"
	"image/draw"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// pictureOptions say what pictures and films of episodes look like.
type pictureOptions struct {
	width, height int // of the whole picture; 0: from the other and the shape of the world
	fps           float64
	speed         float64 // 1 is real time
	seconds       float64 // longest film
	moments       int     // stills of each episode in a picture
	plain         bool    // no captions
	theme         themeFlag
}

func (o *pictureOptions) flags(f *pflag.FlagSet) {
	o.theme.Theme = scene.Light()
	f.IntVar(&o.width, "width", 0, "width in pixels; default: from the height, or fit to the content")
	f.IntVar(&o.height, "height", 0, "height in pixels; default: from the width")
	f.Float64Var(&o.fps, "fps", 25, "frames a second of a film")
	f.Float64Var(&o.speed, "speed", 1, "how much faster than real time a film plays")
	f.Float64Var(&o.seconds, "seconds", 60, "longest film; it ends then")
	f.IntVar(&o.moments, "moments", 1, "moments of each episode in a picture")
	f.BoolVar(&o.plain, "plain", false, "leave out step, return and action")
	f.Var(&o.theme, "theme", "colours")
}

// check reports the first option that is out of range. It also refuses a file that could not
// be written, before time is spent on its content.
func (o *pictureOptions) check(out string) error {
	const most = 8192 // pixels a side
	for _, c := range []struct {
		flag     string
		v        float64
		min, max float64
	}{
		{"width", float64(o.width), 0, most}, {"height", float64(o.height), 0, most},
		{"fps", o.fps, 1, 100}, {"speed", o.speed, 0.01, 1000}, {"seconds", o.seconds, 0.1, 3600},
		{"moments", float64(o.moments), 1, 64},
	} {
		if !(c.v >= c.min && c.v <= c.max) {
			return fmt.Errorf("--%s %v: want %v to %v", c.flag, c.v, c.min, c.max)
		}
	}
	if isStill(out) {
		return nil
	}
	film, err := scene.Create(out, o.fps, o.theme.Theme)
	if errors.Is(err, scene.ErrNoFFmpeg) {
		return lacking(err)
	}
	if err == nil {
		_ = film.Close() // without frames, which leaves no file
	}
	return err
}

func isStill(path string) bool { return strings.EqualFold(filepath.Ext(path), ".png") }

// write makes a picture or a film of eps in the file called out, cols side by side.
func (o *pictureOptions) write(out string, eps []*traj.Episode, cols int) (err error) {
	if isStill(out) {
		img, err := o.still(eps, cols)
		if err != nil {
			return err
		}
		return scene.WritePNG(out, img)
	}
	film, err := scene.Create(out, o.fps, o.theme.Theme)
	if err != nil {
		return err
	}
	err = o.film(eps, cols, film.Add)
	return errors.Join(err, film.Close())
}

// openPlayers returns a player of each episode, at its first moment.
func openPlayers(eps []*traj.Episode) ([]*replay.Player, error) {
	ps := make([]*replay.Player, 0, len(eps))
	for _, ep := range eps {
		p, err := replay.Open(ep)
		if err != nil {
			return nil, errors.Join(err, closePlayers(ps))
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func closePlayers(ps []*replay.Player) (err error) {
	for _, p := range ps {
		err = errors.Join(err, p.Close())
	}
	return err
}

// A sheet is a picture of cells side by side.
type sheet struct {
	img     *image.RGBA
	cols    int
	w, h    int // of a cell
	painter scene.Painter
	list    scene.List
	theme   *scene.Theme
	plain   bool
}

const (
	cellGap   = 4  // pixels between cells
	captioned = 96 // pixels that a cell has to be wide for a caption
)

// newSheet returns a sheet for n cells in the shape of a world's view.
func (o *pictureOptions) newSheet(n, cols int, first *replay.Player) *sheet {
	s := &sheet{cols: cols, theme: o.theme.Theme, plain: o.plain}
	first.Draw(&s.list)
	rows := (n + cols - 1) / cols
	ratio := float64(scene.Ratio(&s.list))
	inside := func(total, cells int) float64 { return float64(total-cellGap*(cells-1)) / float64(cells) }
	var w, h float64
	switch {
	case o.width > 0 && o.height > 0:
		w, h = inside(o.width, cols), inside(o.height, rows)
	case o.width > 0:
		w = inside(o.width, cols)
		h = w / ratio
	case o.height > 0:
		h = inside(o.height, rows)
		w = h * ratio
	default:
		fw, fh := scene.Frame(&s.list, max(480*320/n, 240*160))
		w, h = float64(fw), float64(fh)
	}
	s.w, s.h = max(8, int(w)), max(8, int(h))
	s.img = image.NewRGBA(image.Rect(0, 0, cols*s.w+(cols-1)*cellGap, rows*s.h+(rows-1)*cellGap))
	draw.Draw(s.img, s.img.Rect, image.NewUniform(s.theme.Mat), image.Point{}, draw.Src)
	return s
}

// paint draws a player's moment in cell i.
func (s *sheet) paint(i int, p *replay.Player) {
	x, y := i%s.cols*(s.w+cellGap), i/s.cols*(s.h+cellGap)
	area := image.Rect(x, y, x+s.w, y+s.h)
	p.Draw(&s.list)
	s.painter.Paint(s.img, area, &s.list, s.theme)
	switch {
	case s.plain || s.w < captioned:
	case s.w < 320:
		s.painter.Caption(s.img, area, replay.Number(p.Return(), 1), s.theme)
	default:
		s.painter.Caption(s.img, area, p.Caption(), s.theme)
	}
}

// still returns moments of the episodes: each episode's follow each other.
func (o *pictureOptions) still(eps []*traj.Episode, cols int) (img *image.RGBA, err error) {
	ps, err := openPlayers(eps)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closePlayers(ps)) }()
	n := len(ps) * o.moments
	if o.moments > 1 {
		cols = min(o.moments, max(cols, 4))
	}
	s := o.newSheet(n, min(cols, n), ps[0])
	for i, p := range ps {
		for m := range o.moments {
			if err := p.Seek((2*m + 1) * p.Len() / (2 * o.moments)); err != nil {
				return nil, err
			}
			s.paint(i*o.moments+m, p)
		}
	}
	return s.img, nil
}

// filmRest is how long, in seconds, the last moment of a film stays.
const filmRest = 1

// stepAt returns the number of steps that lie before a time of an episode. Half a step of
// tolerance keeps rounding from showing a step twice.
func stepAt(p *replay.Player, seconds float64) int { return int(seconds/float64(p.Spec().Dt) + 0.5) }

// film hands add the frames of a film in which the episodes play side by side.
func (o *pictureOptions) film(eps []*traj.Episode, cols int, add func(*image.RGBA) error) (err error) {
	ps, err := openPlayers(eps)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closePlayers(ps)) }()
	s := o.newSheet(len(ps), min(cols, len(ps)), ps[0])
	longest := 0.0
	for _, p := range ps {
		longest = max(longest, float64(p.Len())*float64(p.Spec().Dt))
	}
	frames := int(min(longest/o.speed+filmRest, o.seconds)*o.fps) + 1
	for k := range frames {
		for i, p := range ps {
			before := p.Step()
			if err := p.Seek(stepAt(p, float64(k)/o.fps*o.speed)); err != nil {
				return err
			}
			if k == 0 || p.Step() != before {
				s.paint(i, p)
			}
		}
		if err := add(s.img); err != nil {
			return err
		}
	}
	return nil
}
