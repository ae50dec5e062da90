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
	"github.com/terrarium-rl/terrarium/experiments/modules"
	"github.com/terrarium-rl/terrarium/rewards"
)

const panicFile = "panic.txt"

// A rewardError ends a seed whose reward, or another part, panicked or failed.
type rewardError struct {
	err  error
	dump string // stack and row; empty if the reward said itself what went wrong
}

func (e *rewardError) Error() string { return e.err.Error() }
func (e *rewardError) Unwrap() error { return e.err }

// score computes the reward of the batch, and lets it learn.
func (t *trainer) score() (err error) {
	defer t.plan.recoverReward(t.reward, t.batch, &err)
	t.reward.Score(t.rew, t.batch)
	if err := checkReward(t.batch, t.rew, t.reward); err != nil {
		return &rewardError{err: err}
	}
	return t.reward.Update(t.batch, t.report)
}

// recoverReward makes the panic of a reward, if there is one, an error that says whose it is,
// and on which row. It has to be deferred.
func (p *Plan) recoverReward(sum *rewards.Sum, b *env.Batch, err *error) {
	cause := recover()
	if cause == nil {
		return
	}
	what, row := "the reward", -1
	for i, o := range p.origins() {
		if r, ok := panickingRow(sum.Func(i), b); ok {
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
		*err = &rewardError{err: fmt.Errorf("%s fails%s: %w", what, on, e)} // it knows what went wrong
		return
	}
	stack := debug.Stack()
	var text strings.Builder
	if row >= 0 {
		describeRow(&text, p.Spec, b.Rows(row, row+1))
	}
	text.Write(stack)
	*err = &rewardError{fmt.Errorf("%s panicked%s%s: %v", what, on, frameOf(stack), cause), text.String()}
}

// recoverRest makes any other panic of what trains, such as that of a bonus or an agent, an error
// that says whose code it was in. It has to be deferred.
func (t *trainer) recoverRest(err *error) {
	cause := recover()
	if cause == nil {
		return
	}
	stack := debug.Stack()
	whose := "the program"
	if m := frameFunc.FindStringSubmatch(belowPanic(stack)); m != nil {
		if l, ok := modules.Providing(m[1]); ok {
			whose = versionOf(l)
		}
	}
	*err = t.locate(&rewardError{fmt.Errorf("%s panicked%s: %v", whose, frameOf(stack), cause), string(stack)})
}

// errStopped ends a seed that was to go no further.
var errStopped = errors.New("stopped")

// salvage saves the last state before a reward broke down, which is that of step until, and
// returns cause with what became of it. The state is not kept while all is well: the steps since
// the last checkpoint are repeated, which they do to the bit, by again, which returns errStopped
// once it has saved.
func (p *Plan) salvage(cause error, seed uint64, dir string, until int64, tell func(Status), again func() error) error {
	var broken *rewardError
	if !errors.As(cause, &broken) {
		return cause
	}
	where := ""
	if broken.dump != "" {
		path := filepath.Join(dir, panicFile)
		where = "; its stack is in " + path
		if err := writeFileAtomic(path, []byte(cause.Error()+"\n\n"+broken.dump)); err != nil {
			where = "; its stack could not be written: " + err.Error()
		}
	}
	saved := func() int64 {
		list, err := checkpoints(filepath.Join(dir, "checkpoints"))
		if err != nil || len(list) == 0 {
			return 0
		}
		var step int64
		_, _ = fmt.Sscanf(filepath.Base(list[len(list)-1]), checkpointPattern, &step)
		return step
	}
	state := "the state"
	if saved() < until {
		tell(Status{Seed: seed, Step: saved(), Repeated: true})
		if err := again(); !errors.Is(err, errStopped) {
			state = "only the state" // it breaks down at another step now, or was interrupted
		}
	}
	resume := fmt.Sprintf("once that is corrected, terrarium resume %s --force", filepath.Dir(dir))
	if saved() == 0 {
		return fmt.Errorf("%w%s; nothing was learned yet: %s starts anew", cause, where, resume)
	}
	return fmt.Errorf("%w%s; %s of step %d is saved: %s goes on from there", cause, where, state, saved(), resume)
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

var (
	frameLine = regexp.MustCompile(`(?m)^\t(\S+):(\d+)`)
	frameFunc = regexp.MustCompile(`(?m)^((?:[^\s(]*/)?[^\s(./]+)\.\S+\(`) // the package of a function
)

// belowPanic returns the frames of a stack from the one that panicked.
func belowPanic(stack []byte) string {
	_, below, _ := strings.Cut(string(stack), "\npanic(")
	for {
		m := frameLine.FindStringSubmatchIndex(below)
		if m == nil || filepath.Base(filepath.Dir(below[m[2]:m[3]])) != "runtime" {
			break
		}
		below = below[m[1]:]
	}
	_, below, _ = strings.Cut(below, "\n")
	return below
}

// frameOf returns the place in the code that panicked, from a stack.
func frameOf(stack []byte) string {
	m := frameLine.FindStringSubmatch(belowPanic(stack))
	if m == nil {
		return ""
	}
	return fmt.Sprintf(" at %s:%s", filepath.Base(m[1]), m[2])
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
