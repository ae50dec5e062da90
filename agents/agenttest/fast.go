package agenttest

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Fast is a toy environment that a working learner masters in a second: each step shows a cue
// that is drawn anew, and rewards the action that repeats it. Steps of episodes are independent,
// one in 16 ends its episode, and episodes are truncated after 20.
//
// The reward of a step is at most 1, for the right action; the best any policy can do without
// looking is given with each kind.
type Fast struct {
	// Kind is "discrete": one column of 3 choices (1/3 without looking); "multi": 3 columns of 3,
	// 2 and 2 choices in two fields, each worth a third (4/9); or "continuous": two columns
	// with bounds -1..1 and 0..4, the reward being 1 less the mean squared error on a scale
	// from -1 to 1 (2/3).
	Kind   string `json:"kind"`
	Agents int    `json:"agents"` // rows a world, each with a cue of its own; 0 means 1
}

// Fasts returns one of each kind, one of them with two agents a world.
func Fasts() []env.Config {
	return []env.Config{
		&Fast{Kind: "discrete"}, &Fast{Kind: "multi", Agents: 2}, &Fast{Kind: "continuous"},
	}
}

var fastActions = map[string][]env.Field{
	"discrete": {{Name: "choice", Len: 1, Choices: 3}},
	"multi":    {{Name: "a", Len: 1, Choices: 3}, {Name: "b", Len: 2, Choices: 2}},
	"continuous": {
		{Name: "x", Len: 1, Lo: -1, Hi: 1},
		{Name: "y", Len: 1, Lo: 0, Hi: 4},
	},
}

// Spec returns the specification of the kind.
func (f *Fast) Spec() (*env.Spec, error) {
	act, ok := fastActions[f.Kind]
	if !ok {
		return nil, fmt.Errorf("agenttest: unknown kind %q of Fast", f.Kind)
	}
	cues := 0
	for _, a := range act {
		cues += a.Len * max(a.Choices, 1)
	}
	return &env.Spec{
		ID: "fast-" + f.Kind, Doc: "Repeat the cue.",
		Obs:    []env.Field{{Name: "cue", Len: cues, Lo: -1, Hi: 1}},
		Act:    slices.Clone(act),
		Facts:  []env.Field{{Name: "match", Len: 1, Lo: -3, Hi: 1}},
		Reward: []env.Term{{Fact: "match", Weight: 1}},
		Agents: max(f.Agents, 1), Dt: 1, MaxSteps: 20, Solved: 0,
	}, nil
}

// New returns one world.
func (f *Fast) New() env.Env {
	spec, _ := f.Spec() // has accepted the kind before
	return &fastWorld{
		act: spec.Act, width: env.Width(spec.Act),
		cue: make([]float32, spec.Agents*env.Width(spec.Act)),
	}
}

const cuePurpose rng.Purpose = 0x637565

// fastWorld is a world of Fast. Its cues are what the actions should be: numbers of choices, or
// numbers in -1..1.
type fastWorld struct {
	act    []env.Field
	width  int
	cue    []float32 // agents x width
	key    rng.Key
	step   uint32
	ending bool
}

func (w *fastWorld) Reset(_ *env.Level, key rng.Key) {
	w.key, w.step = key, 0
	w.draw()
}

func (w *fastWorld) draw() {
	r := w.key.Stream(cuePurpose, 0, w.step)
	w.ending = r.IntN(16) == 0
	for c := w.cue; len(c) > 0; c = c[w.width:] {
		w.columns(func(col int, f *env.Field) {
			if f.Choices > 0 {
				c[col] = float32(r.IntN(f.Choices))
			} else {
				c[col] = r.Range(-1, 1)
			}
		})
	}
}

func (w *fastWorld) columns(do func(col int, f *env.Field)) {
	col := 0
	for i := range w.act {
		for range w.act[i].Len {
			do(col, &w.act[i])
			col++
		}
	}
}

// Observe shows each cue: a choice as that many numbers of which one is 1, a number as itself.
func (w *fastWorld) Observe(obs []float32) {
	clear(obs)
	for c := w.cue; len(c) > 0; c = c[w.width:] {
		w.columns(func(col int, f *env.Field) {
			if f.Choices > 0 {
				obs[int(c[col])] = 1
				obs = obs[f.Choices:]
			} else {
				obs[0] = c[col]
				obs = obs[1:]
			}
		})
	}
}

func (w *fastWorld) Step(b *env.Batch) {
	end := env.Running
	if w.ending {
		end = env.Terminated
	}
	for i := range b.N {
		act, cue, score := b.Act[i*w.width:], w.cue[i*w.width:], float32(0)
		w.columns(func(col int, f *env.Field) {
			switch {
			case f.Choices == 0:
				err := 2*(act[col]-f.Lo)/(f.Hi-f.Lo) - 1 - cue[col]
				score += 1 - float32(err*err)
			case act[col] == cue[col]:
				score++
			}
		})
		b.Facts[i] = geom.Max(score/float32(w.width), -3)
		b.End[i] = end
	}
	w.step++
	w.draw()
}

var _ env.Config = (*Fast)(nil)
