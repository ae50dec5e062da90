package papers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/terrarium-rl/terrarium/experiments/stats"
)

// Options say how claims are run.
type Options struct {
	Scale   Scale
	Workers int    // cells that run at once; 0 means one a CPU. Results do not depend on it
	Cache   string // folder of finished cells; empty means none are kept

	// Tell, unless nil, is told of each finished cell, one at a time.
	Tell func(done, all int, c Cell, cached bool)
}

// A Finding is a Bound with what was measured.
type Finding struct {
	Text string `json:"text"`
	stats.Interval
	Limit float64 `json:"threshold"`
	Below bool    `json:"below,omitempty"`
	Holds bool    `json:"holds"`
}

// A Result is what came out of a claim at one scale.
type Result struct {
	Claim   string    `json:"claim"`
	Scale   Scale     `json:"scale"`
	Pass    bool      `json:"pass"`
	Bounds  []Finding `json:"bounds"`
	Control []Finding `json:"control"` // the bounds with the control in the treatment's place
	Also    []Finding `json:"also,omitempty"`

	// Fooled says that the control passes: then the claim does not, whatever its bounds say.
	Fooled    bool    `json:"fooled"`
	Seeds     int     `json:"seeds"`
	FirstSeed uint64  `json:"first_seed,omitempty"` // the others follow; reports from before there was a choice lack it
	Seconds   float64 `json:"seconds"`              // of all cells together, of a clock: longer on a busy machine

	// Processor is the seconds that all cells together kept a processor busy, without the garbage collector's;
	// 0 where that is not known.
	Processor float64          `json:"processor_seconds,omitempty"`
	Rows      map[string][]Row `json:"rows"`
}

// cell is the file form of a finished cell.
type cell struct {
	Row       Row     `json:"row"`
	Seconds   float64 `json:"seconds"`
	Processor float64 `json:"processor_seconds,omitempty"`
}

// Run runs a claim. Cells that were finished before, by the same program, are read from the
// cache, so that a run that was stopped goes on where it was. It fails if a cell fails or
// o's context is done; a claim that does not hold is no error.
func Run(ctx context.Context, c Claim, o Options) (*Result, error) {
	seeds := c.Seeds[o.Scale]
	if seeds == 0 {
		return nil, fmt.Errorf("claim %s has no scale %q", c.Name, o.Scale)
	}
	program := ""
	if o.Cache != "" {
		if err := os.MkdirAll(o.Cache, 0o755); err != nil {
			return nil, err
		}
		var err error
		if program, err = programHash(); err != nil {
			return nil, err
		}
	}
	shared, err := newFixtures(o.Cache, program)
	if err != nil {
		return nil, err
	}
	// Arm by arm: neighbours have different seeds, so that none waits for another's fixtures.
	jobs := make([]Cell, 0, seeds*len(c.Arms))
	for _, arm := range c.Arms {
		for s := range seeds {
			jobs = append(jobs, Cell{Context: ctx, Scale: o.Scale, Arm: arm, Seed: c.First() + uint64(s), fixtures: shared})
		}
	}
	done, finished := make([]cell, len(jobs)), 0
	if err := work(ctx, len(jobs), o.Workers, func(i int, lock sync.Locker) error {
		job := jobs[i]
		path := ""
		if o.Cache != "" {
			path = filepath.Join(o.Cache, job.hash(c.Name, program)+".json")
		}
		cached, err := runCell(c, job, path, &done[i])
		if err != nil {
			return fmt.Errorf("claim %s, arm %s, seed %d: %w", c.Name, job.Arm, job.Seed, err)
		}
		if o.Tell != nil {
			lock.Lock()
			defer lock.Unlock()
			finished++
			o.Tell(finished, len(jobs), job, cached)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	r := &Result{Claim: c.Name, Scale: o.Scale, Seeds: seeds, FirstSeed: c.First(), Rows: map[string][]Row{}}
	for i, job := range jobs {
		r.Rows[job.Arm] = append(r.Rows[job.Arm], done[i].Row)
		r.Seconds += done[i].Seconds
		r.Processor += done[i].Processor
	}
	return r, r.judge(c)
}

// work calls task for 0 to n-1 from some goroutines until one fails or ctx is done.
func work(ctx context.Context, n, workers int, task func(i int, lock sync.Locker) error) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var lock sync.Mutex
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range min(workers, n) {
		wg.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					return
				}
				if err := task(i, &lock); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// runCell fills out from the file of the cell, or by running it.
func runCell(c Claim, job Cell, path string, out *cell) (cached bool, err error) {
	if path != "" {
		var read cell
		if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &read) == nil && len(read.Row) > 0 {
			*out = read
			return true, nil
		}
	}
	runtime.LockOSThread() // whose time is taken
	defer runtime.UnlockOSThread()
	begin, busy := time.Now(), threadTime()
	row, err := c.Cell(job)
	if err != nil {
		return false, err
	}
	if len(row) == 0 {
		return false, errors.New("it yields no numbers")
	}
	for name, v := range row {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false, fmt.Errorf("%s is %v", name, v)
		}
	}
	finished := cell{row, time.Since(begin).Seconds(), (threadTime() - busy).Seconds()}
	if path != "" {
		if err := save(path, finished); err != nil {
			return false, err
		}
	}
	*out = finished
	return false, nil
}

// save writes v as JSON such that the file appears whole or not at all.
func save(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return writeWhole(path, append(data, '\n'))
}

// hash names a cell by everything its row depends on.
func (c *Cell) hash(claim, program string) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d %s", claim, c.Scale, c.Arm, c.Seed, program))
	return hex.EncodeToString(h[:12])
}

// programHash is a hash of the running program: another one may compute something else.
var programHash = sync.OnceValues(func() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
})

// judge evaluates the bounds of c.
func (r *Result) judge(c Claim) error {
	t := &Table{Rows: r.Rows}
	var err error
	if r.Bounds, r.Pass, err = evaluate(c.Pass, t); err != nil {
		return fmt.Errorf("claim %s: %w", c.Name, err)
	}
	if r.Control, r.Fooled, err = evaluate(c.Pass, t.with(c.Treatment, c.Control)); err != nil {
		return fmt.Errorf("claim %s, control: %w", c.Name, err)
	}
	if r.Also, _, err = evaluate(c.Also, t); err != nil {
		return fmt.Errorf("claim %s: %w", c.Name, err)
	}
	r.Pass = r.Pass && !r.Fooled
	return nil
}

func evaluate(bounds []Bound, t *Table) (out []Finding, all bool, err error) {
	all = true
	for _, b := range bounds {
		i, err := b.Effect(t)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", b.Text, err)
		}
		f := Finding{Text: b.Text, Interval: i, Limit: b.Limit, Below: b.Below, Holds: b.Holds(i)}
		all = all && f.Holds
		out = append(out, f)
	}
	return out, all, nil
}

// String says in a line how the claim fares, by the first bound that fails, or by the first.
func (r *Result) String() string {
	verdict, b := "PASS", r.Bounds[0]
	if !r.Pass {
		verdict = "FAIL"
		for _, f := range r.Bounds {
			if !f.Holds {
				b = f
				break
			}
		}
	}
	s := fmt.Sprintf("%s %s (%s)  %s: %.4g [%.4g, %.4g] n=%d, %.0f s", verdict, r.Claim, r.Scale, b.Text, b.Value, b.Lo, b.Hi, r.Seeds, r.Seconds)
	if r.Fooled {
		s += "; the negative control passes too"
	}
	return s
}
