package rewards

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/registry"
)

func init() {
	Register("task", func() Config { return &Task{} })
	Register("fact", func() Config { return &Fact{} })
}

// Task is the config of the environment's own reward, computed from the facts again. With
// default options it equals env.Batch.Reward bit for bit.
type Task struct {
	Weights map[string]float32 `json:"weights,omitempty" doc:"weights of the task's reward terms that differ from the task's, by fact; 0 removes a term"`
}

// Doc says what the reward is, in one line.
func (*Task) Doc() string { return "The environment's own reward, computed from its facts." }

// Build returns the sum of the spec's reward terms.
func (c *Task) Build(s *env.Spec) (Func, error) {
	type part struct {
		col    int
		weight float32
	}
	var parts []part
	var names []string
	known := map[string]bool{}
	for _, t := range s.Reward {
		col, err := env.Column(s.Facts, t.Fact)
		if err != nil {
			return nil, fmt.Errorf("reward task: %w", err)
		}
		w, ok := c.Weights[t.Fact]
		if !ok {
			w = t.Weight
		}
		if !geom.Finite(w) {
			return nil, fmt.Errorf("reward task: weight of %s is %v", t.Fact, w)
		}
		known[t.Fact] = true
		names = append(names, t.Fact)
		parts = append(parts, part{col, w})
	}
	for name := range c.Weights {
		if !known[name] {
			return nil, fmt.Errorf("reward task: weights: %s has no reward term %q%s", s.ID, name, registry.Suggest(name, names))
		}
	}
	width := env.Width(s.Facts)
	return FuncOf(func(dst []float32, b *env.Batch) {
		for i := range b.N {
			facts, sum := b.Facts[i*width:(i+1)*width], float32(0)
			for _, p := range parts {
				sum += float32(p.weight * facts[p.col])
			}
			dst[i] = sum
		}
	}), nil
}

// Fact is the config of a reward that is one fact.
type Fact struct {
	Fact  string   `json:"fact" doc:"name of the fact"`
	Index int      `json:"index,omitempty" doc:"column of the fact, from 0, where it has several"`
	Min   *float32 `json:"min,omitempty" doc:"smaller values count as this"`
	Max   *float32 `json:"max,omitempty" doc:"larger values count as this"`
}

// Doc says what the reward is, in one line.
func (*Fact) Doc() string { return "One fact of the environment, if wanted within limits." }

// Build returns the fact, limited to Min..Max.
func (c *Fact) Build(s *env.Spec) (Func, error) {
	col, err := env.Column(s.Facts, c.Fact)
	if err != nil {
		return nil, fmt.Errorf("reward fact: %w", err)
	}
	for _, f := range s.Facts {
		if f.Name == c.Fact && (c.Index < 0 || c.Index >= f.Len) {
			return nil, fmt.Errorf("reward fact: index is %d, %s has columns 0 to %d", c.Index, c.Fact, f.Len-1)
		}
	}
	lo, hi := float32(math.Inf(-1)), float32(math.Inf(1))
	if c.Min != nil {
		lo = *c.Min
	}
	if c.Max != nil {
		hi = *c.Max
	}
	if !(lo <= hi) {
		return nil, fmt.Errorf("reward fact: min is %v, above max %v", lo, hi)
	}
	width := env.Width(s.Facts)
	col += c.Index
	return FuncOf(func(dst []float32, b *env.Batch) {
		for i := range b.N {
			dst[i] = geom.Clamp(b.Facts[i*width+col], lo, hi)
		}
	}), nil
}
