// Package goexplore finds the way to rare rewards by returning to what was found before it
// explores: Go-Explore (Ecoffet, Huizinga, Lehman, Stanley and Clune, "First return, then
// explore", Nature 590, 2021), with the state of the simulator restored. Its first phase, a
// [Search], learns no policy; it yields actions that lead from the start to where no random walk
// gets. The second, [Backward], makes a policy of them.
//
// An archive holds a state for each cell of a grid over chosen observations or facts. Again and
// again each world takes a cell, rarely visited ones more often, continues from its state with
// random actions that tend to repeat, and notes the cells it gets to: new ones, and those it got
// to with a higher score, or in fewer steps with the same.
//
//	s, err := goexplore.New(vec, goexplore.Config{Fields: []string{"position"}, Cell: 1}, key)
//	for range 1000 {
//		err = s.Step()
//	}
//	best := s.Best()
//
// # Implementation details
//
//  1. A cell is chosen with probability proportional to 1/sqrt(seen+1), seen being how often a
//     step led to it (paper, Methods, "Selecting cells").
//  2. Exploration from a cell lasts Steps steps, or until the episode ends; an action is repeated
//     with probability Repeat (paper: 100 and 0.95).
//  3. States are those of [env.Snapshotter]: they hold level, random streams and steps made, so
//     episodes that are put together from several explorations still are truncated where they
//     have to be, and replaying the actions from the start leads to the same bits.
//  4. Worlds take turns in a fixed order: the result does not depend on the number of workers.
//  5. The state of a search is complete: one that loads it goes on to the same bits.
//  6. Backward differs from the paper in that episodes start all along the ways, or, a part of them, as
//     they would without ways, from the beginning of training on, and in that PPO is not helped by
//     imitation.
package goexplore

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// Config holds the options of a search. The zero value of a field means its default.
type Config struct {
	Fields []string // observations or facts that make up a cell; default: the whole observation
	Cell   float32  // side of a cell in the fields' own units; default 1
	Steps  int      // steps explored from a cell; default 100
	Repeat float32  // probability to repeat the last action, 0 to below 1; default 0.95

	// Reward is what ways are scored by, nil for the task's own. It must not remember: where a
	// state is returned to, its memory is not.
	Reward rewards.Func

	// Restart makes every exploration begin at the start: random search, to compare with.
	Restart bool
}

// A Cell is a place of the archive, and the best way that was found to it.
type Cell struct {
	Score float64 // sum of rewards on the way
	Steps int     // length of the way
	Seen  int64   // steps that led here

	key    uint64
	number int // in the order in which cells were found
	state  []byte
	way    *leg
}

// A leg is the last piece of a way.
type leg struct {
	before *leg
	act    []float32
}

// rollout is what a world is about.
type rollout struct {
	from  *leg
	act   []float32 // since from
	score float64
	steps int
	left  int // to explore
	last  []float32
}

// A Search is the archive and what the worlds are about.
type Search struct {
	c       Config
	vec     env.Vec
	snap    env.Snapshotter
	key     rng.Key
	batch   *env.Batch
	rew     []float32 // of the step just made
	cols    []column
	cells   map[uint64]*Cell
	order   []*Cell // as they were found; the first is the start
	weights weights // of the cells in that order
	runs    []rollout
	best    Cell // of the ways that led to the highest score, the shortest
	turn    uint32
	steps   int64
}

// column is a number of an observation or a fact.
type column struct {
	fact   bool
	at     int
	spread float32 // over the side of a cell
}

const (
	actPurpose  rng.Purpose = 0x676f6578 // random actions
	pickPurpose rng.Purpose = 0x676f7069 // cells to return to
)

// New starts a search from the episode that world 0 begins next; Reset v before. It fails if v
// cannot be saved, has several agents a world, or an option is out of its range.
func New(v env.Vec, c Config, key rng.Key) (*Search, error) {
	if c.Cell == 0 {
		c.Cell = 1
	}
	if c.Steps == 0 {
		c.Steps = 100
	}
	if c.Repeat == 0 {
		c.Repeat = 0.95
	}
	snap, ok := v.(env.Snapshotter)
	switch {
	case !ok:
		return nil, fmt.Errorf("goexplore: the worlds of %s cannot be saved", v.Spec().ID)
	case v.Spec().Agents != 1:
		return nil, fmt.Errorf("goexplore: %s has %d agents a world, want 1", v.Spec().ID, v.Spec().Agents)
	case !(c.Cell > 0) || !geom.Finite(c.Cell):
		return nil, fmt.Errorf("goexplore: the side of a cell is %v, want a positive number", c.Cell)
	case c.Steps < 1:
		return nil, fmt.Errorf("goexplore: %d steps from a cell, want at least 1", c.Steps)
	case !(c.Repeat >= 0 && c.Repeat < 1):
		return nil, fmt.Errorf("goexplore: actions repeat with probability %v, want 0 to below 1", c.Repeat)
	}
	cols, err := columns(v.Spec(), c.Fields, c.Cell)
	if err != nil {
		return nil, err
	}
	s := &Search{
		c: c, vec: v, snap: snap, key: key, batch: env.NewBatch(v.Spec(), v.Len()), cols: cols,
		rew: make([]float32, v.Len()), cells: map[uint64]*Cell{}, runs: make([]rollout, v.Len()), best: Cell{Score: math.Inf(-1)},
	}
	for i := range s.runs {
		s.runs[i].last = make([]float32, env.Width(v.Spec().Act))
	}
	s.include(&Cell{state: snap.AppendState(nil, 0)})
	return s, nil
}

func columns(s *env.Spec, names []string, side float32) (cols []column, err error) {
	if len(names) == 0 {
		for i := range env.Width(s.Obs) {
			cols = append(cols, column{false, i, 1 / side})
		}
		return cols, nil
	}
	var known []string
	for _, name := range names {
		found := false
		for k, fields := range [][]env.Field{s.Obs, s.Facts} {
			at := 0
			for _, f := range fields {
				for i := range f.Len {
					if f.Name == name && !found {
						cols = append(cols, column{k == 1, at + i, 1 / side})
					}
				}
				found = found || f.Name == name
				known = append(known, f.Name)
				at += f.Len
			}
		}
		if !found {
			return nil, fmt.Errorf("goexplore: %s has no observation or fact %q%s", s.ID, name, registry.Suggest(name, known))
		}
	}
	return cols, nil
}

// Cells returns the number of cells found.
func (s *Search) Cells() int { return len(s.cells) }

// Steps returns the number of steps made.
func (s *Search) Steps() int64 { return s.steps }

// Best returns the end of the shortest of the ways with the highest score. It is the start, with
// a score of 0 and no steps, before the first step.
func (s *Search) Best() Cell {
	if math.IsInf(s.best.Score, -1) {
		return Cell{}
	}
	return s.best
}

// Actions returns the way to a cell: one row of actions a step.
func (c *Cell) Actions() (act []float32) {
	var legs []*leg
	for l := c.way; l != nil; l = l.before {
		legs = append(legs, l)
	}
	for _, l := range slices.Backward(legs) {
		act = append(act, l.act...)
	}
	return act
}

// Start returns the state that ways begin from: a world set to it begins the episode at the next
// Observe.
func (s *Search) Start() []byte { return slices.Clone(s.order[0].state) }

// Step makes a step of every world.
func (s *Search) Step() error {
	for i := range s.runs {
		if s.runs[i].left == 0 {
			if err := s.restore(i); err != nil {
				return err
			}
		}
	}
	if err := s.vec.Observe(s.batch); err != nil {
		return err
	}
	for i := range s.runs {
		s.act(i)
	}
	if err := s.vec.Step(s.batch); err != nil {
		return err
	}
	copy(s.rew, s.batch.Reward)
	if s.c.Reward != nil {
		s.c.Reward.Score(s.rew, s.batch)
	}
	for i := range s.runs {
		if err := s.note(i); err != nil {
			return err
		}
	}
	s.turn++
	s.steps += int64(len(s.runs))
	return nil
}

// restore continues from a cell in world i.
func (s *Search) restore(i int) error {
	r, from := &s.runs[i], s.order[0]
	if !s.c.Restart {
		from = s.pick(i)
	}
	if err := s.snap.SetState(i, from.state); err != nil {
		return fmt.Errorf("goexplore: world %d does not return to a cell: %w", i, err)
	}
	*r = rollout{from: from.way, act: r.act[:0], score: from.Score, steps: from.Steps, left: s.c.Steps, last: r.last}
	random := s.key.Stream(actPurpose, uint32(i), s.turn)
	s.draw(r.last, &random)
	return nil
}

// pick draws a cell for world i.
func (s *Search) pick(i int) *Cell {
	r := s.key.Stream(pickPurpose, uint32(i), s.turn)
	return s.order[s.weights.find(r.Uint64()%s.weights.sum())]
}

// weight is how likely a cell is returned to: 2^32 over the root.
func (c *Cell) weight() uint64 { return uint64((1 << 32) / math.Sqrt(float64(c.Seen)+1)) }

// include adds a cell to the archive.
func (s *Search) include(c *Cell) {
	c.number = len(s.order)
	s.order = append(s.order, c)
	s.weights.add(c.weight())
}

// see notes that a step led to a cell.
func (s *Search) see(c *Cell) {
	before := c.weight()
	c.Seen++
	s.weights.lower(c.number, before-c.weight())
}

// act repeats the last action of world i or draws another one.
func (s *Search) act(i int) {
	r := &s.runs[i]
	random := s.key.Stream(actPurpose, uint32(i), s.turn)
	if random.Float32() >= s.c.Repeat {
		s.draw(r.last, &random)
	}
	w := len(r.last)
	copy(s.batch.Act[i*w:(i+1)*w], r.last)
	r.act = append(r.act, r.last...)
}

// draw fills a row of actions, each as likely as any other.
func (s *Search) draw(act []float32, r *rng.Stream) {
	for _, f := range s.vec.Spec().Act {
		for j := range f.Len {
			if f.Choices > 0 {
				act[j] = float32(r.IntN(f.Choices))
			} else {
				act[j] = r.Range(f.Lo, f.Hi)
			}
		}
		act = act[f.Len:]
	}
}

// note takes in what the step led world i to.
func (s *Search) note(i int) error {
	r, b := &s.runs[i], s.batch
	r.score += float64(s.rew[i])
	r.steps++
	r.left--
	here := Cell{Score: r.score, Steps: r.steps}
	if b.End[i] != env.Running {
		r.left = 0
	}
	if here.better(&s.best) {
		s.best = here
		s.best.way = r.stretch()
	}
	if b.End[i] != env.Running {
		return nil
	}
	key, err := s.cell(i)
	if err != nil {
		return err
	}
	c := s.cells[key]
	if c == nil {
		c = &Cell{Score: math.Inf(-1), key: key}
		s.cells[key] = c
		s.include(c)
	}
	s.see(c)
	if here.better(c) {
		c.Score, c.Steps, c.way = here.Score, here.Steps, r.stretch()
		c.state = s.snap.AppendState(c.state[:0], i)
	}
	return nil
}

func (c *Cell) better(than *Cell) bool {
	return c.Score > than.Score || c.Score == than.Score && c.Steps < than.Steps
}

// stretch ends the current leg of the way and returns it.
func (r *rollout) stretch() *leg {
	if len(r.act) > 0 {
		r.from = &leg{r.from, slices.Clone(r.act)}
		r.act = r.act[:0]
	}
	return r.from
}

// cell returns the key of what world i is in: FNV-1a over the coordinates of the grid.
func (s *Search) cell(i int) (uint64, error) {
	h, b := uint64(14695981039346656037), s.batch
	for _, c := range s.cols {
		v := float32(0)
		if c.fact {
			v = b.Facts[i*(len(b.Facts)/b.N)+c.at]
		} else {
			v = b.Next[i*(len(b.Next)/b.N)+c.at]
		}
		q := geom.Floor(v * c.spread)
		if !(q > -1<<30 && q < 1<<30) {
			return 0, errors.New("goexplore: a number of a cell is beyond 2^30 cells, or not finite")
		}
		h = (h ^ uint64(uint32(int32(q)))) * 1099511628211
	}
	return h, nil
}
