package nn

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
)

const (
	halfLog2Pi  = 0.91893853320467274178 // log(2 pi)/2
	halfLog2PiE = halfLog2Pi + 0.5       // entropy of the standard normal distribution
)

func clampLogStd(x float32) float32 {
	if x < MinLogStd {
		return MinLogStd
	}
	if x > MaxLogStd {
		return MaxLogStd
	}
	return x
}

// normalKL returns the divergence of N(mean1, std1) from N(mean0, std0).
func normalKL(mean0, logStd0, mean1, logStd1 float32) float32 {
	d := float32((mean0 - mean1) * geom.Exp(-logStd1))
	return logStd1 - logStd0 + float32(0.5*(geom.Exp(2*(logStd0-logStd1))+float32(d*d)-1))
}

func (h *Head) forwardGaussian(t *HeadTape, p part) {
	var logStd float32
	for _, v := range t.free[p.free : p.free+p.N] {
		logStd += v
	}
	std := t.std[p.free : p.free+p.N]
	for i := range t.LogProb {
		at := i*h.inputs + p.in
		mean, z, a := t.policy[at:at+p.N], t.p[at:at+p.N], t.act[i*h.actions+p.act:]
		var sq float32
		for j, m := range mean {
			z[j] = (a[j] - m) / std[j]
			sq += float32(z[j] * z[j])
		}
		t.LogProb[i] -= float32(0.5*sq) + logStd + float32(p.N)*halfLog2Pi
		t.Entropy[i] += logStd + float32(p.N)*halfLog2PiE
	}
}

// backwardGaussian uses, for an action a = mean + std z,
//
//	d log p/d mean = z/std        d log p/d log std = z^2 - 1        dH/d log std = 1
func (h *Head) backwardGaussian(t *HeadTape, p part, dLogProb, dEntropy, dPolicy, dFree []float32) {
	std, df := t.std[p.free:p.free+p.N], dFree[p.free:p.free+p.N]
	for i, dl := range dLogProb[:len(t.LogProb)] {
		at := i*h.inputs + p.in
		d, de := dPolicy[at:at+p.N], dEntropy[i]
		for j, z := range t.p[at : at+p.N] {
			d[j] = float32(dl*z) / std[j]
			df[j] += float32(dl*(float32(z*z)-1)) + de
		}
	}
}

// almostOne is the largest float32 below 1: actions of a SquashedGaussian beyond it, which the
// tangent rounds to 1, count as equal to it.
const almostOne = 1 - 1.0/(1<<24)

// artanh is the inverse of the hyperbolic tangent.
func artanh(a float32) float32 {
	a = geom.Clamp(a, -almostOne, almostOne)
	return 0.5 * geom.Log((1+a)/(1-a))
}

// logSech2 returns log(1 - tanh(u)^2), without cancellation for large u.
func logSech2(u float32) float32 {
	a := geom.Abs(u)
	return 2 * (math.Ln2 - a - geom.Log(1+geom.Exp(-2*a)))
}

// The nodes and weights of the trapezoidal rule for the mean of a function of a standard normal
// number. The singularities of log(1 - tanh(std z)^2) are pi/(2 std) off the real line, so that the
// rule is off by about exp(-pi^2/(std quadStep)): 2e-5 at the largest deviation, far less below.
const (
	quadStep  = 0.125
	quadRange = 5.5
	quadNodes = 2*quadRange/quadStep + 1
)

var quadX, quadW = quadrature()

func quadrature() (x, w [quadNodes]float32) {
	for i := range x {
		z := float64(i)*quadStep - quadRange
		x[i], w[i] = float32(z), float32(quadStep*math.Exp(-0.5*z*z)/math.Sqrt(2*math.Pi))
	}
	return x, w
}

func (h *Head) forwardSquashed(t *HeadTape, p part) {
	for i := range t.LogProb {
		at := i*h.inputs + p.in
		x, z, a := t.policy[at:at+2*p.N], t.p[at:at+2*p.N], t.act[i*h.actions+p.act:]
		for j := range p.N {
			mean, logStd := x[j], clampLogStd(x[p.N+j])
			std := geom.Exp(logStd)
			u := artanh(a[j])
			z[j], z[p.N+j] = (u-mean)/std, std
			t.LogProb[i] -= float32(0.5*z[j]*z[j]) + logStd + halfLog2Pi + logSech2(u)
			var squash float32
			for k, node := range quadX {
				squash += float32(quadW[k] * logSech2(mean+float32(std*node)))
			}
			t.Entropy[i] += logStd + halfLog2PiE + squash
		}
	}
}

// backwardSquashed uses the formulas of backwardGaussian, for the entropy those of the quadrature,
// with d log(1-tanh(u)^2)/du = -2 tanh u. A clamped logarithm of the deviation has no gradient.
func (h *Head) backwardSquashed(t *HeadTape, p part, dLogProb, dEntropy, dPolicy []float32) {
	for i, dl := range dLogProb[:len(t.LogProb)] {
		at := i*h.inputs + p.in
		x, z, d := t.policy[at:at+2*p.N], t.p[at:at+2*p.N], dPolicy[at:at+2*p.N]
		de := dEntropy[i]
		for j := range p.N {
			std := z[p.N+j]
			d[j] = float32(dl*z[j]) / std
			dLogStd := float32(dl*(float32(z[j]*z[j])-1)) + de
			if de != 0 {
				for k, node := range quadX {
					g := float32(-2 * de * quadW[k] * geom.Tanh(x[j]+float32(std*node)))
					d[j] += g
					dLogStd += float32(g * std * node)
				}
			}
			if l := x[p.N+j]; l < MinLogStd || l > MaxLogStd {
				dLogStd = 0
			}
			d[p.N+j] = dLogStd
		}
	}
}
