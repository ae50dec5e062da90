package lab

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/explore"
	"github.com/terrarium-rl/terrarium/explore/goexplore"
	"github.com/terrarium-rl/terrarium/explore/visits"
	"github.com/terrarium-rl/terrarium/rewards"
)

// errInterrupted ends a seed whose state was saved because the program was asked to stop.
var errInterrupted = errors.New("interrupted")

// errUnsaved is errInterrupted of a seed that is given up amid its first rollout.
var errUnsaved = fmt.Errorf("%w before there was a state to save", errInterrupted)

// Training is silent for so long amid a rollout, and goes on for so long when asked to stop. But for tests never changed.
var amidPause, amidPatience = plainPause, time.Second

// A trainer trains one seed in a folder of its own.
type trainer struct {
	plan     *Plan
	seed     uint64
	dir      string
	tell     func(Status)
	vec      env.Vec
	policy   agents.Policy
	agent    agents.Agent    // policy, if it learns
	resident agents.Resident // agent, if it lives on the device of the worlds
	reward   *rewards.Sum
	bonus    explore.Bonus        // nil without
	bonuses  []float32            // of the rows, of the last step
	where    *visits.Map          // nil without a position
	start    *goexplore.Backward  // nil if episodes start where the environment has them start
	curious  agents.BonusRecorder // agent, if it takes bonuses apart from the reward
	recorder *traj.Recorder       // nil with a resident
	batch    *env.Batch
	rew      []float32
	actKey   rng.Key
	loop     *loop
	logs     *logs
	clock    clock
	report   agents.Report
	until    int64     // step at which to save and stop; 0 for none
	kept     int64     // step of the state that is saved; 0 for none
	told     time.Time // last news
	asked    time.Time // to stop
}

// A clock measures the time spent on a seed over all its interruptions.
type clock struct {
	before  time.Duration // until the checkpoint that was resumed
	started time.Time
	saved   time.Time // last checkpoint
	rowed   time.Time // last row
}

func (c *clock) elapsed() time.Duration { return c.before + time.Since(c.started) }

// newTrainer builds what training needs. It touches no files.
func newTrainer(p *Plan, seed uint64, dir string, workers int, tell func(Status)) (t *trainer, err error) {
	t = &trainer{plan: p, seed: seed, dir: dir, tell: tell, actKey: rng.New(seed).Fold(actPurpose)}
	vec, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: p.Worlds, Workers: workers, Levels: p.levels, Engine: p.ownEngine()})
	if err != nil {
		return nil, err
	}
	t.vec = vec
	defer func() {
		if err != nil {
			vec.Close()
		}
	}()
	t.vec.Reset(rng.New(seed).Fold(worldPurpose).Uint64())
	if t.start, err = p.buildStart(t.vec, seed); err != nil {
		return nil, err
	}
	if t.policy, err = p.buildPolicy(seed, workers); err != nil {
		return nil, err
	}
	t.agent, _ = t.policy.(agents.Agent)
	t.curious, _ = t.policy.(agents.BonusRecorder)
	rows := p.Worlds * p.Spec.Agents
	if t.bonus, err = p.buildBonus(seed, rows, workers); err != nil {
		return nil, err
	}
	t.bonuses = make([]float32, rows)
	t.where = visits.New(p.Spec)
	if t.reward, err = p.buildReward(); err != nil {
		return nil, err
	}
	t.reward.Seed(rng.New(seed).Fold(rewardPurpose), workers)
	origin, err := traj.OriginOf(p.EnvConfig, "train", seed)
	if err != nil {
		return nil, err
	}
	if err = t.reward.Settle(rewards.Home{Vec: t.vec, Origin: origin, Dir: t.dir}); err != nil {
		return nil, err
	}
	if t.recorder, err = traj.NewRecorder(t.vec, 0, origin); err != nil {
		return nil, err
	}
	if err = t.settle(); err != nil {
		return nil, err
	}
	t.batch = env.NewBatch(p.Spec, p.Worlds)
	t.rew = make([]float32, t.batch.N)
	t.loop = newLoop(t.batch.N, t.reward.Len())
	t.report = t.loop.report
	return t, nil
}

func (t *trainer) checkpointDir() string { return filepath.Join(t.dir, "checkpoints") }
func (t *trainer) replayDir() string     { return filepath.Join(t.dir, "replays") }

// open continues from the newest checkpoint of the folder, or starts anew if it has none.
func (t *trainer) open() error {
	for _, dir := range []string{t.checkpointDir(), t.replayDir()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	t.removeTemporary()
	c, err := newestCheckpoint(t.checkpointDir())
	if err != nil {
		return err
	}
	var sizes map[string]int64
	if c != nil {
		if sizes, err = t.restore(c); err != nil {
			return fmt.Errorf("checkpoint of %s: %w", t.dir, err)
		}
	}
	if err := t.removeReplays(); err != nil {
		return err
	}
	t.logs, err = openLogs(t.dir, sizes)
	t.clock.started = time.Now()
	t.clock.saved, t.clock.rowed = t.clock.started, t.clock.started
	t.kept, t.told = t.loop.Steps, t.clock.started
	return err
}

// removeTemporary removes files that a killed program left half-written.
func (t *trainer) removeTemporary() {
	for _, pattern := range []string{temporary + "*", "checkpoints/" + temporary + "*", "replays/*.tmp"} {
		paths, _ := filepath.Glob(filepath.Join(globEscape(t.dir), pattern))
		for _, p := range paths {
			os.Remove(p)
		}
	}
}

const trainReplay = "train-%015d.replay" // step at which the episode ended

// removeReplays removes recordings of training that are newer than the state.
func (t *trainer) removeReplays() error {
	entries, err := os.ReadDir(t.replayDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		var step int64
		if _, err := fmt.Sscanf(e.Name(), trainReplay, &step); err == nil && step > t.loop.Steps {
			if err := os.Remove(filepath.Join(t.replayDir(), e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// train runs the training loop to its end, or until ctx is done.
func (t *trainer) train(ctx context.Context) (err error) {
	defer t.recoverRest(&err)
	if t.loop.Steps > 0 && t.loop.over(t.plan.Steps) {
		return nil // what was interrupted came after training
	}
	if w, ok := t.vec.(interface {
		Watch(func(made, all int) error)
	}); ok {
		w.Watch(func(made, all int) error { return t.amid(ctx, made, all) })
	}
	for {
		err := t.amid(ctx, 0, 0)
		if err == nil {
			err = t.advance()
		}
		if errors.Is(err, errInterrupted) {
			return err
		}
		if err != nil {
			return t.locate(err)
		}
		saveable, err := t.learn()
		if err != nil {
			return t.locate(err)
		}
		if !saveable {
			continue
		}
		over, err := t.atBoundary(ctx)
		if over || err != nil {
			return err
		}
	}
}

// amid is called between the steps, or submissions, of a rollout, with the steps of worlds that are made of all of it
// and not counted yet. It says now and then how far training is, and gives the rollout up if asked to stop and not done soon, where
// the state before it is saved: going on from there makes it again, bit by bit. Else more would be lost than the rollout.
func (t *trainer) amid(ctx context.Context, made, all int) error {
	l := t.loop
	if ctx.Err() != nil && t.asked.IsZero() {
		t.asked = time.Now()
	}
	switch late := ctx.Err() != nil && time.Since(t.asked) >= amidPatience && t.kept == l.Boundary; {
	case late && t.kept == 0:
		return errUnsaved
	case late:
		return errInterrupted
	}
	if time.Since(t.told) >= amidPause {
		t.told = time.Now()
		s := Status{Seed: t.seed, Step: l.Steps + int64(made*t.plan.Spec.Agents), Elapsed: t.clock.elapsed(), Return: l.meanReturn(), Amid: true}
		if all > 0 {
			s.Note = fmt.Sprintf("  amid a rollout, %d%% made", 100*made/all)
		}
		t.tell(s)
	}
	return nil
}

func (t *trainer) locate(err error) error {
	return fmt.Errorf("seed %d, step %d: %w", t.seed, t.loop.Steps, err)
}

// advance makes the next steps: those of a rollout on a device, or one.
func (t *trainer) advance() error {
	if t.resident != nil {
		return t.rollout()
	}
	return t.iterate()
}

// iterate is one step of all worlds.
func (t *trainer) iterate() error {
	b := t.batch
	t.recorder.Begin()
	if err := t.vec.Observe(b); err != nil {
		return err
	}
	t.recorder.Observed(b)
	t.policy.Act(b, t.actKey.Fold(t.loop.Iterations), true)
	if err := t.vec.Step(b); err != nil {
		return err
	}
	if err := t.score(); err != nil {
		return err
	}
	if err := t.scoreBonus(); err != nil {
		return err
	}
	t.loop.count(b, t.reward.Column)
	if ep := t.recorder.Stepped(b); ep != nil && t.loop.keepsReplay(ep.Number, ep.Return(), t.plan.Replays.Steps) {
		ep.Step = t.loop.Steps
		if err := ep.Save(filepath.Join(t.replayDir(), fmt.Sprintf(trainReplay, ep.Step))); err != nil {
			return err
		}
	}
	if t.start == nil {
		return nil
	}
	t.report("start/left", t.start.Left())
	return t.start.Stepped(b, t.rew)
}

// learn reports whether the state may be saved now: after each update of an agent, and always
// if there is none. These are the moments at which the reward may change its mind.
func (t *trainer) learn() (saveable bool, err error) {
	if t.agent == nil {
		return true, t.reward.Revise(t.report)
	}
	if t.resident == nil {
		t.record()
	}
	if saveable, err = t.agent.Learn(t.report); !saveable || err != nil {
		return false, err
	}
	return true, t.reward.Revise(t.report)
}

// atBoundary does what is due when the state may be saved, and reports whether training is over.
func (t *trainer) atBoundary(ctx context.Context) (over bool, err error) {
	l := t.loop
	l.boundary()
	over = l.over(t.plan.Steps)
	if over || l.Steps-l.RowAt >= t.plan.Metrics.Steps {
		if err := t.writeRow(); err != nil {
			return false, err
		}
	}
	if l.solves(t.plan.Spec.Solved) {
		t.tell(Status{Seed: t.seed, Step: l.Steps, Elapsed: t.clock.elapsed(), Solved: true, Return: l.meanReturn()})
	}
	switch {
	case over || l.Steps-l.SavedAt >= t.plan.Checkpoint.Steps:
		l.SavedAt = l.Steps
		return over, t.save(l.best())
	case t.until > 0 && l.Steps >= t.until:
		return false, orElse(t.save(false), errStopped)
	case ctx.Err() != nil:
		return false, orElse(t.save(false), errInterrupted)
	case t.plan.Checkpoint.Seconds > 0 && time.Since(t.clock.saved).Seconds() >= t.plan.Checkpoint.Seconds:
		return false, t.save(false)
	}
	return false, nil
}

// orElse returns err, or other if there is none.
func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (t *trainer) writeRow() error {
	since := t.loop.Steps - t.loop.RowAt
	r := t.loop.row(t.reward)
	perSecond := float64(since) / time.Since(t.clock.rowed).Seconds()
	t.clock.rowed = time.Now()
	t.told = t.clock.rowed
	t.tell(Status{Seed: t.seed, Step: r.Step, Row: r, Elapsed: t.clock.elapsed(), PerSecond: perSecond, Return: r.Get("return_mean")})
	return t.logs.row(r, t.clock.elapsed(), perSecond)
}

// save writes a checkpoint.
func (t *trainer) save(best bool) error {
	sizes, err := t.logs.sync()
	if err != nil {
		return err
	}
	c := checkpoint{
		"loop":    mustJSON(t.loop),
		"rewards": mustJSON(t.plan.origins()),
		"files":   mustJSON(sizes),
		"clock":   mustJSON(t.clock.elapsed()),
	}
	if c["reward"], err = t.reward.AppendBinary(nil); err != nil {
		return err
	}
	if t.bonus != nil {
		c["expression"] = []byte(t.plan.Bonus)
		if c["bonus"], err = t.bonus.AppendBinary(nil); err != nil {
			return err
		}
	}
	if t.where != nil {
		if c["visits"], err = t.where.AppendBinary(nil); err != nil {
			return err
		}
		if err := t.where.Save(t.dir); err != nil {
			return err
		}
	}
	if t.start != nil {
		if c["start"], err = t.start.AppendBinary(nil); err != nil {
			return err
		}
	}
	if t.recorder != nil {
		if c["recorder"], err = t.recorder.AppendBinary(nil); err != nil {
			return err
		}
	}
	if t.agent != nil {
		if c["agent"], err = t.agent.AppendBinary(nil); err != nil {
			return err
		}
	}
	snap, worlds := t.vec.(env.Snapshotter), []byte(nil)
	for i := range t.vec.Len() {
		at := len(worlds)
		worlds = snap.AppendState(append(worlds, 0, 0, 0, 0), i)
		binary.LittleEndian.PutUint32(worlds[at:], uint32(len(worlds)-at-4))
	}
	if f, ok := t.vec.(env.Failer); ok && f.Err() != nil {
		return f.Err()
	}
	c["worlds"] = worlds
	t.clock.saved = time.Now()
	if err := saveCheckpoint(t.checkpointDir(), t.loop.Steps, c, best, t.plan.Checkpoint.Keep); err != nil {
		return err
	}
	t.kept = t.loop.Steps
	return nil
}

// restore sets t to the state in c and returns the sizes of its log files.
func (t *trainer) restore(c checkpoint) (sizes map[string]int64, err error) {
	loaded := new(loop)
	if err := json.Unmarshal(c["loop"], loaded); err != nil {
		return nil, fmt.Errorf("section loop: %w", err)
	}
	if !loaded.fits(t.batch.N, t.reward.Len()) {
		return nil, errors.New("section loop: it belongs to another number of worlds or of reward terms")
	}
	if err := json.Unmarshal(c["files"], &sizes); err != nil {
		return nil, fmt.Errorf("section files: %w", err)
	}
	if err := checkLogFiles(sizes); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(c["clock"], &t.clock.before); err != nil {
		return nil, fmt.Errorf("section clock: %w", err)
	}
	if err := t.plan.sameRewardsJSON(c["rewards"]); err != nil {
		return nil, err
	}
	if err := restorePolicy(t.policy, c); err != nil {
		return nil, err
	}
	if err := t.reward.UnmarshalBinary(c["reward"]); err != nil {
		return nil, fmt.Errorf("section reward: %w", err)
	}
	if t.bonus != nil {
		if was := string(c["expression"]); was != t.plan.Bonus {
			return nil, fmt.Errorf("section bonus: the bonus was %q and is %q now: a new run can have another", was, t.plan.Bonus)
		}
		if err := t.bonus.UnmarshalBinary(c["bonus"]); err != nil {
			return nil, fmt.Errorf("section bonus: %w", err)
		}
	}
	if v := c["visits"]; t.where != nil && v != nil { // older programs kept no map of some environments
		if err := t.where.UnmarshalBinary(v); err != nil {
			return nil, fmt.Errorf("section visits: %w", err)
		}
	}
	if t.start != nil {
		if err := t.start.UnmarshalBinary(c["start"]); err != nil {
			return nil, fmt.Errorf("section start: %w", err)
		}
	}
	if err := t.restoreWorlds(c["worlds"]); err != nil {
		return nil, fmt.Errorf("section worlds: %w", err)
	}
	if t.recorder != nil {
		if err := t.recorder.UnmarshalBinary(c["recorder"]); err != nil {
			return nil, fmt.Errorf("section recorder: %w", err)
		}
	}
	t.loop = loaded
	t.report = loaded.report
	return sizes, nil
}

// checkLogFiles reports names that are not those of the log files of a seed.
func checkLogFiles(sizes map[string]int64) error {
	for name := range sizes {
		if name != metricsFile && name != timingFile && (!strings.HasPrefix(name, eventsStem) || strings.ContainsAny(name, `/\`)) {
			return fmt.Errorf("section files: unknown file %q", name)
		}
	}
	if len(sizes) != 3 {
		return fmt.Errorf("section files: %d files, want 3", len(sizes))
	}
	return nil
}

// restorePolicy loads the agent's section, if the policy learns.
func restorePolicy(p agents.Policy, c checkpoint) error {
	agent, ok := p.(agents.Agent)
	if !ok {
		return nil
	}
	if err := agent.UnmarshalBinary(c["agent"]); err != nil {
		return fmt.Errorf("section agent: %w", err)
	}
	return nil
}

func (t *trainer) restoreWorlds(data []byte) error {
	for i := range t.vec.Len() {
		if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
			return fmt.Errorf("the state of world %d is missing", i)
		}
		n := binary.LittleEndian.Uint32(data)
		if err := t.vec.(env.Snapshotter).SetState(i, data[4:4+n]); err != nil {
			return err
		}
		data = data[4+n:]
	}
	return nil
}

// close releases what t holds.
func (t *trainer) close() error {
	err := t.vec.Close()
	if t.logs != nil {
		err = errors.Join(err, t.logs.close())
	}
	return err
}
