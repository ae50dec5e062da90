// Package rewardmath checks what Kim et al., "Evaluating Robustness of Reward Models for Mathematical
// Reasoning" (2024), claim: that a benchmark of one good behaviour against many bad ones of the same
// style tells how good a policy optimised on a reward model gets, where pairs that differ in style tell
// less. See the README beside it.
package rewardmath

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/rewards/eval"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() {
	papers.Register(papers.Claim{
		Name: "rewardmath", Paper: "Kim et al. 2024",
		Doc:  "One good behaviour against nine bad ones of its style ranks reward models as their use does.",
		Arms: []string{"one-to-many", "styled", "random", "lot"}, Treatment: "one-to-many", Control: "lot",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 30},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Greater("with gold", "one-to-many", "styled", 0),
			papers.Above("with gold", "one-to-many", 0.7),
			papers.Under("with drop", "one-to-many", 0),
		},
		Also: []papers.Bound{
			papers.Greater("with gold", "one-to-many", "random", 0),
			papers.Greater("with gold", "random", "styled", 0),
			papers.Under("with drop", "styled", 0),
			papers.Greater("with tame gold", "one-to-many", "styled", 0),
			papers.Above("with tame gold", "one-to-many", 0.7),
		},
	})
}

const (
	items  = 150
	others = 9
	best   = 64 // of n, what models are used for
	wild   = 0.15
)

const (
	purposeItem rng.Purpose = 0x726d6101 + iota
	purposeLot
)

// ways are those in which models differ: answers, how right they are, and how many are turned.
func ways(scale papers.Scale) (out []struct {
	pairs        int
	right, flips float64
}) {
	sizes := []int{50, 150, 400, 1000}
	if scale == papers.Smoke {
		sizes = []int{40, 300}
	}
	for _, pairs := range sizes {
		for _, right := range []float64{0.75, 0.95} {
			for _, flips := range []float64{0, 0.25} {
				out = append(out, struct {
					pairs        int
					right, flips float64
				}{pairs, right, flips})
			}
		}
	}
	return out
}

// An item is a good behaviour and bad ones.
type item struct {
	good feedback.Segment
	bad  []feedback.Segment
}

// A setting is what models are learned from and used on.
type setting struct {
	Seed             uint64
	Scale            papers.Scale // of the zoo
	Levels, PerLevel int          // of the pool
}

// Zoo is models with what their use yields.
type Zoo struct {
	Models     [][]byte // states
	Gold, Drop []float64
	Tame       []float64 // gold where no wild pilots are to choose from
}

func cell(c papers.Cell) (papers.Row, error) {
	s := setting{c.Seed, c.Scale, 30, 256}
	if c.Scale == papers.Smoke {
		s.Levels, s.PerLevel = 10, 96
	}
	z, err := papers.Fixture(c, "rewardmath zoo", s, s.zoo)
	if err != nil {
		return nil, err
	}
	held, err := rmlab.New(rmlab.Config{Seed: c.Seed + 2_000_000, Levels: 30, PerLevel: 64})
	if err != nil {
		return nil, err
	}
	bench, err := benchmark(c.Arm, held)
	if err != nil {
		return nil, err
	}
	scores := map[string][]float64{} // by name, one a model
	lot := held.Key.Stream(purposeLot, 0, 0)
	m, err := model.NewEnsemble(rmlab.Shape(), held.Store.Shape(), rng.Key{})
	if err != nil {
		return nil, err
	}
	for _, state := range z.Models {
		if err := m.UnmarshalBinary(state); err != nil {
			return nil, err
		}
		one, err := measure(m, held, bench)
		if err != nil {
			return nil, err
		}
		if c.Arm == "lot" {
			one = map[string]float64{"": lot.Float64()}
		}
		for name, x := range one {
			scores[name] = append(scores[name], x)
		}
	}
	row := papers.Row{}
	for name, score := range scores {
		targets := map[string][]float64{"with gold": z.Gold}
		if name == "" {
			targets["with drop"], targets["with tame gold"] = z.Drop, z.Tame
		}
		for target, x := range targets {
			if row[target+name], err = stats.Spearman(score, x); err != nil {
				return nil, err
			}
		}
	}
	return row, nil
}

// zoo trains the models and uses them.
func (s setting) zoo() (z Zoo, err error) {
	lab, pool, err := rmlab.NewWithPool(s.Seed, s.Levels, s.PerLevel, wild)
	if err != nil {
		return z, err
	}
	tame := &rmlab.Lab{Store: pool.Store, Key: pool.Key}
	for _, segs := range pool.Levels {
		first := int(math.Ceil(wild * float64(s.PerLevel))) // those before are of wild pilots
		tame.Levels = append(tame.Levels, segs[first:])
	}
	for i, way := range ways(s.Scale) {
		rs, err := lab.Teach(lab.Pairs(way.pairs, lab.Key.Fold(uint64(i))), rmlab.Standard.Score,
			rmlab.Teaching{Right: way.right, Flips: way.flips, Key: lab.Key.Fold(uint64(i))})
		if err != nil {
			return z, err
		}
		o := rmlab.Fitting()
		o.Key = lab.Key.Fold(uint64(100 + i))
		m, err := lab.Train(rmlab.Shape(), rs, o)
		if err != nil {
			return z, err
		}
		state, err := m.AppendBinary(nil)
		if err != nil {
			return z, err
		}
		gold, drop, err := used(m, pool)
		if err != nil {
			return z, err
		}
		there, _, err := used(m, tame)
		if err != nil {
			return z, err
		}
		z.Models, z.Gold, z.Drop, z.Tame = append(z.Models, state), append(z.Gold, gold), append(z.Drop, drop), append(z.Tame, there)
	}
	return z, nil
}

// benchmark makes the items of an arm.
func benchmark(arm string, lab *rmlab.Lab) ([]item, error) {
	r := lab.Key.Stream(purposeItem, 0, 0)
	out := make([]item, items)
	for i := range out {
		var err error
		switch arm {
		case "one-to-many", "lot":
			out[i], err = among(lab, &r, others)
		case "random":
			out[i], err = among(lab, &r, 1)
		case "styled":
			out[i], err = styled(lab, &r, i)
		default:
			err = fmt.Errorf("unknown arm %q", arm)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// among takes one behaviour of a level that is truly better than n others, all drawn alike.
func among(lab *rmlab.Lab, r *rng.Stream, n int) (item, error) {
	segs := lab.Levels[r.IntN(len(lab.Levels))]
	order := make([]int32, len(segs))
	for i := range order {
		order[i] = int32(i)
	}
	r.Shuffle(order)
	var it item
	top := math.Inf(-1)
	for _, k := range order[:n+1] {
		y, err := lab.Gold(rmlab.Standard.Score, segs[k:k+1])
		if err != nil {
			return it, err
		}
		if y[0] > top {
			if top > math.Inf(-1) {
				it.bad = append(it.bad, it.good)
			}
			it.good, top = segs[k], y[0]
		} else {
			it.bad = append(it.bad, segs[k])
		}
	}
	return it, nil
}

// styled plays an expert with a steady hand against a poor pilot who trembles.
func styled(lab *rmlab.Lab, r *rng.Stream, i int) (item, error) {
	level := rmlab.NewLevel(lab.Key, i%len(lab.Levels))
	var it item
	for k, p := range []rmlab.Pilot{
		{Goal: 1.2, Danger: 1.2, Damping: 1, Noise: 0.05, Most: 1},
		{Goal: r.Range(-0.3, 0.8), Danger: r.Range(-0.5, 0.5), Damping: 0.3, Noise: 1, Most: 1},
	} {
		t := rmlab.Play(level, p, uint64(i), r)
		id, err := lab.Store.Add(&t)
		if err != nil {
			return it, err
		}
		seg := feedback.Segment{Traj: id, To: rmlab.Steps}
		if k == 0 {
			it.good = seg
		} else {
			it.bad = append(it.bad, seg)
		}
	}
	return it, nil
}

// measure is the share of the items in which a model scores the good behaviour above all others: by its
// return, without a name; and, named, the mean reciprocal rank of the good one, and the share by each way
// to aggregate the probabilities logistic(r) of the steps, as one does with process rewards.
func measure(m model.Scorer, lab *rmlab.Lab, bench []item) (map[string]float64, error) {
	good, bad := map[string][]float64{}, map[string][][]float64{}
	var out model.Out
	var p []float64
	for i, it := range bench {
		for k, seg := range append([]feedback.Segment{it.good}, it.bad...) {
			v, err := lab.Store.View(seg)
			if err != nil {
				return nil, err
			}
			m.Score(&out, v)
			p = p[:0]
			for _, r := range out.Step {
				p = append(p, label.Logistic(float64(r)))
			}
			note := func(name string, x float64) {
				if k == 0 {
					good[name], bad[name] = append(good[name], x), append(bad[name], nil)
				} else {
					bad[name][i] = append(bad[name][i], x)
				}
			}
			note("", float64(out.Return))
			for name, of := range eval.Aggregations {
				note(", "+name, of(p))
			}
		}
	}
	shares := map[string]float64{}
	for name := range good {
		c := eval.OneToMany(good[name], bad[name])
		shares[name] = c.Strict
		if name == "" {
			shares[", reciprocal rank"] = c.Reciprocal
		}
	}
	return shares, nil
}

// used is the true return of the best of some behaviours by a model, and by how much that is below
// what it is of the best of fewer.
func used(m model.Scorer, pool *rmlab.Lab) (gold, drop float64, err error) {
	curve, err := pool.BestOf(m, rmlab.Standard.Score, 1, 2, 4, 8, 16, 32, best)
	if err != nil {
		return 0, 0, err
	}
	gold = curve[len(curve)-1]
	return gold, slices.Max(curve) - gold, nil
}
