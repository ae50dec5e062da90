package rewards

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A Versioned is a Learner that changes its mind at moments that can be told: all that it scores under one
// Version it scores alike.
type Versioned interface {
	Learner

	// Version grows with each change of the reward.
	Version() int
}

// Version returns the sum of the versions of the terms that have one.
func (s *Sum) Version() (n int) {
	for _, t := range s.terms {
		if v, ok := t.Func.(Versioned); ok {
			n += v.Version()
		}
	}
	return n
}

// A Replay keeps the newest transitions for agents that learn from old ones, off-policy, and tells what
// the reward makes of them now: what was scored under another version is scored anew when it is drawn
// (Lee, Smith and Abbeel, "PEBBLE", 2021, section 4.3). It is not safe for concurrent use.
type Replay struct {
	f       Func
	v       Versioned // f, if it changes
	rows    int       // of a batch
	list    []env.Batch
	reward  [][]float32 // of the rows of each batch, by f
	version []int       // of f when it gave them
	added   int
}

// NewReplay returns a store of the newest batches, as many as capacity, of an environment with so many
// worlds, whose reward is f. It fails if f cannot score a transition by itself, without those before it,
// or learns without telling when.
func NewReplay(s *env.Spec, worlds, capacity int, f Func) (*Replay, error) {
	r := &Replay{f: f, rows: worlds * s.Agents}
	terms := []Term{{Func: f}}
	if sum, ok := f.(*Sum); ok {
		terms = sum.terms
	}
	for _, t := range terms {
		_, learns := t.Func.(Learner)
		_, versioned := t.Func.(Versioned)
		switch {
		case Follows(t.Func):
			return nil, fmt.Errorf("reward: term %q depends on the steps before, so that stored ones cannot be scored anew", t.Name)
		case learns && !versioned:
			return nil, fmt.Errorf("reward: term %q learns and does not tell when it changes", t.Name)
		}
	}
	r.v, _ = f.(Versioned)
	if worlds < 1 || capacity < 1 {
		return nil, fmt.Errorf("reward: a replay of %d batches of %d worlds, want at least 1 of each", capacity, worlds)
	}
	for range capacity {
		r.list = append(r.list, *env.NewBatch(s, worlds))
		r.reward = append(r.reward, make([]float32, r.rows))
		r.version = append(r.version, 0)
	}
	return r, nil
}

// now returns the version of the reward.
func (r *Replay) now() int {
	if r.v == nil {
		return 0
	}
	return r.v.Version()
}

// Add copies a batch, and the rewards that its rows have been given just now, in the place of the oldest one.
func (r *Replay) Add(b *env.Batch, reward []float32) error {
	if b.N != r.rows || len(reward) < b.N {
		return fmt.Errorf("reward: batch of %d rows with %d rewards, want %d", b.N, len(reward), r.rows)
	}
	i := r.added % len(r.list)
	r.list[i].CopyFrom(b)
	copy(r.reward[i], reward[:b.N])
	r.version[i] = r.now()
	r.added++
	return nil
}

// Len returns the number of transitions that it holds.
func (r *Replay) Len() int { return min(r.added, len(r.list)) * r.rows }

// Sample draws transitions, each equally likely, with replacement: dst.N of them, and what the reward
// makes of them now. It panics if there are none.
func (r *Replay) Sample(s *rng.Stream, dst *env.Batch, reward []float32) {
	if r.Len() == 0 {
		panic("rewards: a sample of an empty Replay")
	}
	for k := range dst.N {
		x := s.IntN(r.Len())
		i, row := x/r.rows, x%r.rows
		r.refresh(i)
		reward[k] = r.reward[i][row]
		from, to := r.list[i].Rows(row, row+1), dst.Rows(k, k+1)
		to.CopyFrom(&from)
	}
}

// refresh scores batch i if the reward is another one than when it was scored.
func (r *Replay) refresh(i int) {
	if v := r.now(); v != r.version[i] {
		r.f.Score(r.reward[i], &r.list[i])
		r.version[i] = v
	}
}
