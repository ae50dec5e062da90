package feedback_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	. "github.com/terrarium-rl/terrarium/rewards/feedback"
)

// The last answer counts, also of the pair the other way round; what was taken back does not.
func TestLatest(t *testing.T) {
	a, b, c := Segment{Traj: 1, To: 3}, Segment{Traj: 2, To: 3}, Segment{Traj: 3, To: 3}
	declined := func(x, y Segment, why uint16) Record {
		return Record{Kind: Declined, Segments: []Segment{x, y}, Tokens: []uint16{why}, Weight: 1}
	}
	by := func(who uint32, r Record) Record { r.Annotator = who; return r }
	rs := []Record{
		Better(a, b), Better(b, c), by(2, Better(a, b)), // two people
		Better(b, a),               // changes their mind
		declined(c, b, Withdrawn),  // takes it back
		declined(a, c, CannotTell), // has no answer
		{Kind: Demo, Segments: []Segment{a}, Weight: 1},
	}
	for i := range rs {
		if err := rs[i].Validate(); err != nil {
			t.Fatal(err)
		}
	}
	out := Latest(rs)
	if len(out) != 3 || out[0].Segments[0] != b || out[0].Annotator != 0 || out[1].Annotator != 2 || out[2].Kind != Declined {
		t.Errorf("%+v", out)
	}
	if p := Check(out); len(p) != 0 {
		t.Errorf("problems %v", p)
	}
	r := declined(a, b, Skipped)
	r.Tokens = nil
	if r.Validate() == nil {
		t.Error("a declined answer without a reason is valid")
	}
}

// Marks go with their answer: when that is taken back, or given anew, so are they.
func TestMarks(t *testing.T) {
	a, b, c := Segment{Traj: 1, To: 3}, Segment{Traj: 2, To: 3}, Segment{Traj: 3, To: 3}
	mark := func(who uint32, s Segment, v float32) Record {
		return Record{Kind: Marked, Segments: []Segment{s}, Steps: []Mark{{Step: 1, Value: v}}, Annotator: who, Weight: 1}
	}
	answer := func(who uint32, x, y Segment) Record {
		r := Better(x, y)
		r.Annotator = who
		return r
	}
	withdrawn := func(who uint32, x, y Segment) Record {
		r := answer(who, x, y)
		r.Kind, r.Tokens = Declined, []uint16{Withdrawn}
		return r
	}
	for name, x := range map[string]struct {
		log  []Record
		want []Record
	}{
		"kept":      {[]Record{mark(1, a, 1), mark(1, b, -1), answer(1, a, b)}, []Record{mark(1, a, 1), mark(1, b, -1)}},
		"withdrawn": {[]Record{mark(1, a, 1), answer(1, a, b), withdrawn(1, a, b)}, nil},
		"anew":      {[]Record{mark(1, a, 1), answer(1, a, b), withdrawn(1, a, b), mark(1, b, 1), answer(1, b, a)}, []Record{mark(1, b, 1)}},
		"changed":   {[]Record{mark(1, a, 1), answer(1, a, b), answer(1, b, a)}, nil},
		"of others": {[]Record{mark(1, a, 1), mark(2, a, -1), answer(1, a, b), answer(2, a, b), withdrawn(1, a, b)}, []Record{mark(2, a, -1)}},
		"twice":     {[]Record{mark(1, a, 1), mark(1, a, -1), answer(1, a, b)}, []Record{mark(1, a, -1)}},
		"elsewhere": {[]Record{mark(1, c, 1), answer(1, a, b)}, nil},
		"no answer": {[]Record{mark(1, a, 1)}, nil},
		"same piece in another question": {
			[]Record{mark(1, a, 1), answer(1, a, b), mark(1, a, -1), answer(1, a, c), withdrawn(1, a, c)}, []Record{mark(1, a, 1)},
		},
	} {
		for i := range x.log {
			if err := x.log[i].Validate(); err != nil {
				t.Fatal(err)
			}
		}
		if got := Marks(x.log); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s: %+v, want %+v", name, got, x.want)
		}
	}
}

func TestAgainstDemos(t *testing.T) {
	a, b, c := Segment{Traj: 1, To: 3}, Segment{Traj: 2, To: 3}, Segment{Traj: 3, To: 3}
	r := rng.New(1).Stream(1, 0, 0)
	out := AgainstDemos([]Segment{b, c}, 4, &r)([]Record{{Kind: Demo, Segments: []Segment{a}, Weight: 2, Annotator: 7}, Better(b, c)})
	if len(out) != 6 || out[0].Kind != Demo || out[5].Segments[0] != b {
		t.Fatalf("%+v", out)
	}
	for _, p := range out[1:5] {
		if p.Kind != Pair || p.Segments[0] != a || p.Label != 1 || p.Weight != 0.5 || p.Annotator != 7 || p.Validate() != nil {
			t.Errorf("%+v", p)
		}
	}
}

// Trajectories of watched worlds say where they began: simulated again from there, by their actions,
// they give the same observations, also those that begin in the middle of an episode. A recorder
// that loads its state goes on alike.
func TestWatch(t *testing.T) {
	c := envtest.NewFast()
	v, err := env.NewVec(c, env.VecOptions{Worlds: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Reset(4)
	s := NewStore(ShapeOf(v.Spec()))
	r := NewRecorder(s, 3, 4)
	if err := r.Watch(v); err != nil {
		t.Fatal(err)
	}
	b := env.NewBatch(v.Spec(), 3)
	for step := range 40 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(v.Spec(), b, rng.New(1), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		if err := r.Record(b); err != nil {
			t.Fatal(err)
		}
		if step != 21 {
			continue
		}
		state, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		r = NewRecorder(s, 3, 4)
		if err := r.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		if err := r.Watch(v); err != nil {
			t.Fatal(err)
		}
		if again, err := r.AppendBinary(nil); err != nil || !bytes.Equal(again, state) {
			t.Errorf("the state changes when it is loaded: %v", err)
		}
	}
	one, err := env.NewVec(c, env.VecOptions{Worlds: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	one.Reset(0)
	b1 := env.NewBatch(v.Spec(), 1)
	if s.Len() < 20 {
		t.Fatalf("%d trajectories", s.Len())
	}
	for i := range s.Len() {
		view, err := s.Whole(i)
		if err != nil || view.Origin == nil {
			t.Fatal(view.Origin, err)
		}
		if view.Origin.Level.ID(v.Spec()) != view.Level {
			t.Errorf("trajectory %d has another level than its origin", i)
		}
		if err := one.(env.Snapshotter).SetState(0, view.Origin.State); err != nil {
			t.Fatal(err)
		}
		for k := range view.Len() {
			if err := one.Observe(b1); err != nil {
				t.Fatal(err)
			}
			w := len(b1.Obs)
			for j, x := range b1.Obs {
				if x != view.Obs[k*w+j] {
					t.Fatalf("trajectory %d, step %d: observation %v, want %v", i, k, b1.Obs, view.Obs[k*w:(k+1)*w])
				}
			}
			copy(b1.Act, view.Act[k*len(b1.Act):])
			if err := one.Step(b1); err != nil {
				t.Fatal(err)
			}
		}
	}
	part, err := s.View(Segment{Traj: s.ID(0), From: 1, To: 3})
	if err != nil || part.Origin != nil {
		t.Errorf("a view of the middle has origin %v, %v", part.Origin, err)
	}
	data, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	again := NewStore(s.Shape())
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if more, err := again.AppendBinary(nil); err != nil || !bytes.Equal(more, data) {
		t.Errorf("a store changes when it is loaded: %v", err)
	}
}

// Ends are drawn too: shorter segments, of terminated trajectories only.
func TestSampleEnds(t *testing.T) {
	s := NewStore(Shape{Obs: 1})
	add := func(n int, end env.End, at float32) uint64 {
		tr := &Trajectory{Obs: make([]float32, n+1), Reward: make([]float32, n), End: end}
		tr.Obs[0] = at
		id, err := s.Add(tr)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	whole, ended := add(6, env.Truncated, 1), add(3, env.Terminated, 2)
	r := rng.New(1).Stream(1, 0, 0)
	segs, err := s.SampleEnds(&r, 6000, 4)
	if err != nil {
		t.Fatal(err)
	}
	count := map[Segment]int{}
	for _, seg := range segs {
		count[seg]++
	}
	// Three places in the whole one, three in the ended one, alike.
	for _, seg := range []Segment{{whole, 0, 4}, {whole, 1, 5}, {whole, 2, 6}, {ended, 0, 3}, {ended, 1, 3}, {ended, 2, 3}} {
		if n := count[seg]; n < 850 || n > 1150 {
			t.Errorf("%+v was drawn %d times of 6000, want about 1000", seg, n)
		}
	}
	if len(count) != 6 {
		t.Errorf("%v", count)
	}
	if _, err := s.Sample(&r, 1, 7); err == nil {
		t.Error("segments longer than all trajectories are drawn")
	}
	if e := s.Ends(2); len(e) != 1 || e[0].Len() != 2 || !s.Has(e[0]) {
		t.Errorf("ends are %v, want the last two steps of the terminated trajectory", e)
	} else if v, err := s.View(e[0]); err != nil || v.End != env.Terminated || !v.Final {
		t.Errorf("end %+v: %+v, %v", e[0], v, err)
	}
	if e := s.Ends(100); len(e) != 1 || e[0].From != 0 {
		t.Errorf("ends are %v, want the whole trajectory", e)
	}
	if !s.Holds(7) {
		t.Error("a terminated trajectory has segments however short it is")
	}
}
