package rmlab

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/rewards/eval"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// A Gold is a true reward: the weights of the parts of a step.
type Gold [Parts]float32

// Standard is the gold of most claims: to the goal, away from the hazard, gently.
var Standard = Gold{Progress: 1, Hazard: -1.5, Energy: -0.2, Overspeed: -0.7}

// Score writes the gold of each step of v.
func (g Gold) Score(dst []float32, v feedback.View) {
	for i := range dst {
		sum := float32(0)
		for k, w := range g {
			sum += float32(w * v.Facts[i*Parts+k])
		}
		dst[i] = sum
	}
}

// A Config says how large a Lab is.
type Config struct {
	Seed     uint64
	Levels   int     // at least 1
	PerLevel int     // trajectories on each, at least 2
	Wild     float64 // share of them that are by wild pilots
}

// A Lab is a store of whole trajectories, level by level.
type Lab struct {
	Store  *feedback.Store
	Levels [][]feedback.Segment // trajectories of each level
	Key    rng.Key
}

// New plays all trajectories of a lab.
func New(c Config) (*Lab, error) {
	if c.Levels < 1 || c.PerLevel < 2 || !(c.Wild >= 0 && c.Wild <= 1) {
		return nil, fmt.Errorf("rmlab: %+v, want at least 1 level, 2 trajectories on each and a share from 0 to 1", c)
	}
	lab := &Lab{Store: feedback.NewStore(shape), Key: rng.New(c.Seed)}
	for i := range c.Levels {
		level := NewLevel(lab.Key, i)
		var segs []feedback.Segment
		for j := range c.PerLevel {
			r := lab.Key.Stream(purposePilot, uint32(i), uint32(j))
			pilot := TamePilot(&r)
			if float64(j) < c.Wild*float64(c.PerLevel) {
				pilot = WildPilot(&r)
			}
			r = lab.Key.Stream(purposePlay, uint32(i), uint32(j))
			t := Play(level, pilot, uint64(i), &r)
			id, err := lab.Store.Add(&t)
			if err != nil {
				return nil, err
			}
			segs = append(segs, feedback.Segment{Traj: id, To: Steps})
		}
		lab.Levels = append(lab.Levels, segs)
	}
	return lab, nil
}

// NewWithPool plays the lab of a seed, on which models learn: 64 trajectories on each of 40 levels. And a
// pool, on other levels, that they are used on.
func NewWithPool(seed uint64, levels, perLevel int, wild float64) (lab, pool *Lab, err error) {
	if lab, err = New(Config{Seed: seed, Levels: 40, PerLevel: 64}); err != nil {
		return nil, nil, err
	}
	pool, err = New(Config{Seed: seed + 1_000_000, Levels: levels, PerLevel: perLevel, Wild: wild})
	return lab, pool, err
}

// Pairs draws n questions about two different trajectories of one level each.
func (l *Lab) Pairs(n int, key rng.Key) []label.Query {
	r := key.Stream(purposePairs, 0, 0)
	qs := make([]label.Query, n)
	for i := range qs {
		segs := l.Levels[r.IntN(len(l.Levels))]
		a, b := r.IntN(len(segs)), r.IntN(len(segs)-1)
		if b >= a {
			b++
		}
		qs[i] = label.Query{A: segs[a], B: segs[b]}
	}
	return qs
}

// Returns are the sums that a scorer gives to whole trajectories.
func (l *Lab) Returns(s model.Scorer, segs []feedback.Segment) ([]float64, error) {
	out := make([]float64, len(segs))
	var o model.Out
	for i, seg := range segs {
		v, err := l.Store.View(seg)
		if err != nil {
			return nil, err
		}
		s.Score(&o, v)
		out[i] = float64(o.Return)
	}
	return out, nil
}

// Gold are the true returns of whole trajectories.
func (l *Lab) Gold(gold label.Score, segs []feedback.Segment) ([]float64, error) {
	return l.Returns(model.ScorerOf(gold), segs)
}

// Teaching says how a teacher answers.
type Teaching struct {
	Right float64 // share of the answers that are right because the teacher is rational enough, 0.5 to 1; 0 means all
	Flips float64 // share of the answers that are then turned
	Key   rng.Key
}

// Teach lets a teacher who knows the gold answer questions. Its rationality is set such that
// the share of right answers is expected to be t.Right.
func (l *Lab) Teach(qs []label.Query, gold label.Score, t Teaching) ([]feedback.Record, error) {
	teacher := &label.Teacher{Score: gold, Key: t.Key.Fold(uint64(purposeTeach)), Mistake: t.Flips}
	if t.Right > 0 && t.Right < 1 {
		beta, err := l.rationality(qs, gold, t.Right)
		if err != nil {
			return nil, err
		}
		teacher.Beta = beta
	}
	return l.answers(qs, teacher)
}

// TeachAt lets a teacher answer whose rationality is beta, on true returns in deviations of those
// of the whole lab.
func (l *Lab) TeachAt(qs []label.Query, gold label.Score, beta float64, key rng.Key) ([]feedback.Record, error) {
	all, err := l.Gold(gold, slices.Concat(l.Levels...))
	if err != nil {
		return nil, err
	}
	return l.answers(qs, &label.Teacher{Score: gold, Key: key.Fold(uint64(purposeTeach)), Beta: beta / stats.Summarize(all).Std})
}

func (l *Lab) answers(qs []label.Query, teacher *label.Teacher) ([]feedback.Record, error) {
	records := make([]feedback.Record, 0, len(qs))
	for _, q := range qs {
		r, ok, err := teacher.Label(l.Store, q)
		if err != nil {
			return nil, err
		}
		if ok {
			records = append(records, r)
		}
	}
	return records, nil
}

// rationality finds the beta at which the mean of logistic(beta |difference|) is right.
func (l *Lab) rationality(qs []label.Query, gold label.Score, right float64) (float64, error) {
	gaps := make([]float64, len(qs))
	for i, q := range qs {
		y, err := l.Gold(gold, []feedback.Segment{q.A, q.B})
		if err != nil {
			return 0, err
		}
		gaps[i] = math.Abs(y[0] - y[1])
	}
	lo, hi := 0.0, 1e4
	for range 60 {
		beta, sum := (lo+hi)/2, 0.0
		for _, d := range gaps {
			sum += label.Logistic(beta * d)
		}
		if sum < right*float64(len(gaps)) {
			lo = beta
		} else {
			hi = beta
		}
	}
	return hi, nil
}

// Fitting is the training of most claims.
func Fitting() model.Training {
	t := model.DefaultTraining()
	t.HeldOut = 0
	return t
}

// Shape is the network of most claims: one of two layers of 32.
func Shape() model.Shape {
	s := model.DefaultShape()
	s.Members = 1
	return s
}

// Untrained returns networks with random weights, by key, and with inputs shifted and scaled by the
// statistics of the lab's store.
func (l *Lab) Untrained(s model.Shape, key rng.Key) (*model.Ensemble, error) {
	e, err := model.NewEnsemble(s, l.Store.Shape(), key.Fold(uint64(purposeTrain)))
	if err != nil {
		return nil, err
	}
	return e, e.FitInputs(l.Store)
}

// Train fits networks to records, from Untrained ones. They differ with t.Key.
func (l *Lab) Train(s model.Shape, rs []feedback.Record, t model.Training) (*model.Ensemble, error) {
	e, err := l.Untrained(s, t.Key)
	if err != nil {
		return nil, err
	}
	return e, l.Refine(e, rs, t)
}

// Refine fits networks further.
func (l *Lab) Refine(e *model.Ensemble, rs []feedback.Record, t model.Training) error {
	pool := nn.NewPool(1)
	defer pool.Close()
	_, err := model.Fit(e, l.Store, rs, t, pool)
	return err
}

// BestOf returns the gold of the best by a scorer of some of a level's trajectories, for each number of them,
// the mean over levels.
func (l *Lab) BestOf(s model.Scorer, gold label.Score, numbers ...int) ([]float64, error) {
	curve := make([]float64, len(numbers))
	for _, segs := range l.Levels {
		proxy, err := l.Returns(s, segs)
		if err != nil {
			return nil, err
		}
		truth, err := l.Gold(gold, segs)
		if err != nil {
			return nil, err
		}
		for i, n := range numbers {
			g, err := eval.BestOf(proxy, truth, n)
			if err != nil {
				return nil, err
			}
			curve[i] += g / float64(len(l.Levels))
		}
	}
	return curve, nil
}

// Accuracy is the share of questions that a scorer answers as the gold does; equal scores count
// half.
func (l *Lab) Accuracy(s model.Scorer, qs []label.Query, gold label.Score) (float64, error) {
	records, err := l.Teach(qs, gold, Teaching{})
	if err != nil {
		return 0, err
	}
	q, err := model.Measure(s, l.Store, records)
	return q.Accuracy, err
}
