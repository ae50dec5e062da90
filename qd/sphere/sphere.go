// Package sphere is the benchmark of linear projection that quality-diversity searches are measured
// on: Fontaine, Togelius, Nikolaidis and Hoover, "Covariance matrix adaptation for the rapid
// illumination of behavior space" (GECCO 2020), section 5. The objective is a shifted sphere, scaled
// to 0..100. The measures are the sums of the first and of the second half of the parameters, those
// outside +-5.12 folded back to 5.12/x: most of measure space is hard to reach at random.
package sphere

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

const (
	edge  = 5.12
	shift = 0.4 * edge
)

// Evaluate returns the evaluation of solutions of dim parameters.
func Evaluate(dim int) func(*qd.Batch) error {
	worst := (-edge - shift) * (-edge - shift) * float64(dim)
	return func(b *qd.Batch) error {
		for i := range b.N {
			sum, m := 0.0, [2]float64{}
			for j, x := range b.Sol[i*dim : (i+1)*dim] {
				x := float64(x)
				sum += (x - shift) * (x - shift)
				if math.Abs(x) > edge {
					x = edge / x
				}
				m[2*j/dim] += x
			}
			b.Objective[i] = float32(100 * (1 - sum/worst))
			b.Measures[2*i], b.Measures[2*i+1] = float32(m[0]), float32(m[1])
		}
		return nil
	}
}

// Options are those of Search.
type Options struct {
	Dim       int     // parameters, an even number
	Alpha     float64 // learning rate of the thresholds: 1 is CMA-ME's archive, 0.01 that of CMA-MAE in pyribs' tutorial
	Key       rng.Key
	Emitter   func() qd.Emitter // of batches of Batch
	Emitters  int
	Batch     int
	Cells     int // along each measure
	Threshold float64
}

// Tutorial returns the protocol of pyribs' tutorial on CMA-MAE: 100 parameters, 15 emitters of 36
// from zeros with sigma 0.5, a grid of 100 x 100, alpha 0.01, thresholds from 0. It runs for 10 000
// iterations.
func Tutorial(key rng.Key) Options {
	return Options{
		Dim: 100, Alpha: 0.01, Key: key, Emitters: 15, Batch: 36, Cells: 100,
		Emitter: func() qd.Emitter {
			return qd.NewEvolution(qd.EvolutionOptions{X0: make([]float32, 100), Sigma: 0.5, Batch: 36, Rank: qd.ByImprovement})
		},
	}
}

// Search returns a search, with a result archive beside the archive of thresholds.
func Search(o Options) (*qd.Search, error) {
	bound := float32(o.Dim) / 2 * edge
	grid, err := qd.NewGrid([]int{o.Cells, o.Cells}, [][2]float32{{-bound, bound}, {-bound, bound}})
	if err != nil {
		return nil, err
	}
	annealed, err := qd.NewCells(grid, o.Dim, qd.CellOptions{LearningRate: o.Alpha, Threshold: &o.Threshold})
	if err != nil {
		return nil, err
	}
	result, err := qd.NewCells(grid, o.Dim, qd.CellOptions{})
	if err != nil {
		return nil, err
	}
	s := &qd.Search{
		Shape: qd.Shape{Dim: o.Dim, Measures: 2}, Archive: annealed, Result: result, PerEmit: o.Batch, Evaluate: Evaluate(o.Dim), Key: o.Key,
	}
	for range o.Emitters {
		s.Emitters = append(s.Emitters, o.Emitter())
	}
	return s, nil
}

// Score returns the coverage in percent and the QD score over the number of cells of a search.
func Score(s *qd.Search) (coverage, score float64) {
	cells := s.Result.(*qd.Cells).Niches()
	st := qd.Summarize(s.Result, cells, 0)
	return 100 * st.Coverage, st.QDScore / float64(cells)
}
