package lab

import (
	"errors"
	"fmt"
	"image"
	"image/draw"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
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

// A replayer plays a recorded episode again.
type replayer struct {
	ep    *traj.Episode
	vec   env.Vec
	batch *env.Batch
	step  int // steps made
	sum   float64
	list  scene.List
}

func newReplayer(ep *traj.Episode) (*replayer, error) {
	vec, err := ep.Open()
	if err != nil {
		return nil, err
	}
	r := &replayer{ep: ep, vec: vec, batch: env.NewBatch(vec.Spec(), 1)}
	return r, r.vec.Observe(r.batch)
}

// seek plays until step steps have been made, or the episode is over.
func (r *replayer) seek(step int) error {
	for r.step < min(step, r.ep.Len()) {
		if r.step > 0 {
			if err := r.vec.Observe(r.batch); err != nil {
				return err
			}
		}
		copy(r.batch.Act, r.ep.Action(r.step))
		if err := r.vec.Step(r.batch); err != nil {
			return err
		}
		for _, v := range r.batch.Reward {
			r.sum += float64(v) / float64(r.batch.N)
		}
		r.step++
	}
	return nil
}

// draw fills r.list with the moment.
func (r *replayer) draw() {
	r.list.Reset()
	if d, ok := r.vec.(env.Drawer); ok {
		d.Draw(&r.list, 0)
	}
}

// caption says what happens: in full if there is room.
func (r *replayer) caption(full bool) string {
	if !full {
		return score(r.sum)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "step %d   return %s", r.step, score(r.sum))
	if act := r.vec.Spec().Act; r.step > 0 && env.Width(act) <= 4 {
		at := 0
		for _, f := range act {
			s.WriteString("   " + f.Name)
			for range f.Len {
				if f.Choices > 0 {
					s.WriteString(" " + strconv.Itoa(int(r.batch.Act[at])))
				} else {
					s.WriteString(" " + minus(strconv.FormatFloat(float64(r.batch.Act[at]), 'f', 2, 32)))
				}
				at++
			}
		}
	}
	return s.String()
}

// score writes a return.
func score(v float64) string { return minus(strconv.FormatFloat(v, 'f', 1, 64)) }

func minus(s string) string { return strings.Replace(s, "-", "\u2212", 1) }

// open starts a replayer for each episode, each at its first moment.
func openReplayers(eps []*traj.Episode) ([]*replayer, error) {
	rs := make([]*replayer, 0, len(eps))
	for _, ep := range eps {
		r, err := newReplayer(ep)
		if err != nil {
			return nil, errors.Join(err, closeReplayers(rs))
		}
		r.draw()
		rs = append(rs, r)
	}
	return rs, nil
}

func closeReplayers(rs []*replayer) (err error) {
	for _, r := range rs {
		err = errors.Join(err, r.vec.Close())
	}
	return err
}

// A sheet is a picture of cells side by side.
type sheet struct {
	img     *image.RGBA
	cols    int
	w, h    int // of a cell
	painter scene.Painter
	theme   *scene.Theme
	plain   bool
}

const cellGap = 4 // pixels between cells

// newSheet returns a sheet for n cells in the shape of a world's view.
func (o *pictureOptions) newSheet(n, cols int, view *scene.List) *sheet {
	rows := (n + cols - 1) / cols
	lo, hi := view.Bounds()
	ratio := min(max(float64((hi.X-lo.X)/(hi.Y-lo.Y)), 0.25), 4)
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
		fw, fh := scene.Frame(view, max(480*320/n, 240*160))
		w, h = float64(fw), float64(fh)
	}
	cw, ch := max(8, int(w)), max(8, int(h))
	return &sheet{
		img:  image.NewRGBA(image.Rect(0, 0, cols*cw+(cols-1)*cellGap, rows*ch+(rows-1)*cellGap)),
		cols: cols, w: cw, h: ch, theme: o.theme.Theme, plain: o.plain,
	}
}

// paint draws a replayer's moment in cell i.
func (s *sheet) paint(i int, r *replayer) {
	x, y := i%s.cols*(s.w+cellGap), i/s.cols*(s.h+cellGap)
	area := image.Rect(x, y, x+s.w, y+s.h)
	r.draw()
	s.painter.Paint(s.img, area, &r.list, s.theme)
	if !s.plain && s.w >= 96 {
		s.painter.Caption(s.img, area, r.caption(s.w >= 320), s.theme)
	}
}

// clear fills the sheet with the theme's mat.
func (s *sheet) clear() {
	draw.Draw(s.img, s.img.Rect, image.NewUniform(s.theme.Mat), image.Point{}, draw.Src)
}

// still returns moments of the episodes: those of one episode in a row if there is only one
// episode, and otherwise those of each in cells of their own that follow each other.
func (o *pictureOptions) still(eps []*traj.Episode, cols int) (img *image.RGBA, err error) {
	rs, err := openReplayers(eps)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeReplayers(rs)) }()
	n := len(rs) * o.moments
	if o.moments > 1 {
		cols = min(o.moments, max(cols, 4))
	}
	s := o.newSheet(n, min(cols, n), &rs[0].list)
	s.clear()
	for i, r := range rs {
		for m := range o.moments {
			if err := r.seek((2*m + 1) * r.ep.Len() / (2 * o.moments)); err != nil {
				return nil, err
			}
			s.paint(i*o.moments+m, r)
		}
	}
	return s.img, nil
}

// filmRest is how long, in seconds, the last moment of a film stays.
const filmRest = 1

// film hands add the frames of a film in which the episodes play side by side.
func (o *pictureOptions) film(eps []*traj.Episode, cols int, add func(*image.RGBA) error) (err error) {
	rs, err := openReplayers(eps)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeReplayers(rs)) }()
	s := o.newSheet(len(rs), min(cols, len(rs)), &rs[0].list)
	s.clear()
	longest := 0.0
	for _, r := range rs {
		longest = max(longest, float64(r.ep.Len())*float64(r.vec.Spec().Dt))
	}
	frames := int(min(longest/o.speed+filmRest, o.seconds)*o.fps) + 1
	for k := range frames {
		seconds := float64(k) / o.fps * o.speed
		for i, r := range rs {
			over := k > 0 && r.step == r.ep.Len()
			// Half a step of tolerance keeps rounding from showing a step twice.
			if err := r.seek(int(seconds/float64(r.vec.Spec().Dt) + 0.5)); err != nil {
				return err
			}
			if !over {
				s.paint(i, r)
			}
		}
		if err := add(s.img); err != nil {
			return err
		}
	}
	return nil
}
