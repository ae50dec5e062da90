package lab

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

// window is the number of ended episodes that the means of a Row cover.
const window = 100

// A loop is what the training loop remembers between two steps, beside what the worlds, the
// agent and the recorder remember themselves. It is saved as JSON, in which Go writes every
// float64 such that it reads back the same.
type loop struct {
	Steps      int64  `json:"steps"`      // transitions so far
	Iterations uint64 `json:"iterations"` // steps of the Vec
	Episodes   int64  `json:"episodes"`   // that ended
	Boundary   int64  `json:"boundary"`   // Steps when the state could last be saved
	Stride     int64  `json:"stride"`     // transitions between the last two such moments
	RowAt      int64  `json:"row_at"`     // Steps of the last row of metrics
	SavedAt    int64  `json:"saved_at"`   // Steps of the last checkpoint that was due by steps
	BestMean   float64
	HasBest    bool
	Solved     int64   `json:"solved"` // Steps at which the task counted as solved; 0 for not yet
	ReplayAt   int64   `json:"replay_at"`
	BestReplay float64 `json:"best_replay"`

	Open    []episode           `json:"open"`    // one a row: the episodes that go on
	Ended   []episode           `json:"ended"`   // the last ones, a ring
	Next    int                 `json:"next"`    // where the ring goes on
	Learned map[string]*measure `json:"learned"` // what the agent reported since the last row
}

// An episode is the sums over an episode of one agent.
type episode struct {
	Length int64     `json:"length"`
	Return float64   `json:"return"` // of the task's own reward
	Terms  []float64 `json:"terms"`  // of each term of the reward the agent learns from
}

// A measure is a mean in the making. What is not finite is counted apart: JSON has no such
// numbers, and one must not hide the others.
type measure struct {
	Sum float64 `json:"sum"`
	N   int64   `json:"n"`
	Bad int64   `json:"bad,omitempty"`
}

func newLoop(rows, terms int) *loop {
	l := &loop{Open: make([]episode, rows), Learned: map[string]*measure{}}
	for i := range l.Open {
		l.Open[i].Terms = make([]float64, terms)
	}
	return l
}

// fits reports whether a loaded l belongs to a run of rows and terms.
func (l *loop) fits(rows, terms int) bool {
	fits := len(l.Open) == rows && len(l.Ended) <= window && l.Next >= 0 && l.Next < window && l.Learned != nil
	for _, e := range slices.Concat(l.Open, l.Ended) {
		fits = fits && len(e.Terms) == terms
	}
	for _, m := range l.Learned {
		fits = fits && m != nil
	}
	return fits
}

// count takes a transition into account, of whose reward column returns each term. It allocates only
// until the ring is full.
func (l *loop) count(b *env.Batch, column func(term int) []float32) {
	for i := range l.Open {
		e := &l.Open[i]
		e.Length++
		e.Return += float64(b.Reward[i])
		for t := range e.Terms {
			e.Terms[t] += float64(column(t)[i])
		}
		if b.End[i] == env.Running {
			continue
		}
		l.end(e)
	}
	l.Steps += int64(b.N)
	l.Iterations++
}

// end moves an episode to the ring.
func (l *loop) end(e *episode) {
	if len(l.Ended) < window {
		l.Ended = append(l.Ended, episode{Terms: make([]float64, len(e.Terms))})
	}
	to := &l.Ended[l.Next]
	to.Length, to.Return = e.Length, e.Return
	copy(to.Terms, e.Terms)
	e.Length, e.Return = 0, 0
	clear(e.Terms)
	l.Next = (l.Next + 1) % window
	l.Episodes++
}

// boundary notes a moment at which the state may be saved.
func (l *loop) boundary() {
	l.Stride, l.Boundary = l.Steps-l.Boundary, l.Steps
}

// over reports whether training has to stop at this boundary not to exceed its steps.
func (l *loop) over(steps int64) bool { return l.Steps+l.Stride > steps }

// report is the agents.Report of the loop.
func (l *loop) report(name string, v float64) {
	m := l.Learned[name]
	if m == nil {
		m = new(measure)
		l.Learned[name] = m
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		m.Bad++
		return
	}
	m.Sum += v
	m.N++
}

// mean returns the mean of f over the last ended episodes, NaN without any.
func (l *loop) mean(f func(*episode) float64) float64 {
	var sum float64
	for i := range l.Ended {
		sum += f(&l.Ended[i])
	}
	return sum / float64(len(l.Ended))
}

func (l *loop) meanReturn() float64 {
	return l.mean(func(e *episode) float64 { return e.Return })
}

// row makes a Row of what happened and starts collecting anew.
func (l *loop) row(sum *rewards.Sum) *Row {
	r := &Row{Step: l.Steps}
	r.add("episodes", float64(l.Episodes))
	r.add("return_mean", l.meanReturn())
	lo, hi := math.NaN(), math.NaN()
	for i, e := range l.Ended {
		if i == 0 || e.Return < lo {
			lo = e.Return
		}
		if i == 0 || e.Return > hi {
			hi = e.Return
		}
	}
	r.add("return_min", lo)
	r.add("return_max", hi)
	r.add("length_mean", l.mean(func(e *episode) float64 { return float64(e.Length) }))
	r.add("trained_return_mean", l.mean(func(e *episode) (s float64) {
		for _, t := range e.Terms {
			s += t
		}
		return s
	}))
	for t := range sum.Len() {
		r.add("reward/"+sum.Name(t), l.mean(func(e *episode) float64 { return e.Terms[t] }))
	}
	names := make([]string, 0, len(l.Learned))
	for name := range l.Learned {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		m := l.Learned[name]
		if m.Bad > 0 || m.N == 0 {
			r.add(name, math.NaN())
		} else {
			r.add(name, m.Sum/float64(m.N))
		}
	}
	clear(l.Learned)
	l.RowAt = l.Steps
	return r
}

// best reports whether the recent episodes are the best so far, and remembers it.
func (l *loop) best() bool {
	m := l.meanReturn()
	if math.IsNaN(m) || l.HasBest && m <= l.BestMean {
		return false
	}
	l.BestMean, l.HasBest = m, true
	return true
}

// solves reports, once, that the mean return of a full window reaches the goal.
func (l *loop) solves(goal float32) bool {
	if goal == 0 || l.Solved > 0 || len(l.Ended) < window || l.meanReturn() < float64(goal) {
		return false
	}
	l.Solved = l.Steps
	return true
}

// keepsReplay reports why the recorded episode of world 0 should be kept, if it should.
func (l *loop) keepsReplay(number uint64, ret float64, every int64) bool {
	due := every > 0 && l.Steps-l.ReplayAt >= every
	best := number == 0 || ret > l.BestReplay
	if best {
		l.BestReplay = ret
	}
	if due || best {
		l.ReplayAt = l.Steps
	}
	return due || best
}

// checkReward reports a reward that is not a number: it would spoil the agent without a trace.
func checkReward(b *env.Batch, rew []float32, sum *rewards.Sum) error {
	for i, r := range rew {
		if task := b.Reward[i]; task-task != 0 {
			return fmt.Errorf("the task's reward of row %d is %v", i, task)
		}
		if r-r == 0 {
			continue
		}
		for t := range sum.Len() {
			v := sum.Column(t)[i]
			if v-v == 0 {
				continue
			}
			if f, ok := sum.Func(t).(interface{ Explain(*env.Batch, int) error }); ok && f.Explain(b, i) != nil {
				return fmt.Errorf("reward term %q of row %d is %v: %w", sum.Name(t), i, v, f.Explain(b, i))
			}
			return fmt.Errorf("reward term %q of row %d is %v", sum.Name(t), i, v)
		}
		return fmt.Errorf("the sum of the reward terms of row %d is %v", i, r)
	}
	return nil
}
