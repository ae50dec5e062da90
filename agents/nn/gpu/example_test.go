package gpu_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/agents/nn/gpu"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// A forward pass of 64 rows on the best GPU.
func ExampleNet() {
	d, err := vk.Open(vk.Options{})
	if err != nil {
		fmt.Println(err) // there is none
		return
	}
	defer d.Close()
	mlp := nn.NewMLP(nn.MLPConfig{In: 8, Hidden: []int{32}, Out: 4})
	params := make([]float32, mlp.NumParams())
	mlp.Init(params, rng.New(1))

	const rows = 64
	words := 8 * rows // of the input; the rest of the memory for rows comes behind it
	net := gpu.NewNet([]int{8, 32, 4}, nn.Tanh, 0, len(params), 0, func(columns int) (at int) {
		at = words
		words += columns * rows
		return at
	})
	kit := gpu.NewKit(d)
	m := gpu.Memory{
		Control: kit.Mapped("control words", gpu.ControlWords), Params: kit.Buffer("parameters", len(params)),
		Work: kit.Mapped("rows", words), Blocks: kit.Buffer("gradients", len(params)),
	}
	kernels := m.Bind(kit)
	run := kit.Record(func(r *gpu.Recorder) { net.Forward(r, kernels, rows) })
	if err := kit.Err(); err != nil {
		fmt.Println(err)
		return
	}
	if err := m.Params.Upload(params); err != nil {
		fmt.Println(err)
		return
	}
	if err := run.Run(); err != nil { // with the rows at the beginning of m.Work.Floats()
		fmt.Println(err)
		return
	}
	fmt.Println(m.Work.Floats()[net.Output():][:4*rows])
}
