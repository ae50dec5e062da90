package lab

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"time"

	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// A benchmark is one figure that `terrarium bench` measures.
type benchmark struct {
	name    string // such as "env/lander-v0"
	metric  string // such as "env_steps_per_core_second"
	unit    string
	engine  string // what steps the worlds, or computes
	worlds  int
	workers int
	steps   int    // of a rollout; 0 where there is none
	longer  int    // how many times longer than others it is measured; 0 for once
	asked   bool   // measured only where its name is given
	alone   bool   // takes much memory: opened anew for each round, with no others than those of its name, and measured by the clock
	leftOut error  // why it is not measured
	vs      string // name and metric of the benchmark of the same round that it is divided by

	// open prepares the work. Each call of work does some and returns how many units it was.
	open openFunc

	// figure makes the value of a round of units done in CPU and wall time.
	figure figureFunc

	// constant is set instead of open and figure where nothing is timed.
	constant func() (float64, error)
}

type openFunc func() (work func() (units int, err error), closeWork func() error, err error)

type figureFunc func(units int, cpu, wall time.Duration) float64

// key tells benchmarks apart, for vs.
func (b *benchmark) key() string { return b.name + " " + b.metric }

// Ways to make a figure.
func perCore(units int, cpu, _ time.Duration) float64  { return float64(units) / cpu.Seconds() }
func perWall(units int, _, wall time.Duration) float64 { return float64(units) / wall.Seconds() }
func micros(units int, cpu, _ time.Duration) float64 {
	return cpu.Seconds() * 1e6 / float64(units)
}

// benches makes the benchmarks of each group. To add some, append to it in init.
var benches []func() ([]benchmark, error)

// A BenchRow is a line of `terrarium bench --json`.
type BenchRow struct {
	Name    string  `json:"name"`
	Engine  string  `json:"engine"`
	Worlds  int     `json:"worlds"`
	Steps   int     `json:"steps,omitempty"` // of a rollout
	Workers int     `json:"workers"`
	Metric  string  `json:"metric"`
	Value   float64 `json:"value"` // median of the rounds
	Unit    string  `json:"unit"`
	Vs      string  `json:"vs"`
	Ratio   float64 `json:"ratio"` // median of the rounds' ratios to Vs; 0 without one
	Lo      float64 `json:"lo"`    // least and greatest of the rounds
	Hi      float64 `json:"hi"`
	Rounds  int     `json:"rounds"`
	LeftOut string  `json:"left_out,omitempty"` // why there is no figure
}

// A BenchPlan says how benchmarks are run.
type BenchPlan struct {
	Rounds int           // interleaved: each round measures every benchmark once
	Time   time.Duration // CPU time of one measurement

	Begin func(b *benchmark, round int) error // is told what is measured; an error ends it all
	Done  func(rows []BenchRow) error         // takes the rows of benchmarks that ran beside each other
}

// runBenches measures all of bs: those that take much memory name after name, all others before, at once. What
// is measured before an error is not lost.
func runBenches(bs []benchmark, plan BenchPlan) error {
	var groups [][]benchmark
	names := map[string]int{}
	for _, b := range bs {
		name := ""
		if b.alone {
			name = b.name
		}
		if _, known := names[name]; !known {
			names[name] = len(groups)
			groups = append(groups, nil)
		}
		groups[names[name]] = append(groups[names[name]], b)
	}
	if i, together := names[""]; together {
		groups[0], groups[i] = groups[i], groups[0]
	}
	lost := map[string]error{} // what larger numbers of worlds are left out for
	for _, group := range groups {
		series := path.Dir(group[0].name)
		for i := range group {
			if err := lost[series]; group[i].alone && err != nil {
				group[i].leftOut = fmt.Errorf("not tried after what happened with fewer worlds: %w", err)
			}
		}
		rows, err := runGroup(group, plan)
		if err != nil {
			return err
		}
		for i := range group {
			if errors.Is(group[i].leftOut, vk.ErrLost) && lost[series] == nil {
				lost[series] = group[i].leftOut
			}
		}
		if err := plan.Done(rows); err != nil {
			return err
		}
	}
	return nil
}

// runGroup measures all of bs. Rounds are interleaved, so that a slow moment of the machine
// hits both sides of a ratio, and medians forget it. What a device has no memory for, or is lost by, is left out.
func runGroup(bs []benchmark, plan BenchPlan) ([]BenchRow, error) {
	values := make([][]float64, len(bs))
	running := make([]*runningBench, len(bs))
	defer func() {
		for _, r := range running {
			if r != nil {
				_ = r.close()
			}
		}
	}()
	for i := range bs {
		if bs[i].alone {
			continue
		}
		r, err := start(&bs[i])
		if err != nil {
			return nil, fmt.Errorf("bench %s: %w", bs[i].name, err)
		}
		running[i] = r
	}
	for round := range plan.Rounds {
		for i := range bs {
			if bs[i].leftOut != nil {
				continue
			}
			if err := plan.Begin(&bs[i], round+1); err != nil {
				return nil, err
			}
			v, err := measureRound(running[i], &bs[i], plan.Time*time.Duration(max(1, bs[i].longer)))
			switch {
			case errors.Is(err, vk.ErrMemory) || errors.Is(err, vk.ErrLost) && bs[i].alone:
				bs[i].leftOut = err
			case err != nil:
				return nil, fmt.Errorf("bench %s: %w", bs[i].name, err)
			default:
				values[i] = append(values[i], v)
			}
		}
	}
	rows := make([]BenchRow, len(bs))
	for i, b := range bs {
		rows[i] = BenchRow{
			Name: b.name, Engine: b.engine, Worlds: b.worlds, Steps: b.steps, Workers: b.workers, Metric: b.metric, Unit: b.unit, Rounds: plan.Rounds, Vs: b.vs,
		}
		if b.leftOut != nil {
			rows[i].LeftOut = b.leftOut.Error()
			continue
		}
		rows[i].Value, rows[i].Lo, rows[i].Hi = stats.Summarize(values[i]).Median, slices.Min(values[i]), slices.Max(values[i])
		for j := range bs {
			if bs[j].key() == b.vs && bs[j].leftOut == nil {
				rows[i].Ratio = stats.Summarize(ratios(values[i], values[j])).Median
			}
		}
	}
	return rows, nil
}

// measureRound measures what runs, or else b for as long as that takes.
func measureRound(running *runningBench, b *benchmark, budget time.Duration) (v float64, err error) {
	if running != nil {
		return running.measure(budget)
	}
	r, err := start(b)
	if err != nil {
		return 0, err
	}
	v, err = r.measure(budget)
	return v, errors.Join(err, r.close())
}

type runningBench struct {
	*benchmark
	work  func() (int, error)
	close func() error
}

func start(b *benchmark) (*runningBench, error) {
	r := &runningBench{benchmark: b, close: func() error { return nil }}
	if b.constant != nil {
		return r, nil
	}
	var err error
	r.work, r.close, err = b.open()
	if err != nil {
		return nil, err
	}
	if _, err = r.work(); err != nil { // warm up: the first call fills caches and grows buffers
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *runningBench) measure(budget time.Duration) (float64, error) {
	if r.constant != nil {
		return r.constant()
	}
	runtime.GC() // another benchmark's garbage is not this one's
	cpu, wall, units := cpuTime(), time.Now(), 0
	for {
		n, err := r.work()
		if err != nil {
			return 0, err
		}
		units += n
		used, passed := cpuTime()-cpu, time.Since(wall)
		if used >= budget || r.alone && passed >= budget { // a device may leave the processor nothing to do
			return r.figure(units, used, passed), nil
		}
	}
}

func ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}
