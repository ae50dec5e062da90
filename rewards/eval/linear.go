package eval

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/env"
)

// A Linear model predicts that the observation changes by a linear function of itself and the
// action, one column a choice where actions are discrete.
type Linear struct {
	spec    *env.Spec
	weights *mat.Dense // inputs x observation
	inputs  int
	R2      float64 // part of the variance of changes that it explains on the data
}

var _ Model = (*Linear)(nil)

// FitLinear fits a model to recorded transitions by ridge regression.
func FitLinear(d *Data) (*Linear, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	b, w, a := d.Rows, env.Width(d.Spec.Obs), env.Width(d.Spec.Act)
	l := &Linear{spec: d.Spec, inputs: 1 + w}
	for _, f := range d.Spec.Act {
		l.inputs += f.Len * max(1, f.Choices)
	}
	x, y := mat.NewDense(b.N, l.inputs, nil), mat.NewDense(b.N, w, nil)
	for i := range b.N {
		l.input(x.RawRowView(i), b.Obs[i*w:(i+1)*w], b.Act[i*a:(i+1)*a])
		for j := range w {
			y.Set(i, j, float64(b.Next[i*w+j]-b.Obs[i*w+j]))
		}
	}
	var gram, rhs mat.Dense
	gram.Mul(x.T(), x)
	for i := range l.inputs {
		gram.Set(i, i, gram.At(i, i)+1e-6*float64(b.N))
	}
	rhs.Mul(x.T(), y)
	l.weights = new(mat.Dense)
	if err := l.weights.Solve(&gram, &rhs); err != nil {
		if poor := mat.Condition(0); !errors.As(err, &poor) {
			return nil, fmt.Errorf("eval: transition model: %w", err)
		}
	}
	var fit mat.Dense
	fit.Mul(x, l.weights)
	l.R2 = explained(y, &fit)
	return l, nil
}

// explained returns the part of the variance of y that fit explains, columns counting alike.
func explained(y, fit *mat.Dense) float64 {
	n, w := y.Dims()
	sum, cols := 0.0, 0
	for j := range w {
		mean, total, left := 0.0, 0.0, 0.0
		for i := range n {
			mean += y.At(i, j) / float64(n)
		}
		for i := range n {
			total += math.Pow(y.At(i, j)-mean, 2)
			left += math.Pow(y.At(i, j)-fit.At(i, j), 2)
		}
		if total > 1e-12 {
			sum, cols = sum+1-left/total, cols+1
		}
	}
	if cols == 0 {
		return 1
	}
	return sum / float64(cols)
}

func (l *Linear) input(dst []float64, obs, act []float32) {
	clear(dst)
	dst[0] = 1
	for j, x := range obs {
		dst[1+j] = float64(x)
	}
	at, col := 1+len(obs), 0
	for _, f := range l.spec.Act {
		for range f.Len {
			if f.Choices > 0 {
				dst[at+max(0, min(f.Choices-1, int(act[col])))] = 1
			} else {
				dst[at] = float64(act[col])
			}
			at, col = at+max(1, f.Choices), col+1
		}
	}
}

// Predict writes what follows.
func (l *Linear) Predict(next, obs, act []float32) {
	w, a := env.Width(l.spec.Obs), env.Width(l.spec.Act)
	in := make([]float64, l.inputs)
	for i := range len(obs) / w {
		l.input(in, obs[i*w:(i+1)*w], act[i*a:(i+1)*a])
		for j := range w {
			sum := float64(obs[i*w+j])
			for k, x := range in {
				if x != 0 {
					sum += x * l.weights.At(k, j)
				}
			}
			next[i*w+j] = float32(sum)
		}
	}
}
