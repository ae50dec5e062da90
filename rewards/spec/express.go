package spec

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"

	"github.com/terrarium-rl/terrarium/env/tabular"
)

// An Ordering is what is wanted of some policies: pairs of their numbers.
type Ordering struct {
	Better [][2]int // the first is better than the second
	Equal  [][2]int // both are alike
}

// A Verdict says whether a formalism can order policies as wanted.
type Verdict struct {
	Ok bool
	// Weights, if Ok, order the policies: the rewards, one for each feature.
	Weights []float64
	// Better and Equal, if not Ok, prove that nothing does: the differences of features of the
	// pairs that should be better, each times its number in Better (0 or more, 1 in sum), and of
	// those that should be equal, each times its number in Equal, add up to nothing (Farkas).
	Better, Equal []float64
	Margin        float64 // by which the worst of the pairs is better, with weights of at most 1; about 0 if not Ok
	Gap           float64 // of the two proofs, which should agree: a measure of rounding
}

// Express says whether there are weights of features under which policies are ordered as wanted:
// what an objective that is linear in the features can express. x[i] are the features of policy i,
// such as Occupancy for sums of discounted rewards, that of a Product for a reward machine, or LongRun
// for average rewards.
func Express(x [][]float64, o Ordering) (Verdict, error) {
	if len(o.Better) == 0 {
		return Verdict{}, fmt.Errorf("spec: an ordering without a pair of which one is better")
	}
	d, err := differences(x, o.Better)
	if err != nil {
		return Verdict{}, err
	}
	e, err := differences(x, o.Equal)
	if err != nil {
		return Verdict{}, err
	}
	scale := 0.0
	for _, rows := range [][][]float64{d, e} {
		for _, row := range rows {
			for _, v := range row {
				scale = max(scale, math.Abs(v))
			}
		}
	}
	if scale == 0 {
		scale = 1
	}
	// Policies that look alike are equal whatever the weights.
	all := e
	e = slices.DeleteFunc(slices.Clone(e), func(row []float64) bool { return alike(row, scale) })
	v := Verdict{}
	if v.Weights, v.Margin, err = separate(d, e, scale); err != nil {
		return v, fmt.Errorf("spec: looking for weights: %w", err)
	}
	var bound float64
	if v.Better, v.Equal, bound, err = cancel(d, e, scale); err != nil {
		return v, fmt.Errorf("spec: looking for a witness: %w", err)
	}
	v.Gap = math.Abs(v.Margin - bound)
	for i, row := range all {
		if alike(row, scale) {
			v.Equal = slices.Insert(v.Equal, i, 0)
		}
	}
	if v.Ok = v.Margin > 1e-6; v.Ok {
		v.Better, v.Equal = nil, nil
	} else {
		v.Weights = nil
	}
	return v, nil
}

func alike(row []float64, scale float64) bool {
	return !slices.ContainsFunc(row, func(x float64) bool { return math.Abs(x) > 1e-12*scale })
}

func differences(x [][]float64, pairs [][2]int) (out [][]float64, err error) {
	for _, p := range pairs {
		if min(p[0], p[1]) < 0 || max(p[0], p[1]) >= len(x) || len(x[p[0]]) != len(x[p[1]]) {
			return nil, fmt.Errorf("spec: pair %v of %d policies with features of one width", p, len(x))
		}
		row := make([]float64, len(x[p[0]]))
		for k := range row {
			row[k] = x[p[0]][k] - x[p[1]][k]
		}
		out = append(out, row)
	}
	return out, nil
}

// separate finds weights within -1 and 1 that make the least of the differences d largest and those
// of e nothing.
func separate(d, e [][]float64, scale float64) (w []float64, margin float64, err error) {
	n := len(d[0])
	var g [][]float64
	var h []float64
	at := func(row []float64, sign, last, limit float64) {
		r := make([]float64, n+1)
		for k, v := range row {
			r[k] = sign * v / scale
		}
		r[n] = last
		g, h = append(g, r), append(h, limit)
	}
	for _, row := range d {
		at(row, -1, 1, 0)
	}
	for _, row := range e {
		at(row, 1, 0, 0)
		at(row, -1, 0, 0)
	}
	for k := range n {
		one := make([]float64, n)
		one[k] = scale
		at(one, 1, 0, 1)
		at(one, -1, 0, 1)
	}
	at(nil, 1, 1, 2*float64(n))
	c := make([]float64, n+1)
	c[n] = -1
	best, x, err := solve(c, g, h, nil, nil)
	if err != nil {
		return nil, 0, err
	}
	return x[:n], -best, nil
}

// cancel finds shares of the differences d and multiples of those of e whose sum is as near to
// nothing as can be, and how near: by the duality of linear programs, that is what separate finds.
func cancel(d, e [][]float64, scale float64) (better, equal []float64, bound float64, err error) {
	n, vars := len(d[0]), len(d)+len(e)+len(d[0])
	var g [][]float64
	var h []float64
	for k := range n { // |sum| <= size, for each feature
		for _, sign := range []float64{1, -1} {
			r := make([]float64, vars)
			for i, row := range d {
				r[i] = sign * row[k] / scale
			}
			for i, row := range e {
				r[len(d)+i] = sign * row[k] / scale
			}
			r[len(d)+len(e)+k] = -1
			g, h = append(g, r), append(h, 0)
		}
	}
	for i := range d {
		r := make([]float64, vars)
		r[i] = -1
		g, h = append(g, r), append(h, 0)
	}
	all := make([]float64, vars)
	for i := range d {
		all[i] = 1
	}
	c := make([]float64, vars)
	for k := range n {
		c[len(d)+len(e)+k] = 1
	}
	bound, x, err := solve(c, g, h, [][]float64{all}, []float64{1})
	if err != nil {
		return nil, nil, 0, err
	}
	return slices.Clone(x[:len(d)]), slices.Clone(x[len(d) : len(d)+len(e)]), bound, nil
}

// solve minimises c x where g x <= h and a x = b, for any x.
func solve(c []float64, g [][]float64, h []float64, a [][]float64, b []float64) (best float64, x []float64, err error) {
	dense := func(rows [][]float64) mat.Matrix {
		if len(rows) == 0 {
			return nil
		}
		m := mat.NewDense(len(rows), len(c), nil)
		for i, r := range rows {
			m.SetRow(i, r)
		}
		return m
	}
	cs, as, bs := lp.Convert(c, dense(g), h, dense(a), b)
	best, y, err := lp.Simplex(cs, as, bs, 1e-10, nil)
	if err != nil {
		return 0, nil, err
	}
	x = make([]float64, len(c)) // each number was split into a positive and a negative part
	for i := range x {
		x[i] = y[i] - y[len(c)+i]
	}
	return best, x, nil
}

// Spread returns the features of sums of rewards that are regularised by the entropy of the policy
// (such as Haarnoja et al., "Reinforcement Learning with Deep Energy-Based Policies", 2017): the
// occupancy, and the discounted entropy of the actions taken.
func Spread(m *tabular.MDP, pi tabular.Policy) []float64 {
	x, sum := m.Occupancy(pi), 0.0
	for i, d := range x {
		if pi[i] > 0 {
			sum -= d * math.Log(pi[i])
		}
	}
	return append(x, sum)
}
