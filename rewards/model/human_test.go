package model_test

import (
	"bytes"
	"cmp"
	"path/filepath"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// A trial is worlds of random play under a learner that asks people.
type trial struct {
	t       *testing.T
	vec     env.Vec
	batch   *env.Batch
	learner rewards.Reviser
	desk    label.Desk
	step    int
	last    map[string]float64 // what was reported
}

func newTrial(t *testing.T, c *model.Human, dir string) *trial {
	t.Helper()
	e := lander.New()
	v, err := env.NewVec(e, env.VecOptions{Worlds: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	v.Reset(3)
	f, err := c.Build(v.Spec())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := rewards.NewSum([]rewards.Term{{Name: "people", Weight: 1, Func: f}})
	if err != nil {
		t.Fatal(err)
	}
	sum.Seed(rng.New(5), 1)
	o, err := traj.OriginOf(e, "train", 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := sum.Settle(rewards.Home{Vec: v, Origin: o, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	return &trial{
		t: t, vec: v, batch: env.NewBatch(v.Spec(), 4), learner: sum,
		desk: label.Desk{Dir: filepath.Join(dir, "reward-people")}, last: map[string]float64{},
	}
}

// play makes steps.
func (tr *trial) play(steps int) {
	tr.t.Helper()
	rew := make([]float32, tr.batch.N)
	for range steps {
		if err := tr.vec.Observe(tr.batch); err != nil {
			tr.t.Fatal(err)
		}
		envtest.RandomActions(tr.vec.Spec(), tr.batch, rng.New(1), tr.step)
		if err := tr.vec.Step(tr.batch); err != nil {
			tr.t.Fatal(err)
		}
		tr.learner.Score(rew, tr.batch)
		report := func(name string, v float64) { tr.last[name] = v }
		if err := cmp.Or(tr.learner.Update(tr.batch, report), tr.learner.Revise(report)); err != nil {
			tr.t.Fatal(err)
		}
		tr.step++
	}
}

// answer prefers the first segment in every question whose number f accepts.
func (tr *trial) answer(f func(i int) bool) {
	tr.t.Helper()
	qs, err := tr.desk.Questions()
	if err != nil {
		tr.t.Fatal(err)
	}
	log, _, err := tr.desk.AnswerLog()
	if err != nil {
		tr.t.Fatal(err)
	}
	defer log.Close()
	for i, q := range qs {
		if !f(i) {
			continue
		}
		r := feedback.Better(q.A, q.B)
		r.Annotator, r.Source = 1, "web"
		if i%5 == 4 {
			r.Kind, r.Tokens = feedback.Declined, []uint16{feedback.CannotTell}
		}
		if err := log.Append(&r); err != nil {
			tr.t.Fatal(err)
		}
	}
}

func (tr *trial) state() []byte {
	tr.t.Helper()
	b, err := tr.learner.AppendBinary(nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	return b
}

func smallHuman() *model.Human {
	c := model.NewHuman()
	c.Labels, c.Rounds, c.Every, c.Window, c.Segment, c.Epochs = 20, 2, 1200, 1000, 10, 3
	return c
}

// People are asked and training goes on; it takes up what they have answered when the next round
// is due. Questions can be played again. A learner that loads the state, the unanswered questions
// with it, goes on to the same bits.
func TestPeople(t *testing.T) {
	dir := t.TempDir()
	tr := newTrial(t, smallHuman(), dir)
	tr.play(400)
	if p, l := tr.last["preference/pending"], tr.last["preference/labels"]; p != 5 || l != 0 {
		t.Fatalf("%v questions wait and %v are answered, want 5 and 0", p, l)
	}
	qs, err := tr.desk.Questions()
	if err != nil || len(qs) != 5 {
		t.Fatal(len(qs), err)
	}
	for _, q := range qs {
		for _, seg := range []feedback.Segment{q.A, q.B} {
			ep, err := tr.desk.Segment(seg.Traj)
			if err != nil {
				t.Fatal(err)
			}
			if _, d, err := traj.Verify([]*traj.Episode{ep}, 1); d != nil || err != nil {
				t.Fatalf("segment %+v does not repeat: %v %v", seg, d, err)
			}
		}
	}
	tr.answer(func(i int) bool { return i != 1 }) // 3 answers, one declined, one open
	saved, worlds := tr.state(), make([][]byte, 4)
	for i := range worlds {
		worlds[i] = tr.vec.(env.Snapshotter).AppendState(nil, i)
	}
	tr.play(400)
	if p, l := tr.last["preference/pending"], tr.last["preference/labels"]; p != 16 || l != 3 {
		t.Errorf("%v questions wait and %v are answered, want 16 and 3", p, l)
	}
	other := newTrial(t, smallHuman(), dir)
	other.step = 400
	if err := other.learner.UnmarshalBinary(saved); err != nil {
		t.Fatal(err)
	}
	for i := range worlds {
		if err := other.vec.(env.Snapshotter).SetState(i, worlds[i]); err != nil {
			t.Fatal(err)
		}
	}
	other.play(400)
	if !bytes.Equal(other.state(), tr.state()) {
		t.Error("a learner that loads the state goes on differently")
	}
	if qs, err = tr.desk.Questions(); err != nil || len(qs) != 20 {
		t.Errorf("%d questions, want 20: asking again must add none; %v", len(qs), err)
	}
	tr.answer(func(i int) bool { return i == 1 || i > 4 })
	tr.play(400)
	if p := tr.last["preference/pending"]; p != 0 {
		t.Errorf("%v questions wait, want 0", p)
	}
}

// What people mark as good and bad is learned too; what they have taken back is not.
func TestPeopleMark(t *testing.T) {
	tr := newTrial(t, smallHuman(), t.TempDir())
	tr.play(400)
	qs, err := tr.desk.Questions()
	if err != nil || len(qs) < 2 {
		t.Fatal(qs, err)
	}
	log, _, err := tr.desk.AnswerLog()
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range qs[:2] { // the second answer is withdrawn, and then given without marks
		m := feedback.Record{Kind: feedback.Marked, Segments: []feedback.Segment{q.A}, Steps: []feedback.Mark{{Step: 2, Value: -1}}, Annotator: 1, Weight: 1}
		r := feedback.Better(q.A, q.B)
		r.Annotator = 1
		rs := []feedback.Record{m, r}
		if i == 1 {
			no := r
			no.Kind, no.Tokens = feedback.Declined, []uint16{feedback.Withdrawn}
			rs = append(rs, no, r)
		}
		for _, r := range rs {
			if err := log.Append(&r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	tr.play(400)
	if tr.last["preference/labels"] != 2 || tr.last["preference/marked"] != 1 || tr.last["preference/problems"] != 0 {
		t.Errorf("%v", tr.last)
	}
	tr.play(400) // asked again, they are not learned twice
	if tr.last["preference/marked"] != 1 {
		t.Errorf("%v", tr.last)
	}
}

// A prior answers until people do, and counts less.
func TestPeoplePrior(t *testing.T) {
	c := smallHuman()
	c.Prior = []model.Factor{{Fact: "speed", Less: true}}
	tr := newTrial(t, c, t.TempDir())
	tr.play(400)
	if tr.last["preference/fit"] == 0 || tr.last["preference/pending"] != 5 {
		t.Fatalf("the prior was not learned: %v", tr.last)
	}
	tr.answer(func(int) bool { return true })
	tr.play(400)
	if tr.last["preference/labels"] != 4 {
		t.Errorf("%v", tr.last)
	}
	state := tr.state()
	again := newTrial(t, c, t.TempDir())
	if err := again.learner.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.state(), state) {
		t.Error("the state changes when it is loaded")
	}
}
