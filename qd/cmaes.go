package qd

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// cmaES is the covariance matrix adaptation evolution strategy of Hansen, "The CMA evolution
// strategy: a tutorial" (arXiv 1604.00772, 2016); numbers in brackets are its equations. It
// differs in two ways. The covariance is factorised as L L' rather than by eigenvectors, and
// the path of the step size uses the inverse of L for C^(-1/2): Krause, Arbones and Igel,
// "CMA-ES with optimal covariance update and storage complexity" (NeurIPS 2016). And how many
// parents there are may differ from one generation to the next, as CMA-ME needs.
type cmaES struct {
	n      int
	sigma0 float64
	gap    int // generations between factorisations

	mean, pc, ps  []float64
	sigma         float64
	c, l          blas64.Symmetric // l holds a lower triangle
	generation    int
	factorised    int // generation of l
	failed        bool
	y, step, next []float64
	parents       []float64 // of one generation, less the mean, over sigma
	z             []float64
}

func newCMAES(n, lambda int, sigma0 float64) *cmaES {
	sym := func() blas64.Symmetric {
		return blas64.Symmetric{N: n, Stride: n, Data: make([]float64, n*n), Uplo: blas.Lower}
	}
	s := &cmaES{
		n: n, sigma0: sigma0, mean: make([]float64, n), pc: make([]float64, n), ps: make([]float64, n),
		c: sym(), l: sym(), y: make([]float64, n), step: make([]float64, n), next: make([]float64, n),
		parents: make([]float64, lambda*n), z: make([]float64, lambda*n),
	}
	p := newRates(n, max(lambda/2, 1))
	s.gap = max(1, int(0.5/((p.c1+p.cmu)*float64(n)))) // appendix B.2, with a more patient constant, as factorising L is cheap
	return s
}

// rates are the weights and learning rates of a number of parents, table 1 without negative weights.
type rates struct {
	w                                []float64
	mueff, cc, cs, c1, cmu, ds, chiN float64
}

func newRates(n, mu int) rates {
	r := rates{w: make([]float64, mu)}
	sum, sq := 0.0, 0.0
	for i := range r.w {
		r.w[i] = math.Log(float64(mu)+0.5) - math.Log(float64(i+1)) // (49)
		sum += r.w[i]
	}
	for i := range r.w {
		r.w[i] /= sum
		sq += r.w[i] * r.w[i]
	}
	d := float64(n)
	r.mueff = 1 / sq
	r.cs = (r.mueff + 2) / (d + r.mueff + 5)                                // (55)
	r.ds = 1 + 2*max(0, math.Sqrt((r.mueff-1)/(d+1))-1) + r.cs              // (55)
	r.cc = (4 + r.mueff/d) / (d + 4 + 2*r.mueff/d)                          // (56)
	r.c1 = 2 / ((d+1.3)*(d+1.3) + r.mueff)                                  // (57)
	r.cmu = min(1-r.c1, 2*(0.25+r.mueff+1/r.mueff-2)/((d+2)*(d+2)+r.mueff)) // (58)
	r.chiN = math.Sqrt(d) * (1 - 1/(4*d) + 1/(21*d*d))                      // expected length of N(0,I)
	return r
}

// reset starts afresh around x.
func (s *cmaES) reset(x []float32) {
	for i := range s.mean {
		s.mean[i] = float64(x[i])
	}
	clear(s.pc)
	clear(s.ps)
	clear(s.c.Data)
	for i := range s.n {
		s.c.Data[i*s.n+i] = 1
	}
	copy(s.l.Data, s.c.Data)
	s.sigma, s.generation, s.factorised, s.failed = s.sigma0, 0, 0, false
}

// sample writes len(sol)/n points of N(mean, sigma^2 C), (5).
func (s *cmaES) sample(sol []float32, k rng.Key) {
	rows := len(sol) / s.n
	z := blas64.General{Rows: rows, Cols: s.n, Stride: s.n, Data: s.z[:rows*s.n]}
	for i := range rows {
		r := k.Stream(samplePurpose, uint32(i), 0)
		for j := range s.n {
			z.Data[i*s.n+j] = float64(r.Norm())
		}
	}
	blas64.Trmm(blas.Right, blas.Trans, 1, s.triangle(), z)
	for i, v := range z.Data {
		sol[i] = float32(s.mean[i%s.n] + s.sigma*v)
	}
}

func (s *cmaES) triangle() blas64.Triangular {
	return blas64.Triangular{N: s.n, Stride: s.n, Data: s.l.Data, Uplo: blas.Lower, Diag: blas.NonUnit}
}

// update moves the distribution towards parents, rows of sol by rank, best first.
func (s *cmaES) update(sol []float32, ranks []int) {
	if len(ranks) == 0 {
		return
	}
	n, p := s.n, newRates(s.n, len(ranks))
	s.generation++
	clear(s.step)
	for i, row := range ranks {
		y := s.parents[i*n : (i+1)*n]
		for j := range y {
			y[j] = (float64(sol[row*n+j]) - s.mean[j]) / s.sigma
			s.step[j] += p.w[i] * y[j] // (41)
		}
	}
	for j := range s.mean {
		s.mean[j] += s.sigma * s.step[j] // (42)
	}
	copy(s.y, s.step)
	blas64.Trsv(blas.NoTrans, s.triangle(), blas64.Vector{N: n, Inc: 1, Data: s.y})
	length := 0.0
	for j := range s.ps {
		s.ps[j] = (1-p.cs)*s.ps[j] + math.Sqrt(p.cs*(2-p.cs)*p.mueff)*s.y[j] // (43)
		length += s.ps[j] * s.ps[j]
	}
	length = math.Sqrt(length)
	settled := length/math.Sqrt(1-math.Pow(1-p.cs, 2*float64(s.generation))) < (1.4+2/(float64(n)+1))*p.chiN
	h := 0.0
	if settled {
		h = 1
	}
	for j := range s.pc {
		s.pc[j] = (1-p.cc)*s.pc[j] + h*math.Sqrt(p.cc*(2-p.cc)*p.mueff)*s.step[j] // (45)
	}
	// (47), the weights being positive and of sum 1.
	keep := 1 + p.c1*(1-h)*p.cc*(2-p.cc) - p.c1 - p.cmu
	for i := range ranks {
		w := math.Sqrt(p.w[i])
		for j := range n {
			s.parents[i*n+j] *= w
		}
	}
	blas64.Syrk(blas.Trans, p.cmu, blas64.General{Rows: len(ranks), Cols: n, Stride: n, Data: s.parents[:len(ranks)*n]}, keep, s.c)
	blas64.Syr(p.c1, blas64.Vector{N: n, Inc: 1, Data: s.pc}, s.c)
	s.sigma *= math.Exp(min(1, p.cs/p.ds*(length/p.chiN-1))) // (44)
	if s.generation >= s.factorised+s.gap {
		s.factorise()
	}
}

func (s *cmaES) factorise() {
	copy(s.l.Data, s.c.Data)
	_, ok := lapack64.Potrf(s.l)
	s.failed = !ok
	s.factorised = s.generation
}

// exhausted reports that nothing more is to be expected: appendix B.3, with the conditions
// estimated from the diagonal of L.
func (s *cmaES) exhausted() bool {
	least, most := math.Inf(1), 0.0
	for i := range s.n {
		d := s.l.Data[i*s.n+i]
		least, most = min(least, d), max(most, d)
	}
	return s.failed || !(most/least < 1e7) || s.sigma*most < 1e-11 || !(s.sigma < 1e30)
}
