package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Progress tells how far the answers are, and how far the annotators agree.
type Progress struct {
	Questions  int         `json:"questions"`
	Answered   int         `json:"answered"` // by anyone, declined ones included
	Annotators []Annotator `json:"annotators"`
	Agreement  []Agreement `json:"agreement"`
	Problems   []string    `json:"problems"`
}

// An Annotator is how somebody answers.
type Annotator struct {
	Name       string  `json:"name"`
	Left       int     `json:"left"`
	Right      int     `json:"right"`
	Ties       int     `json:"ties"`
	Skipped    int     `json:"skipped"`
	CannotTell int     `json:"cannot_tell"`
	Seconds    float32 `json:"median_seconds"`
}

// An Agreement is about the questions that two annotators have both answered, ties included.
type Agreement struct {
	A     string  `json:"a"`
	B     string  `json:"b"`
	Both  int     `json:"both"`
	Share float64 `json:"share"` // of the same answer
	Kappa float64 `json:"kappa"` // Cohen's: 0 is what chance gives, 1 is full agreement (Cohen 1960, eq. 1)
}

// Progress looks at all desks.
func (p *Page) Progress() (*Progress, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &Progress{Annotators: []Annotator{}, Agreement: []Agreement{}, Problems: []string{}}
	answers := map[string]map[pair]*feedback.Record{} // by annotator's name
	for _, d := range p.desks {
		if err := d.progress(out, answers); err != nil {
			return nil, err
		}
	}
	names := slices.Sorted(maps.Keys(answers))
	for i, name := range names {
		out.Annotators = append(out.Annotators, describe(name, answers[name]))
		for _, other := range names[:i] {
			if a := agreement(answers[other], answers[name]); a.Both > 0 {
				a.A, a.B = other, name
				out.Agreement = append(out.Agreement, a)
			}
		}
	}
	return out, nil
}

// progress adds a desk.
func (d *desk) progress(out *Progress, answers map[string]map[pair]*feedback.Record) error {
	qs, err := d.questions()
	if err != nil {
		return err
	}
	names, err := d.Annotators()
	if err != nil {
		return err
	}
	latest := feedback.Latest(d.records)
	done, nameless := map[pair]bool{}, map[uint32]int{}
	for i := range latest {
		r := &latest[i]
		if r.Annotator < 1 || int(r.Annotator) > len(names) {
			nameless[r.Annotator]++
			continue
		}
		name := names[r.Annotator-1]
		if answers[name] == nil {
			answers[name] = map[pair]*feedback.Record{}
		}
		k := pairOf(r.Segments[0], r.Segments[1], r.Context)
		answers[name][k], done[k] = r, true
	}
	for _, who := range slices.Sorted(maps.Keys(nameless)) {
		out.Problems = append(out.Problems, fmt.Sprintf("%s: annotator %d, of %d of the answers, has no name in annotators.txt, line %d", d.Dir, who, nameless[who], who))
	}
	out.Questions += len(qs)
	for _, q := range qs {
		if done[pairOf(q.A, q.B, q.Context)] {
			out.Answered++
		}
	}
	named := func(p feedback.Problem) string {
		if p.Annotator < 1 || int(p.Annotator) > len(names) {
			return p.String()
		}
		return strings.Replace(p.String(), fmt.Sprintf("annotator %d", p.Annotator), names[p.Annotator-1], 1)
	}
	if len(latest) > 0 {
		for _, problem := range feedback.Check(latest) {
			out.Problems = append(out.Problems, named(problem))
		}
	}
	for _, problem := range feedback.Again(d.records) {
		out.Problems = append(out.Problems, named(problem)+"; the last one counts")
	}
	for _, k := range slices.Sorted(maps.Keys(d.broken)) {
		out.Problems = append(out.Problems, d.broken[k])
	}
	return nil
}

func describe(name string, answers map[pair]*feedback.Record) Annotator {
	a := Annotator{Name: name}
	var seconds []float32
	for _, r := range answers {
		seconds = append(seconds, r.Seconds)
		switch side, strict := r.Prefers(); {
		case r.Kind == feedback.Declined && r.Tokens[0] == feedback.Skipped:
			a.Skipped++
		case r.Kind == feedback.Declined:
			a.CannotTell++
		case !strict:
			a.Ties++
		case side == 0:
			a.Left++
		default:
			a.Right++
		}
	}
	slices.Sort(seconds)
	a.Seconds = seconds[len(seconds)/2]
	return a
}

// agreement compares the answers of two people.
func agreement(a, b map[pair]*feedback.Record) (out Agreement) {
	var count [2][3]float64 // of each one's answers
	class := func(r *feedback.Record, first feedback.Segment) int {
		side, strict := r.Prefers()
		if !strict {
			return 2
		}
		if r.Segments[0] != first {
			side = 1 - side
		}
		return side
	}
	same := 0.0
	for k, x := range a {
		y, both := b[k]
		if !both || x.Kind != feedback.Pair || y.Kind != feedback.Pair {
			continue
		}
		out.Both++
		cx, cy := class(x, x.Segments[0]), class(y, x.Segments[0]) // sides as they were shown
		count[0][cx]++
		count[1][cy]++
		if cx == cy {
			same++
		}
	}
	if out.Both == 0 {
		return out
	}
	n, chance := float64(out.Both), 0.0
	out.Share = same / n
	for c := range 3 {
		chance += count[0][c] / n * count[1][c] / n
	}
	out.Kappa = 1
	if chance < 1 {
		out.Kappa = (out.Share - chance) / (1 - chance)
	}
	return out
}
