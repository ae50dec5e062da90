package lab

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

const panicFile = "panic.txt"

// score computes the reward of the batch, and lets it learn. A reward that panics ends the run
// with an error that says whose it is.
func (t *trainer) score() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = t.panicked(r, debug.Stack())
		}
	}()
	t.reward.Score(t.rew, t.batch)
	if err := checkReward(t.batch, t.rew, t.reward); err != nil {
		return err
	}
	return t.reward.Update(t.batch, t.report)
}

// panicked describes a panic of a reward. Stack and row go to a file in the folder of the seed.
func (t *trainer) panicked(cause any, stack []byte) error {
	what, row := "reward", -1
	for i, o := range t.plan.origins() {
		if r, ok := panickingRow(t.reward.Func(i), t.batch); ok {
			what, row = fmt.Sprintf("reward term %q of %s", o.Term, versionOf(o.Linked)), r
			break
		}
	}
	on := ""
	if row >= 0 {
		on = fmt.Sprintf(" on row %d", row)
	}
	var bug runtime.Error
	if e, ok := cause.(error); ok && !errors.As(e, &bug) {
		return fmt.Errorf("%s fails%s: %w; %s", what, on, e, t.lastSaved()) // it knows what went wrong
	}
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d, step %d: %s panicked%s: %v\n\n", t.seed, t.loop.Steps, what, on, cause)
	if row >= 0 {
		describeRow(&text, t.plan.Spec, t.batch.Rows(row, row+1))
	}
	text.Write(stack)
	path := filepath.Join(t.dir, panicFile)
	where := "its stack is in " + path
	if err := writeFileAtomic(path, []byte(text.String())); err != nil {
		where = "its stack could not be written: " + err.Error()
	}
	return fmt.Errorf("%s panicked%s%s: %v; %s; %s", what, on, frameOf(stack), cause, where, t.lastSaved())
}

// lastSaved says from where the run can go on.
func (t *trainer) lastSaved() string {
	saved, err := checkpoints(t.checkpointDir())
	if err != nil || len(saved) == 0 {
		return "there was no checkpoint yet"
	}
	var step int64
	_, _ = fmt.Sscanf(filepath.Base(saved[len(saved)-1]), checkpointPattern, &step)
	return fmt.Sprintf("the state of step %d is saved: once the reward is corrected, terrarium resume %s --force goes on from there", step, filepath.Dir(t.dir))
}

// panickingRow finds the row on which f panics alone. It reports false if f does not panic, and
// row -1 if it does so only on all rows together.
func panickingRow(f rewards.Func, b *env.Batch) (row int, ok bool) {
	panics := func(b *env.Batch) (yes bool) {
		defer func() { yes = recover() != nil }()
		f.Score(make([]float32, b.N), b)
		return false
	}
	if !panics(b) {
		return 0, false
	}
	for i := range b.N {
		if one := b.Rows(i, i+1); panics(&one) {
			return i, true
		}
	}
	return -1, true
}

var frameLine = regexp.MustCompile(`(?m)^\t(\S+):(\d+)`)

// frameOf returns the place in the code that panicked, from a stack.
func frameOf(stack []byte) string {
	_, below, ok := strings.Cut(string(stack), "\npanic(")
	if !ok {
		return ""
	}
	for _, m := range frameLine.FindAllStringSubmatch(below, -1) {
		if filepath.Base(filepath.Dir(m[1])) != "runtime" {
			return fmt.Sprintf(" at %s:%s", filepath.Base(m[1]), m[2])
		}
	}
	return ""
}

// describeRow writes the numbers of a row, by name.
func describeRow(w *strings.Builder, s *env.Spec, b env.Batch) {
	for _, part := range []struct {
		name   string
		fields []env.Field
		x      []float32
	}{{"obs", s.Obs, b.Obs}, {"act", s.Act, b.Act}, {"next", s.Obs, b.Next}, {"fact", s.Facts, b.Facts}} {
		at := 0
		for _, f := range part.fields {
			fmt.Fprintf(w, "%-5s %-20s %v\n", part.name, f.Name, part.x[at:at+f.Len])
			at += f.Len
		}
	}
	fmt.Fprintf(w, "task reward %v, end %d, level %x\n\n", b.Reward, b.End, b.Level)
}
