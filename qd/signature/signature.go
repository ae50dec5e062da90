// Package signature turns paths of any length into vectors of one length that tell paths apart
// by their shape: the truncated signature of Chen, "Integration of paths, geometric invariants and
// a generalized Baker-Hausdorff formula" (1957). Paolo's thesis, "Learning in sparse rewards
// settings through quality-diversity algorithms" (2021), describes behaviours by it.
//
// The signature of a straight segment with increment D is exp(D) = (1, D, D x D / 2!, ...), and
// that of two paths after one another is the product of theirs (Chen's identity):
//
//	S(a*b)_k = sum over i from 0 to k of S(a)_i x S(b)_(k-i)
//
// Level k of a path in d dimensions has d^k numbers, the first index running slowest. Level 0 is
// always 1 and left out. The signature does not depend on the speed along the path, nor on
// where it begins; append time as a coordinate where that matters.
package signature

import "fmt"

// Len returns the number of values of a signature up to a depth: d + d^2 + ... + d^depth.
func Len(d, depth int) int {
	n, level := 0, 1
	for range depth {
		level *= d
		n += level
	}
	return n
}

// A Path is a path that grows point by point, with its signature so far. Make one with New.
type Path struct {
	d, depth int
	begun    bool
	last     []float32
	step     []float64
	sig      [][]float64 // by level, from 0
	segment  [][]float64 // of the last segment
	next     []float64
}

// New returns an empty path in d dimensions. It panics unless d and depth are at least 1.
func New(d, depth int) *Path {
	if d < 1 || depth < 1 {
		panic(fmt.Sprintf("signature: %d dimensions to depth %d, want at least 1 and 1", d, depth))
	}
	p := &Path{d: d, depth: depth, last: make([]float32, d), step: make([]float64, d)}
	n := 1
	for range depth + 1 {
		p.sig, p.segment = append(p.sig, make([]float64, n)), append(p.segment, make([]float64, n))
		n *= d
	}
	p.next = make([]float64, n/d)
	p.Reset()
	return p
}

// Reset makes the path empty.
func (p *Path) Reset() {
	p.begun = false
	for _, level := range p.sig {
		clear(level)
	}
	p.sig[0][0] = 1
}

// Add makes the path go on, in a straight line, to a point of d coordinates. It does not allocate.
func (p *Path) Add(point []float32) {
	if len(point) != p.d {
		panic(fmt.Sprintf("signature: point of %d coordinates on a path in %d dimensions", len(point), p.d))
	}
	if !p.begun {
		copy(p.last, point)
		p.begun = true
		return
	}
	for i, x := range point {
		p.step[i] = float64(x) - float64(p.last[i])
	}
	copy(p.last, point)
	// Level k of the segment is level k-1 times D/k.
	p.segment[0][0] = 1
	for k := 1; k <= p.depth; k++ {
		for i, s := range p.segment[k-1] {
			for j, v := range p.step {
				p.segment[k][i*p.d+j] = s * v / float64(k)
			}
		}
	}
	// From the last level down, as a level needs the old ones below it.
	for k := p.depth; k >= 1; k-- {
		next := p.next[:len(p.sig[k])]
		clear(next)
		for i := range k + 1 {
			b := p.segment[k-i]
			for u, s := range p.sig[i] {
				for v, t := range b {
					next[u*len(b)+v] += s * t
				}
			}
		}
		copy(p.sig[k], next)
	}
}

// AppendTo appends the signature, levels 1 to depth, to dst.
func (p *Path) AppendTo(dst []float32) []float32 {
	for _, level := range p.sig[1:] {
		for _, v := range level {
			dst = append(dst, float32(v))
		}
	}
	return dst
}

// AppendLog appends the logarithm of the signature, levels 1 to depth: the sum over n of
// (-1)^(n+1) (S-1)^n / n, with products of tensors. Level 1 is that of the signature; level 2 holds
// the signed areas alone, without what follows from level 1.
func (p *Path) AppendLog(dst []float32) []float32 {
	power, sum := p.levels(), p.levels()
	power[0][0] = 1
	for n := 1; n <= p.depth; n++ {
		next := p.levels()
		for k := 1; k <= p.depth; k++ { // power * (S-1), whose level 0 is 0
			for i := range k {
				b := p.sig[k-i]
				for u, s := range power[i] {
					for v, t := range b {
						next[k][u*len(b)+v] += s * t
					}
				}
			}
		}
		power = next
		f := 1 / float64(n)
		if n%2 == 0 {
			f = -f
		}
		for k := range sum {
			for i, v := range power[k] {
				sum[k][i] += f * v
			}
		}
	}
	for _, level := range sum[1:] {
		for _, v := range level {
			dst = append(dst, float32(v))
		}
	}
	return dst
}

// levels returns zeros in the shape of a signature.
func (p *Path) levels() (out [][]float64) {
	for _, level := range p.sig {
		out = append(out, make([]float64, len(level)))
	}
	return out
}

// Of returns the signature of the path through points, one row of d coordinates each.
func Of(points []float32, d, depth int) []float32 {
	p := New(d, depth)
	for i := 0; i+d <= len(points); i += d {
		p.Add(points[i : i+d])
	}
	return p.AppendTo(make([]float32, 0, Len(d, depth)))
}
