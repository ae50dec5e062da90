package lab

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/aurora"
	"github.com/terrarium-rl/terrarium/qd/pga"
)

// A searcher is a search of whatever kind.
type searcher interface {
	qd.Saver
	Step() error
	Evaluations() uint64
	elites() qd.Archive // the results
}

// An emitterSearch is a search by emitters.
type emitterSearch struct{ *qd.Search }

func (s emitterSearch) elites() qd.Archive {
	if s.Result != nil {
		return s.Result
	}
	return s.Archive
}

// A ScheduleConfig lets emitters compete.
type ScheduleConfig struct {
	Name    string  `json:"name" doc:"bandit (UCB1 on the share that the archive accepts) or halving (the better half goes on)"`
	Slots   int     `json:"slots" doc:"batches an iteration, each of its own competition of all emitters; default 1"`
	Explore float64 `json:"explore" doc:"of a bandit: weight of what may be hidden by how seldom an emitter was tried; default 0.05"`
	Batches int     `json:"batches" doc:"of halving: batches from all emitters to one; default 8 an emitter"`
}

// A GradientConfig says how gradients are estimated.
type GradientConfig struct {
	Sigma float32 `json:"sigma" doc:"standard deviation of the parameters tried"`
	Pairs int     `json:"pairs" doc:"of policies evaluated, on both sides of a centre; each counts as two evaluations"`
}

func (p *Plan) checkSchedule() error {
	c := p.QD.Schedule
	if c == nil {
		return nil
	}
	if c.Slots == 0 {
		c.Slots = 1
	}
	if c.Explore == 0 {
		c.Explore = 0.05
	}
	if c.Name != "bandit" && c.Name != "halving" {
		return p.at("qd.schedule.name", fmt.Errorf("unknown schedule %q, want bandit or halving", c.Name))
	}
	if c.Slots < 1 || c.Slots > 10_000 || !(c.Explore > 0) || c.Batches < 0 {
		return p.at("qd.schedule", fmt.Errorf("slots is %d, explore %v and batches %d: want 1 to 10000, above 0, and 0 or more", c.Slots, c.Explore, c.Batches))
	}
	return nil
}

// shape returns the numbers of a solution.
func (p *Plan) shape() qd.Shape {
	s := qd.Shape{Dim: newGenome(p).dim, Measures: len(p.QD.Measures), Goals: len(p.QD.Goals)}
	if o := p.QD.Observe; o != nil {
		s.Obs = o.Frames * o.width()
	}
	return s
}

// openMap returns the archive of a config over some of the measures, all if there are none named.
func (p *Plan) openMap(c qd.ArchiveConfig, of []int) (qd.Archive, error) {
	s, bounds, frames := p.shape(), p.QD.bounds(), 0
	if p.QD.Observe != nil {
		frames = p.QD.Observe.Frames
	}
	if len(of) == 0 {
		// The cells of an archive are the same for all seeds: results can be compared.
		return c.Build(qd.ArchiveSetup{Dim: s.Dim, Bounds: bounds, Goals: s.Goals, Obs: s.Obs, Frames: frames, Key: rng.New(cellPurpose)})
	}
	var some [][2]float32
	for _, m := range of {
		some = append(some, bounds[m])
	}
	a, err := c.Build(qd.ArchiveSetup{Dim: s.Dim, Bounds: some, Goals: s.Goals, Key: rng.New(cellPurpose)})
	if err != nil {
		return nil, err
	}
	return &partArchive{Archive: a, of: of, all: s.Measures}, nil
}

// buildSearch returns a new search for a seed, which cannot evaluate.
func (p *Plan) buildSearch(seed uint64) (searcher, error) { return p.openSearch(seed, nil) }

// openSearch returns a new search for a seed. Evaluate may be nil if it only is to hold a state.
func (p *Plan) openSearch(seed uint64, evaluate func(*qd.Batch) error) (searcher, error) {
	q, key := p.QD, rng.New(seed).Fold(learnPurpose)
	archive, err := p.openMap(p.qdArchive, q.ArchiveOf)
	if err != nil {
		return nil, p.at("qd.archive.options", err)
	}
	if q.Explore != nil {
		return p.newSparse(key, archive, evaluate)
	}
	s := &qd.Search{Shape: p.shape(), PerEmit: q.Batch, Key: key, Archive: archive, Evaluate: evaluate, Resample: q.Resample}
	if _, learned := archive.(*aurora.Archive); learned && p.qdResult == nil {
		return nil, p.at("qd.archive.name", errors.New("its measures are its own: name a second archive over yours as result, such as {name: grid}"))
	}
	if q.Resample > 0 {
		if _, ok := archive.(qd.Tester); !ok {
			return nil, p.at("qd.resample", fmt.Errorf("the archive %s cannot tell what it would accept", q.Archive.Name))
		}
	}
	if p.qdResult != nil {
		if s.Result, err = p.openMap(p.qdResult, q.ResultOf); err != nil {
			return nil, p.at("qd.result.options", err)
		}
	}
	if err := p.addEmitters(s); err != nil {
		return nil, err
	}
	if g := q.Gradient; g != nil {
		s.Gradient = qd.EstimateGradient(s.Counted, s.Shape, g.Sigma, g.Pairs)
	}
	return emitterSearch{s}, nil
}

// addEmitters adds the emitters of the experiment, or the schedulers that they compete in.
func (p *Plan) addEmitters(s *qd.Search) error {
	slots := 1
	if c := p.QD.Schedule; c != nil {
		slots = c.Slots
	}
	for range slots {
		all, err := p.newEmitters(s.Shape.Dim)
		if err != nil {
			return err
		}
		switch c := p.QD.Schedule; {
		case c == nil:
			s.Emitters = all
		case c.Name == "bandit":
			s.Emitters = append(s.Emitters, qd.NewBandit(c.Explore, all...))
		default:
			n := c.Batches
			if n == 0 {
				n = 8 * len(all)
			}
			s.Emitters = append(s.Emitters, qd.NewHalving(n, all...))
		}
	}
	return nil
}

func (p *Plan) newEmitters(dim int) (all []qd.Emitter, err error) {
	setup := qd.EmitterSetup{X0: make([]float32, dim), Batch: p.QD.Batch}
	if g := newGenome(p); g.weights == nil && !p.Spec.Discrete() {
		setup.Net = g.net
	}
	for i, c := range p.qdEmitters {
		for range p.QD.Emitters[i].Count {
			e, err := c.Build(setup)
			if err != nil {
				return nil, p.at(fmt.Sprintf("qd.emitters.%d.options", i), err)
			}
			if _, climbs := e.(qd.Climber); climbs && p.QD.Gradient == nil {
				return nil, p.at(fmt.Sprintf("qd.emitters.%d.name", i), errors.New("it climbs gradients: say how they are estimated, as qd.gradient: {sigma: 0.02, pairs: 50}"))
			} else if climbs && p.QD.Schedule != nil {
				return nil, p.at(fmt.Sprintf("qd.emitters.%d.name", i), errors.New("emitters that climb gradients cannot compete in a schedule"))
			}
			if _, learns := e.(*pga.Emitter); learns && p.QD.Schedule != nil {
				return nil, p.at(fmt.Sprintf("qd.emitters.%d.name", i), errors.New("emitters that learn from transitions cannot compete in a schedule"))
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// A partArchive tells only some of the measures of a batch apart.
type partArchive struct {
	qd.Archive
	of  []int
	all int
}

// Niches returns the number of niches, 0 if they cannot be counted.
func (a *partArchive) Niches() int { return niches(a.Archive) }

// Visits returns the number of solutions offered, by niche, nil if niches do not count.
func (a *partArchive) Visits() []uint32 {
	if v, ok := a.Archive.(interface{ Visits() []uint32 }); ok {
		return v.Visits()
	}
	return nil
}

// cells returns the grid, or other cells, of an archive, nil if it has none.
func cells(a qd.Archive) *qd.Cells {
	if p, ok := a.(*partArchive); ok {
		a = p.Archive
	}
	c, _ := a.(*qd.Cells)
	return c
}

// Axes returns the measures that the elites of an archive have: all, or those that archive_of or result_of names.
func (q *QDConfig) Axes(a qd.Archive) []MeasureConfig {
	p, ok := a.(*partArchive)
	if !ok {
		return q.Measures
	}
	var out []MeasureConfig
	for _, m := range p.of {
		out = append(out, q.Measures[m])
	}
	return out
}

func (a *partArchive) part(b *qd.Batch) *qd.Batch {
	c := *b
	c.Measures = make([]float32, 0, b.N*len(a.of))
	for i := range b.N {
		for _, m := range a.of {
			c.Measures = append(c.Measures, b.Measures[i*a.all+m])
		}
	}
	return &c
}

// Add offers the solutions of b.
func (a *partArchive) Add(b *qd.Batch) error { return a.Archive.Add(a.part(b)) }

// AppendBinary appends the elites.
func (a *partArchive) AppendBinary(dst []byte) ([]byte, error) {
	return a.Archive.(qd.Saver).AppendBinary(dst)
}

// UnmarshalBinary loads a state of AppendBinary.
func (a *partArchive) UnmarshalBinary(data []byte) error {
	return a.Archive.(qd.Saver).UnmarshalBinary(data)
}
