package label

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/llm"
)

// promptVersion is part of every question: another wording is another annotator.
const promptVersion = "terrarium pairs, version 1"

// A Remote is a language model, which compares what the facts of two segments say. Questions are
// sent side by side while training goes on: Label returns ErrLater until the answer is there.
type Remote struct {
	Client      *llm.Client
	Spec        *env.Spec
	Instruction string // what is better, in words
	Wait        bool   // Label waits for the answer, so that runs repeat to the last bit
	InFlight    int    // questions at a time; the default is 4
	Annotator   uint32

	mu      sync.Mutex
	slots   chan struct{}
	replies map[string]*reply
	failed  int
	given   int
}

// A reply is the answer to a question, once done is closed.
type reply struct {
	done chan struct{}
	text string
	err  error
}

// maxFailed is the number of questions in a row that may fail, before any was answered, until
// Label fails: a server that never answers is a mistake, one that sometimes does not is life.
const maxFailed = 8

// Label asks, or looks for the answer. An answer that names no side gives no record.
func (r *Remote) Label(s *feedback.Store, q Query) (feedback.Record, bool, error) {
	va, vb, err := views(s, q)
	if err != nil {
		return feedback.Record{}, false, err
	}
	// Models prefer a place: which segment comes first depends on the pair, not on who asks.
	swapped := q.B.Less(q.A)
	first, second := va, vb
	if swapped {
		first, second = vb, va
	}
	rep := r.ask(q.key(), r.messages(first, second))
	if r.Wait {
		<-rep.done
	}
	select {
	case <-rep.done:
	default:
		return feedback.Record{}, false, ErrLater
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.replies, q.key())
	if rep.err != nil {
		r.failed++
		if r.given == 0 && r.failed >= maxFailed {
			return feedback.Record{}, false, fmt.Errorf("label: none of %d questions was answered, the last: %w", r.failed, rep.err)
		}
		return feedback.Record{}, false, nil
	}
	r.given++
	label, ok := ParseAnswer(rep.text)
	if !ok {
		return feedback.Record{}, false, nil
	}
	if swapped {
		label = 1 - label
	}
	out := pair(q, label)
	out.Annotator, out.Source = r.Annotator, "remote"
	return out, true, nil
}

// ask sends a question, unless it is under way.
func (r *Remote) ask(key string, messages []llm.Message) *reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replies == nil {
		r.replies = map[string]*reply{}
		r.slots = make(chan struct{}, max(r.InFlight, 1))
		if r.InFlight == 0 {
			r.slots = make(chan struct{}, 4)
		}
	}
	if rep := r.replies[key]; rep != nil {
		return rep
	}
	rep := &reply{done: make(chan struct{})}
	r.replies[key] = rep
	go func() {
		defer close(rep.done)
		r.slots <- struct{}{}
		defer func() { <-r.slots }()
		rep.text, rep.err = r.Client.Ask(context.Background(), messages)
	}()
	return rep
}

// messages is the question.
func (r *Remote) messages(first, second feedback.View) []llm.Message {
	var b strings.Builder
	fmt.Fprintf(&b, "Task: %s\n\n", r.Spec.Doc)
	if r.Instruction != "" {
		fmt.Fprintf(&b, "What is wanted: %s\n\n", r.Instruction)
	}
	fmt.Fprintf(&b, "FIRST:\n%s\nSECOND:\n%s\n", Caption(r.Spec, first), Caption(r.Spec, second))
	b.WriteString("Which shows better behaviour? Answer with one word: FIRST, SECOND, TIE or UNKNOWN.")
	return []llm.Message{
		{Role: "system", Content: "You compare two pieces of behaviour of an agent by measurements. (" + promptVersion + ")"},
		{Role: "user", Content: b.String()},
	}
}

// Caption describes a segment in words and numbers: of each column of its facts the mean, the
// smallest, the largest and the last, and how it ends.
func Caption(s *env.Spec, v feedback.View) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d steps of %v s\n", v.Len(), s.Dt)
	w, col := env.Width(s.Facts), 0
	for _, f := range s.Facts {
		for i := range f.Len {
			name := f.Name
			if f.Len > 1 {
				name += "[" + strconv.Itoa(i) + "]"
			}
			mean, lo, hi := float32(0), v.Facts[col], v.Facts[col]
			for t := range v.Len() {
				x := v.Facts[t*w+col]
				mean += x / float32(v.Len())
				lo, hi = min(lo, x), max(hi, x)
			}
			fmt.Fprintf(&b, "- %s: mean %.3g, from %.3g to %.3g, at the end %.3g", name, mean, lo, hi, v.Facts[(v.Len()-1)*w+col])
			if f.Unit != "" {
				fmt.Fprintf(&b, " %s", f.Unit)
			}
			if i == 0 && f.Doc != "" {
				fmt.Fprintf(&b, " (%s)", f.Doc)
			}
			b.WriteByte('\n')
			col++
		}
	}
	if v.End != env.Running {
		fmt.Fprintf(&b, "- the episode is %s with the last step\n", v.End)
	}
	return b.String()
}

var verdict = regexp.MustCompile(`(?i)\b(first|second|tie|unknown)\b`)

// ParseAnswer returns the probability that the first is better that an answer in words means: of
// FIRST, SECOND and TIE it must name exactly one. Everything else is no answer, never a default.
func ParseAnswer(text string) (label float32, ok bool) {
	said := map[string]bool{}
	for _, m := range verdict.FindAllString(text, -1) {
		said[strings.ToLower(m)] = true
	}
	switch {
	case len(said) != 1 || said["unknown"]:
		return 0, false
	case said["first"]:
		return 1, true
	case said["second"]:
		return 0, true
	}
	return 0.5, true
}

var _ Labeler = (*Remote)(nil)
