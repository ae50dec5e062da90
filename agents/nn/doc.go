// Package nn holds the neural networks of agents: float32, batched, with gradients written by
// hand, and no allocation once made.
//
// Everything that is learned lies in one flat slice of parameters, and so do its gradient and the
// moments of the optimiser: saving, copying, comparing and mutating a network are operations on a
// slice. The types [MLP], [ActorCritic] and [Head] are shapes that know where in the slice what
// lies; they are immutable and shared by goroutines. What a forward pass leaves for its backward
// pass is in a tape, one a goroutine.
//
//	net := nn.NewMLP(nn.MLPConfig{In: 8, Hidden: []int{64, 64}, Out: 4})
//	p := make([]float32, net.NumParams())
//	net.Init(p, key)
//	tape := net.NewTape(rows)
//	y := net.Forward(p, tape, x, rows)     // x: rows x 8, y: rows x 4
//	net.Backward(p, grad, tape, dy, nil)   // adds to grad, given the gradient dy of the loss
//
// A [Head] turns outputs of a network into a distribution of actions: categorical choices,
// Gaussian or squashed Gaussian numbers, or several of them. A [Trainer] shares the rows of a
// minibatch out among the workers of a [Pool], adds up their gradients, clips and applies them
// with [Adam].
//
// # Exactness
//
// A row of a result depends on that row of the input only, not on its place in the batch.
// Gradients are summed in blocks of [BlockRows] rows, whose sums are added in order. So the results
// of one program on one machine have the same bits for any number of workers. The heavy loops are
// in one of several kernels (see [Kernel]): the two SIMD kernels give the same bits on every amd64
// processor; the blas kernel adds without fused multiplication on amd64 and rounds otherwise.
//
// # Correctness
//
// All gradients are tested against central differences of a reference in float64, to 1e-5 of the
// largest, and those of whole PPO losses against Gorgonia's automatic differentiation, to 1e-6.
//
// # Speed
//
// Rows per second of processor time on one core of an AMD EPYC (Zen 5), medians of five runs of the
// benchmarks of this package: a forward pass 24-64-64-4, and a PPO update of a minibatch of 2048
// rows with tanh, from observations to new parameters, of one network 24-64-64-(4+1) and of two.
//
//	kernel    forward, batch 1 / 64    update, one network / two
//	simd512      4.1 M  /  7.3 M          1.95 M  /  1.08 M
//	simd256      2.8 M  /  3.8 M          1.21 M  /  0.67 M
//	blas        0.77 M  / 0.82 M          0.35 M  /  0.19 M
package nn
