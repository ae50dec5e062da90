package lab

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// An ObserveConfig says what is observed of an episode, for descriptors that are learned: pictures
// of the world, or numbers, at a few moments.
type ObserveConfig struct {
	Frames int             `json:"frames" doc:"moments, evenly over the most steps of an episode, the last of them its end; default 1"`
	Pixels int             `json:"pixels,omitempty" doc:"side of a gray picture of the world, in pixels; 0 for numbers"`
	Of     []MeasureConfig `json:"of,omitempty" doc:"numbers in place of a picture; lo and hi become -1 and 1"`
}

// width returns the numbers of a frame.
func (o *ObserveConfig) width() int {
	if o.Pixels > 0 {
		return o.Pixels * o.Pixels
	}
	return len(o.Of)
}

func (o *ObserveConfig) check(s *env.Spec) error {
	switch {
	case o.Frames < 1 || o.Frames > 10_000:
		return fmt.Errorf("frames is %d, want 1 to 10000", o.Frames)
	case o.Pixels < 0 || o.Pixels > 256:
		return fmt.Errorf("pixels is %d, want 4 to 256, or 0 for numbers", o.Pixels)
	case (o.Pixels > 0) == (len(o.Of) > 0):
		return errors.New("name either pixels or of: a picture, or numbers such as of: [{of: fact.x, lo: -1, hi: 1}]")
	case o.Pixels > 0 && o.Pixels < 4:
		return fmt.Errorf("pixels is %d, want 4 to 256", o.Pixels)
	}
	for i, m := range o.Of {
		if m.Take == "" {
			m.Take = "last"
		}
		if _, err := m.resolve(s); err != nil {
			return fmt.Errorf("of.%d: %w", i, err)
		}
	}
	return nil
}

// An observer watches the episodes of a world.
type observer struct {
	c       *ObserveConfig
	steps   int // most of an episode
	vec     env.Vec
	world   int
	sources []source
	out     []float32 // of the last episode: frames, one after the other
	next    int       // frame
	list    scene.List
	painter scene.Painter
}

// newObserver returns nil if nothing is to be observed.
func newObserver(p *Plan, vec env.Vec, world int) (*observer, error) {
	c := p.QD.Observe
	if c == nil {
		return nil, nil
	}
	o := &observer{c: c, steps: p.Spec.MaxSteps, vec: vec, world: world, out: make([]float32, c.Frames*c.width())}
	for _, m := range c.Of {
		src, err := findSource(p.Spec, m.Of, m.Column)
		if err != nil {
			return nil, err
		}
		o.sources = append(o.sources, src)
	}
	if _, ok := vec.(env.Drawer); c.Pixels > 0 && !ok {
		return nil, fmt.Errorf("%s cannot be drawn: observe numbers", p.Spec.ID)
	}
	return o, nil
}

// step takes the frames that are due after a step. Frame k of s, from 1, is that of step
// ceil(k (T-1) / s) of T; what an episode that ends early lacks is its last frame.
func (o *observer) step(step int, over bool, b *env.Batch) {
	if step == 0 {
		o.next = 0
	}
	for o.next < o.c.Frames {
		k, s := o.next+1, o.c.Frames
		if at := (k*(o.steps-1) + s - 1) / s; at > step && !over {
			return
		}
		w := o.c.width()
		o.frame(o.out[o.next*w:(o.next+1)*w], b)
		o.next++
	}
}

func (o *observer) frame(dst []float32, b *env.Batch) {
	for i, src := range o.sources {
		lo, hi := o.c.Of[i].Lo, o.c.Of[i].Hi
		dst[i] = 2*(src.value(b)-lo)/(hi-lo) - 1
	}
	if o.c.Pixels > 0 {
		o.list.Reset()
		o.vec.(env.Drawer).Draw(&o.list, o.world)
		o.painter.Raster(dst, o.c.Pixels, o.c.Pixels, &o.list)
	}
}
