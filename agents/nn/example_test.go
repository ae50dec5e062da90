package nn_test

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A network learns y = sin x from 256 points, with mean squared error, on two workers.
func Example() {
	const rows, steps = 256, 1500
	x, y := make([]float32, rows), make([]float32, rows)
	for i := range x {
		x[i] = -3 + 6*float32(i)/(rows-1)
		y[i] = float32(math.Sin(float64(x[i])))
	}

	net := nn.NewMLP(nn.MLPConfig{In: 1, Hidden: []int{32, 32}, Out: 1})
	params := make([]float32, net.NumParams())
	net.Init(params, rng.New(1))

	pool := nn.NewPool(2)
	defer pool.Close()
	trainer := nn.NewTrainer(params, rows, pool)

	// Each worker has memory of its own; each block of rows adds its gradient.
	tapes, dy := make([]*nn.Tape, pool.Workers()), make([][]float32, pool.Workers())
	for w := range tapes {
		tapes[w], dy[w] = net.NewTape(nn.BlockRows), make([]float32, nn.BlockRows)
	}
	loss := func(worker, _, lo, hi int, grad []float32) {
		out := net.Forward(params, tapes[worker], x[lo:hi], hi-lo)
		for i, v := range out {
			dy[worker][i] = 2 * (v - y[lo+i]) / rows // of the mean of (v-y)^2
		}
		net.Backward(params, grad, tapes[worker], dy[worker], nil)
	}
	for i := range steps {
		trainer.Gradient(rows, loss)
		lr := 0.01 * (1 - float32(i)/steps) // falls to 0
		if _, err := trainer.Step(lr); err != nil {
			fmt.Println(err)
			return
		}
	}

	var worst float64
	for i, v := range net.Forward(params, net.NewTape(rows), x, rows) {
		worst = max(worst, math.Abs(float64(v-y[i])))
	}
	fmt.Println("largest error below 0.02:", worst < 0.02)
	// Output: largest error below 0.02: true
}

// A policy for two joysticks with three positions each and one throttle.
func ExampleHead() {
	head := nn.NewHead(
		nn.Part{Kind: nn.Categorical, N: 3},
		nn.Part{Kind: nn.Categorical, N: 3},
		nn.Part{Kind: nn.Gaussian, N: 1},
	)
	fmt.Println(head.Inputs(), "outputs of a network,", head.Free(), "free parameter,", head.Actions(), "columns of action")

	policy := []float32{0, 2, 0 /**/, 1, 0, 0 /**/, 0.5} // one row
	logStd := []float32{-1}
	act := make([]float32, head.Actions())
	head.Mode(act, policy, logStd)
	fmt.Println("most likely:", act)

	head.Sample(act, policy, logStd, rng.New(1), 0)
	tape := head.NewTape(1)
	head.Forward(tape, policy, logStd, act)
	fmt.Printf("entropy %.3f\n", tape.Entropy[0])
	// Output:
	// 7 outputs of a network, 1 free parameter, 3 columns of action
	// most likely: [1 0 0.5]
	// entropy 2.060
}

// An actor and a critic over observations of four numbers.
func ExampleActorCritic() {
	net := nn.NewActorCritic(nn.ActorCriticConfig{
		Obs:    4,
		Head:   nn.NewHead(nn.Part{Kind: nn.Categorical, N: 2}),
		Hidden: []int{64, 64},
	})
	params := make([]float32, net.NumParams())
	net.Init(params, rng.New(1))

	const rows = 3
	tape := net.NewTape(rows)
	net.Forward(params, tape, make([]float32, rows*4), rows)
	fmt.Println(len(params), "parameters;", len(tape.Policy), "logits and", len(tape.Value), "values")
	// Output: 9155 parameters; 6 logits and 3 values
}
