package label_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	. "github.com/terrarium-rl/terrarium/rewards/label"
)

// store returns a store of n segments of 4 steps with random rewards and facts.
func store(t *testing.T, n int) (*feedback.Store, []feedback.Segment) {
	t.Helper()
	s := feedback.NewStore(feedback.Shape{Obs: 1, Act: 1, Facts: 3})
	var segs []feedback.Segment
	for i := range n {
		r := rng.New(5).Stream(1, uint32(i), 0)
		fill := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = r.Norm()
			}
			return x
		}
		tr := &feedback.Trajectory{Level: 1, Obs: fill(5), Act: fill(4), Facts: fill(12), Reward: fill(4), End: env.End(i % 3)}
		id, err := s.Add(tr)
		if err != nil {
			t.Fatal(err)
		}
		segs = append(segs, feedback.Segment{Traj: id, To: 4})
	}
	return s, segs
}

func sum(t *testing.T, s *feedback.Store, seg feedback.Segment, gamma float64) (x float64) {
	t.Helper()
	v, err := s.View(seg)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range v.Reward {
		x += float64(r) * math.Pow(gamma, float64(3-i))
	}
	return x
}

func ask(t *testing.T, l Labeler, s *feedback.Store, a, b feedback.Segment) (feedback.Record, bool) {
	t.Helper()
	r, ok, err := l.Label(s, Query{A: a, B: b})
	if err != nil {
		t.Fatal(err)
	}
	if ok {
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	return r, ok
}

// Each error of the teacher must come as often as it is said to, and the swapped pair must get
// the swapped answer.
func TestTeacher(t *testing.T) {
	const n = 4000
	s, segs := store(t, 2*n)
	skip := 0.5
	for _, c := range []struct {
		name    string
		teacher Teacher
		p       func(a, b feedback.Segment) (first, tie, skipped float64) // expected
	}{
		{"rational", Teacher{}, nil},
		{"Boltzmann", Teacher{Beta: 0.7}, func(a, b feedback.Segment) (float64, float64, float64) {
			return 1 / (1 + math.Exp(-0.7*(sum(t, s, a, 1)-sum(t, s, b, 1)))), 0, 0
		}},
		{"mistakes", Teacher{Mistake: 0.2}, func(a, b feedback.Segment) (float64, float64, float64) {
			if sum(t, s, a, 1) > sum(t, s, b, 1) {
				return 0.8, 0, 0
			}
			return 0.2, 0, 0
		}},
		{"myopia", Teacher{Myopia: 0.5}, func(a, b feedback.Segment) (float64, float64, float64) {
			if sum(t, s, a, 0.5) > sum(t, s, b, 0.5) {
				return 1, 0, 0
			}
			return 0, 0, 0
		}},
		{"ties", Teacher{Equal: 1}, func(a, b feedback.Segment) (float64, float64, float64) {
			d := sum(t, s, a, 1) - sum(t, s, b, 1)
			switch {
			case math.Abs(d) < 1:
				return 0, 1, 0
			case d > 0:
				return 1, 0, 0
			}
			return 0, 0, 0
		}},
		{"skips", Teacher{Skip: &skip}, func(a, b feedback.Segment) (float64, float64, float64) {
			if max(sum(t, s, a, 1), sum(t, s, b, 1)) <= 0.5 {
				return 0, 0, 1
			}
			if sum(t, s, a, 1) > sum(t, s, b, 1) {
				return 1, 0, 0
			}
			return 0, 0, 0
		}},
	} {
		if c.p == nil {
			c.p = func(a, b feedback.Segment) (float64, float64, float64) {
				if sum(t, s, a, 1) > sum(t, s, b, 1) {
					return 1, 0, 0
				}
				return 0, 0, 0
			}
		}
		c.teacher.Key = rng.New(3)
		var got, want [3]float64
		var variance float64
		for i := range n {
			a, b := segs[2*i], segs[2*i+1]
			first, tie, skipped := c.p(a, b)
			want[0], want[1], want[2] = want[0]+first, want[1]+tie, want[2]+skipped
			variance += first * (1 - first)
			r, ok := ask(t, &c.teacher, s, a, b)
			back, ok2 := ask(t, &c.teacher, s, b, a)
			switch {
			case ok != ok2 || ok && back.Label != 1-r.Label:
				t.Fatalf("%s: label %v, %v; swapped %v, %v", c.name, r.Label, ok, back.Label, ok2)
			case !ok:
				got[2]++
			case r.Label == 0.5:
				got[1]++
			case r.Label == 1:
				got[0]++
			}
		}
		if got[1] != want[1] || got[2] != want[2] || math.Abs(got[0]-want[0]) > 4*math.Sqrt(variance)+1e-9 {
			t.Errorf("%s: first, ties, skips %v; want %v, with standard error %v", c.name, got, want, math.Sqrt(variance))
		}
	}
	bad := Teacher{Score: func(dst []float32, _ feedback.View) { dst[0] = float32(math.NaN()) }}
	if _, _, err := bad.Label(s, Query{A: segs[0], B: segs[1]}); err == nil {
		t.Error("a score of NaN is a label")
	}
	if _, _, err := bad.Label(s, Query{A: segs[0], B: segs[0]}); err == nil {
		t.Error("a segment is compared with itself")
	}
}

// hierarchy has three levels; fact 0 more, fact 1 less, survival.
func hierarchy(t *testing.T, ties Tie, margins ...float64) *Heron {
	t.Helper()
	h, err := NewHeron([]Level{
		{Name: "far", Signal: FactMean(0), Margin: margins[0]},
		{Name: "calm", Signal: FactMax(1), Less: true, Margin: margins[1]},
		{Name: "alive", Signal: Survived, Margin: margins[2]},
	}, ties)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// brute is the rule of the paper, from scratch.
func brute(signals [][2]float64, std, margins []float64) (level int, first bool) {
	for k, z := range signals {
		if d := margins[k] * std[k]; z[0] > z[1]+d {
			return k + 1, true
		} else if z[1] > z[0]+d {
			return k + 1, false
		}
	}
	return 0, false
}

func TestHeronAgainstBruteForce(t *testing.T) {
	const n = 600
	s, segs := store(t, n)
	margins := []float64{1, 0.5, 0}
	h := hierarchy(t, Drop, margins...)
	h.Inspect = new(Inspector)
	if err := h.Fit(s, segs); err != nil {
		t.Fatal(err)
	}
	signals := func(seg feedback.Segment) []float64 {
		v, _ := s.View(seg)
		f := v.Facts
		z := []float64{(float64(f[0]) + float64(f[3]) + float64(f[6]) + float64(f[9])) / 4, -float64(max(f[1], f[4], f[7], f[10])), 1}
		if v.End == env.Terminated {
			z[2] = 0
		}
		return z
	}
	var column [3][]float64
	for _, seg := range segs {
		for k, z := range signals(seg) {
			column[k] = append(column[k], z)
		}
	}
	std := make([]float64, 3)
	for k, x := range column {
		mean, sq := 0.0, 0.0
		for _, v := range x {
			mean += v / n
		}
		for _, v := range x {
			sq += (v - mean) * (v - mean) / n
		}
		std[k] = math.Sqrt(sq)
		if math.Abs(std[k]-h.Std()[k]) > 1e-9 {
			t.Errorf("deviation of level %d is %v, want %v", k+1, h.Std()[k], std[k])
		}
	}
	var count [4]int
	for i := range n / 2 {
		a, b := segs[2*i], segs[2*i+1]
		za, zb := signals(a), signals(b)
		level, first := brute([][2]float64{{za[0], zb[0]}, {za[1], zb[1]}, {za[2], zb[2]}}, std, margins)
		r, ok := ask(t, h, s, a, b)
		count[level]++
		if ok != (level > 0) || int(r.Level) != level || ok && (r.Label == 1) != first {
			t.Fatalf("pair %d: level %d, label %v, %v; want level %d, first %v", i, r.Level, r.Label, ok, level, first)
		}
		h.Inspect.Check(&r, 1-r.Label) // always wrong
	}
	if slices.Contains(count[:], 0) || !slices.Equal(count[:], h.Inspect.Decided) {
		t.Errorf("levels decided %v, inspector %v", count, h.Inspect.Decided)
	}
	if err := h.Inspect.Err(); err != nil {
		t.Error(err)
	}
	if s := h.Inspect.String(); !strings.Contains(s, "(0 % right)") || !strings.Contains(s, "none") {
		t.Error(s)
	}
	soft := hierarchy(t, Soft, 1e9, 1e9, 1e9)
	soft.SetStd(std)
	soft.Inspect = new(Inspector)
	if r, ok := ask(t, soft, s, segs[0], segs[1]); !ok || r.Label != 0.5 || r.Level != 0 {
		t.Errorf("no level decides: %+v, %v", r, ok)
	}
	if err := soft.Inspect.Err(); err == nil || !strings.Contains(err.Error(), "0.0 % of 1") {
		t.Errorf("a first level that decides nothing: %v", err)
	}
	if w, err := h.WinRate(s, segs[:300], segs[300:]); err != nil || w < 0.4 || w > 0.6 {
		t.Errorf("win rate %v, %v", w, err)
	}
	if _, err := NewHeron(nil, Drop); err == nil {
		t.Error("no levels")
	}
	if _, err := NewHeron([]Level{{Name: "x", Signal: Survived, Margin: -1}}, Drop); err == nil {
		t.Error("a negative margin")
	}
}

func TestPopulation(t *testing.T) {
	const n = 2000
	s, segs := store(t, 2*n)
	contrary := Teacher{Score: func(dst []float32, v feedback.View) {
		for i, r := range v.Reward {
			dst[i] = -r
		}
	}}
	p := &Population{Members: []Labeler{&Teacher{}, &contrary, &Teacher{}}, Weights: []float64{3, 1, 0}, Key: rng.New(8)}
	count := [3]int{}
	for i := range n {
		a, b := segs[2*i], segs[2*i+1]
		r, _ := ask(t, p, s, a, b)
		count[r.Annotator]++
		if (r.Label == 1) != (sum(t, s, a, 1) > sum(t, s, b, 1)) != (r.Annotator == 1) {
			t.Fatalf("annotator %d says %v", r.Annotator, r.Label)
		}
		if back, _ := ask(t, p, s, b, a); back.Annotator != r.Annotator {
			t.Fatal("the swapped pair is asked of another")
		}
	}
	if count[2] != 0 || math.Abs(float64(count[1])-n/4) > 4*math.Sqrt(n*3/16.) {
		t.Errorf("members were asked %v times", count)
	}
	if _, _, err := (&Population{}).Label(s, Query{A: segs[0], B: segs[1]}); err == nil {
		t.Error("an empty population answers")
	}
}

func ExampleHeron() {
	s := feedback.NewStore(feedback.Shape{Obs: 1, Facts: 2}) // facts: reached, energy
	add := func(reached, energy float32) feedback.Segment {
		id, err := s.Add(&feedback.Trajectory{Obs: []float32{0, 0}, Facts: []float32{reached, energy}, Reward: []float32{0}})
		if err != nil {
			panic(err)
		}
		return feedback.Segment{Traj: id, To: 1}
	}
	h, _ := NewHeron([]Level{
		{Name: "reached", Signal: FactLast(0)},
		{Name: "energy", Signal: FactMean(1), Less: true},
	}, Drop)
	wild, lazy, keen := add(1, 9), add(0, 1), add(1, 5)
	for _, q := range []Query{{A: wild, B: lazy}, {A: wild, B: keen}} {
		r, _, _ := h.Label(s, q)
		fmt.Println("first is better with", r.Label, "- decided by", h.Levels[r.Level-1].Name)
	}
	// Output:
	// first is better with 1 - decided by reached
	// first is better with 0 - decided by energy
}
