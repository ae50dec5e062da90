package lab

import (
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/sphere"
)

func init() {
	benches = append(benches, func() ([]benchmark, error) {
		row := func(name, metric, unit string, open openFunc) benchmark {
			return benchmark{name: "qd/" + name, metric: metric, unit: unit, engine: "cpu", worlds: 1, workers: 1, open: open, figure: perCore}
		}
		rows := []benchmark{
			row("grid", "insertions_per_core_second", "1/s", benchGrid),
			row("unstructured", "insertions_per_core_second", "1/s", benchUnstructured),
			row("novelty", "queries_per_core_second", "1/s", benchNovelty),
			row("sphere", "evaluations_per_core_second", "1/s", benchSphere),
		}
		for _, name := range configs.Names() {
			if !strings.HasPrefix(name, "qd-") {
				continue
			}
			short := strings.TrimPrefix(name, "qd-")
			many := row(short, "evaluations_per_core_second", "1/s", benchPlay(name, qdSeats))
			alone := row(short, "evaluations_alone_per_core_second", "1/s", benchPlay(name, 1))
			many.engine, many.worlds, alone.engine = env.Engine(), qdSeats, env.Engine()
			many.vs = alone.key()
			rows = append(rows, many, alone)
		}
		return rows, nil
	})
}

// benchPlay evaluates random policies of an experiment, up to some at once.
func benchPlay(name string, seats int) openFunc {
	return func() (func() (int, error), func() error, error) {
		text, err := configs.Read(name)
		if err != nil {
			return nil, nil, err
		}
		p, err := ParsePlan(name+".yaml", text, nil)
		if err != nil {
			return nil, nil, err
		}
		pool, err := newQDPool(p, 1, seats)
		if err != nil {
			return nil, nil, err
		}
		const n = 128
		b, r := p.shape().Batch(n), rng.New(4).Stream(0, 0, 0)
		for i := range b.Sol {
			b.Sol[i] = r.Norm()
		}
		work := func() (int, error) {
			return n, pool.evaluate(b, p.QD.Episodes, func(int) rng.Key { return rng.New(1) })
		}
		return work, func() error { pool.close(); return nil }, nil
	}
}

func nothing() error { return nil }

// benchGrid offers solutions of 10 parameters to a grid of 100 x 100, 1000 at a time, of objectives
// that rise, so that most are kept.
func benchGrid() (func() (int, error), func() error, error) {
	g, err := qd.NewGrid([]int{100, 100}, [][2]float32{{-1, 1}, {-1, 1}})
	if err != nil {
		return nil, nil, err
	}
	a, err := qd.NewCells(g, 10, qd.CellOptions{})
	if err != nil {
		return nil, nil, err
	}
	const n = 1000
	all, round := randomBatches(64, n, 10, 2), 0
	return func() (int, error) {
		round++
		b := all[round%len(all)]
		for i := range b.Objective {
			b.Objective[i]++
		}
		return n, a.Add(b)
	}, nothing, nil
}

// randomBatches returns batches of normal objectives and uniform measures.
func randomBatches(count, n, dim, measures int) []*qd.Batch {
	r, all := rng.New(1).Stream(0, 0, 0), make([]*qd.Batch, count)
	for i := range all {
		b := qd.NewBatch(n, dim, measures)
		for j := range b.Objective {
			b.Objective[j] = r.Norm()
		}
		for j := range b.Measures {
			b.Measures[j] = r.Range(-1, 1)
		}
		all[i] = b
	}
	return all
}

// filled returns an unstructured archive of 100 000 elites with uniform measures in 10 dimensions.
func filled() (*qd.Unstructured, error) {
	a, err := qd.NewUnstructured(10, 10, qd.UnstructuredOptions{Threshold: 0.1, Replace: true})
	if err != nil {
		return nil, err
	}
	for _, b := range randomBatches(100, 1000, 10, 10) {
		if err := a.Add(b); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// benchUnstructured offers solutions to an archive of 100 000, each of which is near to an elite and
// better, so that it takes its place: the archive keeps its size, however long this runs.
func benchUnstructured() (func() (int, error), func() error, error) {
	a, err := filled()
	if err != nil {
		return nil, nil, err
	}
	const n = 1000
	r, b, best := rng.New(2).Stream(0, 0, 0), qd.NewBatch(n, 10, 10), float32(10)
	return func() (int, error) {
		best++
		for i := range n {
			e := a.Elite(r.IntN(a.Len()))
			for j, v := range e.Measures {
				b.Measures[10*i+j] = v + r.Range(-0.02, 0.02)
			}
			b.Objective[i] = best
		}
		return n, a.Add(b)
	}, nothing, nil
}

// benchNovelty asks for the mean distance to the 15 nearest of 100 000.
func benchNovelty() (func() (int, error), func() error, error) {
	a, err := filled()
	if err != nil {
		return nil, nil, err
	}
	r, x := rng.New(3).Stream(0, 0, 0), make([]float32, 10)
	return func() (int, error) {
		for range 100 {
			for j := range x {
				x[j] = r.Range(-1, 1)
			}
			a.Novelty(x, 15)
		}
		return 100, nil
	}, nothing, nil
}

// benchSphere is a search of CMA-MAE by pyribs' tutorial: 15 emitters of 36 in 100 dimensions, with
// a shifted sphere as the objective and sums of parameters as measures.
func benchSphere() (func() (int, error), func() error, error) {
	s, err := sphere.Search(sphere.Tutorial(rng.New(1)))
	if err != nil {
		return nil, nil, err
	}
	return func() (int, error) {
		before := s.Evaluations()
		err := s.Step()
		return int(s.Evaluations() - before), err
	}, nothing, nil
}
