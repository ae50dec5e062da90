package model_test

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// points returns a store of one-step segments whose reward is the first observation.
func points(n int) (*feedback.Store, []feedback.Segment) {
	s := feedback.NewStore(feedback.Shape{Obs: 2})
	var segs []feedback.Segment
	r := rng.New(1).Stream(1, 0, 0)
	for range n {
		x := r.Norm()
		id, err := s.Add(&feedback.Trajectory{Obs: []float32{x, r.Norm(), 0, 0}, Reward: []float32{x}})
		if err != nil {
			panic(err)
		}
		segs = append(segs, feedback.Segment{Traj: id, To: 1})
	}
	return s, segs
}

func answers(s *feedback.Store, segs []feedback.Segment, l label.Labeler) (rs []feedback.Record) {
	for i := 0; i+1 < len(segs); i += 2 {
		if r, ok, err := l.Label(s, label.Query{A: segs[i], B: segs[i+1]}); err == nil && ok {
			rs = append(rs, r)
		}
	}
	return rs
}

// A reward is learned from answers about pairs, and asked which of two it prefers.
func ExampleFit() {
	s, segs := points(400)
	e, err := model.NewEnsemble(model.Shape{Inputs: []string{"obs"}, Hidden: []int{16}, Members: 2}, s.Shape(), rng.New(1))
	if err != nil {
		panic(err)
	}
	pool := nn.NewPool(2)
	defer pool.Close()
	fit, err := model.Fit(e, s, answers(s, segs, &label.Teacher{Mistake: 0.05}), model.DefaultTraining(), pool)
	if err != nil {
		panic(err)
	}
	fmt.Println("pairs held out:", fit.HeldOut.Pairs, "accuracy above 0.8:", fit.HeldOut.Accuracy > 0.8)
	// Output: pairs held out: 20 accuracy above 0.8: true
}

// hinge is a preference loss of one's own, without a gradient: the better segment should lead by
// at least 1. Gorgonia differentiates it.
func hinge(r *feedback.Record, y, dy [][]float32) float64 {
	win, strict := r.Prefers()
	if !strict {
		win = 0
	}
	total := func(x []float32) (s float32) {
		for _, v := range x {
			s += v
		}
		return s
	}
	g := G.NewGraph()
	scalar := func(name string, v float32) *G.Node {
		return G.NewScalar(g, G.Float32, G.WithName(name), G.WithValue(v))
	}
	better, worse := scalar("better", total(y[win])), scalar("worse", total(y[1-win]))
	lead := G.Must(G.Sub(better, worse))
	loss := G.Must(G.Rectify(G.Must(G.Sub(scalar("margin", 1), lead))))
	if _, err := G.Grad(loss, better, worse); err != nil {
		panic(err)
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(better, worse))
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		panic(err)
	}
	for i, n := range []*G.Node{better, worse} {
		d, err := n.Grad()
		if err != nil {
			panic(err)
		}
		to := dy[win]
		if i == 1 {
			to = dy[1-win]
		}
		for k := range to {
			to[k] = d.Data().(float32) // the sum weighs each step alike
		}
	}
	return float64(loss.Value().Data().(float32))
}

// A loss needs no gradient written by hand.
func ExampleLoss() {
	s, segs := points(200)
	e, err := model.NewEnsemble(model.Shape{Inputs: []string{"obs"}, Members: 1}, s.Shape(), rng.New(1))
	if err != nil {
		panic(err)
	}
	pool := nn.NewPool(1)
	defer pool.Close()
	o := model.DefaultTraining()
	o.Loss, o.Epochs, o.LearningRate = hinge, 10, 0.05
	fit, err := model.Fit(e, s, answers(s, segs, &label.Teacher{}), o, pool)
	fmt.Println("accuracy above 0.9:", fit.HeldOut.Accuracy > 0.9, err)
	// Output: accuracy above 0.9: true <nil>
}
