package model

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/program"
)

// A Factor is a level of the hierarchy.
type Factor struct {
	Fact   string  `json:"fact" doc:"name of the fact; or an expression, as of the reward program; or alive: the segment does not end with the termination of its episode"`
	Index  int     `json:"index,omitempty" doc:"column of the fact, from 0, where it has several"`
	Of     string  `json:"of,omitempty" doc:"what of the fact counts: mean (if empty), last or max over the segment"`
	Less   bool    `json:"less,omitempty" doc:"less of it is better"`
	Margin float64 `json:"margin,omitempty" doc:"it decides where segments differ by more than this many standard deviations"`
}

var summaries = []string{"mean", "last", "max"}

// Levels returns the hierarchy for an environment.
func (c *Heron) Levels(s *env.Spec) ([]label.Level, error) {
	var out []label.Level
	for i := range c.Order {
		f := &c.Order[i]
		l := label.Level{Name: f.Fact, Less: f.Less, Margin: f.Margin, Signal: label.Survived}
		if f.Fact != "alive" {
			var err error
			if l.Signal, err = f.signal(s); err != nil {
				return nil, fmt.Errorf("order: %w", err)
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// signal returns what of the fact or the expression counts.
func (f *Factor) signal(s *env.Spec) (label.Signal, error) {
	facts := map[string]func(int) label.Signal{"": label.FactMean, "mean": label.FactMean, "last": label.FactLast, "max": label.FactMax}
	of, ok := facts[f.Of]
	if !ok {
		return nil, fmt.Errorf("of is %q, want mean, last or max%s", f.Of, registry.Suggest(f.Of, summaries))
	}
	col, err := env.Column(s.Facts, f.Fact)
	if err != nil {
		if plain(f.Fact) {
			return nil, err
		}
		p, err := program.Compile(f.Fact, s)
		if err != nil {
			return nil, fmt.Errorf("fact: %w", err)
		}
		return summary(f.Of, p), nil
	}
	for _, field := range s.Facts {
		if field.Name == f.Fact && (f.Index < 0 || f.Index >= field.Len) {
			return nil, fmt.Errorf("index is %d, %s has columns 0 to %d", f.Index, f.Fact, field.Len-1)
		}
	}
	return of(col + f.Index), nil
}

// plain tells a name from an expression.
func plain(text string) bool {
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}

// summary returns the mean, the last or the largest value of an expression over a segment.
func summary(of string, p *program.Func) label.Signal {
	var values []float32
	return func(v feedback.View) float64 {
		n, w := v.Len(), v.Shape.Obs
		b := &env.Batch{N: n, Obs: v.Obs[:n*w], Act: v.Act, Next: v.Obs[w:], Facts: v.Facts, Reward: v.Reward, End: make([]env.End, n)}
		b.End[n-1] = v.End
		if cap(values) < n {
			values = make([]float32, n)
		}
		values = values[:n]
		p.Score(values, b)
		switch of {
		case "last":
			return float64(values[n-1])
		case "max":
			most := math.Inf(-1)
			for _, x := range values {
				most = max(most, float64(x))
			}
			return most
		}
		return float64(sum(values)) / float64(n)
	}
}
