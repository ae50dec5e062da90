package model

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

var small = feedback.Shape{Obs: 5, Act: 2, Facts: 1}

// gold is the true reward of a step.
func gold(obs, act []float32) float32 { return obs[0] - obs[1]*obs[1] + 0.5*act[0] }

// pool returns trajectories of random numbers with gold rewards.
func pool(t testing.TB, shape feedback.Shape, n, length int) (*feedback.Store, []feedback.Segment) {
	t.Helper()
	s := feedback.NewStore(shape)
	var segs []feedback.Segment
	for i := range n {
		r := rng.New(11).Stream(1, uint32(i), 0)
		fill := func(n int) []float32 {
			x, mean := make([]float32, n), 0.5*r.Norm() // so that segments differ
			for i := range x {
				x[i] = mean + r.Norm()
			}
			return x
		}
		tr := &feedback.Trajectory{Obs: fill((length + 1) * shape.Obs), Act: fill(length * shape.Act), Facts: fill(length * shape.Facts), Reward: make([]float32, length)}
		for k := range tr.Reward {
			tr.Reward[k] = gold(tr.Obs[k*shape.Obs:], tr.Act[k*shape.Act:])
		}
		id, err := s.Add(tr)
		if err != nil {
			t.Fatal(err)
		}
		segs = append(segs, feedback.Segment{Traj: id, To: int32(length)})
	}
	return s, segs
}

// pairs returns n answers of a teacher about neighbouring segments.
func pairs(t testing.TB, s *feedback.Store, segs []feedback.Segment, n int, l label.Labeler) (rs []feedback.Record) {
	t.Helper()
	for i := range n {
		r, ok, err := l.Label(s, label.Query{A: segs[(2*i)%len(segs)], B: segs[(2*i+1+2*i/len(segs))%len(segs)]})
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			rs = append(rs, r)
		}
	}
	return rs
}

func ensemble(t testing.TB, s Shape, rows feedback.Shape) *Ensemble {
	t.Helper()
	e, err := NewEnsemble(s, rows, rng.New(7))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// everyKind has a record of each kind that has a loss.
func everyKind(segs []feedback.Segment) []feedback.Record {
	cut := segs[4]
	cut.From = 2
	soft := feedback.Better(segs[0], cut)
	soft.Label, soft.Weight, soft.Margin = 0.7, 2.5, 0.3
	return []feedback.Record{
		soft,
		{Kind: feedback.Ranked, Segments: segs[1:4], Weight: 1},
		{Kind: feedback.Rated, Segments: segs[:2], Ratings: []float32{1, -2}, Weight: 0.5},
		{Kind: feedback.Marked, Segments: segs[:1], Steps: []feedback.Mark{{Step: 1, Value: 2}, {Step: 3, Value: -1}}, Weight: 1},
		{Kind: feedback.Demo, Segments: segs[:1], Weight: 1},
		{Kind: feedback.Remarked, Segments: segs[2:3], Tokens: []uint16{0, 5, 7}, Weight: 1.5},
	}
}

// words is the vocabulary of everyKind; the second aspect counts twice and half.
func words() feedback.Vocabulary {
	v := feedback.Thirds("speed", "care")
	for i := range v[6:] {
		v[6+i].Value *= 2.5
	}
	return v
}

// Gradients of the losses in the scores must be those of finite differences.
func TestLossGradients(t *testing.T) {
	_, segs := pool(t, small, 6, 6)
	for _, r := range everyKind(segs) {
		rand := rng.New(3).Stream(2, uint32(r.Kind), 0)
		var y, dy, scrap [][]float32
		for _, s := range r.Segments {
			row := make([]float32, s.Len())
			for i := range row {
				row[i] = 0.4 * rand.Norm()
			}
			y, dy, scrap = append(y, row), append(dy, make([]float32, s.Len())), append(scrap, make([]float32, s.Len()))
		}
		lossOf := Remarks(words())
		lossOf(&r, y, dy)
		for i := range y {
			for j := range y[i] {
				const h = 1e-2
				was := y[i][j]
				y[i][j] = was + h
				up := lossOf(&r, y, scrap)
				y[i][j] = was - h
				down := lossOf(&r, y, scrap)
				y[i][j] = was
				if want := (up - down) / (2 * h); math.Abs(want-float64(dy[i][j])) > 2e-4 {
					t.Errorf("%s: gradient of step %d of segment %d is %v, want %v", r.Kind, j, i, dy[i][j], want)
				}
			}
		}
	}
}

func TestLossesOfExtremeScores(t *testing.T) {
	_, segs := pool(t, small, 6, 6)
	for _, r := range everyKind(segs) {
		for _, big := range []float32{1e4, -1e4} {
			var y, dy [][]float32
			for i, s := range r.Segments {
				row := make([]float32, s.Len())
				row[0] = big * float32(i+1)
				y, dy = append(y, row), append(dy, make([]float32, s.Len()))
			}
			l := Remarks(words())(&r, y, dy)
			for _, d := range append(dy, []float32{float32(l)}) {
				for _, v := range d {
					if v-v != 0 {
						t.Fatalf("%s: loss %v, gradient %v", r.Kind, l, dy)
					}
				}
			}
		}
	}
	pl := feedback.Record{Kind: feedback.Ranked, Segments: segs[:2], Weight: 1}
	bt := feedback.Better(segs[0], segs[1])
	y, d1, d2 := [][]float32{{0.3, 0.2}, {0.9, -0.1}}, [][]float32{{0, 0}, {0, 0}}, [][]float32{{0, 0}, {0, 0}}
	if a, b := PlackettLuce(&pl, y, d1), BradleyTerry(&bt, y, d2); math.Abs(a-b) > 1e-6 || math.Abs(float64(d1[0][0]-d2[0][0])) > 1e-6 {
		t.Errorf("of two segments Plackett-Luce is %v, Bradley-Terry %v", a, b)
	}
}

// The gradient through the networks, weights of records and chunks must be that of differences of
// the total loss.
func TestFitGradient(t *testing.T) {
	s, segs := pool(t, small, 6, 6)
	e := ensemble(t, Shape{Inputs: []string{"obs", "act", "next", "facts"}, Hidden: []int{7}, Activation: nn.Tanh, Members: 1}, small)
	if err := e.FitInputs(s); err != nil {
		t.Fatal(err)
	}
	f := &fitter{e: e, o: Training{Minibatch: 8, Loss: Remarks(words())}, pool: nn.NewPool(1)}
	if err := f.load(s, everyKind(segs)); err != nil {
		t.Fatal(err)
	}
	order := []int32{0, 1, 2, 3, 4, 5}
	for _, f.stride = range []int{0, 2} { // all steps, and some that stand for the others
		checkGradient(t, f, order)
	}
}

func checkGradient(t *testing.T, f *fitter, order []int32) {
	t.Helper()
	p := f.e.Params[0]
	grad := make([]float32, len(p))
	f.records(&f.workers[0], p, order, grad)
	largest := 0.0
	for i := range p {
		const h = 2e-3
		was := p[i]
		p[i] = was + h
		up := f.records(&f.workers[0], p, order, nil)
		p[i] = was - h
		down := f.records(&f.workers[0], p, order, nil)
		p[i] = was
		want := (up - down) / (2 * h)
		largest = max(largest, math.Abs(want))
		if math.Abs(want-float64(grad[i])) > 5e-3*(1+math.Abs(want)) {
			t.Errorf("stride %d: gradient of %s is %v, want %v", f.stride, f.e.net.Where(i), grad[i], want)
		}
	}
	if largest < 0.1 {
		t.Errorf("largest gradient %v", largest)
	}
}

// With a stride, every step has its turn, the last one always, and sums keep their size.
func TestStride(t *testing.T) {
	s, segs := pool(t, small, 4, 13)
	e := ensemble(t, Shape{Inputs: []string{"obs"}, Hidden: []int{3}, Members: 1}, small)
	rec := feedback.Better(segs[0], segs[1])
	for _, stride := range []int{2, 3, 5, 6, 7, 40} {
		var mean [2]float64
		f := &fitter{e: e, pool: nn.NewPool(1)}
		f.o = Training{Minibatch: 8, Loss: func(_ *feedback.Record, y, dy [][]float32) float64 {
			for i := range y {
				mean[i] += float64(sum(y[i])) / float64(stride)
			}
			return 0
		}}
		if err := f.load(s, []feedback.Record{rec}); err != nil {
			t.Fatal(err)
		}
		f.stride = stride
		for f.epoch = range stride {
			f.records(&f.workers[0], e.Params[0], []int32{0}, nil)
		}
		for i, seg := range rec.Segments {
			v, err := s.View(seg)
			if err != nil {
				t.Fatal(err)
			}
			var o Out
			e.Score(&o, v)
			// Passes have different numbers of steps unless the stride divides 12: then it is exact.
			bound := 0.35 * (1 + math.Abs(float64(o.Return)))
			if 12%stride == 0 || 2*stride >= 13 {
				bound = 1e-4
			}
			if math.Abs(mean[i]-float64(o.Return)) > bound {
				t.Errorf("stride %d: segment %d sums to %v in the mean, want %v", stride, i, mean[i], o.Return)
			}
		}
	}
}

func fit(t testing.TB, e *Ensemble, s *feedback.Store, rs []feedback.Record, o Training, workers int) Fitted {
	t.Helper()
	p := nn.NewPool(workers)
	defer p.Close()
	out, err := Fit(e, s, rs, o, p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func state(t testing.TB, e *Ensemble) []byte {
	t.Helper()
	b, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Changes are inputs of their own, and time is worth nothing however episodes end.
func TestChangeAndLevel(t *testing.T) {
	s, _ := pool(t, small, 20, 30)
	for i := range 5 { // some that were terminated
		v, err := s.Whole(i)
		if err != nil {
			t.Fatal(err)
		}
		tr := v.Trajectory
		tr.End = env.Terminated
		if _, err := s.Add(&tr); err != nil {
			t.Fatal(err)
		}
	}
	e := ensemble(t, Shape{Inputs: []string{"act", "change", "end"}, Hidden: []int{6}, Members: 2}, small)
	v, err := s.Whole(21)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 2*e.width)
	e.gatherView(x, v, 28, 2)
	for i := range 2 {
		var want []float32
		want = append(want, v.Act[(28+i)*2:(29+i)*2]...)
		for j := range 5 {
			want = append(want, v.Obs[(29+i)*5+j]-v.Obs[(28+i)*5+j])
		}
		if want = append(want, float32(i)); !slices.Equal(x[i*e.width:(i+1)*e.width], want) {
			t.Errorf("step %d has the inputs %v, want %v", 28+i, x[i*e.width:(i+1)*e.width], want)
		}
	}
	for i, err := range []error{e.FitInputs(s), e.Calibrate(s)} {
		if err != nil {
			t.Fatal(i, err)
		}
	}
	var o Out
	mean, n := 0.0, 0
	for i := range s.Len() {
		v, _ := s.Whole(i)
		e.Score(&o, v)
		for k, y := range o.Step {
			if v.End != env.Terminated || k < v.Len()-1 {
				mean, n = mean+float64(y), n+1
			}
		}
	}
	if mean /= float64(n); math.Abs(mean) > 1e-3 || n != 20*30+5*29 {
		t.Errorf("%d steps that end nothing have mean %v", n, mean)
	}
}

// The same bits come out for any number of workers, and something else for another key.
func TestFitIsDeterministic(t *testing.T) {
	s, segs := pool(t, small, 40, 9)
	rs := append(pairs(t, s, segs, 90, &label.Teacher{Beta: 1}), everyKind(segs)...)
	var first []byte
	for i, workers := range []int{1, 2, 3, 7, 1} {
		e := ensemble(t, DefaultShape(), small)
		o := DefaultTraining()
		o.Epochs, o.Key, o.Bootstrap, o.Words = 3, rng.New(1), true, words()
		if i == 4 {
			o.Key = rng.New(2)
		}
		fit(t, e, s, rs, o, workers)
		got := state(t, e)
		if i == 0 {
			first = got
		}
		if bytes.Equal(got, first) != (i < 4) {
			t.Errorf("%d workers, key %v: equal to one worker is %v", workers, o.Key, i == 4)
		}
	}
}

// A reward must be found from comparisons of its sums alone, by labels right and not by labels
// without meaning.
func TestFitLearns(t *testing.T) {
	s, segs := pool(t, small, 900, 6)
	rs := pairs(t, s, segs[:600], 300, &label.Teacher{})
	test := pairs(t, s, segs[600:], 300, &label.Teacher{})
	for _, c := range []struct {
		name   string
		rs     []feedback.Record
		lo, hi float64
	}{
		{"true labels", rs, 0.85, 1},
		{"random labels", feedback.Flip(func(r *feedback.Record) bool { return r.Segments[0].Traj%2 == 0 })(rs), 0.3, 0.7},
	} {
		e := ensemble(t, Shape{Inputs: []string{"obs", "act"}, Hidden: []int{16}, Activation: nn.ReLU, Members: 2}, small)
		if err := e.FitInputs(s); err != nil {
			t.Fatal(err)
		}
		q := fit(t, e, s, c.rs, DefaultTraining(), 2)
		if err := e.Calibrate(s); err != nil {
			t.Fatal(err)
		}
		m, err := Measure(e, s, test)
		if err != nil {
			t.Fatal(err)
		}
		if m.Accuracy < c.lo || m.Accuracy > c.hi || q.HeldOut.Records != 30 || q.Train.Records != 270 || q.Steps != 25*9 {
			t.Errorf("%s: accuracy %.3f on others, want %v to %v; %+v", c.name, m.Accuracy, c.lo, c.hi, q)
		}
		t.Logf("%s: %+v, others %+v", c.name, q, m)
	}
}

func TestScoring(t *testing.T) {
	s, segs := pool(t, small, 27, 300) // longer than a block of rows, and all of it is looked at
	e := ensemble(t, Shape{Inputs: []string{"obs", "act", "next", "facts"}, Hidden: []int{8}, Members: 3}, small)
	for i, err := range []error{e.FitInputs(s), e.Calibrate(s)} {
		if err != nil {
			t.Fatal(i, err)
		}
	}
	v, _ := s.View(segs[3])
	var o Out
	e.Score(&o, v)
	n := v.Len()
	b := &env.Batch{N: n, Obs: v.Obs[:n*5], Act: v.Act, Next: v.Obs[5:], Facts: v.Facts}
	dst := make([]float32, n)
	e.ScoreBatch(dst, b)
	if !slices.Equal(dst, o.Step) {
		t.Error("steps score differently as a batch")
	}
	for workers := 1; workers < 4; workers++ {
		pool := nn.NewPool(workers)
		e.share(pool)
		for _, rows := range []int{1, 33, n} {
			clear(dst)
			part := *b
			part.N = rows
			if e.ScoreBatch(dst, &part); !slices.Equal(dst[:rows], o.Step[:rows]) {
				t.Errorf("%d rows score differently with %d workers", rows, workers)
			}
		}
		before := state(t, e)
		if err := e.Calibrate(s); err != nil || !bytes.Equal(state(t, e), before) {
			t.Errorf("calibrated differently by %d workers: %v", workers, err)
		}
		pool.Close()
	}
	e.pool = nil
	if d := sum(dst) - o.Return; d > 1e-3 || d < -1e-3 || !(o.Var > 0) {
		t.Errorf("return %v, sum of steps %v, variance %v", o.Return, sum(dst), o.Var)
	}
	var mean, square, count float64
	for i := range segs {
		v, _ := s.Whole(i)
		e.Score(&o, v)
		for _, x := range o.Step {
			mean += float64(x)
			square += float64(x) * float64(x)
			count++
		}
	}
	if mean /= count; math.Abs(mean) > 1e-3 || math.Abs(square/count-1) > 1e-3 {
		t.Errorf("calibrated scores have mean %v and mean square %v", mean, square/count)
	}
	if n := testing.AllocsPerRun(20, func() { e.ScoreBatch(dst, b) }); n != 0 {
		t.Errorf("%v allocations a ScoreBatch", n)
	}
	other := ensemble(t, Shape{Inputs: []string{"obs", "act", "next", "facts"}, Hidden: []int{8}, Members: 3}, small)
	other.Params[0][0]++
	if err := other.UnmarshalBinary(state(t, e)); err != nil || !bytes.Equal(state(t, other), state(t, e)) {
		t.Errorf("state is not restored: %v", err)
	}
	if other.UnmarshalBinary(state(t, e)[4:]) == nil {
		t.Error("a state cut off is accepted")
	}
}

func TestErrors(t *testing.T) {
	s, segs := pool(t, small, 4, 6)
	p := nn.NewPool(1)
	e := ensemble(t, DefaultShape(), small)
	before := state(t, e)
	good := feedback.Better(segs[0], segs[1])
	gone := feedback.Better(segs[0], feedback.Segment{Traj: 1, To: 3})
	bad := good
	bad.Weight = 0
	for want, f := range map[string]func() error{
		"no records":       func() error { _, err := Fit(e, s, nil, DefaultTraining(), p); return err },
		"not in the store": func() error { _, err := Fit(e, s, []feedback.Record{good, gone}, DefaultTraining(), p); return err },
		"record 0: feedb":  func() error { _, err := Fit(e, s, []feedback.Record{bad}, DefaultTraining(), p); return err },
		"epochs is 0":      func() error { _, err := Fit(e, s, []feedback.Record{good}, Training{}, p); return err },
		"unknown input": func() error {
			_, err := NewEnsemble(Shape{Inputs: []string{"fact"}, Members: 1}, small, rng.Key{})
			return err
		},
		"named twice": func() error {
			_, err := NewEnsemble(Shape{Inputs: []string{"obs", "obs"}, Members: 1}, small, rng.Key{})
			return err
		},
		"inputs are empty": func() error { _, err := NewEnsemble(Shape{Members: 1}, small, rng.Key{}); return err },
		"members is 0":     func() error { _, err := NewEnsemble(Shape{Inputs: []string{"obs"}}, small, rng.Key{}); return err },
		"gradient is not f": func() error {
			o := DefaultTraining()
			o.Loss = func(_ *feedback.Record, _, dy [][]float32) float64 {
				dy[0][0] = float32(math.NaN())
				return 0
			}
			_, err := Fit(e, s, []feedback.Record{good}, o, p)
			return err
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
	if !bytes.Equal(state(t, e), before) {
		t.Error("a Fit that failed has changed the networks")
	}
}
