package lab

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/qd/signature"
)

// A GoalConfig is an objective beside the reward: a number of the episode, of which more is better.
type GoalConfig struct {
	MeasureConfig `yaml:",inline"`
	Less          bool `json:"less" doc:"less of it is better"`
}

func (g *GoalConfig) sign() float64 {
	if g.Less {
		return -1
	}
	return 1
}

// tallied returns what is measured in an episode: measures and then goals.
func (q *QDConfig) tallied() []MeasureConfig {
	all := append([]MeasureConfig(nil), q.Measures...)
	for _, g := range q.Goals {
		all = append(all, g.MeasureConfig)
	}
	return all
}

// resolvePath resolves what belongs to a signature.
func (m *MeasureConfig) resolvePath(s *env.Spec, out *measured) error {
	if m.Take != "signature" {
		if len(m.With) > 0 || len(m.Word) > 0 || m.Log {
			return errors.New("with, word and log belong to take: signature")
		}
		return nil
	}
	if len(m.When) > 0 {
		return errors.New("when: a signature is that of the whole path")
	}
	for _, name := range m.With {
		w, err := findSource(s, name, 0)
		if err != nil {
			return fmt.Errorf("with: %w", err)
		}
		out.with = append(out.with, w)
	}
	d := 1 + len(m.With)
	if len(m.Word) < 1 || len(m.Word) > 6 {
		return fmt.Errorf("word has %d letters, want 1 to 6 numbers of coordinates", len(m.Word))
	}
	out.depth, out.log, out.index = len(m.Word), m.Log, 0
	for _, letter := range m.Word {
		if letter < 0 || letter >= d {
			return fmt.Errorf("word: there is no coordinate %d, they go from 0 to %d", letter, d-1)
		}
		out.index = out.index*d + letter
	}
	if len(m.Word) > 1 {
		out.index += signature.Len(d, len(m.Word)-1)
	}
	return nil
}

// A pathTally is the path of an episode in the making.
type pathTally struct {
	path  *signature.Path
	point []float32
	sig   []float32
	m     *measured
}

// follow adds a step to the path.
func (t *tally) follow(m *measured, b *env.Batch) {
	if t.path == nil {
		d := 1 + len(m.with)
		t.path = &pathTally{path: signature.New(d, m.depth), point: make([]float32, d), m: m}
	}
	p := t.path
	p.point[0] = m.of.value(b)
	for i, w := range m.with {
		p.point[1+i] = w.value(b)
	}
	p.path.Add(p.point)
}

// end returns the value of an episode that is over.
func (t *tally) end() float64 {
	p := t.path
	if p == nil {
		return t.value
	}
	if p.m.log {
		p.sig = p.path.AppendLog(p.sig[:0])
	} else {
		p.sig = p.path.AppendTo(p.sig[:0])
	}
	return float64(p.sig[p.m.index])
}
