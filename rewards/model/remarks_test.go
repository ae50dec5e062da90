package model

import (
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

// Remarks alone teach a reward that orders other segments right, and nonsense does not.
func TestRemarksTeach(t *testing.T) {
	s, segs := pool(t, small, 700, 9)
	test := pairs(t, s, segs[400:], 300, &label.Teacher{})
	for mistake, least := range map[float64]float64{0: 0.85, 0.1: 0.8, 0.5: 0} {
		teacher := label.Teacher{Key: rng.New(5), Mistake: mistake}
		var rs []feedback.Record
		for _, seg := range segs[:400] {
			r, ok, err := teacher.Remark(s, seg, 0)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			rs = append(rs, r)
		}
		e := ensemble(t, Shape{Inputs: []string{"obs", "act"}, Hidden: []int{16}, Activation: nn.ReLU, Members: 2}, small)
		if err := e.FitInputs(s); err != nil {
			t.Fatal(err)
		}
		o := DefaultTraining()
		o.Words = feedback.Thirds("it")
		fit(t, e, s, rs, o, 1)
		m, err := Measure(e, s, test)
		if err != nil {
			t.Fatal(err)
		}
		if m.Accuracy < least || mistake == 0.5 && m.Accuracy > 0.75 {
			t.Errorf("%v of the remarks are wrong: accuracy %.3f on others, want at least %v", mistake, m.Accuracy, least)
		}
		t.Logf("%v of the remarks are wrong: accuracy %.3f", mistake, m.Accuracy)
	}
}

// Words that mean nothing are named.
func TestWordsAreChecked(t *testing.T) {
	s, segs := pool(t, small, 2, 6)
	e := ensemble(t, Shape{Inputs: []string{"obs"}, Hidden: []int{4}, Members: 1}, small)
	said := feedback.Record{Kind: feedback.Remarked, Segments: segs[:1], Tokens: []uint16{6}, Weight: 1, Annotator: 3}
	o := DefaultTraining()
	for _, c := range []struct {
		words feedback.Vocabulary
		want  string
	}{
		{feedback.Thirds("it"), "record 0 of annotator 3 has token 6, the vocabulary has 6 words"},
		{nil, "the vocabulary has 0 words"},
		{feedback.Vocabulary{{Name: "nice", From: 0.5, To: 0.5, Value: 1}}, "word 0, \"nice\", is about 0.5 to 0.5"},
		{feedback.Vocabulary{{Name: "so", To: 1}}, "with value 0"},
	} {
		o.Words = c.words
		if _, err := Fit(e, s, []feedback.Record{said}, o, nn.NewPool(1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	said.Tokens = nil
	if err := said.Validate(); err == nil || !strings.Contains(err.Error(), "no remark") {
		t.Errorf("a record without remarks: %v", err)
	}
}
