package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/rewards"
)

func openTestTrainer(t *testing.T, text string, dir string) *trainer {
	t.Helper()
	p, err := ParsePlan("x.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := newTrainer(p, 3, dir, 1, func(Status) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.close() })
	if err := tr.open(); err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestStepAllocatesNothing counts the allocations of steps that end no recorded episode worth
// keeping and no update.
func TestStepAllocatesNothing(t *testing.T) {
	tr := openTestTrainer(t, killed, t.TempDir())
	tr.plan.Replays.Steps = 0
	step := func() {
		tr.loop.BestReplay = 1e9 // no episode is the best
		if err := tr.iterate(); err != nil {
			t.Fatal(err)
		}
		tr.agent.Record(tr.batch, tr.rew)
	}
	for range 3000 { // recordings have grown to the longest episode
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}

// TestReturnsAreTheWorlds checks the accounts of the loop against sums made the plainest way.
func TestReturnsAreTheWorlds(t *testing.T) {
	tr := openTestTrainer(t, killed, t.TempDir())
	var ended []float64
	sums := make([]float64, tr.batch.N)
	for len(ended) < 40 {
		if err := tr.iterate(); err != nil {
			t.Fatal(err)
		}
		for i := range sums {
			sums[i] += float64(tr.batch.Reward[i])
			if tr.batch.End[i] != 0 {
				ended = append(ended, sums[i])
				sums[i] = 0
			}
		}
	}
	var mean float64
	for _, r := range ended {
		mean += r / float64(len(ended))
	}
	r := tr.loop.row(tr.reward)
	if got := r.Get("return_mean"); got-mean > 1e-9 || mean-got > 1e-9 {
		t.Errorf("return_mean is %v, want %v", got, mean)
	}
	// The reward is half the task's and a quarter of the same fact once more.
	for name, share := range map[string]float64{"reward/task": 0.5, "reward/upright": 0.25, "trained_return_mean": 0.75, "length_mean": 1} {
		if got := r.Get(name); got-share*mean > 1e-9 || share*mean-got > 1e-9 {
			t.Errorf("%s is %v, want %v of %v", name, got, share, mean)
		}
	}
}

// TestStepsAreNotExceeded checks that training ends with the last update within its steps.
func TestStepsAreNotExceeded(t *testing.T) {
	for _, c := range []struct {
		steps string
		want  int64 // 7 worlds, an update every 23 steps: multiples of 161
	}{{"steps: 1610", 1610}, {"steps: 1609", 1449}, {"steps: 1771", 1771}, {"steps: 10", 161}} {
		tr := openTestTrainer(t, strings.Replace(killed, "steps: 1200000", c.steps, 1), t.TempDir())
		if err := tr.train(context.Background()); err != nil || tr.loop.Steps != c.want {
			t.Errorf("%s: trained %d, %v; want %d", c.steps, tr.loop.Steps, err, c.want)
		}
	}
}

// TestOneAtATime checks that a run is not resumed twice at once.
func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockRun(dir); err == nil || !strings.Contains(err.Error(), "another terrarium is at work in "+dir) {
		t.Errorf("second lock: %v", err)
	}
	unlock()
	unlock, err = lockRun(dir)
	if err != nil {
		t.Fatalf("after unlocking: %v", err)
	}
	unlock()
}

// TestDiskFull lets the metrics go to a device that is always full.
func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full on this system")
	}
	dir := t.TempDir()
	// The first to fail is to be a row of metrics: this device refuses to be synced for another reason.
	tr := openTestTrainer(t, strings.Replace(killed, "seconds: 0.02", "seconds: 3600", 1), dir)
	if err := tr.train(canceled()); !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	before, err := newestCheckpoint(tr.checkpointDir())
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	tr.logs.files[metricsFile].Close()
	tr.logs.files[metricsFile] = full
	err = tr.train(context.Background())
	if err == nil || exitCode(err) != exitLacking || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("error %v", err)
	}
	if after, err := newestCheckpoint(tr.checkpointDir()); err != nil || !same(before, after) {
		t.Errorf("the checkpoint changed: %v", err)
	}
	if tmp, _ := filepath.Glob(filepath.Join(dir, "*", ".tmp-*")); len(tmp) > 0 {
		t.Errorf("left behind %v", tmp)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestMakeRunDir checks which folders a run may begin in.
func TestMakeRunDir(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  string // the error; "" for none
	}{
		{nil, ""},
		{[]string{lockFile, provenanceFile, temporary + "1"}, ""}, // killed before it began
		{[]string{configFile, provenanceFile}, "already holds a run"},
		{[]string{lockFile, "thesis.tex"}, "is not empty"},
	} {
		dir := filepath.Join(t.TempDir(), "a", "b")
		for _, name := range c.files {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, name), "")
		}
		if err := makeRunDir(dir); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.files, err, c.want)
		}
	}
}

// TestEvaluation checks its accounts on episodes that are also recorded.
func TestEvaluation(t *testing.T) {
	p, err := ParsePlan("x.yaml", []byte(killed), []string{"replays.eval=100"})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.buildPolicy(3, 1)
	if err != nil {
		t.Fatal(err)
	}
	var first *Evaluation
	for _, workers := range []int{1, 2, 3} {
		dir := t.TempDir()
		e, err := evaluate(context.Background(), p, policy, 3, 25, workers, dir)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = e
		}
		if !reflect.DeepEqual(e, first) {
			t.Errorf("%d workers: %+v, want %+v", workers, e, first)
		}
		held, sum := 0, 0.0
		for i := range 25 {
			ep, err := traj.Load(filepath.Join(dir, fmt.Sprintf(evalReplay, i)))
			if err != nil {
				t.Fatal(err)
			}
			if ep.World != i%7 || ep.Return() != e.Returns[i] || ep.Len() != e.Lengths[i] || fmt.Sprintf("%016x", ep.Level.ID(p.Spec)) != e.Levels[i] {
				t.Errorf("episode %d: recorded %v in %d steps of level %016x, evaluated %v in %d of %s",
					i, ep.Return(), ep.Len(), ep.Level.ID(p.Spec), e.Returns[i], e.Lengths[i], e.Levels[i])
			}
			if ep.Level.Seed>>63 == 1 {
				held++
			}
			sum += ep.Return()
		}
		if held != 25 || e.ReturnMean-sum/25 > 1e-9 || sum/25-e.ReturnMean > 1e-9 || len(e.Difficulties) != 25 {
			t.Errorf("%d of 25 levels held out, mean %v, want %v, %d difficulties", held, e.ReturnMean, sum/25, len(e.Difficulties))
		}
	}
	other, err := evaluate(context.Background(), p, policy, 4, 25, 1, "")
	if err != nil || !slices.Equal(other.Levels, first.Levels) || slices.Equal(first.Levels, slices.Repeat(first.Levels[:1], 25)) {
		t.Errorf("another seed is evaluated on levels\n%v\nwant\n%v (%v)", other.Levels, first.Levels, err)
	}
}

// fickle rewards every step with the number of times that it changed its mind.
type fickle struct{ revised int }

func (f *fickle) Score(dst []float32, _ *env.Batch) {
	for i := range dst {
		dst[i] = float32(f.revised)
	}
}
func (f *fickle) Update(*env.Batch, func(string, float64)) error { return nil }
func (f *fickle) Revise(func(string, float64)) error             { f.revised++; return nil }
func (f *fickle) AppendBinary(b []byte) ([]byte, error)          { return b, nil }
func (f *fickle) UnmarshalBinary([]byte) error                   { return nil }

// TestRolloutIsRewardedAlike lets a reward change its mind whenever it may: that must be between the
// rollouts that the agent learns from, never within one.
func TestRolloutIsRewardedAlike(t *testing.T) {
	tr, moods := openTestTrainer(t, killed, t.TempDir()), []*fickle{{}, {}}
	var terms []rewards.Term
	for i, f := range moods {
		terms = append(terms, rewards.Term{Name: fmt.Sprint(i), Weight: 1, Func: f})
	}
	var err error
	if tr.reward, err = rewards.NewSum(terms); err != nil {
		t.Fatal(err)
	}
	steps := 0
	for learned := 0; learned < 3; steps++ {
		if err := tr.advance(); err != nil {
			t.Fatal(err)
		}
		if tr.rew[0] != float32(2*learned) {
			t.Fatalf("step %d: reward %v after %d updates", steps, tr.rew[0], learned)
		}
		over, err := tr.learn()
		if err != nil {
			t.Fatal(err)
		}
		if over {
			learned++
		}
	}
	if steps < 6 || moods[1].revised != 3 {
		t.Errorf("%d steps in three rollouts, revised %d times", steps, moods[1].revised)
	}
}
