package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

// parts are three aspects of a step of the shape small: each is about one number of the observation.
var parts = []func(x float32) float32{
	func(x float32) float32 { return x },
	func(x float32) float32 { return 1 - x*x },
	func(x float32) float32 { return min(x, 0) + 0.45 },
}

// worth are what they count.
var worth = []float32{1, 0.5, 1.5}

// part is the score of an aspect, or of the whole for -1.
func part(k int) label.Score {
	return func(dst []float32, v feedback.View) {
		for i := range dst {
			dst[i] = 0
			for j, f := range parts {
				if k < 0 {
					dst[i] += worth[j] * f(v.Obs[i*v.Shape.Obs+j])
				} else if j == k {
					dst[i] = f(v.Obs[i*v.Shape.Obs+j])
				}
			}
		}
	}
}

var three = feedback.Shape{Obs: 3, Act: 1, Facts: 1}

// steps returns segments whose numbers are independent of each other.
func steps(t *testing.T, n, length int) (*feedback.Store, []feedback.Segment) {
	t.Helper()
	s, segs := feedback.NewStore(three), []feedback.Segment(nil)
	for i := range n {
		r := rng.New(4).Stream(1, uint32(i), 0)
		fill := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = r.Norm()
			}
			return x
		}
		id, err := s.Add(&feedback.Trajectory{Obs: fill((length + 1) * three.Obs), Act: fill(length), Facts: fill(length), Reward: make([]float32, length)})
		if err != nil {
			t.Fatal(err)
		}
		segs = append(segs, feedback.Segment{Traj: id, To: int32(length)})
	}
	return s, segs
}

func newAspects(t *testing.T, seed uint64) *Aspects {
	t.Helper()
	a, err := NewAspects([]string{"speed", "care", "thrift"}, Shape{Inputs: []string{"obs"}, Hidden: []int{16}, Activation: nn.ReLU}, three, rng.New(seed))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// right returns the share of pairs that a scorer orders as a score does; of is what it makes of a segment.
func right(t *testing.T, s *feedback.Store, segs []feedback.Segment, score label.Score, of func(v feedback.View) float32) float64 {
	t.Helper()
	n, good := 0, 0
	for i := 0; i+1 < len(segs); i += 2 {
		var gold, own [2]float32
		for k := range 2 {
			v, err := s.View(segs[i+k])
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, v.Len())
			score(x, v)
			gold[k], own[k] = sum(x), of(v)
		}
		if n++; (gold[0] > gold[1]) == (own[0] > own[1]) {
			good++
		}
	}
	return float64(good) / float64(n)
}

// remarks returns what a teacher for each aspect says about segments.
func remarks(t *testing.T, s *feedback.Store, segs []feedback.Segment) (rs []feedback.Record) {
	t.Helper()
	for k := range parts {
		teacher := label.Teacher{Score: part(k), Aspect: k}
		for _, seg := range segs {
			r, ok, err := teacher.Remark(s, seg, 0)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				rs = append(rs, r)
			}
		}
	}
	return rs
}

// Each head learns its own aspect from remarks on it, and says the like of segments it has not seen.
func TestAspectsAreKeptApart(t *testing.T) {
	s, segs := steps(t, 600, 9)
	a := newAspects(t, 1)
	if err := a.FitInputs(s); err != nil {
		t.Fatal(err)
	}
	if err := a.Fit(s, remarks(t, s, segs[:300]), DefaultTraining()); err != nil {
		t.Fatal(err)
	}
	var o Out
	for k := range parts {
		for of := range parts {
			share := right(t, s, segs[300:], part(of), func(v feedback.View) float32 { a.Score(&o, v); return o.Aspects[k] })
			t.Logf("the head of %s orders by %s: %.2f", a.Names[k], a.Names[of], share)
			if k == of && share < 0.85 || k != of && math.Abs(share-0.5) > 0.15 {
				t.Errorf("the head of %s orders %.2f of pairs as %s does", a.Names[k], share, a.Names[of])
			}
		}
	}
	said, agreed := 0, 0
	for _, r := range remarks(t, s, segs[300:]) {
		v, err := s.View(r.Segments[0])
		if err != nil {
			t.Fatal(err)
		}
		own := a.Remark(v)
		for _, token := range r.Tokens {
			if said++; slices.Contains(own, token) {
				agreed++
			}
		}
	}
	if share := float64(agreed) / float64(said); share < 0.8 {
		t.Errorf("it says %.2f of the words that are said of segments it has not seen", share)
	}
}

// With few comparisons, remarks on aspects help to know the whole; ratings of single aspects do too.
func TestAspectsHelpTheWhole(t *testing.T) {
	s, segs := steps(t, 600, 9)
	rated := func(segs []feedback.Segment) (rs []feedback.Record) {
		for k := range parts {
			one := make([]float32, len(parts))
			one[k] = 1
			for _, seg := range segs {
				v, err := s.View(seg)
				if err != nil {
					t.Fatal(err)
				}
				x := make([]float32, v.Len())
				part(k)(x, v)
				r := float32(math.Round(float64(max(-2, min(2, sum(x)/4))))) // much worse to much better
				rs = append(rs, feedback.Record{Kind: feedback.Rated, Segments: []feedback.Segment{seg}, Ratings: []float32{r}, Context: one, Weight: 1})
			}
		}
		return rs
	}
	var alone, withRemarks, withRatings float64
	const seeds = 5
	for seed := range uint64(seeds) {
		teacher := label.Teacher{Score: part(-1)}
		some := segs[60*seed:]
		few := pairs(t, s, some[:20], 10, &teacher)
		for to, more := range map[*float64][]feedback.Record{&alone: nil, &withRemarks: remarks(t, s, some[:80]), &withRatings: rated(some[:80])} {
			a := newAspects(t, seed)
			if err := a.FitInputs(s); err != nil {
				t.Fatal(err)
			}
			if err := a.Fit(s, slices.Concat(few, more), DefaultTraining()); err != nil {
				t.Fatal(err)
			}
			var o Out
			*to += right(t, s, segs[300:], part(-1), func(v feedback.View) float32 { a.Score(&o, v); return o.Return }) / seeds
		}
	}
	t.Logf("accuracy of 10 pairs alone %.3f, with remarks %.3f, with ratings %.3f", alone, withRemarks, withRatings)
	if withRemarks < alone+0.04 || withRatings < alone+0.02 {
		t.Errorf("accuracy of 10 pairs alone %.3f, with remarks %.3f, with ratings %.3f", alone, withRemarks, withRatings)
	}
}

// Gradients are compared with differences of the loss, for each kind of record and what it is about.
func TestAspectsGradient(t *testing.T) {
	s, segs := steps(t, 8, 6)
	soft := feedback.Better(segs[0], segs[1])
	soft.Label, soft.Weight = 0.7, 2
	care := soft
	care.Context = []float32{0, 1, 0.5}
	for i, r := range []feedback.Record{
		soft, care,
		{Kind: feedback.Rated, Segments: segs[:2], Ratings: []float32{1, -2}, Context: []float32{0, 0, 1}, Weight: 0.5},
		{Kind: feedback.Marked, Segments: segs[:1], Steps: []feedback.Mark{{Step: 1, Value: 2}}, Weight: 1},
		{Kind: feedback.Ranked, Segments: segs[:3], Weight: 1},
		{Kind: feedback.Remarked, Segments: segs[2:3], Tokens: []uint16{0, 5, 7, 17}, Weight: 1.5},
	} {
		a, err := NewAspects([]string{"speed", "care", "thrift"}, Shape{Inputs: []string{"obs"}, Hidden: []int{8}, Activation: nn.Tanh}, three, rng.New(3))
		if err != nil {
			t.Fatal(err)
		}
		for j := range a.Params {
			a.Params[j] *= 2
		}
		var views []feedback.View
		for _, seg := range r.Segments {
			v, err := s.View(seg)
			if err != nil {
				t.Fatal(err)
			}
			views = append(views, v)
		}
		grad, scrap := make([]float32, len(a.Params)), make([]float32, len(a.Params))
		a.gradient(grad, &r, views, Standard)
		for j := range a.Params {
			const h = 1e-2
			keep := a.Params[j]
			a.Params[j] = keep + h
			up := a.gradient(scrap, &r, views, Standard)
			a.Params[j] = keep - h
			down := a.gradient(scrap, &r, views, Standard)
			a.Params[j] = keep
			if want := (up - down) / (2 * h); math.Abs(want-float64(grad[j])) > 0.02*max(1, math.Abs(want)) {
				t.Errorf("record %d, parameter %d: gradient %v, differences say %v", i, j, grad[j], want)
			}
		}
	}
}

func TestAspectsRefuse(t *testing.T) {
	s, segs := steps(t, 4, 6)
	a := newAspects(t, 1)
	before := slices.Clone(a.Params)
	wide := feedback.Better(segs[0], segs[1])
	wide.Context = []float32{1, 0}
	for want, r := range map[string]feedback.Record{
		"record 0 has a context of 2 numbers, want one for each of the aspects [speed care thrift], or none": wide,
		"has token 18, the vocabulary has 18 words":                                                          {Kind: feedback.Remarked, Segments: segs[:1], Tokens: []uint16{18}, Weight: 1},
	} {
		if err := a.Fit(s, []feedback.Record{r}, DefaultTraining()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if !slices.Equal(a.Params, before) {
		t.Error("what was refused has changed the model")
	}
	if _, err := NewAspects(nil, DefaultShape(), three, rng.New(1)); err == nil {
		t.Error("a model of no aspects")
	}
}
