package qd

import (
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// lmMAES is the limited-memory matrix adaptation evolution strategy of Loshchilov, Glasmachers and
// Beyer, "Large scale black-box optimization by limited-memory matrix adaptation" (IEEE Transactions
// on Evolutionary Computation, 2019), algorithm 1; line numbers in brackets are its own. Its
// transformation is a product of rank-one changes, of which it remembers 4 + 3 ln n.
type lmMAES struct {
	n, lambda  int
	sigma0     float64
	y, ps      []float64   // the mean and the path of the step size
	m          [][]float64 // the vectors of the transformation
	sigma      float64
	generation int
	z, d       []float64 // samples of one generation, before and after the transformation
}

func newLMMAES(n, lambda int, sigma0 float64) *lmMAES {
	s := &lmMAES{n: n, lambda: lambda, sigma0: sigma0, y: make([]float64, n), ps: make([]float64, n)}
	s.m = make([][]float64, 4+int(3*math.Log(float64(n))))
	for i := range s.m {
		s.m[i] = make([]float64, n)
	}
	s.z, s.d = make([]float64, lambda*n), make([]float64, lambda*n)
	return s
}

func (s *lmMAES) reset(x []float32) {
	for i, v := range x {
		s.y[i] = float64(v)
	}
	clear(s.ps)
	for _, m := range s.m {
		clear(m)
	}
	s.sigma, s.generation = s.sigma0, 0
}

func (s *lmMAES) sample(sol []float32, k rng.Key) {
	for i := range len(sol) / s.n {
		z, d := s.z[i*s.n:(i+1)*s.n], s.d[i*s.n:(i+1)*s.n]
		r := k.Stream(samplePurpose, uint32(i), 0)
		for j := range z {
			z[j] = float64(r.Norm()) // [5]
		}
		copy(d, z) // [6]
		for j, m := range s.m[:min(s.generation, len(s.m))] {
			cd := 1 / (math.Pow(1.5, float64(j)) * float64(s.n))
			dot := 0.0
			for c, v := range m {
				dot += v * d[c]
			}
			for c, v := range m {
				d[c] = (1-cd)*d[c] + cd*v*dot // [8]
			}
		}
		for j, v := range d {
			sol[i*s.n+j] = float32(s.y[j] + s.sigma*v) // [9]
		}
	}
}

func (s *lmMAES) update(_ []float32, parents []int) {
	if len(parents) == 0 {
		return
	}
	n, p := float64(s.n), newRates(s.n, len(parents))
	cs := min(2*float64(s.lambda)/n, 0.9) // the paper has n much above lambda
	step := make([]float64, s.n)
	for i, row := range parents {
		for j := range step {
			s.y[j] += s.sigma * p.w[i] * s.d[row*s.n+j] // [10]
			step[j] += p.w[i] * s.z[row*s.n+j]
		}
	}
	length := 0.0
	for j, v := range step {
		s.ps[j] = (1-cs)*s.ps[j] + math.Sqrt(p.mueff*cs*(2-cs))*v // [11]
		length += s.ps[j] * s.ps[j]
	}
	for i, m := range s.m {
		cc := min(float64(s.lambda)/(math.Pow(4, float64(i))*n), 0.9)
		for j, v := range step {
			m[j] = (1-cc)*m[j] + math.Sqrt(p.mueff*cc*(2-cc))*v // [13]
		}
	}
	s.sigma *= math.Exp(min(1, cs/2*(length/n-1))) // [14]
	s.generation++
}

func (s *lmMAES) exhausted() bool {
	return !(s.sigma > 1e-11) || !(s.sigma < 1e30) || slices.ContainsFunc(s.y, func(v float64) bool { return math.IsNaN(v) })
}

func (s *lmMAES) state(c *codec) {
	for _, x := range append([][]float64{s.y, s.ps}, s.m...) {
		c.fixed(x)
	}
	c.fixed(&s.sigma)
	c.int(&s.generation)
}
