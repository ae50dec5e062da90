package lab

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/terrarium-rl/terrarium/agents/scripted"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

func init() { benches = append(benches, renderBenches) }

// benchWorld is what pictures are made of.
const benchWorld = "lander-v0"

// renderBenches measures pictures of a world without a display: one of 256 pixels a side with its
// caption, and of 64, which has none, an observation of 32, and a film of ten seconds as record makes it.
func renderBenches() (bs []benchmark, err error) {
	if !slices.Contains(env.Names(), benchWorld) {
		return nil, nil
	}
	millis := func(units int, cpu, _ time.Duration) float64 { return cpu.Seconds() * 1e3 / float64(units) }
	for _, size := range []int{256, 64} {
		bs = append(bs, benchmark{
			name: fmt.Sprintf("render/picture-%d", size), metric: "milliseconds", unit: "ms", engine: "go", worlds: 1, workers: 1, figure: millis,
			open: func() (func() (int, error), func() error, error) { return openPicture(size) },
		})
	}
	return append(bs,
		benchmark{
			name: "render/observation-32", metric: "milliseconds", unit: "ms", engine: "go", worlds: 1, workers: 1, figure: millis,
			open: openRaster,
		},
		benchmark{
			name: "render/film-10s", metric: "seconds", unit: "s", engine: "gif", worlds: 1, workers: 1, open: openFilm,
			figure: func(units int, cpu, _ time.Duration) float64 { return cpu.Seconds() / float64(units) },
		}), nil
}

// landing returns an episode of the scripted controller, seen in its middle.
func landing() (*replay.Player, error) {
	c, err := env.Open(benchWorld, nil)
	if err != nil {
		return nil, err
	}
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	policy, err := scripted.For(spec)
	if err != nil {
		return nil, err
	}
	p, err := replay.Play(replay.Scene{Config: c, Seed: 1, Purpose: "bench"}, policy)
	if err != nil {
		return nil, err
	}
	for p.Live() {
		if err := p.Seek(p.Len() + 1); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, p.Seek(p.Len() / 2)
}

// openPicture draws the world anew for each picture, as viewers and films do.
func openPicture(size int) (func() (int, error), func() error, error) {
	p, err := landing()
	if err != nil {
		return nil, nil, err
	}
	var list scene.List
	var painter scene.Painter
	theme, img := scene.Light(), image.NewRGBA(image.Rect(0, 0, size, size))
	return func() (int, error) {
		p.Draw(&list)
		painter.Paint(img, img.Rect, &list, theme)
		if size >= captioned {
			painter.Caption(img, img.Rect, "step 181   return 203.4", theme)
		}
		return 1, nil
	}, p.Close, nil
}

func openRaster() (func() (int, error), func() error, error) {
	const size = 32
	p, err := landing()
	if err != nil {
		return nil, nil, err
	}
	var list scene.List
	var painter scene.Painter
	gray := make([]float32, size*size)
	return func() (int, error) {
		p.Draw(&list)
		painter.Raster(gray, size, size, &list)
		return 1, nil
	}, p.Close, nil
}

// openFilm makes a film of the landing, slowed so that it lasts ten seconds with its rest.
func openFilm() (func() (int, error), func() error, error) {
	p, err := landing()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "terrarium-bench")
	if err != nil {
		return nil, nil, errors.Join(err, p.Close())
	}
	o := pictureOptions{fps: 25, seconds: 10, moments: 1, theme: themeFlag{scene.Light()}}
	o.speed = float64(p.Len()) * float64(p.Spec().Dt) / (o.seconds - filmRest)
	eps := []*traj.Episode{p.Episode()}
	return func() (int, error) { return 1, o.write(filepath.Join(dir, "film.gif"), eps, 1) },
		func() error { return errors.Join(p.Close(), os.RemoveAll(dir)) }, nil
}
