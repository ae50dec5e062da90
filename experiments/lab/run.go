package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/explore"
)

const (
	configFile = "config.yaml"
	doneFile   = "done"
	lockFile   = ".lock"
)

// Options are the ways of a run that its results do not depend on.
type Options struct {
	Workers int          // goroutines in all; 0 means one a CPU
	Notify  func(Status) // called with news, by several goroutines at once; may be nil
	Program []string     // the command line, for provenance
	Force   bool         // resume although the program is another
	Engine  string       // resume on this engine; empty means the run's

	picked string // engine that was picked where the run's is "auto"; "" for the fastest of the CPU
}

// engine returns the engine that a run of p is on.
func (o *Options) engine(p *Plan) string {
	if p.Engine == "auto" && o.picked != "" {
		return o.picked // a GPU, say, of which package env does not know how good it is
	}
	return p.Engine
}

// A Status is news of a seed.
type Status struct {
	Seed      uint64
	Step      int64
	Elapsed   time.Duration // training, over all interruptions
	PerSecond float64       // transitions, since the last row
	Return    float64       // mean of the last episodes
	Row       *Row          // set with each row of metrics
	Note      string        // more about the state of the search, or of a rollout on a device, for people
	Solved    bool          // the task just counted as solved
	Resumed   bool          // training goes on from Step
	Amid      bool          // training is amid a rollout, and has no more news
	Repeated  bool          // training is repeated from Step, to save the state before a failure
	Eval      *Evaluation   // set when the seed is done
}

// A Result is the outcome of a run.
type Result struct {
	Dir     string
	Plan    *Plan
	Seeds   []SeedResult
	Overall *Aggregate // nil without evaluation
	Elapsed time.Duration
}

// A SeedResult is the outcome of a seed, as the file done in its folder holds it.
type SeedResult struct {
	Seed    uint64    `json:"seed"`
	Steps   int64     `json:"steps"`
	Seconds float64   `json:"seconds"`          // of training
	Solved  int64     `json:"solved,omitempty"` // step at which the task counted as solved
	Return  jsonFloat `json:"return_mean"`      // of the last training episodes
	QD      *QDStats  `json:"qd,omitempty"`     // of a quality-diversity search

	// Degraded is what bonuses did less well than they should.
	Degraded []explore.Degradation `json:"degraded,omitempty"`

	// Complaints is what rewards that learn did not learn, and why.
	Complaints []string `json:"complaints,omitempty"`

	Eval *Evaluation `json:"-"` // from eval.json; nil without evaluation
}

// Train begins a run of p in dir, which must not exist or be empty, and returns when all seeds
// are done. Cancelling ctx saves the state and ends with an error of exit code 130; a rollout that takes long is
// given up where the state before it is saved.
func Train(ctx context.Context, p *Plan, dir string, o Options) (*Result, error) {
	// What can be wrong with the agent shows before anything is written.
	if err := p.Check(); err != nil {
		return nil, err
	}
	prov, err := newProvenance()
	if err != nil {
		return nil, err
	}
	prov.Rewards = p.origins()
	if prov.Engine, err = env.PickEngine(o.engine(p)); err != nil {
		return nil, err
	}
	prov.Experiment, prov.Seeds, prov.Started, prov.Command = p.Name, p.Seeds, time.Now().UTC().Round(time.Second), o.Program
	text, err := p.YAML()
	if err != nil {
		return nil, err
	}
	if err := makeRunDir(dir); err != nil {
		return nil, err
	}
	unlock, err := lockRun(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := prov.write(dir); err != nil {
		return nil, err
	}
	// The config comes last: a folder that has it can be resumed.
	if err := writeFileAtomic(filepath.Join(dir, configFile), text); err != nil {
		return nil, err
	}
	return runSeeds(ctx, p, dir, o)
}

// makeRunDir makes dir, or accepts it if it is empty but for what a run leaves that was killed
// before it began.
func makeRunDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.Name() != lockFile && e.Name() != provenanceFile && !strings.HasPrefix(e.Name(), temporary)
	}) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return fmt.Errorf("%s already holds a run: terrarium resume %s goes on with it, --replace starts it anew", dir, dir)
	}
	return fmt.Errorf("%s is not empty: choose another folder with --out", dir)
}

// Resume goes on with the run in dir to the bytes that it would have had uninterrupted. It
// refuses to if the program is not the one that began the run, unless o.Force is set.
func Resume(ctx context.Context, dir string, o Options) (*Result, error) {
	p, adopted, err := openToResume(dir, o.Engine, o.Force)
	if err != nil {
		return nil, err
	}
	unlock, err := lockRun(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	was, err := readProvenance(dir)
	if err != nil {
		return nil, err
	}
	now, err := newProvenance()
	if err != nil {
		return nil, err
	}
	p.force = o.Force
	if err := p.sameRewards(was.Rewards); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	differs := was.differs(now)
	if differs != "" && !o.Force {
		return nil, fmt.Errorf("%s was begun by another program: %s; use that one, or --force to go on regardless, with results that nothing else may repeat", dir, differs)
	}
	again := Resumption{At: time.Now().UTC().Round(time.Second), Program: now.Program, Kernel: now.Kernel, Forced: differs != "" || adopted != nil}
	if again.Forced {
		again.Rewards = p.origins()
	}
	was.Resumed = append(was.Resumed, again)
	if err := was.write(dir); err != nil {
		return nil, err
	}
	if adopted != nil {
		if err := writeFileAtomic(filepath.Join(dir, configFile), adopted); err != nil {
			return nil, err
		}
	}
	return runSeeds(ctx, p, dir, o)
}

// OpenRun returns the plan of the run in dir.
func OpenRun(dir string) (*Plan, error) { return openRun(dir, "") }

// openRun returns the plan of the run in dir, with another engine unless that is empty.
func openRun(dir, engine string) (*Plan, error) {
	path, text, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	return parseRun(path, text, engine)
}

// openToResume is openRun for going on with the run, and checks that the WebAssembly files of its
// rewards are those that it began with. With force, others take their place: adopted is the config
// that says so, nil if there are none.
func openToResume(dir, engine string, force bool) (p *Plan, adopted []byte, err error) {
	path, text, err := readConfig(dir)
	if err != nil {
		return nil, nil, err
	}
	now, changed, err := adoptFiles(path, text)
	if err != nil {
		return nil, nil, err
	}
	if changed != "" && !force {
		return nil, nil, fmt.Errorf("%s: %s is not the file that the run began with: resume with that one, or --force to go on regardless, with results that nothing else may repeat", dir, changed)
	}
	if changed != "" {
		adopted = now
	}
	if p, err = parseRun(path, now, ""); err != nil {
		return nil, nil, err
	}
	if err := p.sameFamily(engine); err != nil {
		return nil, nil, fmt.Errorf("--engine: %w", err)
	}
	p, err = parseRun(path, now, engine)
	return p, adopted, err
}

func readConfig(dir string) (path string, text []byte, err error) {
	path = filepath.Join(dir, configFile)
	text, err = os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil, fmt.Errorf("%s holds no run: it has no %s%s", dir, configFile, insteadOfRun(dir))
	}
	return path, text, err
}

func parseRun(path string, text []byte, engine string) (*Plan, error) {
	var sets []string
	if engine != "" {
		sets = []string{"engine=" + engine}
	}
	return ParsePlan(path, text, sets)
}

// insteadOfRun says what a folder is that was taken for a run.
func insteadOfRun(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return ""
	}
	if !filepath.IsAbs(dir) && !strings.HasPrefix(dir, ".") {
		dir = "./" + dir
	}
	return fmt.Sprintf(" (it is a Go module: a reward in it is %s:NAME)", dir)
}

// SeedDir returns the folder of a seed of the run in dir.
func SeedDir(dir string, seed uint64) string { return filepath.Join(dir, fmt.Sprintf("seed-%d", seed)) }

// runSeeds trains and evaluates the seeds that are not done, as many at once as there are
// workers. The first error interrupts the others, whose state is saved.
func runSeeds(ctx context.Context, p *Plan, dir string, o Options) (*Result, error) {
	started := time.Now()
	if err := env.SetEngine(o.engine(p)); err != nil {
		return nil, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Notify == nil {
		o.Notify = func(Status) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	atOnce := min(o.Workers, len(p.Seeds))
	slots := make(chan struct{}, atOnce)
	res := &Result{Dir: dir, Plan: p, Seeds: make([]SeedResult, len(p.Seeds))}
	errs := make([]error, len(p.Seeds))
	var wg sync.WaitGroup
	for i, seed := range p.Seeds {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			// The first seeds of a round get the workers that do not divide evenly.
			workers := o.Workers / atOnce
			if i%atOnce < o.Workers%atOnce {
				workers++
			}
			res.Seeds[i], errs[i] = runSeed(ctx, p, seed, SeedDir(dir, seed), workers, o.Notify)
			if errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	if err := firstError(errs, dir); err != nil {
		return nil, err
	}
	res.Elapsed = time.Since(started)
	var evals []*Evaluation
	for _, s := range res.Seeds {
		if s.Eval != nil {
			evals = append(evals, s.Eval)
		}
	}
	if len(evals) == 0 {
		return res, nil
	}
	var err error
	res.Overall, err = aggregate(evals)
	return res, err
}

// firstError returns the first failure, or else the interruption if there was one.
func firstError(errs []error, dir string) (err error) {
	for _, e := range errs {
		if errors.Is(e, syscall.ENOSPC) {
			return fmt.Errorf("%w: free some space, then terrarium resume %s goes on", e, dir)
		}
		if e != nil && !errors.Is(e, errInterrupted) {
			return e
		}
		state := "state saved"
		if errors.Is(e, errUnsaved) {
			state = "nothing to save yet"
		}
		if e != nil && err == nil {
			err = interrupted(fmt.Errorf("interrupted; %s: terrarium resume %s goes on", state, dir))
		}
	}
	return err
}

// runSeed trains and evaluates a seed, going on from whatever its folder holds.
func runSeed(ctx context.Context, p *Plan, seed uint64, dir string, workers int, tell func(Status)) (SeedResult, error) {
	// A seed whose evaluation was deleted is evaluated again, not left out of the result.
	if r, err := readDone(dir); err == nil && (r.Eval != nil || p.Eval.Episodes == 0 || p.QD != nil) {
		tell(Status{Seed: seed, Step: r.Steps, Elapsed: seconds(r.Seconds), Return: float64(r.Return), Resumed: true, Eval: r.Eval})
		return r, nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return SeedResult{}, err
	}
	if ctx.Err() != nil {
		return SeedResult{}, errInterrupted
	}
	if p.QD != nil {
		return runQDSeed(ctx, p, seed, dir, workers, tell)
	}
	t, err := newTrainer(p, seed, dir, workers, tell)
	if err != nil {
		return SeedResult{}, err
	}
	r, err := t.run(ctx, workers)
	if err2 := t.close(); err == nil {
		err = err2
	}
	if err == nil {
		return r, nil
	}
	return r, p.salvage(err, seed, dir, t.loop.Boundary, tell, func() error {
		again, err := newTrainer(p, seed, dir, workers, func(Status) {})
		if err != nil {
			return err
		}
		again.until = t.loop.Boundary
		_, err = again.run(ctx, workers)
		return errors.Join(err, again.close())
	})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// run trains and evaluates.
func (t *trainer) run(ctx context.Context, workers int) (SeedResult, error) {
	if err := t.open(); err != nil {
		return SeedResult{}, err
	}
	if t.loop.Steps > 0 {
		t.tell(Status{Seed: t.seed, Step: t.loop.Steps, Elapsed: t.clock.elapsed(), Return: t.loop.meanReturn(), Resumed: true})
	}
	if err := t.train(ctx); err != nil {
		return SeedResult{}, err
	}
	r := SeedResult{
		Seed: t.seed, Steps: t.loop.Steps, Seconds: t.clock.elapsed().Seconds(),
		Solved: t.loop.Solved, Return: jsonFloat(t.loop.meanReturn()),
		Degraded: explore.Degradations(t.bonus), Complaints: t.reward.Complaints(),
	}
	var err error
	if r.Eval, err = t.evaluateAt(ctx, t.loop.Steps, workers); err != nil {
		return r, err
	}
	if err := writeFileAtomic(filepath.Join(t.dir, doneFile), append(mustJSON(r), '\n')); err != nil {
		return r, err
	}
	t.tell(Status{Seed: t.seed, Step: r.Steps, Elapsed: seconds(r.Seconds), Return: float64(r.Return), Eval: r.Eval})
	return r, nil
}

// evaluateAt evaluates the policy after the given steps and writes the file. It returns nil if
// the experiment has no evaluation.
func (t *trainer) evaluateAt(ctx context.Context, steps int64, workers int) (*Evaluation, error) {
	n := t.plan.Eval.Episodes
	if n == 0 {
		return nil, nil
	}
	if err := removeEvalReplays(t.replayDir()); err != nil {
		return nil, err
	}
	e, err := evaluate(ctx, t.plan, t.policy, t.seed, n, workers, t.replayDir())
	if err != nil {
		return nil, err
	}
	e.Steps = steps
	return e, writeFileAtomic(filepath.Join(t.dir, evalFile), append(mustJSON(e), '\n'))
}

// readDone returns the result of a seed that is done. The error is os.ErrNotExist if it is not.
func readDone(dir string) (r SeedResult, err error) {
	if err := readJSON(filepath.Join(dir, doneFile), &r); err != nil {
		return r, err
	}
	e := new(Evaluation)
	err = readJSON(filepath.Join(dir, evalFile), e)
	if err == nil {
		r.Eval = e
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return r, err
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return lacking(fmt.Errorf("%s is damaged: %w; delete it and resume the run to write it again", path, err))
	}
	return nil
}

// LoadPolicy returns the policy of the newest checkpoint of a seed, and the steps it was trained.
func LoadPolicy(p *Plan, dir string, seed uint64, workers int) (policy agents.Policy, steps int64, err error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if p.QD != nil {
		s, evaluations, err := loadSearch(p, dir, seed)
		if err != nil {
			return nil, 0, err
		}
		policy, err = bestElite(p, s)
		return policy, evaluations, err
	}
	if policy, err = p.buildPolicy(seed, workers); err != nil {
		return nil, 0, err
	}
	at := filepath.Join(SeedDir(dir, seed), "checkpoints")
	c, err := newestCheckpoint(at)
	if err != nil {
		return nil, 0, err
	}
	if c == nil {
		return nil, 0, lacking(fmt.Errorf("%s has no checkpoint yet: terrarium resume %s trains on", at, dir))
	}
	var l loop
	if err := json.Unmarshal(c["loop"], &l); err != nil {
		return nil, 0, lacking(fmt.Errorf("checkpoint in %s: section loop: %w", at, err))
	}
	return policy, l.Steps, restorePolicy(policy, c)
}
