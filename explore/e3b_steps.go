package explore

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// ScoreSteps does what Score and Update do for each of steps, to the same bits. Features are learned
// all along, so it first embeds the states of all steps, in their order; then it goes through
// the rows, whose ellipses are read from beyond the caches once for all steps.
func (e *e3b) ScoreSteps(dst []float32, steps []*env.Batch, report func(string, float64)) error {
	rows := steps[0].N
	if n := rows * len(steps) * e.dim; len(e.phi) < n {
		e.phi = make([]float32, n)
	}
	e.steps, e.count, e.dst = steps, len(steps), dst
	defer func() { e.steps, e.count, e.dst, e.batch = nil, 0, nil, nil }()
	var late error // of a step whose ellipses come first
	for e.at, e.batch = range steps {
		e.pool.Do(chunks(rows), e.onEmbed)
		if late = e.failed(); late == nil {
			late = e.learn(e.batch, report)
		}
		if late != nil {
			e.steps = steps[:e.at+1]
			break
		}
	}
	e.pool.Do(chunks(rows), e.onRows)
	if err := e.failed(); err != nil {
		return err
	}
	if late != nil {
		return before(late, len(steps)-1-e.at)
	}
	if report != nil {
		report("repairs", float64(e.repaired()))
	}
	return nil
}

// embedChunk embeds the states of a chunk at one of the steps. States without finite features are errors
// here, before they are learned from.
func (e *e3b) embedChunk(worker, c int) {
	d, n := e.dim, e.count
	lo, hi, phi := e.features(worker, c)
	for i := lo; i < hi; i++ {
		row := phi[(i-lo)*d : (i-lo+1)*d]
		for _, v := range row {
			if !geom.Finite(v) {
				e.errs[c] = failure{e.at, e.unfit(i, v, e.batch, e.scratch[worker].x)}
				return
			}
		}
		copy(e.phi[(i*n+e.at)*d:], row)
	}
}

// rowsChunk takes the rows of a chunk through all steps.
func (e *e3b) rowsChunk(worker, c int) {
	d, n, rows := e.dim, e.count, e.steps[0].N
	for i := c * chunk; i < min((c+1)*chunk, rows); i++ {
		for k, b := range e.steps {
			first := e.rows[i].steps == 0
			x := e.rows[i].quad(e.phi[(i*n+k)*d : (i*n+k+1)*d])
			e.dst[k*rows+i] = paid(x, first)
			if err := e.include(worker, c, i, x, b); err != nil {
				if e.errs[c].err == nil || k < e.errs[c].step {
					e.errs[c] = failure{k, err}
				}
				break
			}
		}
	}
}
