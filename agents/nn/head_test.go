package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// heads are the distributions that all tests of a Head run on.
var heads = map[string][]Part{
	"categorical":      {{Categorical, 5}},
	"multi-discrete":   {{Categorical, 3}, {Categorical, 2}, {Categorical, 17}},
	"gaussian":         {{Gaussian, 3}},
	"squashedGaussian": {{SquashedGaussian, 3}},
	"mixed":            {{Gaussian, 1}, {Categorical, 4}, {SquashedGaussian, 2}, {Gaussian, 2}, {Categorical, 2}},
}

func eachHead(t *testing.T, f func(t *testing.T, h *Head)) {
	eachKernel(t, func(t *testing.T) {
		for name, parts := range heads {
			t.Run(name, func(t *testing.T) { f(t, NewHead(parts...)) })
		}
	})
}

// headReference returns log-probability and entropy of a row in float64, from their definitions.
func headReference(h *Head, x, free, act []float64) (logProb, entropy float64) {
	for _, p := range h.parts {
		in := x[p.in:]
		switch p.Kind {
		case Categorical:
			var sum float64
			for _, v := range in[:p.N] {
				sum += math.Exp(v)
			}
			for j, v := range in[:p.N] {
				q := math.Exp(v) / sum
				entropy -= q * math.Log(q)
				if float64(j) == act[p.act] {
					logProb += math.Log(q)
				}
			}
		case Gaussian:
			for j := range p.N {
				ls := free[p.free+j]
				logProb += normalLogProb(act[p.act+j], in[j], ls)
				entropy += 0.5*math.Log(2*math.Pi*math.E) + ls
			}
		case SquashedGaussian:
			for j := range p.N {
				ls := min(max(in[p.N+j], MinLogStd), MaxLogStd)
				a := act[p.act+j]
				logProb += normalLogProb(math.Atanh(a), in[j], ls) - math.Log(1-a*a)
				entropy += squashedEntropy(in[j], math.Exp(ls))
			}
		}
	}
	return logProb, entropy
}

func normalLogProb(x, mean, logStd float64) float64 {
	z := (x - mean) / math.Exp(logStd)
	return -0.5*z*z - logStd - 0.5*math.Log(2*math.Pi)
}

// squashedEntropy integrates -log density over the underlying normal number by the trapezoidal
// rule, which for such smooth, quickly vanishing functions is all but exact.
func squashedEntropy(mean, std float64) (sum float64) {
	const step = 0.04
	for z := -9.0; z <= 9; z += step {
		u := mean + std*z
		logSech2 := 2 * (math.Ln2 - math.Abs(u) - math.Log1p(math.Exp(-2*math.Abs(u))))
		density := math.Exp(-0.5*z*z) / math.Sqrt(2*math.Pi)
		sum += step * density * (0.5*z*z + math.Log(std) + 0.5*math.Log(2*math.Pi) + logSech2)
	}
	return sum
}

// sample returns inputs, free parameters and sampled actions of some rows.
func sample(h *Head, rows int) (policy, free, act []float32) {
	policy, free = random(1, rows*h.Inputs(), 0.7), random(2, h.Free(), 0.5)
	act = make([]float32, rows*h.Actions())
	h.Sample(act, policy, free, rng.New(3), 0)
	return policy, free, act
}

func TestHeadGradients(t *testing.T) {
	eachHead(t, func(t *testing.T, h *Head) {
		const rows = 7
		policy, free, act := sample(h, rows)
		tape := h.NewTape(rows + 1)
		h.Forward(tape, policy, free, act)
		dl, de := random(4, rows, 1), random(5, rows, 1)
		dPolicy, dFree := random(6, len(policy), 1), make([]float32, len(free))
		h.Backward(tape, dl, de, dPolicy, dFree)

		x, f, a := wide(policy), wide(free), wide(act)
		loss := func() (sum float64) {
			for i := range rows {
				lp, e := headReference(h, x[i*h.inputs:(i+1)*h.inputs], f, a[i*h.actions:(i+1)*h.actions])
				sum += float64(dl[i])*lp + float64(de[i])*e
			}
			return sum
		}
		for i := range rows {
			lp, e := headReference(h, x[i*h.inputs:], f, a[i*h.actions:])
			if math.Abs(float64(tape.LogProb[i])-lp) > 1e-5*(1+math.Abs(lp)) || math.Abs(float64(tape.Entropy[i])-e) > 1e-5*(1+math.Abs(e)) {
				t.Errorf("row %d: log-probability %v, entropy %v, want %v, %v", i, tape.LogProb[i], tape.Entropy[i], lp, e)
			}
		}
		checkGradient(t, "input", dPolicy, x, loss)
		checkGradient(t, "free parameter", dFree, f, loss)
	})
}

// The entropy of a squashed Gaussian must be as exact as its documentation says.
func TestSquashedEntropy(t *testing.T) {
	h := NewHead(Part{SquashedGaussian, 1})
	tape := h.NewTape(1)
	worst := 0.0
	for ls := -5.0; ls <= 2; ls += 0.25 {
		for mean := -6.0; mean <= 6; mean += 0.1 {
			h.Forward(tape, []float32{float32(mean), float32(ls)}, nil, []float32{0})
			d := math.Abs(float64(tape.Entropy[0]) - squashedEntropy(mean, math.Exp(ls)))
			worst = max(worst, d)
		}
	}
	if worst > 1e-4 {
		t.Errorf("largest error %v", worst)
	}
}

// Means over many samples must be those of the distribution: of the log-probability, minus the
// entropy; of the difference of log-probabilities, the divergence.
func TestHeadSamples(t *testing.T) {
	for name, parts := range heads {
		t.Run(name, func(t *testing.T) {
			const rows = 8000
			h := NewHead(parts...)
			one, free := random(1, h.Inputs(), 0.7), random(2, h.Free(), 0.5)
			other, otherFree := random(3, h.Inputs(), 0.7), random(4, h.Free(), 0.5)
			policy, policy2 := make([]float32, 0, rows*h.Inputs()), make([]float32, 0, rows*h.Inputs())
			for range rows {
				policy, policy2 = append(policy, one...), append(policy2, other...)
			}
			act := make([]float32, rows*h.Actions())
			h.Sample(act, policy, free, rng.New(5), 0)
			p, q := h.NewTape(rows), h.NewTape(rows)
			h.Forward(p, policy, free, act)
			h.Forward(q, policy2, otherFree, act)
			kl := []float32{0}
			h.KL(kl, one, free, other, otherFree)
			check := func(what string, want float64, f func(i int) float64) {
				var sum, sq float64
				for i := range rows {
					sum, sq = sum+f(i), sq+f(i)*f(i)
				}
				mean := sum / rows
				if se := math.Sqrt((sq/rows - mean*mean) / rows); math.Abs(mean-want) > 5*se+1e-5 {
					t.Errorf("%s by sampling %v, want %v within %v", what, mean, want, 5*se)
				}
			}
			check("entropy", float64(p.Entropy[0]), func(i int) float64 { return -float64(p.LogProb[i]) })
			check("divergence", float64(kl[0]), func(i int) float64 { return float64(p.LogProb[i]) - float64(q.LogProb[i]) })
			h.KL(kl, one, free, one, free)
			if math.Abs(float64(kl[0])) > 1e-6 {
				t.Errorf("divergence of a distribution from itself = %v", kl[0])
			}
		})
	}
}

// Each choice must come as often as its probability says.
func TestSampleChoice(t *testing.T) {
	const n = 200_000
	logits := []float32{0.5, float32(math.Inf(-1)), -1, 2, float32(math.Inf(-1))}
	h := NewHead(Part{Categorical, len(logits)})
	count := make([]float64, len(logits))
	act := []float32{0}
	for i := range n {
		h.Sample(act, logits, nil, rng.New(9), i)
		count[int(act[0])]++
	}
	tape := h.NewTape(1)
	for i := range logits {
		h.Forward(tape, logits, nil, []float32{float32(i)})
		p := math.Exp(float64(tape.LogProb[0]))
		if math.Abs(count[i]/n-p) > 5*math.Sqrt(p*(1-p)/n) {
			t.Errorf("choice %d came %v times in %v, want a share of %v", i, count[i], n, p)
		}
	}
	if got := sampleChoice(logits, math.Nextafter32(1, 0)); got != 3 {
		t.Errorf("choice at the end of the distribution = %d, want 3, the last possible one", got)
	}
}

// A forbidden choice must not spoil gradients.
func TestForbiddenChoice(t *testing.T) {
	h := NewHead(Part{Categorical, 3})
	tape := h.NewTape(1)
	h.Forward(tape, []float32{1, float32(math.Inf(-1)), 1}, nil, []float32{2})
	d := make([]float32, 3)
	h.Backward(tape, []float32{1}, []float32{1}, d, nil)
	if math.Abs(float64(tape.Entropy[0])-math.Ln2) > 1e-6 || d[0] != -0.5 || d[1] != 0 || d[2] != 0.5 {
		t.Errorf("entropy %v, gradient %v, want log 2 and [-0.5 0 0.5]", tape.Entropy[0], d)
	}
}

// Large logits must not overflow.
func TestLargeLogits(t *testing.T) {
	h := NewHead(Part{Categorical, 2})
	tape := h.NewTape(1)
	h.Forward(tape, []float32{1e6, 1e6 - 1}, nil, []float32{1})
	if want := -1 - math.Log1p(math.Exp(-1)); math.Abs(float64(tape.LogProb[0])-want) > 1e-6 {
		t.Errorf("log-probability %v, want %v", tape.LogProb[0], want)
	}
}

// An action must not depend on the batch that its row is part of.
func TestSampleIndependentOfBatch(t *testing.T) {
	eachHead(t, func(t *testing.T, h *Head) {
		const rows = 9
		policy, free, act := sample(h, rows)
		one := make([]float32, h.Actions())
		for i := range rows {
			h.Sample(one, policy[i*h.Inputs():(i+1)*h.Inputs()], free, rng.New(3), i)
			if !slices.Equal(one, act[i*h.Actions():(i+1)*h.Actions()]) {
				t.Errorf("row %d alone: %v, in a batch %v", i, one, act[i*h.Actions():(i+1)*h.Actions()])
			}
		}
		again := slices.Clone(act)
		h.Sample(again, policy, free, rng.New(4), 0)
		if slices.Equal(again, act) {
			t.Error("another key gives the same actions")
		}
	})
}

// No other action may be more likely than the mode (of a squashed Gaussian: than its median, for
// actions further out by the underlying normal number).
func TestMode(t *testing.T) {
	h := NewHead(Part{Categorical, 4}, Part{Gaussian, 2}, Part{SquashedGaussian, 1})
	act := make([]float32, h.Actions())
	h.Mode(act, []float32{1, 3, 3, 2, -0.5, 4, 0.25, 0}, []float32{0, 1})
	want := []float32{1, -0.5, 4, float32(math.Tanh(0.25))}
	for i, w := range want {
		if math.Abs(float64(act[i]-w)) > 1e-6 {
			t.Errorf("mode %v, want %v", act, want)
			break
		}
	}
}

// Squashed actions that round to the bounds must have finite log-probabilities and gradients.
func TestSquashedBounds(t *testing.T) {
	h := NewHead(Part{SquashedGaussian, 2})
	tape, d := h.NewTape(1), make([]float32, 4)
	h.Forward(tape, []float32{20, -20, 5, -30}, nil, []float32{1, -1})
	h.Backward(tape, []float32{1}, []float32{1}, d, nil)
	for _, v := range append(slices.Clone(d), tape.LogProb[0], tape.Entropy[0]) {
		if v-v != 0 {
			t.Fatalf("log-probability %v, entropy %v, gradient %v", tape.LogProb[0], tape.Entropy[0], d)
		}
	}
	if d[2] != 0 || d[3] != 0 {
		t.Errorf("clamped deviations have gradients %v", d[2:])
	}
}

func TestHeadMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"no parts":    func() { NewHead() },
		"one choice":  func() { NewHead(Part{Categorical, 1}) },
		"no numbers":  func() { NewHead(Part{Gaussian, 0}) },
		"wrong width": func() { NewHead(Part{Gaussian, 2}).Mode(nil, make([]float32, 3), make([]float32, 2)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
