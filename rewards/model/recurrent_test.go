package model

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// orders returns segments in which a pulse of the first input comes before one of the second, or
// after it: alike in sum, opposite in worth. Only a scorer with a memory can tell.
func orders(t *testing.T, n int) (*feedback.Store, []feedback.Record) {
	t.Helper()
	s := feedback.NewStore(feedback.Shape{Obs: 2})
	r := rng.New(3).Stream(1, 0, 0)
	var rs []feedback.Record
	for range n {
		var segs [2]feedback.Segment
		for k := range segs {
			a, b := r.IntN(4), 5+r.IntN(5)
			if k == 1 {
				a, b = b, a
			}
			tr := &feedback.Trajectory{Obs: make([]float32, 22), Reward: make([]float32, 10)}
			tr.Obs[2*a], tr.Obs[2*b+1] = 1, 1
			for i := range tr.Obs {
				tr.Obs[i] += 0.05 * r.Norm()
			}
			id, err := s.Add(tr)
			if err != nil {
				t.Fatal(err)
			}
			segs[k] = feedback.Segment{Traj: id, To: 10}
		}
		rec := feedback.Better(segs[0], segs[1])
		if r.IntN(2) == 0 {
			rec = rec.Swapped()
		}
		rs = append(rs, rec)
	}
	return s, rs
}

func TestRecurrent(t *testing.T) {
	s, rs := orders(t, 300)
	m, err := NewRecurrent(RecurrentShape{Inputs: []string{"obs"}, Units: 12}, s.Shape(), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.FitInputs(s); err != nil {
		t.Fatal(err)
	}
	o := DefaultTraining()
	o.Epochs = 10
	if err := m.Fit(s, rs[:200], o); err != nil {
		t.Fatal(err)
	}
	q, err := Measure(m, s, rs[200:])
	if err != nil || q.Accuracy < 0.95 {
		t.Errorf("with a memory: accuracy %v, %v", q.Accuracy, err)
	}
	e, err := NewEnsemble(Shape{Inputs: []string{"obs"}, Hidden: []int{12}, Activation: nn.ReLU, Members: 1}, s.Shape(), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	pool := nn.NewPool(1)
	defer pool.Close()
	if _, err := Fit(e, s, rs[:200], o, pool); err != nil {
		t.Fatal(err)
	}
	if q, err := Measure(e, s, rs[200:]); err != nil || q.Accuracy > 0.7 {
		t.Errorf("without a memory: accuracy %v: the test is too easy; %v", q.Accuracy, err)
	}
	var out Out
	v, err := s.View(rs[0].Segments[0])
	if err != nil {
		t.Fatal(err)
	}
	m.Score(&out, v)
	if len(out.Embedding) != 12 || len(out.Step) != 10 || math.Abs(float64(out.Return-sum(out.Step))) > 1e-6 {
		t.Errorf("%+v", out)
	}
	state, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewRecurrent(RecurrentShape{Inputs: []string{"obs"}, Units: 12}, s.Shape(), rng.New(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	if b, _ := again.AppendBinary(nil); !bytes.Equal(b, state) {
		t.Error("the state changes when it is loaded")
	}
	if err := again.UnmarshalBinary(state[1:]); err == nil {
		t.Error("a state that is cut off is loaded")
	}
}

// The gradient through units, head and loss, of records of every kind, against finite differences.
func TestRecurrentGradient(t *testing.T) {
	s, rs := orders(t, 3)
	a, b, c := rs[0].Segments[0], rs[1].Segments[0], rs[2].Segments[1]
	m, err := NewRecurrent(RecurrentShape{Inputs: []string{"obs"}, Units: 4}, s.Shape(), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	r := rng.New(8).Stream(1, 0, 0)
	for i := range m.Params {
		m.Params[i] += 0.3 * r.Norm()
	}
	for _, rec := range []feedback.Record{
		{Segments: []feedback.Segment{a, b}, Label: 0.8, Weight: 1.5},
		{Kind: feedback.Ranked, Segments: []feedback.Segment{a, b, c}, Weight: 1},
		{Kind: feedback.Rated, Segments: []feedback.Segment{a, c}, Ratings: []float32{1, -1}, Weight: 2},
		{Kind: feedback.Marked, Segments: []feedback.Segment{b}, Steps: []feedback.Mark{{Step: 2, Value: 1}, {Step: 7, Value: -1}}, Weight: 1},
	} {
		var views []feedback.View
		for _, seg := range rec.Segments {
			v, err := s.View(seg)
			if err != nil {
				t.Fatal(err)
			}
			views = append(views, v)
		}
		grad, scratch := make([]float32, len(m.Params)), make([]float32, len(m.Params))
		m.gradient(grad, &rec, views, Standard)
		for i := range m.Params {
			const eps = 1e-2
			old := m.Params[i]
			m.Params[i] = old + eps
			hi := m.gradient(scratch, &rec, views, Standard)
			m.Params[i] = old - eps
			lo := m.gradient(scratch, &rec, views, Standard)
			m.Params[i] = old
			slope := (hi - lo) / (2 * eps)
			if math.Abs(slope-float64(grad[i])) > 5e-3*(1+math.Abs(slope)) {
				t.Errorf("%v: parameter %d: gradient %v, finite difference %v", rec.Kind, i, grad[i], slope)
			}
		}
	}
}

func TestRecurrentErrors(t *testing.T) {
	s, rs := orders(t, 2)
	m, err := NewRecurrent(RecurrentShape{Inputs: []string{"obs"}}, s.Shape(), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	gone := rs[0]
	gone.Segments = []feedback.Segment{{Traj: 1, To: 3}, gone.Segments[1]}
	for want, list := range map[string][]feedback.Record{"no records": nil, "record 1": {rs[0], gone}} {
		if err := m.Fit(s, list, DefaultTraining()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := NewRecurrent(RecurrentShape{Inputs: []string{"obs"}, Units: -1}, s.Shape(), rng.Key{}); err == nil {
		t.Error("-1 units are accepted")
	}
}

// An embedding is the mean of a hidden layer, and similar behaviour has similar ones.
func TestEmbed(t *testing.T) {
	s, rs := orders(t, 2)
	e, err := NewEnsemble(Shape{Inputs: []string{"obs"}, Hidden: []int{8, 6}, Activation: nn.Tanh, Members: 2}, s.Shape(), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.View(rs[0].Segments[0])
	if err != nil {
		t.Fatal(err)
	}
	got := e.Embed(nil, v)
	if len(got) != 12 {
		t.Fatalf("%d numbers, want 12", len(got))
	}
	// Against single steps.
	want := make([]float32, 12)
	for i := range v.Len() {
		one, err := s.View(feedback.Segment{Traj: v.Segment.Traj, From: int32(i), To: int32(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		for k, x := range e.Embed(nil, one) {
			want[k] += x / float32(v.Len())
		}
	}
	for k := range want {
		if math.Abs(float64(got[k]-want[k])) > 1e-5 {
			t.Errorf("number %d is %v, want %v", k, got[k], want[k])
		}
	}
}
