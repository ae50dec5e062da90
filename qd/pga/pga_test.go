package pga

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

var net = nn.NewMLP(nn.MLPConfig{In: 2, Hidden: []int{8}, Out: 1, Activation: nn.Tanh})

func fresh(t *testing.T) *Emitter {
	t.Helper()
	e, err := New(Options{
		Net: net, First: 0.5, Hidden: []int{32, 32}, Batch: 64, Train: 40, Steps: 10, Rate: 3e-3, Vary: 1e-2, Discount: 0.9, Scale: 1, Capacity: 3000,
	}, rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// world is episodes of two steps: the best action is half the first observation less the second.
// Reward comes in the second step for both, so that the first needs a critic that looks ahead.
func world(e *Emitter, sol []float32, r *rng.Stream, t *Transitions) (ret float64) {
	tape := net.NewTape(1)
	for range 8 {
		obs, late := []float32{r.Range(-1, 1), r.Range(-1, 1)}, 0.0
		for step := range 2 {
			a := geom.Tanh(net.Forward(sol, tape, obs, 1)[0])
			miss := float64(a - (obs[0]/2 - obs[1]/2))
			late -= miss * miss
			next := []float32{float32(late), obs[0]} // what was missed is seen
			reward, done := float32(0), float32(0)
			if step == 1 {
				reward, done = float32(late), 1
				ret += late / 8
			}
			t.Obs, t.Act, t.Next = append(t.Obs, obs...), append(t.Act, a), append(t.Next, next...)
			t.Reward, t.Done = append(t.Reward, reward), append(t.Done, done)
			t.N++
			obs = next
		}
	}
	return ret
}

func search(t *testing.T, e *Emitter) *qd.Search {
	t.Helper()
	g, err := qd.NewGrid([]int{10}, [][2]float32{{-1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := qd.NewCells(g, net.NumParams(), qd.CellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	calls := uint64(0)
	s := &qd.Search{Shape: qd.Shape{Dim: net.NumParams(), Measures: 1}, Archive: a, PerEmit: 12, Key: rng.New(2), Emitters: []qd.Emitter{e}}
	s.Evaluate = func(b *qd.Batch) error {
		calls = s.Evaluations()
		tr := &Transitions{}
		for i := range b.N {
			r := rng.New(3).Fold(calls).Stream(1, uint32(i), 0)
			sol := b.Sol[i*net.NumParams() : (i+1)*net.NumParams()]
			b.Objective[i] = float32(world(e, sol, &r, tr))
			b.Measures[i] = geom.Tanh(sol[0])
		}
		return e.Observe(tr)
	}
	return s
}

// The greedy actor and what is varied by gradients become much better than random policies.
func TestImproves(t *testing.T) {
	e := fresh(t)
	s := search(t, e)
	var first, greedy, varied float64
	for round := range 30 {
		b, err := s.Ask()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Counted(b), s.Tell()); err != nil {
			t.Fatal(err)
		}
		mean := 0.0
		for _, f := range b.Objective[1:] {
			mean += float64(f) / float64(b.N-1)
		}
		if round == 0 {
			first = mean
		}
		if round >= 25 {
			greedy += float64(b.Objective[0]) / 5
			varied += mean / 5
		}
	}
	t.Logf("random %.3f, greedy %.3f, varied %.3f, %d transitions", first, greedy, varied, e.Seen())
	if greedy < first/3 || varied < first/2 {
		t.Errorf("random policies have %.3f, the greedy one %.3f, varied ones %.3f", first, greedy, varied)
	}
}

// The policy gradient is that of central differences.
func TestGradient(t *testing.T) {
	e := fresh(t)
	s := search(t, e)
	for range 8 {
		if err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}
	r := rng.New(4).Stream(0, 0, 0)
	e.draw(&r)
	sol := slices.Clone(e.actor)
	value := func() (sum float64) {
		y := slices.Clone(net.Forward(sol, e.tapeA, e.normXA, e.o.Batch))
		x := make([]float32, e.o.Batch*3)
		for i := range e.o.Batch {
			copy(x[3*i:], e.normXA[2*i:2*i+2])
			x[3*i+2] = geom.Tanh(y[i])
		}
		for _, q := range e.critic.Forward(e.critics[0], e.tapeQ, x, e.o.Batch) {
			sum += float64(q) / float64(e.o.Batch)
		}
		return sum
	}
	e.ascend(sol)
	grad := slices.Clone(e.gradA)
	for j := range sol {
		const h = 1e-2
		was := sol[j]
		sol[j] = was + h
		up := value()
		sol[j] = was - h
		down := value()
		sol[j] = was
		if want := -(up - down) / (2 * h); math.Abs(want-float64(grad[j])) > 2e-2*math.Max(1, math.Abs(want)) {
			t.Errorf("parameter %d: gradient %v, differences say %v", j, grad[j], want)
		}
	}
}

// A search that is saved and loaded goes on to the same bits, also when its ring is full.
func TestResume(t *testing.T) {
	whole, part, again := search(t, fresh(t)), search(t, fresh(t)), search(t, fresh(t))
	for range 20 {
		if err := errors.Join(whole.Step(), part.Step()); err != nil {
			t.Fatal(err)
		}
	}
	data, err := part.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := errors.Join(whole.Step(), again.Step()); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := whole.AppendBinary(nil)
	b, _ := again.AppendBinary(nil)
	if e := whole.Emitters[0].(*Emitter); !slices.Equal(a, b) || e.next == 0 {
		t.Errorf("states equal: %v; the ring is at %d", slices.Equal(a, b), e.next)
	}
	if err := fresh(t).UnmarshalBinary(data[:20]); err == nil {
		t.Error("a damaged state was accepted")
	}
	if err := fresh(t).Observe(&Transitions{N: 1}); !errors.Is(err, qd.ErrShape) {
		t.Errorf("transitions without observations: error %v", err)
	}
	if _, err := New(Options{}, rng.New(1)); err == nil {
		t.Error("an emitter of nothing was accepted")
	}
}

func TestErrors(t *testing.T) {
	good := Options{
		Net: net, First: 0.5, Hidden: []int{32}, Batch: 64, Train: 40, Steps: 10, Rate: 3e-3, Vary: 1e-2, Discount: 0.9, Scale: 1, Capacity: 3000,
	}
	if _, err := New(good, rng.New(1)); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(o *Options){
		"no network": func(o *Options) { o.Net = nil },
		"hidden":     func(o *Options) { o.Hidden = []int{0} },
		"capacity":   func(o *Options) { o.Capacity = o.Batch - 1 },
		"discount":   func(o *Options) { o.Discount = 1 },
	} {
		o := good
		spoil(&o)
		if _, err := New(o, rng.New(1)); err == nil {
			t.Errorf("%s: %+v was accepted", name, o)
		}
	}
}
