package model

import (
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// contrasting returns a contraster of a minibatch of all of some pairs, with its network.
func contrasting(t *testing.T, c Contrast, act nn.Activation) (*contraster, *Ensemble, []int32) {
	t.Helper()
	s, rs := noisy(t, 6, 2)
	rs[1].Weight, rs[2].Label = 2, 0.7
	e, err := NewEnsemble(Shape{Inputs: []string{"obs"}, Hidden: []int{7, 5}, Activation: act, Members: 1}, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	for i := range e.Params[0] { // outputs that matter
		e.Params[0][i] += 0.1 * float32(math.Sin(float64(i)))
	}
	f, err := newContraster(e, s, rs, c, len(rs))
	if err != nil {
		t.Fatal(err)
	}
	f.masks(len(rs), rng.New(4), 0)
	return f, e, []int32{0, 1, 2, 3, 4, 5}
}

// The gradient is that of the loss, by finite differences.
func TestContrastGradient(t *testing.T) {
	for _, act := range []nn.Activation{nn.Tanh, nn.ELU, nn.Identity, nn.ReLU} {
		for _, differences := range []bool{false, true} {
			f, e, order := contrasting(t, Contrast{Weight: 0.7, Tau: 0.5, Drop: 0.3, Differences: differences}, act)
			p := e.Params[0]
			grad, scratch := make([]float32, len(p)), make([]float32, len(p))
			f.gradient(p, grad, order)
			bad := 0
			for i := range p {
				const h = 1e-2
				was := p[i]
				p[i] = was + h
				above := f.gradient(p, scratch, order)
				p[i] = was - h
				below := f.gradient(p, scratch, order)
				p[i] = was
				if want := (above - below) / (2 * h); math.Abs(want-float64(grad[i])) > 2e-3+2e-2*math.Abs(want) {
					bad++
					if act != nn.ReLU { // whose kinks differences may straddle
						t.Errorf("%v, differences %v, parameter %d: gradient %v, by differences %v", act, differences, i, grad[i], want)
					}
				}
			}
			if bad > len(p)/8 {
				t.Errorf("%v: %d of %d slopes differ", act, bad, len(p))
			}
		}
	}
}

// Without a contrast, the loss and its gradient are those of Fit.
func TestContrastless(t *testing.T) {
	f, e, order := contrasting(t, Contrast{Tau: 1}, nn.ReLU)
	s, rs := noisy(t, 6, 2)
	rs[1].Weight, rs[2].Label = 2, 0.7
	pool := nn.NewPool(1)
	defer pool.Close()
	plain := &fitter{e: e, o: Training{Minibatch: 6, Loss: Standard}, pool: pool}
	if err := plain.load(s, rs); err != nil {
		t.Fatal(err)
	}
	want, got := make([]float32, len(e.Params[0])), make([]float32, len(e.Params[0]))
	loss := plain.records(&plain.workers[0], e.Params[0], order, want)
	if l := f.gradient(e.Params[0], got, order); math.Abs(l-loss) > 1e-5 {
		t.Errorf("loss %v, want %v", l, loss)
	}
	for i := range want {
		if math.Abs(float64(want[i]-got[i])) > 1e-4 {
			t.Errorf("parameter %d: gradient %v, want %v", i, got[i], want[i])
		}
	}
}

// Where nothing is dropped and all segments look alike, each view is as like all of them: log of their
// number.
func TestContrastOfEquals(t *testing.T) {
	f, e, order := contrasting(t, Contrast{Weight: 1, Tau: 0.1}, nn.Identity)
	clear(e.Params[0][:e.width*7]) // the first layer looks at nothing
	for i := range 7 {
		e.Params[0][e.width*7+i] = 1
	}
	with := f.gradient(e.Params[0], make([]float32, len(e.Params[0])), order)
	f.c.Weight = 0
	without := f.gradient(e.Params[0], make([]float32, len(e.Params[0])), order)
	if got, want := (with-without)/float64(f.weight), math.Log(12); math.Abs(got-want) > 1e-3 {
		t.Errorf("contrast of equals %v, want log 12 = %v", got, want)
	}
}

// A contrast spreads the representations of segments, and what is learned still orders pairs.
func TestFitContrast(t *testing.T) {
	s, rs := noisy(t, 200, 0)
	o := DefaultTraining()
	o.Epochs = 10
	likeness := map[float64]float64{}
	for _, weight := range []float64{0, 1} {
		e, err := NewEnsemble(oneLayer, s.Shape(), rng.New(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := FitContrast(e, s, rs, Contrast{Weight: weight, Tau: 0.1, Drop: 0.1}, o); err != nil {
			t.Fatal(err)
		}
		q, err := Measure(e, s, rs)
		if err != nil || q.Accuracy < 0.9 {
			t.Errorf("weight %v: accuracy %.2f, %v", weight, q.Accuracy, err)
		}
		var all [][]float32
		for _, r := range rs[:50] {
			v, _ := s.View(r.Segments[0])
			z := e.Embed(nil, v)
			n := float32(math.Sqrt(float64(dot(z, z)))) + 1e-6
			for k := range z {
				z[k] /= n
			}
			all = append(all, z)
		}
		for i := range all {
			for j := range i {
				likeness[weight] += math.Abs(float64(dot(all[i], all[j]))) / 1225
			}
		}
	}
	t.Logf("mean cosine by weight: %v", likeness)
	if likeness[1] > likeness[0]-0.02 {
		t.Errorf("mean cosine of representations %.3f with a contrast, %.3f without", likeness[1], likeness[0])
	}
}

func TestBadContrasts(t *testing.T) {
	s, rs := noisy(t, 4, 0)
	e, err := NewEnsemble(oneLayer, s.Shape(), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(e.Params[0])
	for _, c := range []Contrast{{Weight: -1, Tau: 1}, {Weight: 1}, {Weight: 1, Tau: 1, Drop: 1}, {Weight: math.NaN(), Tau: 1}} {
		if err := FitContrast(e, s, rs, c, DefaultTraining()); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	rs[2].Label = 2
	if err := FitContrast(e, s, rs, Contrast{Tau: 1}, DefaultTraining()); err == nil || !slices.Equal(before, e.Params[0]) {
		t.Errorf("a bad record: %v", err)
	}
}
