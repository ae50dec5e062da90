package goexplore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// A Trace is what a way passes through.
type Trace struct {
	states [][]byte  // before each step
	left   []float64 // sum of the rewards from each step on
}

// Follow plays the actions of a way from its start in world 0 of v, and returns what it passes
// through. The way is scored by r, nil for the task's own reward, which must not remember.
func Follow(v env.Vec, start []byte, act []float32, r rewards.Func) (*Trace, error) {
	snap, ok := v.(env.Snapshotter)
	if !ok {
		return nil, fmt.Errorf("goexplore: the worlds of %s cannot be saved", v.Spec().ID)
	}
	w := env.Width(v.Spec().Act)
	if len(act) == 0 || len(act)%w != 0 || v.Spec().Agents != 1 {
		return nil, fmt.Errorf("goexplore: a way of %d numbers of action, want rows of %d for one agent", len(act), w)
	}
	if err := snap.SetState(0, start); err != nil {
		return nil, fmt.Errorf("goexplore: a way does not start: %w", err)
	}
	t, b := &Trace{}, env.NewBatch(v.Spec(), v.Len())
	rew := make([]float32, b.N)
	for ; len(act) > 0; act = act[w:] {
		t.states = append(t.states, snap.AppendState(nil, 0))
		if err := v.Observe(b); err != nil {
			return nil, err
		}
		clear(b.Act)
		copy(b.Act, act[:w])
		if err := v.Step(b); err != nil {
			return nil, err
		}
		copy(rew, b.Reward)
		if r != nil {
			r.Score(rew, b)
		}
		t.left = append(t.left, float64(rew[0]))
		if b.End[0] != env.Running && len(act) > w {
			return nil, fmt.Errorf("goexplore: the episode of a way ends at step %d of %d: it is of another environment or program", len(t.left), len(t.left)-1+len(act)/w)
		}
	}
	for i := len(t.left) - 2; i >= 0; i-- {
		t.left[i] += t.left[i+1]
	}
	return t, nil
}

// Len returns the number of steps.
func (t *Trace) Len() int { return len(t.states) }

// Score returns the sum of the rewards.
func (t *Trace) Score() float64 { return t.left[0] }

// BackwardConfig says how starts move back along ways.
type BackwardConfig struct {
	Success float64 `json:"success" doc:"share of the episodes from a place that must score as the way does, before starts move back"`
	Stretch float64 `json:"stretch" doc:"how far they then move, as a share of the way"`
	Trials  int     `json:"trials" doc:"episodes from a place that it is judged by"`
	Fresh   float64 `json:"fresh" doc:"share of the episodes that start as they would without ways"`
	Spread  float64 `json:"spread" doc:"share of the others that start anywhere on the ways, each state of them as likely as any other"`
}

// DefaultBackward returns the default options.
func DefaultBackward() BackwardConfig {
	return BackwardConfig{Success: 0.5, Stretch: 0.05, Trials: 32, Fresh: 0.25, Spread: 1}
}

// A Backward makes a policy of ways, whatever trains it, by starting episodes on them: the second phase
// of Go-Explore, which calls it robustification. A policy that samples its actions, and episodes that
// start elsewhere, make what it learns robust, which a list of actions is not.
//
// With the default, a Spread of 1, episodes start anywhere on the ways, which are to be many: what is
// learned near their ends tells the critic what states farther back are worth (Kakade and Langford,
// "Approximately optimal approximate reinforcement learning", ICML 2002: a policy gradient needs starts
// where good policies pass; Nair et al., "Overcoming exploration in reinforcement learning with
// demonstrations", ICRA 2018, section IV-D). With a Spread of 0 episodes start near the end of a way and,
// as the policy comes to score from there as the way does, ever farther back, until they start where
// episodes start (Salimans and Chen, "Learning Montezuma's Revenge from a single demonstration", 2018,
// algorithm 1). That hangs where a way passes states that it comes out of by luck, such as a fall that
// no policy can stop, though a policy can well do better from before them.
type Backward struct {
	c    BackwardConfig
	vec  env.Vec
	snap env.Snapshotter
	key  rng.Key
	ways []backway
	runs []start
	turn uint64 // episodes begun
}

// backway is a way and where episodes start on it.
type backway struct {
	*Trace
	at, trials, successes uint32
}

// start is what the episode of a world began from.
type start struct {
	way   int32 // -1 for none
	from  uint32
	score float64
	home  []byte // the world's own state, about to begin an episode
}

const startPurpose rng.Purpose = 0x676f6261

// NewBackward takes over where the episodes of v start, which was just Reset.
func NewBackward(v env.Vec, c BackwardConfig, ways []*Trace, key rng.Key) (*Backward, error) {
	snap, ok := v.(env.Snapshotter)
	switch {
	case !ok:
		return nil, fmt.Errorf("goexplore: the worlds of %s cannot be saved", v.Spec().ID)
	case v.Spec().Agents != 1:
		return nil, fmt.Errorf("goexplore: %s has %d agents a world, want 1", v.Spec().ID, v.Spec().Agents)
	case len(ways) == 0:
		return nil, fmt.Errorf("goexplore: no ways to start from")
	}
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("goexplore: %w", err)
	}
	b := &Backward{c: c, vec: v, snap: snap, key: key, runs: make([]start, v.Len())}
	for _, w := range ways {
		b.ways = append(b.ways, backway{Trace: w, at: uint32(w.Len() - 1)})
		b.ways[len(b.ways)-1].back(c.Stretch)
	}
	for i := range b.runs {
		if err := b.begin(i); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Check reports an option that is out of its range.
func (c *BackwardConfig) Check() error {
	switch {
	case !(c.Success > 0 && c.Success <= 1):
		return fmt.Errorf("success is %v, want above 0, at most 1", c.Success)
	case !(c.Stretch > 0 && c.Stretch <= 1):
		return fmt.Errorf("stretch is %v, want above 0, at most 1", c.Stretch)
	case c.Trials < 1:
		return fmt.Errorf("trials is %d, want at least 1", c.Trials)
	case !(c.Fresh >= 0 && c.Fresh <= 1):
		return fmt.Errorf("fresh is %v, want 0 to 1", c.Fresh)
	case !(c.Spread >= 0 && c.Spread <= 1):
		return fmt.Errorf("spread is %v, want 0 to 1", c.Spread)
	}
	return nil
}

// back moves the place where episodes start.
func (w *backway) back(stretch float64) {
	w.at -= min(w.at, w.stretch(stretch))
	w.trials, w.successes = 0, 0
}

// stretch returns the number of steps of a share of the way, at least one.
func (w *backway) stretch(share float64) uint32 {
	return max(1, uint32(share*float64(w.Len())))
}

// begin chooses where world i, about to begin an episode of its own, starts.
func (b *Backward) begin(i int) error {
	s := &b.runs[i]
	s.home = b.snap.AppendState(s.home[:0], i)
	return b.restart(i)
}

func (b *Backward) restart(i int) error {
	s := &b.runs[i]
	r := b.key.Stream(startPurpose, uint32(b.turn), uint32(b.turn>>32))
	b.turn++
	s.way, s.score = -1, 0
	if b.c.Spread == 0 && b.unfinished() == 0 || float64(r.Float32()) < b.c.Fresh {
		return b.set(i, s.home)
	}
	if b.c.Spread > 0 && float64(r.Float32()) < b.c.Spread {
		s.way, s.from = b.anywhere(&r)
	} else if n := b.unfinished(); n > 0 {
		s.way = b.unfinishedWay(r.IntN(n))
		w := &b.ways[s.way]
		s.from = min(w.at+uint32(r.IntN(int(w.stretch(b.c.Stretch)))), uint32(w.Len()-1))
	} else {
		return b.set(i, s.home)
	}
	return b.set(i, b.ways[s.way].states[s.from])
}

// anywhere draws a state of the ways.
func (b *Backward) anywhere(r *rng.Stream) (way int32, from uint32) {
	n := 0
	for _, w := range b.ways {
		n += w.Len()
	}
	n = r.IntN(n)
	for k, w := range b.ways {
		if n < w.Len() {
			return int32(k), uint32(n)
		}
		n -= w.Len()
	}
	panic("goexplore: fewer states than counted")
}

func (b *Backward) set(i int, state []byte) error {
	if err := b.snap.SetState(i, state); err != nil {
		return fmt.Errorf("goexplore: world %d does not start: %w", i, err)
	}
	return nil
}

// unfinished returns the number of ways whose starts have not come to their beginning.
func (b *Backward) unfinished() (n int) {
	for _, w := range b.ways {
		if w.at > 0 {
			n++
		}
	}
	return n
}

func (b *Backward) unfinishedWay(n int) int32 {
	for k, w := range b.ways {
		if w.at == 0 {
			continue
		}
		if n == 0 {
			return int32(k)
		}
		n--
	}
	panic("goexplore: fewer ways than counted")
}

// Left returns how much of the ways is still before where episodes from them succeed, from 1 to 0. With a
// Spread of 0, all episodes then start as they would without ways.
func (b *Backward) Left() float64 {
	sum := 0.0
	for _, w := range b.ways {
		sum += float64(w.at) / float64(w.Len())
	}
	return sum / float64(len(b.ways))
}

// Stepped takes in the step just made, with what was earned in it, and chooses where worlds go
// on whose episodes ended.
func (b *Backward) Stepped(batch *env.Batch, reward []float32) error {
	for i := range b.runs {
		s := &b.runs[i]
		s.score += float64(reward[i])
		if batch.End[i] == env.Running {
			continue
		}
		if s.way < 0 {
			if err := b.begin(i); err != nil {
				return err
			}
			continue
		}
		b.judge(s)
		if err := b.restart(i); err != nil {
			return err
		}
	}
	return nil
}

// judge counts an episode that began where the starts of a way have come to, and moves these back when
// enough scored as it does.
func (b *Backward) judge(s *start) {
	w := &b.ways[s.way]
	if s.from < w.at || s.from >= w.at+w.stretch(b.c.Stretch) {
		return
	}
	w.trials++
	if s.score >= w.left[s.from]-1e-6*math.Abs(w.left[s.from]) {
		w.successes++
	}
	if int(w.trials) < b.c.Trials {
		return
	}
	if float64(w.successes) >= b.c.Success*float64(w.trials) {
		w.back(b.c.Stretch)
	}
	w.trials, w.successes = 0, 0
}

// AppendBinary appends the state between two steps: with that of the worlds it is complete.
func (b *Backward) AppendBinary(dst []byte) ([]byte, error) {
	put := binary.LittleEndian.AppendUint32
	dst = put(binary.LittleEndian.AppendUint64(dst, b.turn), b.checksum())
	for _, w := range b.ways {
		dst = put(put(put(dst, w.at), w.trials), w.successes)
	}
	for _, s := range b.runs {
		dst = put(put(dst, uint32(s.way)), s.from)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(s.score))
		dst = append(put(dst, uint32(len(s.home))), s.home...)
	}
	return dst, nil
}

// checksum is that of the ways.
func (b *Backward) checksum() (sum uint32) {
	for _, w := range b.ways {
		for _, state := range w.states {
			sum = crc32.Update(sum, crc32.IEEETable, state)
		}
	}
	return sum
}

// UnmarshalBinary restores what AppendBinary wrote for the same ways and as many worlds.
func (b *Backward) UnmarshalBinary(src []byte) error {
	short := fmt.Errorf("goexplore: the state of starts is cut short, or of other ways or worlds")
	if len(src) < 12+12*len(b.ways) || binary.LittleEndian.Uint32(src[8:]) != b.checksum() {
		return short
	}
	turn, ways, runs := binary.LittleEndian.Uint64(src), make([]backway, len(b.ways)), make([]start, len(b.runs))
	src = src[12:]
	for k := range ways {
		w := binary.LittleEndian.Uint32
		ways[k] = backway{b.ways[k].Trace, w(src), w(src[4:]), w(src[8:])}
		if int(ways[k].at) >= ways[k].Len() {
			return short
		}
		src = src[12:]
	}
	for i := range runs {
		if len(src) < 20 {
			return short
		}
		s := &runs[i]
		s.way, s.from = int32(binary.LittleEndian.Uint32(src)), binary.LittleEndian.Uint32(src[4:])
		s.score = math.Float64frombits(binary.LittleEndian.Uint64(src[8:]))
		n := uint64(binary.LittleEndian.Uint32(src[16:]))
		if s.way < -1 || int(s.way) >= len(ways) || s.way >= 0 && int(s.from) >= ways[s.way].Len() || uint64(len(src)-20) < n {
			return short
		}
		s.home = append([]byte(nil), src[20:20+n]...)
		src = src[20+n:]
	}
	if len(src) > 0 {
		return short
	}
	b.turn, b.ways, b.runs = turn, ways, runs
	return nil
}
