package nn

import "github.com/terrarium-rl/terrarium/env/geom"

// sampleChoice inverts the distribution function of the softmax of the logits x at u in [0, 1).
func sampleChoice(x []float32, u float32) int {
	top := x[argmax(x)]
	var sum float32
	for _, v := range x {
		sum += geom.Exp(v - top)
	}
	u *= sum
	last := 0
	for i, v := range x {
		e := geom.Exp(v - top)
		if e > 0 {
			last = i // rounding may leave u at the end: then this is the choice
			if u < e {
				break
			}
		}
		u -= e
	}
	return last
}

func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// choiceKL returns the sum of p (log p - log q) for softmaxes of the logits x and y.
func choiceKL(x, y []float32) float32 {
	topX, topY := x[argmax(x)], y[argmax(y)]
	var sumX, sumY, mean float32
	for i, v := range x {
		e := geom.Exp(v - topX)
		sumX += e
		sumY += geom.Exp(y[i] - topY)
		if e > 0 {
			mean += float32(e * (v - topX - (y[i] - topY)))
		}
	}
	return mean/sumX - geom.Log(sumX) + geom.Log(sumY)
}

// logits fills t.lp with the logits less the largest of their part, and t.p with their
// exponentials; all rows at once, for the sake of SIMD.
func (h *Head) logits(t *HeadTape, rows int) {
	found := false
	for _, p := range h.parts {
		if p.Kind != Categorical {
			continue
		}
		found = true
		for at := p.in; at < rows*h.inputs; at += h.inputs {
			x, lp, e := t.policy[at:at+p.N], t.lp[at:at+p.N], t.p[at:at+p.N]
			top := x[argmax(x)]
			for i, v := range x {
				v -= top
				lp[i], e[i] = v, v
			}
		}
	}
	if found {
		h.k.exp(t.p[:rows*h.inputs]) // the columns of other parts are set later
	}
}

func (h *Head) forwardChoice(t *HeadTape, p part) {
	for i := range t.LogProb {
		at := i*h.inputs + p.in
		lp, e := t.lp[at:at+p.N], t.p[at:at+p.N]
		var sum float32
		for _, v := range e {
			sum += v
		}
		log, inv := geom.Log(sum), 1/sum
		var entropy float32
		for j, v := range e {
			lp[j] -= log
			v *= inv
			e[j] = v
			if v > 0 { // else lp may be -Inf
				entropy -= float32(v * lp[j])
			}
		}
		t.LogProb[i] += lp[int(t.act[i*h.actions+p.act])]
		t.Entropy[i] += entropy
	}
}

// backwardChoice uses, for logits x of probabilities p and a choice a,
//
//	d log p(a)/dx[j] = (j == a) - p[j]        dH/dx[j] = -p[j] (log p[j] + H)
func (h *Head) backwardChoice(t *HeadTape, p part, dLogProb, dEntropy, dPolicy []float32) {
	for i, dl := range dLogProb[:len(t.LogProb)] {
		at := i*h.inputs + p.in
		lp, pr, d := t.lp[at:at+p.N], t.p[at:at+p.N], dPolicy[at:at+p.N]
		de := dEntropy[i]
		var entropy float32 // of this part
		if len(h.parts) == 1 {
			entropy = t.Entropy[i]
		} else {
			for j, v := range pr {
				if v > 0 {
					entropy -= float32(v * lp[j])
				}
			}
		}
		for j, v := range pr {
			d[j] = 0
			if v > 0 {
				d[j] = -float32(v * (dl + float32(de*(lp[j]+entropy))))
			}
		}
		d[int(t.act[i*h.actions+p.act])] += dl
	}
}
