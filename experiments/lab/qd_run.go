package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/stax"
)

// cellPurpose selects the randomness of archives, which all seeds share.
const cellPurpose uint64 = 0x63656c6c73

// QDStats are the results of a quality-diversity search.
type QDStats struct {
	Evaluations int64     `json:"evaluations"`
	Transitions int64     `json:"transitions"`
	Elites      int       `json:"elites"`
	Coverage    jsonFloat `json:"coverage"` // share of the niches that are occupied; null where they cannot be counted
	QDScore     jsonFloat `json:"qd_score"`
	Best        jsonFloat `json:"best"`
	Mean        jsonFloat `json:"mean"`
	Uniformity  jsonFloat `json:"uniformity"` // of everything offered over the niches; null where they cannot be counted
	Outside     int       `json:"outside"`    // policies beyond the bounds of the measures

	Areas  []float32   `json:"areas,omitempty"`       // best reward met in each area
	Sparse *stax.Stats `json:"sparse,omitempty"`      // of a sparse search
	Again  *QDStats    `json:"reevaluated,omitempty"` // of an archive of the elites' means over new episodes
}

func (q *QDConfig) stats(a qd.Archive, evaluations, transitions int64) *QDStats {
	s := qd.Summarize(a, niches(a), q.Offset)
	outside := 0
	if c := cells(a); c != nil {
		outside = c.Outside()
	}
	return &QDStats{
		Uniformity: jsonFloat(s.Uniformity), Outside: outside,
		Evaluations: evaluations, Transitions: transitions, Elites: s.Elites, Coverage: jsonFloat(s.Coverage),
		QDScore: jsonFloat(s.QDScore), Best: jsonFloat(s.Best), Mean: jsonFloat(s.Mean),
	}
}

// note sums up s for the line of a seed.
func (s *QDStats) note() string {
	if math.IsNaN(float64(s.Coverage)) {
		return fmt.Sprintf("  QD score %s", count(int64(s.QDScore)))
	}
	text := fmt.Sprintf("  coverage %.1f %%, QD score %s", 100*s.Coverage, count(int64(s.QDScore)))
	if len(s.Areas) > 0 {
		text = fmt.Sprintf("  coverage %.1f %%, %d of %d areas, best %.2f", 100*s.Coverage, s.reached(), len(s.Areas), s.Areas)
	}
	return text
}

// reached returns the number of areas in which a reward was met.
func (s *QDStats) reached() (n int) {
	for _, best := range s.Areas {
		if best > 0 {
			n++
		}
	}
	return n
}

// A qdRun searches for one seed in a folder of its own.
type qdRun struct {
	plan   *Plan
	seed   uint64
	dir    string
	tell   func(Status)
	search searcher
	pool   *qdPool
	key    rng.Key
	loop   qdLoop
	logs   *logs
	clock  clock
	until  int64 // evaluation at which to save and stop; 0 for none
}

// A qdLoop is what a run remembers beside the state of the search. It is saved as JSON.
type qdLoop struct {
	Evaluations int64 `json:"evaluations"`
	Transitions int64 `json:"transitions"`
	RowAt       int64 `json:"row_at"`
	SavedAt     int64 `json:"saved_at"`

	// Played counts the evaluations of steps that are not over, too; Areas is the best reward
	// met in each area.
	Played int64     `json:"played"`
	Areas  []float32 `json:"areas,omitempty"`
}

// runQDSeed searches, going on from whatever the folder of the seed holds.
func runQDSeed(ctx context.Context, p *Plan, seed uint64, dir string, workers int, tell func(Status)) (SeedResult, error) {
	r := &qdRun{plan: p, seed: seed, dir: dir, tell: tell}
	result, err := r.all(ctx, workers)
	if err == nil {
		return result, nil
	}
	return result, p.salvage(err, seed, dir, r.loop.Evaluations, tell, func() error {
		again := &qdRun{plan: p, seed: seed, dir: dir, tell: func(Status) {}, until: r.loop.Evaluations}
		_, err := again.all(ctx, workers)
		return err
	})
}

func (r *qdRun) all(ctx context.Context, workers int) (SeedResult, error) {
	p, seed := r.plan, r.seed
	r.key = rng.New(seed).Fold(worldPurpose)
	var err error
	if r.search, err = p.openSearch(seed, r.evaluate); err != nil {
		return SeedResult{}, err
	}
	if r.pool, err = newQDPool(p, workers, qdSeats); err != nil {
		return SeedResult{}, err
	}
	defer r.pool.close()
	r.pool.learns(r.search)
	if err := r.open(); err != nil {
		return SeedResult{}, err
	}
	result, err := r.run(ctx, workers)
	return result, errors.Join(err, r.logs.close())
}

// evaluate plays the rows of b, and notes which areas they reach.
func (r *qdRun) evaluate(b *qd.Batch) error {
	if err := r.pool.evaluate(b, r.plan.QD.Episodes, r.keyOf); err != nil {
		return err
	}
	before := r.loop.Played
	r.loop.Played += int64(b.N)
	areas, m := r.plan.QD.Areas, len(r.plan.QD.Measures)
	if r.loop.Areas == nil {
		r.loop.Areas = make([]float32, len(areas))
	}
	for i := range max(0, min(b.N, int(r.plan.QD.Evaluations-before))) {
		if reward, in := inAreas(areas, b.Measures[i*m:(i+1)*m]); in >= 0 {
			r.loop.Areas[in] = max(r.loop.Areas[in], reward)
		}
	}
	return nil
}

// keyOf returns the key of the episodes of row i of the coming batch.
func (r *qdRun) keyOf(i int) rng.Key {
	if !r.plan.QD.Fresh {
		return r.key
	}
	return r.key.Fold(uint64(r.loop.Played) + uint64(i))
}

func (r *qdRun) checkpointDir() string { return filepath.Join(r.dir, "checkpoints") }

// open continues from the newest checkpoint, or starts anew if there is none.
func (r *qdRun) open() error {
	t := &trainer{dir: r.dir}
	for _, dir := range []string{t.checkpointDir(), t.replayDir()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	t.removeTemporary()
	c, err := newestCheckpoint(r.checkpointDir())
	if err != nil {
		return err
	}
	var sizes map[string]int64
	if c != nil {
		if sizes, err = r.restore(c); err != nil {
			return lacking(fmt.Errorf("checkpoint of %s: %w", r.dir, err))
		}
		r.tell(Status{Seed: r.seed, Step: r.loop.Evaluations, Elapsed: r.clock.before, Return: math.NaN(), Resumed: true})
	}
	r.logs, err = openLogs(r.dir, sizes)
	r.clock.started = time.Now()
	r.clock.saved, r.clock.rowed = r.clock.started, r.clock.started
	return err
}

func (r *qdRun) restore(c checkpoint) (sizes map[string]int64, err error) {
	for section, dst := range map[string]any{"loop": &r.loop, "files": &sizes, "clock": &r.clock.before} {
		if err := json.Unmarshal(c[section], dst); err != nil {
			return nil, fmt.Errorf("section %s: %w", section, err)
		}
	}
	if err := checkLogFiles(sizes); err != nil {
		return nil, err
	}
	r.pool.steps.Store(r.loop.Transitions)
	return sizes, r.search.UnmarshalBinary(c["search"])
}

func (r *qdRun) save() error {
	sizes, err := r.logs.sync()
	if err != nil {
		return err
	}
	c := checkpoint{"loop": mustJSON(r.loop), "files": mustJSON(sizes), "clock": mustJSON(r.clock.elapsed())}
	if c["search"], err = r.search.AppendBinary(nil); err != nil {
		return err
	}
	r.clock.saved = time.Now()
	return saveCheckpoint(r.checkpointDir(), r.loop.Evaluations, c, false, r.plan.Checkpoint.Keep)
}

// run searches to the end and evaluates what was found.
func (r *qdRun) run(ctx context.Context, workers int) (SeedResult, error) {
	for r.loop.Evaluations < r.plan.QD.Evaluations {
		if err := r.step(ctx); err != nil {
			return SeedResult{}, err
		}
	}
	s := r.stats()
	out := SeedResult{
		Seed: r.seed, Steps: r.loop.Evaluations, Seconds: r.clock.elapsed().Seconds(), Return: s.Best, QD: s,
	}
	var err error
	if r.plan.QD.Reevaluate > 0 {
		if s.Again, err = r.reevaluate(); err != nil {
			return out, err
		}
	}
	t := &trainer{plan: r.plan, seed: r.seed, dir: r.dir}
	if t.policy, err = bestElite(r.plan, r.search); err != nil {
		return out, err
	}
	if err := r.plan.writeArchive(filepath.Join(r.dir, archiveFile), r.search.elites()); err != nil {
		return out, err
	}
	if err := r.redTeam(); err != nil {
		return out, err
	}
	if out.Eval, err = t.evaluateAt(ctx, r.loop.Evaluations, workers); err != nil {
		return out, err
	}
	if err := writeFileAtomic(filepath.Join(r.dir, doneFile), append(mustJSON(out), '\n')); err != nil {
		return out, err
	}
	r.tell(Status{Seed: r.seed, Step: out.Steps, Elapsed: seconds(out.Seconds), Return: float64(s.Best), Note: s.note(), Eval: out.Eval})
	return out, nil
}

// step is one iteration of the search, and what is due after it.
func (r *qdRun) step(ctx context.Context) error {
	if err := r.search.Step(); err != nil {
		return fmt.Errorf("seed %d, evaluation %d: %w", r.seed, r.loop.Evaluations, err)
	}
	l := &r.loop
	l.Evaluations = int64(r.search.Evaluations())
	l.Transitions = r.pool.steps.Load()
	over := l.Evaluations >= r.plan.QD.Evaluations
	if over || l.Evaluations-l.RowAt >= r.plan.Metrics.Steps {
		if err := r.writeRow(); err != nil {
			return err
		}
	}
	switch {
	case over || l.Evaluations-l.SavedAt >= r.plan.Checkpoint.Steps:
		l.SavedAt = l.Evaluations
		return r.save()
	case r.until > 0 && l.Evaluations >= r.until:
		return orElse(r.save(), errStopped)
	case ctx.Err() != nil:
		return orElse(r.save(), errInterrupted)
	case r.plan.Checkpoint.Seconds > 0 && time.Since(r.clock.saved).Seconds() >= r.plan.Checkpoint.Seconds:
		return r.save()
	}
	return nil
}

func (r *qdRun) stats() *QDStats {
	s := r.plan.QD.stats(r.search.elites(), r.loop.Evaluations, r.loop.Transitions)
	s.Areas = r.loop.Areas
	if e, ok := r.search.(*sparseSearch); ok {
		st := e.Stats()
		s.Sparse = &st
	}
	return s
}

func (r *qdRun) writeRow() error {
	s, row := r.stats(), &Row{Step: r.loop.Evaluations}
	row.add("coverage", float64(s.Coverage))
	row.add("qd_score", float64(s.QDScore))
	row.add("best", float64(s.Best))
	row.add("mean", float64(s.Mean))
	row.add("elites", float64(s.Elites))
	if u := float64(s.Uniformity); !math.IsNaN(u) {
		row.add("uniformity", u)
	}
	if len(s.Areas) > 0 {
		row.add("areas", float64(s.reached()))
	}
	row.add("transitions", float64(s.Transitions))
	perSecond := float64(r.loop.Evaluations-r.loop.RowAt) / time.Since(r.clock.rowed).Seconds()
	r.loop.RowAt, r.clock.rowed = r.loop.Evaluations, time.Now()
	r.tell(Status{
		Seed: r.seed, Step: row.Step, Row: row, Elapsed: r.clock.elapsed(), PerSecond: perSecond,
		Return: float64(s.Best), Note: s.note(),
	})
	return r.logs.row(row, r.clock.elapsed(), perSecond)
}

// reevaluate plays each elite in new episodes and returns the statistics of an archive that is
// made of the means. Flageolat and Cully, "Uncertain Quality-Diversity" (2023), call these the
// corrected ones: luck no longer counts.
func (r *qdRun) reevaluate() (*QDStats, error) {
	a, shape := r.search.elites(), r.plan.shape()
	if a.Len() == 0 {
		return nil, nil
	}
	b := shape.Batch(a.Len())
	for i := range b.N {
		copy(b.Sol[i*shape.Dim:(i+1)*shape.Dim], a.Elite(i).Sol)
	}
	key := rng.New(r.seed).Fold(evalPurpose)
	if err := r.pool.evaluate(b, r.plan.QD.Reevaluate, func(i int) rng.Key { return key.Fold(uint64(i)) }); err != nil {
		return nil, err
	}
	fresh, err := r.plan.openSearch(r.seed, nil)
	if err != nil {
		return nil, err
	}
	again := fresh.elites()
	if err := again.Add(b); err != nil {
		return nil, err
	}
	return r.plan.QD.stats(again, r.loop.Evaluations, r.loop.Transitions), nil
}

// bestElite returns the policy of the greatest objective.
func bestElite(p *Plan, s searcher) (agents.Policy, error) {
	a, best := s.elites(), 0
	if a.Len() == 0 {
		return nil, fmt.Errorf("the archive is empty")
	}
	for i := range a.Len() {
		if a.Elite(i).Objective > a.Elite(best).Objective {
			best = i
		}
	}
	g := newGenome(p)
	policy := newGenomePolicy(g, p.Worlds)
	g.expand(policy.params, a.Elite(best).Sol)
	return policy, nil
}

// loadSearch returns the search in the newest checkpoint of a seed, and its evaluations.
func loadSearch(p *Plan, dir string, seed uint64) (searcher, int64, error) {
	s, err := p.openSearch(seed, nil)
	if err != nil {
		return nil, 0, err
	}
	at := filepath.Join(SeedDir(dir, seed), "checkpoints")
	c, err := newestCheckpoint(at)
	if err != nil {
		return nil, 0, err
	}
	if c == nil {
		return nil, 0, lacking(fmt.Errorf("%s has no checkpoint yet: terrarium resume %s goes on", at, dir))
	}
	var l qdLoop
	if err := json.Unmarshal(c["loop"], &l); err != nil {
		return nil, 0, lacking(fmt.Errorf("checkpoint in %s: section loop: %w", at, err))
	}
	if err := s.UnmarshalBinary(c["search"]); err != nil {
		return nil, 0, lacking(fmt.Errorf("checkpoint in %s: %w", at, err))
	}
	return s, l.Evaluations, nil
}

// meanQD returns coverage, QD score and greatest objective, each its mean over the seeds.
func (r *Result) meanQD() (coverage, score, best jsonFloat) {
	n := jsonFloat(len(r.Seeds))
	for _, s := range r.Seeds {
		if s.QD != nil {
			coverage, score, best = coverage+s.QD.Coverage/n, score+s.QD.QDScore/n, best+s.QD.Best/n
		}
	}
	return coverage, score, best
}
