// Package label answers which of two pieces of behaviour is better, in the place of people.
//
// A [Labeler] turns a [Query] into a record of feedback. A [Teacher] knows the true reward, and
// errs like people do; a [Heron] knows only which measurements matter more than which others; a
// [Population] is several annotators who may disagree. [Human] is people, who answer at a [Desk]
// when they find the time, and [Remote] a language model.
//
// Answers depend on the labeler's key and the pair, not on when or in which order pairs are asked:
// the same question gets the same answer, and the pair the other way round the swapped one.
package label

import (
	"errors"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Query asks which of two segments is better.
type Query struct {
	A, B    feedback.Segment
	Context []float32 // what to judge by; may be empty
}

// A Labeler answers queries. It is not safe for concurrent use.
type Labeler interface {
	// Label answers a query about segments of the store. It returns false if there is no
	// answer: the annotator skips the pair, or cannot tell.
	Label(s *feedback.Store, q Query) (feedback.Record, bool, error)
}

// ErrLater says that a labeler has taken note of the query but has no answer yet: ask again.
var ErrLater = errors.New("label: the answer is not there yet")

const purpose rng.Purpose = 0x6c61626c

// stream returns the random numbers of a pair, the same for both orders.
func stream(k rng.Key, q Query) rng.Stream {
	a, b := q.A, q.B
	if b.Less(a) {
		a, b = b, a
	}
	fold := func(s feedback.Segment) { k = k.Fold(s.Traj).Fold(uint64(uint32(s.From))<<32 | uint64(uint32(s.To))) }
	fold(a)
	fold(b)
	return k.Stream(purpose, 0, 0)
}

func views(s *feedback.Store, q Query) (a, b feedback.View, err error) {
	if a, err = s.View(q.A); err == nil {
		b, err = s.View(q.B)
	}
	if err == nil && q.A == q.B {
		err = fmt.Errorf("label: segment %+v is compared with itself", q.A)
	}
	return a, b, err
}

func pair(q Query, label float32) feedback.Record {
	return feedback.Record{Segments: []feedback.Segment{q.A, q.B}, Label: label, Weight: 1, Context: q.Context}
}

// A Score writes a number for each step of v to dst: its reward, say, or its advantage. It does
// not retain v.
type Score func(dst []float32, v feedback.View)

// TaskReward scores each step by the task's own reward.
func TaskReward(dst []float32, v feedback.View) { copy(dst, v.Reward) }

// A Teacher answers by a score it knows, with the errors of BPref: Lee, Smith, Dragan and Abbeel,
// "B-Pref: Benchmarking Preference-Based Reinforcement Learning" (NeurIPS 2021), algorithm 1. The
// zero values of all errors make the perfectly rational teacher.
//
// In this order: it skips a pair neither of which is good enough; it calls those alike a tie; it
// prefers the segment of higher discounted score, or the other with a probability by their
// difference; and it answers the contrary by mistake. A tie is never a mistake.
type Teacher struct {
	Score Score   // the default is TaskReward; advantages make it judge by regret
	Key   rng.Key // of its errors

	Beta    float64  // rationality: it prefers the first with probability 1/(1+exp(-Beta (R1-R2))); 0 means always the better
	Myopia  float64  // discount of earlier steps, in [0, 1]: the last counts 1, the one before Myopia; 0 means none, as 1 does
	Mistake float64  // probability to answer the contrary
	Skip    *float64 // it skips pairs whose better score is not above this; nil means none
	Equal   float64  // scores that differ by less are a tie
	Aspect  int      // number of what it remarks on, in the words of feedback.Thirds

	Annotator uint32
	buf       []float32
}

// Label answers a query. The record's Strength is the difference of the scores it judged by.
func (t *Teacher) Label(s *feedback.Store, q Query) (feedback.Record, bool, error) {
	va, vb, err := views(s, q)
	if err != nil {
		return feedback.Record{}, false, err
	}
	sumA, lateA := t.sums(va)
	sumB, lateB := t.sums(vb)
	if d := sumA - sumB; math.IsNaN(d) || math.IsInf(d, 0) {
		return feedback.Record{}, false, fmt.Errorf("label: the scores of segments %+v and %+v are %v and %v", q.A, q.B, sumA, sumB)
	}
	if t.Skip != nil && max(sumA, sumB) <= *t.Skip {
		return feedback.Record{}, false, nil
	}
	r := pair(q, 0.5)
	r.Annotator, r.Source, r.Strength = t.Annotator, "teacher", float32(lateA-lateB)
	if math.Abs(sumA-sumB) < t.Equal || t.Beta == 0 && lateA == lateB {
		return r, true, nil
	}
	// The canonical order decides who the first is, so that a swapped query gets the swapped answer.
	d, swapped := lateA-lateB, q.B.Less(q.A)
	if swapped {
		d = -d
	}
	random := stream(t.Key, q)
	first := d > 0
	if t.Beta > 0 {
		first = random.Float64() < Logistic(t.Beta*d)
	}
	if random.Float64() < t.Mistake {
		first = !first
	}
	r.Label = 0
	if first != swapped {
		r.Label = 1
	}
	return r, true, nil
}

// Remark praises or blames the parts of a segment, one of the thirds of feedback.Thirds after the
// other: those whose scores add up to more than neutral, and those with less. A part that adds up to
// neutral is passed over. Mistakes are made with the same probability as in answers, part by part.
func (t *Teacher) Remark(s *feedback.Store, seg feedback.Segment, neutral float64) (feedback.Record, bool, error) {
	v, err := s.View(seg)
	if err != nil {
		return feedback.Record{}, false, err
	}
	r := feedback.Record{Kind: feedback.Remarked, Segments: []feedback.Segment{seg}, Weight: 1, Annotator: t.Annotator, Source: "teacher"}
	random := stream(t.Key, Query{A: seg, B: seg})
	x := t.scores(v)
	for third, w := range feedback.Thirds("it")[:3] {
		from, to := w.Part(v.Len())
		sum := 0.0
		for _, y := range x[from:to] {
			sum += float64(y)
		}
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return r, false, fmt.Errorf("label: the scores of steps %d to %d of segment %+v add up to %v", from, to, seg, sum)
		}
		bad := sum < neutral
		if random.Float64() < t.Mistake {
			bad = !bad
		}
		switch {
		case sum == neutral:
		case bad:
			r.Tokens = append(r.Tokens, uint16(6*t.Aspect+3+third))
		default:
			r.Tokens = append(r.Tokens, uint16(6*t.Aspect+third))
		}
	}
	return r, len(r.Tokens) > 0, nil
}

// scores returns the score of each step, in memory of the teacher.
func (t *Teacher) scores(v feedback.View) []float32 {
	n := v.Len()
	if cap(t.buf) < n {
		t.buf = make([]float32, n)
	}
	x := t.buf[:n]
	if t.Score == nil {
		TaskReward(x, v)
	} else {
		t.Score(x, v)
	}
	return x
}

// sums returns the sum of scores, and the one in which earlier steps count less.
func (t *Teacher) sums(v feedback.View) (sum, late float64) {
	gamma := t.Myopia
	if gamma == 0 {
		gamma = 1
	}
	for _, r := range t.scores(v) {
		sum += float64(r)
		late = float64(late*gamma) + float64(r)
	}
	return sum, late
}

// Logistic returns 1/(1+exp(-x)), the same on every platform up to the precision of float32.
func Logistic(x float64) float64 {
	switch {
	case x > 80:
		return 1
	case x < -80:
		return 0
	}
	return 1 / (1 + float64(geom.Exp(float32(-x))))
}

// A Population is annotators who share the queries: each pair is asked of one of them, drawn by
// the pair. Its records carry the number of the annotator, from 0.
type Population struct {
	Members []Labeler
	Weights []float64 // how often each is asked; the default is alike
	Key     rng.Key
}

// Label lets one member answer.
func (p *Population) Label(s *feedback.Store, q Query) (feedback.Record, bool, error) {
	i, err := p.Draw(q)
	if err != nil {
		return feedback.Record{}, false, err
	}
	r, ok, err := p.Members[i].Label(s, q)
	r.Annotator = uint32(i)
	return r, ok, err
}

// Draw returns the number of the member who is asked.
func (p *Population) Draw(q Query) (int, error) {
	n := len(p.Members)
	if n == 0 || p.Weights != nil && len(p.Weights) != n {
		return 0, fmt.Errorf("label: a population of %d members and %d weights", n, len(p.Weights))
	}
	random := stream(p.Key.Fold(1), q)
	if p.Weights == nil {
		return random.IntN(n), nil
	}
	total := 0.0
	for i, w := range p.Weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return 0, fmt.Errorf("label: weight of annotator %d is %v", i, w)
		}
		total += w
	}
	x := random.Float64() * total
	last := 0
	for i, w := range p.Weights {
		if w > 0 {
			last = i
			if x < w {
				return i, nil
			}
		}
		x -= w
	}
	if total == 0 {
		return 0, fmt.Errorf("label: all weights of annotators are 0")
	}
	return last, nil // rounding
}

var (
	_ Labeler = (*Teacher)(nil)
	_ Labeler = (*Heron)(nil)
	_ Labeler = (*Population)(nil)
)
