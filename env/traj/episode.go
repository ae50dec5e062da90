// Package traj records episodes, stores them in files, and plays them again.
//
// A replay holds what happened in one episode of one world, and what it takes to make it
// happen again: the environment with its options, the level, the state of the world's random
// streams, and the actions. Whoever wants pictures plays it with [Episode.Open]; [Verify]
// plays many at once and compares every number with what was recorded.
//
//	r, err := traj.NewRecorder(vec, 0, traj.Origin{...})
//	for {
//		r.Begin()
//		vec.Observe(b)
//		r.Observed(b)
//		policy.Act(b, key, true)
//		vec.Step(b)
//		if ep := r.Stepped(b); ep != nil {
//			err = ep.Save("first.replay")
//		}
//	}
package traj

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
)

// An Origin says where an episode comes from.
type Origin struct {
	Env     string          `json:"env"`     // registered name
	Options json.RawMessage `json:"options"` // of the environment, all of them
	Purpose string          `json:"purpose"` // such as "train" or "eval"
	Seed    uint64          `json:"seed"`    // of the run

	// Engine is the one that stepped the worlds, if others lead elsewhere (env.OwnEngine).
	Engine string `json:"engine,omitempty"`
}

// OriginOf returns the Origin of episodes of c.
func OriginOf(c env.Config, purpose string, seed uint64) (Origin, error) {
	spec, err := c.Spec()
	if err != nil {
		return Origin{}, err
	}
	options, err := json.Marshal(c)
	if err != nil {
		return Origin{}, fmt.Errorf("env %s: its options have no JSON form: %w", spec.ID, err)
	}
	return Origin{Env: spec.ID, Options: options, Purpose: purpose, Seed: seed}, nil
}

// An Episode is a recorded episode of T steps of one world with A agents.
type Episode struct {
	Origin
	World  int       `json:"world"`  // number of the world in its run
	Number uint64    `json:"number"` // of the episode in its world, from 0
	Step   int64     `json:"step"`   // steps the run had made when the episode ended
	Level  env.Level `json:"level"`
	Start  []byte    `json:"start"` // state of the world just before the episode began
	Agents int       `json:"agents"`
	Last   env.End   `json:"end"`   // how it ended; Running if the recording stops earlier
	Every  int       `json:"every"` // steps between two state hashes

	Obs    []float32 `json:"-"` // (T+1) x A x observation: what was seen, and what followed the last step
	Act    []float32 `json:"-"` // T x A x action
	Facts  []float32 `json:"-"` // T x A x facts
	Reward []float32 `json:"-"` // T x A: the task's own reward
	Hashes []uint64  `json:"-"` // T / Every: of the state after steps Every, 2 Every, ...
}

// Len returns the number of steps.
func (e *Episode) Len() int { return len(e.Reward) / max(e.Agents, 1) }

// Action returns the actions of all agents at step t. The caller must not modify them.
func (e *Episode) Action(t int) []float32 { return row(e.Act, t, e.Len()) }

// row returns row t of x, which has n.
func row(x []float32, t, n int) []float32 {
	w := len(x) / n
	return x[t*w : (t+1)*w : (t+1)*w]
}

// Return returns the sum of the task's own rewards, the mean of all agents.
func (e *Episode) Return() float64 {
	var sum float64
	for _, r := range e.Reward {
		sum += float64(r)
	}
	return sum / float64(max(e.Agents, 1))
}

// Config returns the environment that e was recorded in. It fails if the program does not
// have it, or no longer has its options.
func (e *Episode) Config() (env.Config, error) {
	return env.Open(e.Env, func(options any) error {
		d := json.NewDecoder(bytes.NewReader(e.Options))
		d.DisallowUnknownFields()
		if err := d.Decode(options); err != nil {
			return fmt.Errorf("recorded options of %s: %w", e.Env, err)
		}
		return nil
	})
}

// Open returns one world that is about to begin e. The actions of e, one after each Observe,
// make the episode happen again.
func (e *Episode) Open() (env.Vec, error) {
	return open([]*Episode{e}, 1)
}

// open returns a Vec whose world i is about to begin eps[i]. They share an environment and an engine.
func open(eps []*Episode, workers int) (env.Vec, error) {
	c, err := eps[0].Config()
	if err != nil {
		return nil, err
	}
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	levels := make(env.FixedLevels, len(eps))
	for i, e := range eps {
		if err := e.check(spec); err != nil {
			return nil, err
		}
		levels[i] = e.Level
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: len(eps), Workers: workers, Levels: levels, Engine: eps[0].Engine})
	if err != nil {
		return nil, err
	}
	v.Reset(0)
	for i, e := range eps {
		if err := v.(env.Snapshotter).SetState(i, e.Start); err != nil {
			v.Close()
			return nil, err
		}
	}
	return v, nil
}

// Fits reports what makes e unfit to be read as an episode of an environment.
func (e *Episode) Fits(s *env.Spec) error { return e.check(s) }

// check reports what makes e unfit to be played in an environment.
func (e *Episode) check(s *env.Spec) error {
	n := e.Len() * e.Agents
	if e.Agents != s.Agents || len(e.Act) != n*env.Width(s.Act) ||
		len(e.Obs) != (n+e.Agents)*env.Width(s.Obs) || len(e.Facts) != n*env.Width(s.Facts) {
		return fmt.Errorf("episode of %s: its observations, actions or facts have other widths than this program's %s", e.Env, s.ID)
	}
	return e.Level.Validate(s)
}
