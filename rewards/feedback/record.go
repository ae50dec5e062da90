package feedback

import (
	"fmt"
	"math"
)

// A Kind says what a record tells about its segments.
type Kind uint8

const (
	Pair     Kind = iota // Segments[0] against Segments[1]: Label
	Ranked               // two or more, the best first
	Rated                // each has a number in Ratings
	Marked               // some steps of one segment have a number in Steps
	Demo                 // one segment that shows how it should be done
	Declined             // two segments, about which the annotator gives no answer; Tokens[0] says why
	Remarked             // one segment, about parts of which Tokens say something, in the words of a Vocabulary
	kinds
)

var kindNames = [...]string{"pair", "ranked", "rated", "marked", "demo", "declined", "remarked"}

// Reasons of Declined records, their first token.
const (
	Skipped    uint16 = 1 + iota // the annotator passed on
	CannotTell                   // the annotator looked, and cannot tell
	Withdrawn                    // the annotator takes the last answer back; the question is open again
)

// String returns the name of k.
func (k Kind) String() string {
	if k >= kinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// A Mark is a number given to a step of a segment.
type Mark struct {
	Step  int32 // from 0, the first step of the segment
	Value float32
}

// A Record is one answer of one annotator.
type Record struct {
	Kind     Kind
	Segments []Segment
	Label    float32   // Pair: probability that the first is better; 0.5 is a tie
	Ratings  []float32 // Rated: one a segment
	Steps    []Mark    // Marked
	Tokens   []uint16  // remarks, as words of a vocabulary of the caller's; any kind may have some

	Annotator uint32
	Context   []float32 // what the annotator was asked to judge by, such as weights of criteria
	Strength  float32   // how much better, in the annotator's unit; 0 if not asked
	Margin    float32   // by which the scores of a pair should differ; 0 for none
	Weight    float32   // in a loss; above 0
	Level     int32     // of a hierarchy that decided, from 1; 0 if there is none
	Seconds   float32   // the annotator thought
	Source    string    // what made the record, such as "teacher", "heron" or "web"
}

// Better returns the record that a is better than b, with weight 1.
func Better(a, b Segment) Record {
	return Record{Segments: []Segment{a, b}, Label: 1, Weight: 1}
}

// Prefers returns the number of the segment of a Pair that is better, and whether it is not a tie.
func (r *Record) Prefers() (i int, strict bool) {
	switch {
	case r.Label > 0.5:
		return 0, true
	case r.Label < 0.5:
		return 1, true
	}
	return 0, false
}

// Swapped returns r with its two segments in the other order, if it is a Pair.
func (r Record) Swapped() Record {
	if r.Kind == Pair {
		r.Segments = []Segment{r.Segments[1], r.Segments[0]}
		r.Label = 1 - r.Label
	}
	return r
}

// Validate reports the first thing wrong with r.
func (r *Record) Validate() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("feedback: %s record of annotator %d: %s", r.Kind, r.Annotator, fmt.Sprintf(format, args...))
	}
	want := map[Kind][2]int{Pair: {2, 2}, Ranked: {2, math.MaxInt}, Rated: {1, math.MaxInt}, Marked: {1, 1}, Demo: {1, 1}, Declined: {2, 2}, Remarked: {1, 1}}
	n, ok := want[r.Kind]
	if !ok {
		return fail("unknown kind")
	}
	if len(r.Segments) < n[0] || len(r.Segments) > n[1] {
		return fail("%d segments", len(r.Segments))
	}
	for i, s := range r.Segments {
		if s.From < 0 || s.From >= s.To {
			return fail("segment %d has steps %d to %d", i, s.From, s.To)
		}
		for _, o := range r.Segments[:i] {
			if s == o && r.Kind != Rated {
				return fail("segment %d is compared with itself", i)
			}
		}
	}
	switch {
	case r.Kind == Pair && !(r.Label >= 0 && r.Label <= 1):
		return fail("label is %v, want 0 to 1", r.Label)
	case r.Kind == Rated && len(r.Ratings) != len(r.Segments):
		return fail("%d ratings of %d segments", len(r.Ratings), len(r.Segments))
	case r.Kind == Marked && len(r.Steps) == 0:
		return fail("no step is marked")
	case r.Kind == Declined && len(r.Tokens) == 0:
		return fail("no reason is given")
	case r.Kind == Remarked && len(r.Tokens) == 0:
		return fail("no remark is made")
	case !(r.Weight > 0) || !finite(r.Weight):
		return fail("weight is %v, want above 0", r.Weight)
	case !finite(r.Strength) || !finite(r.Margin) || !finite(r.Seconds):
		return fail("strength %v, margin %v and seconds %v must be finite", r.Strength, r.Margin, r.Seconds)
	}
	for _, m := range r.Steps {
		if m.Step < 0 || int(m.Step) >= r.Segments[0].Len() || !finite(m.Value) {
			return fail("mark %v at step %d of %d", m.Value, m.Step, r.Segments[0].Len())
		}
	}
	for _, x := range [][]float32{r.Ratings, r.Context} {
		for _, v := range x {
			if !finite(v) {
				return fail("a rating or a context is %v", v)
			}
		}
	}
	return nil
}

func finite(x float32) bool { return x-x == 0 }
