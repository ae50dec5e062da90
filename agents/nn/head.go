package nn

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A Kind is a family of distributions.
type Kind uint8

const (
	// Categorical is a choice among N. Its inputs are N logits (-Inf forbids a choice), its
	// action is the index of the choice.
	Categorical Kind = iota

	// Gaussian is N independent normal numbers. Its inputs are N means; the logarithms of the
	// standard deviations are N free parameters, the same for all rows.
	Gaussian

	// SquashedGaussian is the hyperbolic tangent of N independent normal numbers, within -1..1.
	// Its inputs are N means, then N logarithms of standard deviations, which are clamped to
	// MinLogStd..MaxLogStd. See Haarnoja et al., "Soft Actor-Critic" (ICML 2018), appendix C.
	SquashedGaussian
)

// The bounds of the logarithm of the standard deviation of a SquashedGaussian.
const (
	MinLogStd = -20
	MaxLogStd = 2
)

// A Part is one of the independent distributions that make up a Head.
type Part struct {
	Kind Kind
	N    int // choices of a Categorical, at least 2; else numbers, at least 1
}

// A Head is the distribution of an action row: the product of its Parts, whose columns stand in
// order. It is immutable and may be used by several goroutines at once.
//
// Its methods work on whole batches: policy (rows x Inputs) is what the network puts out, free
// (Free) the parameters that all rows share, act (rows x Actions) the actions. None allocates.
type Head struct {
	parts                 []part
	inputs, free, actions int
	discrete              bool // all parts are Categorical
	k                     *kernel
}

type part struct {
	Part
	in, free, act int // first column among the inputs, the free parameters, the actions
}

// NewHead returns the product of parts. It panics if there are none or one is too small.
func NewHead(parts ...Part) *Head {
	h := &Head{discrete: true, k: active}
	for _, p := range parts {
		if p.N < 1 || p.Kind == Categorical && p.N < 2 || p.Kind > SquashedGaussian {
			panic(fmt.Sprintf("nn: part of an action distribution of kind %d with N = %d", p.Kind, p.N))
		}
		h.parts = append(h.parts, part{p, h.inputs, h.free, h.actions})
		switch p.Kind {
		case Categorical:
			h.inputs += p.N
			h.actions++
			continue
		case Gaussian:
			h.inputs += p.N
			h.free += p.N
		case SquashedGaussian:
			h.inputs += 2 * p.N
		}
		h.actions += p.N
		h.discrete = false
	}
	if len(h.parts) == 0 {
		panic("nn: an action distribution needs parts")
	}
	return h
}

// Inputs returns the number of outputs a row that the head takes from the network.
func (h *Head) Inputs() int { return h.inputs }

// Free returns the number of parameters of the head itself: the logarithms of the standard
// deviations of its Gaussian parts.
func (h *Head) Free() int { return h.free }

// Actions returns the number of columns of an action row.
func (h *Head) Actions() int { return h.actions }

func (h *Head) rows(policy, free []float32) int {
	if len(policy)%h.inputs != 0 || len(free) != h.free {
		panic(fmt.Sprintf("nn: action distribution of %d inputs and %d free parameters got %d and %d",
			h.inputs, h.free, len(policy), len(free)))
	}
	return len(policy) / h.inputs
}

// Sample draws an action for each row of policy. Row i draws from the stream of k for world
// first+i, so that it gets the same action whatever batch it is part of.
func (h *Head) Sample(act, policy, free []float32, k rng.Key, first int) {
	for i := range h.rows(policy, free) {
		x, a := policy[i*h.inputs:(i+1)*h.inputs], act[i*h.actions:(i+1)*h.actions]
		s := k.Stream(purposeSample, uint32(first+i), 0)
		for _, p := range h.parts {
			switch p.Kind {
			case Categorical:
				a[p.act] = float32(sampleChoice(x[p.in:p.in+p.N], s.Float32()))
			case Gaussian:
				for j := range p.N {
					a[p.act+j] = x[p.in+j] + float32(geom.Exp(free[p.free+j])*s.Norm())
				}
			case SquashedGaussian:
				for j := range p.N {
					std := geom.Exp(clampLogStd(x[p.in+p.N+j]))
					a[p.act+j] = geom.Tanh(x[p.in+j] + float32(std*s.Norm()))
				}
			}
		}
	}
}

// Mode sets the most likely action of each row: of a Categorical the first among equals, of a
// SquashedGaussian the tangent of its mean, which is the median.
func (h *Head) Mode(act, policy, free []float32) {
	for i := range h.rows(policy, free) {
		x, a := policy[i*h.inputs:(i+1)*h.inputs], act[i*h.actions:(i+1)*h.actions]
		for _, p := range h.parts {
			switch p.Kind {
			case Categorical:
				a[p.act] = float32(argmax(x[p.in : p.in+p.N]))
			case Gaussian:
				copy(a[p.act:p.act+p.N], x[p.in:])
			case SquashedGaussian:
				for j := range p.N {
					a[p.act+j] = geom.Tanh(x[p.in+j])
				}
			}
		}
	}
}

// KL sets dst, one number a row, to the Kullback-Leibler divergence of the second distribution
// from the first: the mean under the first of the difference of their log-probabilities.
func (h *Head) KL(dst, policy0, free0, policy1, free1 []float32) {
	h.rows(policy1, free1)
	for i := range h.rows(policy0, free0) {
		x, y := policy0[i*h.inputs:(i+1)*h.inputs], policy1[i*h.inputs:(i+1)*h.inputs]
		var kl float32
		for _, p := range h.parts {
			lo, hi := p.in, p.in+p.N
			switch p.Kind {
			case Categorical:
				kl += choiceKL(x[lo:hi], y[lo:hi])
			case Gaussian:
				for j := range p.N {
					kl += normalKL(x[lo+j], free0[p.free+j], y[lo+j], free1[p.free+j])
				}
			case SquashedGaussian: // the divergence does not change when both are mapped one to one
				for j := range p.N {
					kl += normalKL(x[lo+j], clampLogStd(x[hi+j]), y[lo+j], clampLogStd(y[hi+j]))
				}
			}
		}
		dst[i] = kl
	}
}

// A HeadTape holds the results of Head.Forward and what Head.Backward needs. Use one for each
// goroutine.
type HeadTape struct {
	LogProb []float32 // rows: logarithm of the probability (density) of the action
	Entropy []float32 // rows: of the distribution

	policy, free []float32 // as given
	p            []float32 // rows x Inputs: probabilities of choices; of others, (u-mean)/std in the column of the mean
	lp           []float32 // rows x Inputs: log-probabilities of choices
	act          []float32 // as given
	std          []float32 // Free: standard deviations
}

// NewTape returns a tape for up to the given number of rows.
func (h *Head) NewTape(rows int) *HeadTape {
	f := func(n int) []float32 { return make([]float32, n) }
	return &HeadTape{
		LogProb: f(rows), Entropy: f(rows), p: f(rows * h.inputs), lp: f(rows * h.inputs), std: f(h.free),
	}
}

// Forward computes t.LogProb of the actions act and t.Entropy. The slices must hold until
// Backward.
//
// The entropy of a SquashedGaussian, which has no closed form, is integrated numerically, within
// 1e-4 a number. That costs 89 exponentials and logarithms each.
func (h *Head) Forward(t *HeadTape, policy, free, act []float32) {
	rows := h.rows(policy, free)
	if cap(t.LogProb) < rows || len(t.p) < rows*h.inputs || len(t.std) != h.free {
		panic(fmt.Sprintf("nn: tape of an action distribution is too small for %d rows, or of another", rows))
	}
	t.policy, t.free, t.act = policy, free, act[:rows*h.actions]
	t.LogProb, t.Entropy = t.LogProb[:rows], t.Entropy[:rows]
	clear(t.LogProb)
	clear(t.Entropy)
	for i, v := range free {
		t.std[i] = geom.Exp(v)
	}
	h.logits(t, rows)
	for _, p := range h.parts {
		switch p.Kind {
		case Categorical:
			h.forwardChoice(t, p)
		case Gaussian:
			h.forwardGaussian(t, p)
		case SquashedGaussian:
			h.forwardSquashed(t, p)
		}
	}
}

// Backward takes the gradient of a loss with respect to t.LogProb and t.Entropy of the last
// Forward, sets dPolicy (rows x Inputs) to that with respect to the inputs and adds that with
// respect to the free parameters to dFree.
func (h *Head) Backward(t *HeadTape, dLogProb, dEntropy, dPolicy, dFree []float32) {
	for _, p := range h.parts {
		switch p.Kind {
		case Categorical:
			h.backwardChoice(t, p, dLogProb, dEntropy, dPolicy)
		case Gaussian:
			h.backwardGaussian(t, p, dLogProb, dEntropy, dPolicy, dFree)
		case SquashedGaussian:
			h.backwardSquashed(t, p, dLogProb, dEntropy, dPolicy)
		}
	}
}
