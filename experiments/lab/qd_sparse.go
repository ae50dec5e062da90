package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/describe"
	"github.com/terrarium-rl/terrarium/qd/stax"
)

// An AreaConfig is a ball in measure space.
type AreaConfig struct {
	At     []float32 `json:"at" doc:"its middle: a number for each of the first measures"`
	Radius float32   `json:"radius" doc:"distance from the middle at which the reward is 0"`
}

// inAreas returns the reward of a point of measure space, and the number of the area that it is
// in, -1 if it is in none.
func inAreas(areas []AreaConfig, measures []float32) (reward float32, in int) {
	in = -1
	for i, a := range areas {
		d := 0.0
		for j, v := range a.At {
			d += float64(v-measures[j]) * float64(v-measures[j])
		}
		if r := 1 - float32(math.Sqrt(d))/a.Radius; r > reward {
			reward, in = r, i
		}
	}
	return reward, in
}

// An ExploreConfig is a search for sparse rewards of package qd/stax.
type ExploreConfig struct {
	Method     string          `json:"method" doc:"stax, stax-p (fronts of novelty and surprise), serene, taxons, novelty, or nsga2 (fronts of novelty and reward)"`
	Describe   *DescribeConfig `json:"describe" doc:"descriptors; default: the measures for novelty, serene and nsga2, a learned one for the others"`
	Schedule   string          `json:"schedule" doc:"of exploring and exploiting: alternating or ucb"`
	Population int             `json:"population" doc:"policies that survive a generation; default 100"`
	Offspring  int             `json:"offspring" doc:"of each; default 2"`
	Sigma      float32         `json:"sigma" doc:"standard deviation of mutations; default 0.05"`
	Bound      float32         `json:"bound" doc:"parameters lie between its negative and it; default 5"`
	Neighbours int             `json:"neighbours" doc:"nearest that make novelty; default 15"`
	Keep       int             `json:"keep" doc:"random offspring a generation that novelty remembers; default 5"`
	Chunk      int             `json:"chunk" doc:"evaluations between two changes of exploring and exploiting; default 1000"`
	Members    int             `json:"members" doc:"policies of an emitter; default 6"`
	Patience   int             `json:"patience" doc:"generations after which an emitter may end; default 20/6 of the parameters and 120"`
}

// A DescribeConfig says how behaviour is described.
type DescribeConfig struct {
	By     string  `json:"by" doc:"measures, observed (as it is), autoencoder or signature (of the path of what is observed)"`
	Of     []int   `json:"of,omitempty" doc:"numbers of the measures, from 0; default: all"`
	Code   int     `json:"code,omitempty" doc:"numbers of the code of a frame; default 10"`
	Hidden []int   `json:"hidden,omitempty" doc:"widths of the encoder's hidden layers, which the decoder mirrors; default [32]"`
	Rate   float32 `json:"rate,omitempty" doc:"learning rate of the autoencoder; default 0.001"`
	Batch  int     `json:"batch,omitempty" doc:"frames of a minibatch; default 128"`
	Epochs int     `json:"epochs,omitempty" doc:"most passes over the data of a training; default 100"`
	Fixed  bool    `json:"fixed,omitempty" doc:"never train the autoencoder"`
	Depth  int     `json:"depth,omitempty" doc:"of the signature; default 2"`
	Time   bool    `json:"time,omitempty" doc:"add time to the path"`
	Log    bool    `json:"log,omitempty" doc:"the logarithm of the signature"`
}

// sparseMethods are the methods of stax, by name.
var sparseMethods = map[string]struct {
	by      string
	how     stax.Selection
	exploit bool
}{
	"novelty": {"measures", stax.ByNovelty, false},
	"nsga2":   {"measures", stax.ByReward, false},
	"serene":  {"measures", stax.ByNovelty, true},
	"taxons":  {"autoencoder", stax.ByCoin, false},
	"stax":    {"autoencoder", stax.ByCoin, true},
	"stax-p":  {"autoencoder", stax.ByFronts, true},
}

// checkSparse checks what belongs to sparse rewards and learned descriptors.
func (p *Plan) checkSparse() error {
	q := p.QD
	for i, a := range q.Areas {
		if len(a.At) < 1 || len(a.At) > len(q.Measures) || !(a.Radius > 0) {
			return p.at(fmt.Sprintf("qd.areas.%d", i), fmt.Errorf("at has %d numbers and radius is %v: want one to %d, of the first measures, and a distance", len(a.At), a.Radius, len(q.Measures)))
		}
	}
	for i := range q.Goals {
		g := &q.Goals[i]
		if g.Take == "" {
			g.Take = "last"
		}
		if g.Lo == 0 && g.Hi == 0 {
			g.Lo, g.Hi = 0, 1 // goals have no range
		}
		if _, err := g.resolve(p.Spec); err != nil {
			return p.at(fmt.Sprintf("qd.goals.%d", i), err)
		}
	}
	if o := q.Observe; o != nil {
		if o.Frames == 0 {
			o.Frames = 1
		}
		if err := o.check(p.Spec); err != nil {
			return p.at("qd.observe", err)
		}
	}
	for path, of := range map[string][]int{"qd.archive_of": q.ArchiveOf, "qd.result_of": q.ResultOf} {
		for _, m := range of {
			if m < 0 || m >= len(q.Measures) {
				return p.at(path, fmt.Errorf("there is no measure %d, they go from 0 to %d", m, len(q.Measures)-1))
			}
		}
	}
	if len(q.ResultOf) > 0 && q.Result == nil {
		return p.at("qd.result_of", errors.New("there is no result archive: name one as result"))
	}
	if g := q.Gradient; g != nil && (!(g.Sigma > 0) || g.Pairs < 1) {
		return p.at("qd.gradient", fmt.Errorf("sigma is %v and pairs %d: want above 0 and at least 1", g.Sigma, g.Pairs))
	}
	if err := p.checkSchedule(); err != nil {
		return err
	}
	return p.checkExplore()
}

func (p *Plan) checkExplore() error {
	e, q := p.QD.Explore, p.QD
	if e == nil {
		return nil
	}
	if e.Method == "" {
		e.Method = "stax"
	}
	m, ok := sparseMethods[e.Method]
	if !ok {
		var names []string
		for name := range sparseMethods {
			names = append(names, name)
		}
		return p.at("qd.explore.method", fmt.Errorf("unknown method %q%s", e.Method, registry.Suggest(e.Method, names)))
	}
	if e.Describe == nil {
		e.Describe = &DescribeConfig{By: m.by}
	}
	if e.Schedule == "" {
		e.Schedule = "alternating"
	}
	switch {
	case len(q.Emitters) > 0:
		return p.at("qd.emitters", errors.New("explore is in place of emitters: delete one of the two"))
	case q.Result != nil:
		return p.at("qd.result", errors.New("with explore, the archive itself is the result"))
	case e.Schedule != "alternating" && e.Schedule != "ucb":
		return p.at("qd.explore.schedule", fmt.Errorf("unknown schedule %q, want alternating or ucb", e.Schedule))
	case q.Observe == nil && e.Describe.By != "measures":
		return p.at("qd.explore.describe", fmt.Errorf("by: %s needs something observed: say what, as qd.observe", e.Describe.By))
	}
	if _, err := p.describer(rng.New(1)); err != nil {
		return p.at("qd.explore.describe", err)
	}
	return nil
}

// describer returns the descriptors of a sparse search.
func (p *Plan) describer(key rng.Key) (describe.Describer, error) {
	q, d, m := p.QD, p.QD.Explore.Describe, len(p.QD.Measures)
	observed := p.shape().Obs
	columns := func(lo, hi int) (out []int) {
		for i := lo; i < hi; i++ {
			out = append(out, i)
		}
		return out
	}
	// A search observes the measures, and then what is observed.
	switch d.By {
	case "measures":
		take := d.Of
		for _, i := range take {
			if i < 0 || i >= m {
				return nil, fmt.Errorf("of: there is no measure %d, they go from 0 to %d", i, m-1)
			}
		}
		if len(take) == 0 {
			take = columns(0, m)
		}
		return describe.Columns{Obs: m + observed, Take: take}, nil
	case "observed":
		return describe.Columns{Obs: m + observed, Take: columns(m, m+observed)}, nil
	case "signature":
		depth := d.Depth
		if depth == 0 {
			depth = 2
		}
		s := describe.Signature{Points: q.Observe.Frames, Dim: q.Observe.width(), Depth: depth, Time: d.Time, Log: d.Log}
		return beyond{s, m, observed}, s.Validate()
	case "autoencoder":
		a, err := describe.NewAutoencoder(describe.AutoencoderOptions{
			Frame: q.Observe.width(), Frames: q.Observe.Frames, Hidden: d.Hidden, Code: d.Code, Rate: d.Rate, Batch: d.Batch,
			Epochs: d.Epochs, Fixed: d.Fixed, Key: key,
		})
		return beyond{a, m, observed}, err
	}
	return nil, fmt.Errorf("by: unknown %q%s", d.By, registry.Suggest(d.By, []string{"measures", "observed", "autoencoder", "signature"}))
}

// beyond is a Describer that does not see the first numbers of what is observed.
type beyond struct {
	describe.Describer
	skip, rest int
}

func (d beyond) cut(obs []float32, rows int) []float32 {
	out := make([]float32, 0, rows*d.rest)
	for i := range rows {
		out = append(out, obs[i*(d.skip+d.rest)+d.skip:(i+1)*(d.skip+d.rest)]...)
	}
	return out
}

// Describe describes the rest.
func (d beyond) Describe(dst, surprise, obs []float32, rows int) {
	d.Describer.Describe(dst, surprise, d.cut(obs, rows), rows)
}

// Train trains on the rest.
func (d beyond) Train(obs []float32, rows int, k rng.Key) (bool, error) {
	return d.Describer.Train(d.cut(obs, rows), rows, k)
}

// A sparseSearch is a search of package stax, with a map of everything that it evaluated.
type sparseSearch struct {
	*stax.Search
	found    qd.Archive
	shape    qd.Shape
	evaluate func(*qd.Batch) error

	mapped, room int // evaluations on the map, and most of them
}

// newSparse returns a sparse search for a seed, which evaluates by evaluate.
func (p *Plan) newSparse(key rng.Key, found qd.Archive, evaluate func(*qd.Batch) error) (*sparseSearch, error) {
	e := p.QD.Explore
	m := sparseMethods[e.Method]
	d, err := p.describer(key.Fold(1))
	if err != nil {
		return nil, p.at("qd.explore.describe", err)
	}
	s := &sparseSearch{found: found, shape: p.shape(), evaluate: evaluate, room: int(p.QD.Evaluations)}
	o := stax.Options{
		Dim: s.shape.Dim, Obs: s.shape.Measures + s.shape.Obs, Bound: e.Bound, Population: e.Population, Offspring: e.Offspring,
		Sigma: e.Sigma, Neighbours: e.Neighbours, Keep: e.Keep, Chunk: e.Chunk, Members: e.Members, Patience: e.Patience,
		Select: m.how, Exploit: m.exploit, Describer: d, Key: key.Fold(2), Evaluate: s.play,
	}
	if e.Schedule == "ucb" {
		o.Schedule = stax.UCB
	}
	if s.Search, err = stax.New(o); err != nil {
		return nil, p.at("qd.explore", err)
	}
	return s, nil
}

// play evaluates n solutions and puts them on the map.
func (s *sparseSearch) play(sol []float32, n int, obs, reward []float32) error {
	b := s.shape.Batch(n)
	copy(b.Sol, sol)
	if err := s.evaluate(b); err != nil {
		return err
	}
	m, w := s.shape.Measures, s.shape.Obs
	for i := range n {
		row := obs[i*(m+w) : (i+1)*(m+w)]
		copy(row, b.Measures[i*m:(i+1)*m])
		if w > 0 {
			copy(row[m:], b.Obs[i*w:(i+1)*w])
		}
	}
	copy(reward, b.Objective)
	b.Obs = nil
	// The last chunk may go beyond the budget: the map does not.
	if n = min(n, s.room-s.mapped); n <= 0 {
		return nil
	}
	s.mapped += n
	return s.found.Add(b.Rows(0, n))
}

func (s *sparseSearch) Evaluations() uint64 { return s.Search.Stats().Evaluations }

func (s *sparseSearch) elites() qd.Archive { return s.found }

// AppendBinary appends the map and the search.
func (s *sparseSearch) AppendBinary(dst []byte) ([]byte, error) {
	found, err := s.found.(qd.Saver).AppendBinary(nil)
	if err != nil {
		return dst, err
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(found)))
	return s.Search.AppendBinary(append(dst, found...))
}

// UnmarshalBinary loads a state of AppendBinary.
func (s *sparseSearch) UnmarshalBinary(data []byte) error {
	if len(data) < 8 || binary.LittleEndian.Uint64(data) > uint64(len(data)-8) {
		return errors.New("the state of the search is cut off")
	}
	n := 8 + binary.LittleEndian.Uint64(data)
	defer func() { s.mapped = min(int(s.Evaluations()), s.room) }()
	if err := s.found.(qd.Saver).UnmarshalBinary(data[8:n]); err != nil {
		return err
	}
	return s.Search.UnmarshalBinary(data[n:])
}
