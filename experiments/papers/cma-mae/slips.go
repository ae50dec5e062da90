package cmamae

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

// slips is an emitter of CMA-MAE whose CMA-ES is that of pyribs 0.12, slips and all: (1) the rank-one
// update of the covariance is multiplied by c1 twice; (2) the evolution path of the covariance adds
// the step of the mean as it is, where it should be divided by sigma. Numbers in brackets are the
// equations of Hansen, "The CMA evolution strategy: a tutorial" (2016). It is written apart from
// package qd, to be compared with.
type slips struct {
	n, lambda    int
	sigma0       float64
	mean, pc, ps []float64
	sigma        float64
	c, l         blas64.Symmetric
	generation   int
	factorised   int
	gap          int
	begun        bool

	w                                []float64
	mueff, cc, cs, c1, cmu, ds, chiN float64
}

func newSlips(n, lambda int, sigma0 float64) *slips {
	sym := func() blas64.Symmetric {
		return blas64.Symmetric{N: n, Stride: n, Data: make([]float64, n*n), Uplo: blas.Lower}
	}
	s := &slips{n: n, lambda: lambda, sigma0: sigma0, c: sym(), l: sym()}
	mu, d, sum, sq := lambda/2, float64(n), 0.0, 0.0
	for i := range mu {
		s.w = append(s.w, math.Log(float64(mu)+0.5)-math.Log(float64(i+1))) // (49)
		sum += s.w[i]
	}
	for i := range s.w {
		s.w[i] /= sum
		sq += s.w[i] * s.w[i]
	}
	s.mueff = 1 / sq
	s.cs = (s.mueff + 2) / (d + s.mueff + 5)                                // (55)
	s.ds = 1 + 2*max(0, math.Sqrt((s.mueff-1)/(d+1))-1) + s.cs              // (55)
	s.cc = (4 + s.mueff/d) / (d + 4 + 2*s.mueff/d)                          // (56)
	s.c1 = 2 / ((d+1.3)*(d+1.3) + s.mueff)                                  // (57)
	s.cmu = min(1-s.c1, 2*(s.mueff-2+1/s.mueff+0.25)/((d+2)*(d+2)+s.mueff)) // (58)
	s.chiN = math.Sqrt(d) * (1 - 1/(4*d) + 1/(21*d*d))                      // length of N(0, I)
	s.gap = max(1, int(0.5/((s.c1+s.cmu)*d)))
	return s
}

func (s *slips) begin(x []float32) {
	s.mean, s.pc, s.ps = make([]float64, s.n), make([]float64, s.n), make([]float64, s.n)
	for i, v := range x {
		s.mean[i] = float64(v)
	}
	clear(s.c.Data)
	for i := range s.n {
		s.c.Data[i*s.n+i] = 1
	}
	copy(s.l.Data, s.c.Data)
	s.sigma, s.generation, s.factorised = s.sigma0, 0, 0
}

func (s *slips) triangle() blas64.Triangular {
	return blas64.Triangular{N: s.n, Stride: s.n, Data: s.l.Data, Uplo: blas.Lower, Diag: blas.NonUnit}
}

// Ask writes samples, (5).
func (s *slips) Ask(b *qd.Batch, _ qd.Archive, k rng.Key) {
	if !s.begun {
		s.begin(make([]float32, s.n))
		s.begun = true
	}
	z := blas64.General{Rows: b.N, Cols: s.n, Stride: s.n, Data: make([]float64, b.N*s.n)}
	for i := range b.N {
		r := k.Stream(1, uint32(i), 0)
		for j := range s.n {
			z.Data[i*s.n+j] = float64(r.Norm())
		}
	}
	blas64.Trmm(blas.Right, blas.Trans, 1, s.triangle(), z)
	for i, v := range z.Data {
		b.Sol[i] = float32(s.mean[i%s.n] + s.sigma*v)
	}
}

// Tell follows the better half by improvement, and begins again at an elite when nothing more is to
// be expected.
func (s *slips) Tell(b *qd.Batch, a qd.Archive, k rng.Key) {
	order := make([]int, b.N)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case b.Gain[i] > b.Gain[j]:
			return -1
		case b.Gain[i] < b.Gain[j]:
			return 1
		}
		return i - j
	})
	ok := s.update(b.Sol, order[:len(s.w)])
	least, most := math.Inf(1), 0.0
	for i := range s.n {
		d := s.l.Data[i*s.n+i]
		least, most = min(least, d), max(most, d)
	}
	flat := b.Gain[order[0]]-b.Gain[order[b.N-1]] < 1e-12
	if !ok || flat || !(most/least < 1e7) || s.sigma*most < 1e-11 || !(s.sigma < 1e30) {
		r := k.Stream(2, 0, 0)
		s.begin(a.Elite(r.IntN(a.Len())).Sol)
	}
}

func (s *slips) update(sol []float32, parents []int) bool {
	s.generation++
	n, step := s.n, make([]float64, s.n)
	y := blas64.General{Rows: len(parents), Cols: n, Stride: n, Data: make([]float64, len(parents)*n)}
	for i, row := range parents {
		for j := range n {
			v := (float64(sol[row*n+j]) - s.mean[j]) / s.sigma
			step[j] += s.w[i] * v // (41)
			y.Data[i*n+j] = v * math.Sqrt(s.w[i])
		}
	}
	for j := range n {
		s.mean[j] += s.sigma * step[j] // (42)
	}
	white := slices.Clone(step)
	blas64.Trsv(blas.NoTrans, s.triangle(), blas64.Vector{N: n, Inc: 1, Data: white})
	length := 0.0
	for j := range n {
		s.ps[j] = (1-s.cs)*s.ps[j] + math.Sqrt(s.cs*(2-s.cs)*s.mueff)*white[j] // (43)
		length += s.ps[j] * s.ps[j]
	}
	length = math.Sqrt(length)
	h := 0.0
	if length/math.Sqrt(1-math.Pow(1-s.cs, 2*float64(s.generation))) < (1.4+2/(float64(n)+1))*s.chiN {
		h = 1
	}
	for j := range n {
		// Slip 2: (45) has the step over sigma.
		s.pc[j] = (1-s.cc)*s.pc[j] + h*math.Sqrt(s.cc*(2-s.cc)*s.mueff)*step[j]*s.sigma
	}
	keep := 1 + s.c1*(1-h)*s.cc*(2-s.cc) - s.c1 - s.cmu // (47)
	blas64.Syrk(blas.Trans, s.cmu, y, keep, s.c)
	// Slip 1: (47) has c1 once.
	blas64.Syr(s.c1*s.c1, blas64.Vector{N: n, Inc: 1, Data: s.pc}, s.c)
	s.sigma *= math.Exp(min(1, s.cs/s.ds*(length/s.chiN-1))) // (44)
	if s.generation < s.factorised+s.gap {
		return true
	}
	copy(s.l.Data, s.c.Data)
	_, ok := lapack64.Potrf(s.l)
	s.factorised = s.generation
	return ok
}

var _ qd.Emitter = (*slips)(nil)
