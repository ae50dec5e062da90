package eval

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// STARC returns the STARC distance of two rewards on the recorded transitions: half the
// Euclidean distance, over rows, of their canonical forms scaled to length 1.
//
// The canonical form is value-adjusted levelling (Skalse et al., proposition 1, without the
// average over successors, as in their experiments):
//
//	c(R)(s, a, s') = R(s, a, s') - V(s) + gamma V(s')
//
// V is the value of the policy that made the recording, estimated by least-squares temporal
// differences (Bradtke and Barto, 1996) on the observation, its squares and up to 64 random cosines
// of it, one for each 20 transitions. Shaping by a potential within the span of these features cancels exactly, other shaping as
// far as they can express it. Nothing follows a terminated transition; a truncated one goes on.
func STARC(a, b rewards.Func, d *Data, o Options) (Distance, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Distance{}, err
	}
	if err := d.Validate(); err != nil {
		return Distance{}, err
	}
	l, err := newLSTD(d, o)
	if err != nil {
		return Distance{}, err
	}
	x, err := l.canonical(a)
	if err != nil {
		return Distance{}, err
	}
	y, err := l.canonical(b)
	if err != nil {
		return Distance{}, err
	}
	rows := make([]int, d.Rows.N)
	for i := range rows {
		rows[i] = i
	}
	return distance(d, x, y, rows, moments.angle, o), nil
}

// lstd estimates values that are linear in features of the observation.
type lstd struct {
	d        *Data
	gamma    float64
	now      *mat.Dense // rows x features
	next     *mat.Dense // zero where nothing follows
	solution mat.LU
}

const maxCosines = 64

func newLSTD(d *Data, o Options) (*lstd, error) {
	b, w, cosines := d.Rows, env.Width(d.Spec.Obs), min(maxCosines, d.Rows.N/20)
	mean, scale := make([]float64, w), make([]float64, w)
	for i := range b.N {
		for j := range w {
			mean[j] += float64(b.Obs[i*w+j]) / float64(b.N)
		}
	}
	for i := range b.N {
		for j := range w {
			x := float64(b.Obs[i*w+j]) - mean[j]
			scale[j] += x * x / float64(b.N)
		}
	}
	for j := range scale {
		if scale[j] = math.Sqrt(scale[j]); scale[j] < 1e-9 {
			scale[j] = 1
		}
	}
	// Random Fourier features (Rahimi and Recht, 2007) of a kernel as wide as the data.
	r := rng.New(o.Seed).Stream(purpose, 1, 0)
	freq, phase := make([]float64, cosines*w), make([]float64, cosines)
	for i := range freq {
		freq[i] = float64(r.Norm()) / math.Sqrt(float64(w))
	}
	for i := range phase {
		phase[i] = 2 * math.Pi * float64(r.Float32())
	}
	n := 1 + 2*w + cosines
	features := func(dst []float64, obs []float32) {
		dst[0] = 1
		for j := range w {
			z := (float64(obs[j]) - mean[j]) / scale[j]
			dst[1+j], dst[1+w+j] = z, z*z
		}
		for k := range cosines {
			sum := phase[k]
			for j := range w {
				sum += freq[k*w+j] * dst[1+j]
			}
			dst[1+2*w+k] = math.Cos(sum)
		}
	}
	l := &lstd{d: d, gamma: o.Gamma, now: mat.NewDense(b.N, n, nil), next: mat.NewDense(b.N, n, nil)}
	for i := range b.N {
		features(l.now.RawRowView(i), b.Obs[i*w:(i+1)*w])
		if b.End[i] != env.Terminated {
			features(l.next.RawRowView(i), b.Next[i*w:(i+1)*w])
		}
	}
	// A = sum f(s) (f(s) - gamma f(s'))', with a little of the identity so that features which
	// say the same twice do no harm.
	var diff, A mat.Dense
	diff.Scale(-o.Gamma, l.next)
	diff.Add(l.now, &diff)
	A.Mul(l.now.T(), &diff)
	trace := 0.0
	for i := range n {
		trace += math.Abs(A.At(i, i))
	}
	for i := range n {
		A.Set(i, i, A.At(i, i)+1e-10*trace/float64(n)+1e-12)
	}
	l.solution.Factorize(&A)
	if c := l.solution.Cond(); math.IsInf(c, 1) || math.IsNaN(c) {
		return nil, fmt.Errorf("eval: values cannot be estimated from %d transitions: record more episodes", b.N)
	}
	return l, nil
}

// canonical returns the canonical form of a reward, row by row. Where nothing is left of it, it
// is zero.
func (l *lstd) canonical(f rewards.Func) ([]float64, error) {
	r, err := Scores(f, l.d.Rows)
	if err != nil {
		return nil, err
	}
	_, n := l.now.Dims()
	rhs, weights := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	rhs.MulVec(l.now.T(), mat.NewVecDense(len(r), r))
	// A warning about the condition is no failure: the residual below is what counts.
	if err := l.solution.SolveVecTo(weights, false, rhs); err != nil {
		if poor := mat.Condition(0); !errors.As(err, &poor) {
			return nil, fmt.Errorf("eval: values: %w", err)
		}
	}
	var now, next mat.VecDense
	now.MulVec(l.now, weights)
	next.MulVec(l.next, weights)
	c, before, after := make([]float64, len(r)), 0.0, 0.0
	for i := range c {
		c[i] = r[i] - now.AtVec(i) + l.gamma*next.AtVec(i)
		before += r[i]*r[i] + now.AtVec(i)*now.AtVec(i)
		after += c[i] * c[i]
	}
	if after < 1e-10*before {
		clear(c)
	}
	return c, nil
}
