package qd

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// sepCMAES is CMA-ES with a diagonal covariance: Ros and Hansen, "A simple modification in
// CMA-ES achieving linear time and space complexity" (PPSN 2008). Equation numbers in brackets
// are those of Hansen's tutorial, as in cmaES; c1 and cmu are greater by (n+2)/3.
type sepCMAES struct {
	n              int
	sigma0         float64
	mean, pc, ps   []float64
	c              []float64 // the diagonal
	sigma          float64
	generation     int
	step, variance []float64
}

func newSepCMAES(n int, sigma0 float64) *sepCMAES {
	f := func() []float64 { return make([]float64, n) }
	return &sepCMAES{n: n, sigma0: sigma0, mean: f(), pc: f(), ps: f(), c: f(), step: f(), variance: f()}
}

func (s *sepCMAES) reset(x []float32) {
	for i, v := range x {
		s.mean[i], s.c[i] = float64(v), 1
	}
	clear(s.pc)
	clear(s.ps)
	s.sigma, s.generation = s.sigma0, 0
}

func (s *sepCMAES) sample(sol []float32, k rng.Key) {
	for i := range len(sol) / s.n {
		r := k.Stream(samplePurpose, uint32(i), 0)
		for j := range s.n {
			sol[i*s.n+j] = float32(s.mean[j] + s.sigma*math.Sqrt(s.c[j])*float64(r.Norm()))
		}
	}
}

func (s *sepCMAES) update(sol []float32, ranks []int) {
	if len(ranks) == 0 {
		return
	}
	n, p := s.n, newRates(s.n, len(ranks))
	faster := (float64(n) + 2) / 3
	c1, cmu := p.c1*faster, p.cmu*faster
	if sum := c1 + cmu; sum > 1 {
		c1, cmu = c1/sum, cmu/sum
	}
	s.generation++
	clear(s.step)
	clear(s.variance)
	for i, row := range ranks {
		for j := range n {
			y := (float64(sol[row*n+j]) - s.mean[j]) / s.sigma
			s.step[j] += p.w[i] * y         // (41)
			s.variance[j] += p.w[i] * y * y // the diagonal of the sum in (47)
		}
	}
	length := 0.0
	for j := range n {
		s.mean[j] += s.sigma * s.step[j]                                                          // (42)
		s.ps[j] = (1-p.cs)*s.ps[j] + math.Sqrt(p.cs*(2-p.cs)*p.mueff)*s.step[j]/math.Sqrt(s.c[j]) // (43)
		length += s.ps[j] * s.ps[j]
	}
	length = math.Sqrt(length)
	h := 0.0
	if length/math.Sqrt(1-math.Pow(1-p.cs, 2*float64(s.generation))) < (1.4+2/(float64(n)+1))*p.chiN {
		h = 1
	}
	for j := range n {
		s.pc[j] = (1-p.cc)*s.pc[j] + h*math.Sqrt(p.cc*(2-p.cc)*p.mueff)*s.step[j] // (45)
		s.c[j] = (1+c1*(1-h)*p.cc*(2-p.cc)-c1-cmu)*s.c[j] + c1*s.pc[j]*s.pc[j] + cmu*s.variance[j]
	}
	s.sigma *= math.Exp(min(1, p.cs/p.ds*(length/p.chiN-1))) // (44)
}

func (s *sepCMAES) exhausted() bool {
	least, most := math.Inf(1), 0.0
	for _, v := range s.c {
		least, most = min(least, v), max(most, v)
	}
	return !(most/least < 1e14) || s.sigma*math.Sqrt(most) < 1e-11 || !(s.sigma < 1e30)
}

func (s *sepCMAES) state(c *codec) {
	for _, x := range [][]float64{s.mean, s.pc, s.ps, s.c} {
		c.fixed(x)
	}
	c.fixed(&s.sigma)
	c.int(&s.generation)
}
