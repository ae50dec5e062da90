package gpu

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// The twins are those of the kernel "blas".
func TestMain(m *testing.M) {
	if err := nn.SetKernel("blas"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// bench is a network on a device beside its twin.
type bench struct {
	kit  *Kit
	mem  *Memory
	k    Kernels
	net  *Net
	work int // words
}

func newBench(t *testing.T, widths []int, act nn.Activation, params, rows int) *bench {
	b := &bench{kit: NewKit(vktest.Open(t))}
	place := func(columns int) int {
		at := b.work
		b.work += columns * rows
		return at
	}
	input := place(widths[0])
	b.net = NewNet(widths, act, 0, params, input, place)
	b.mem = &Memory{
		Control: b.kit.Mapped("control", ControlWords), Params: b.kit.Buffer("parameters", params),
		Work: b.kit.Mapped("rows", b.work+7*rows), Blocks: b.kit.Mapped("gradients", params*nn.Blocks(rows)),
	}
	b.k = b.mem.Bind(b.kit)
	return b
}

func (b *bench) run(t *testing.T, f func(r *Recorder)) {
	t.Helper()
	c := b.kit.Record(f)
	if err := b.kit.Err(); err != nil {
		t.Fatal(err)
	}
	defer c.Free()
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
}

func fill(x []float32, s *rng.Stream) {
	for i := range x {
		x[i] = s.Norm()
	}
}

func compare(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if math.Float32bits(got[i]) != math.Float32bits(w) && (got[i] != 0 || w != 0) {
			t.Fatalf("%s %d: %v on the device, %v in Go", what, i, got[i], w)
		}
	}
}

// Outputs and gradients of networks must have the bits of nn.MLP, for all shapes of tiles and blocks.
func TestNet(t *testing.T) {
	for _, c := range []struct {
		widths []int
		act    nn.Activation
		rows   int
	}{
		{[]int{3, 2}, nn.Tanh, 1},
		{[]int{4, 64, 64, 2}, nn.Tanh, 256},
		{[]int{24, 31, 17, 5}, nn.ReLU, 129},
		{[]int{5, 16, 9}, nn.ELU, 127},
		{[]int{9, 33, 8, 1}, nn.Identity, 300},
		{[]int{1, 7, 200, 3}, nn.Tanh, 10},
	} {
		t.Run(fmt.Sprint(c.widths, c.act, c.rows), func(t *testing.T) {
			last := len(c.widths) - 1
			mlp := nn.NewMLP(nn.MLPConfig{In: c.widths[0], Hidden: c.widths[1:last], Out: c.widths[last], Activation: c.act})
			params, s := make([]float32, mlp.NumParams()), rng.New(1).Stream(1, 2, 3)
			fill(params, &s)
			b := newBench(t, c.widths, c.act, len(params), c.rows)
			x, dy := make([]float32, c.rows*c.widths[0]), make([]float32, c.rows*c.widths[last])
			fill(x, &s)
			fill(dy, &s)
			if err := b.kit.Err(); err != nil {
				t.Fatal(err)
			}
			if err := b.mem.Params.Upload(params); err != nil {
				t.Fatal(err)
			}
			work := b.mem.Work.Floats()
			copy(work, x)
			copy(work[b.net.Gradient():], dy)
			b.run(t, func(r *Recorder) {
				b.net.Forward(r, b.k, c.rows)
				b.net.Backward(r, b.k, c.rows)
			})
			tape := mlp.NewTape(nn.BlockRows)
			for lo := 0; lo < c.rows; lo += nn.BlockRows {
				n := min(nn.BlockRows, c.rows-lo)
				y := mlp.Forward(params, tape, x[lo*c.widths[0]:], n)
				at := b.net.Output() + lo*c.widths[last]
				compare(t, "output", work[at:at+len(y)], y)
				grad := make([]float32, len(params))
				mlp.Backward(params, grad, tape, dy[lo*c.widths[last]:(lo+n)*c.widths[last]], nil)
				block := lo / nn.BlockRows * len(params)
				compare(t, "gradient", b.mem.Blocks.Floats()[block:block+len(params)], grad)
			}
		})
	}
}

// Steps of the optimiser must have the bits of nn.Trainer, with gradients longer and shorter than
// the limit; sums of rows go into the gradients too.
func TestOptimizer(t *testing.T) {
	const rows, columns, steps = 300, 5, 4
	widths := []int{4, 40, 40, 2}
	mlp := nn.NewMLP(nn.MLPConfig{In: 4, Hidden: []int{40, 40}, Out: 2})
	size := mlp.NumParams() + columns
	params, s := make([]float32, size), rng.New(1).Stream(1, 2, 3)
	fill(params, &s)
	b := newBench(t, widths, nn.Tanh, size, rows)
	trainer := nn.NewTrainer(params, rows, nn.NewPool(1))
	trainer.Adam.Eps, trainer.MaxNorm = 1e-5, 3
	adam := nn.NewAdam(size)
	adam.Eps = 1e-5
	o := NewOptimizer(b.kit, b.mem, adam, size, rows, steps)
	if err := b.kit.Err(); err != nil {
		t.Fatal(err)
	}
	if err := o.Load(params); err != nil {
		t.Fatal(err)
	}
	o.Rates(1e-2)
	b.run(t, o.LoadRates)
	metrics := b.work
	blocks, extra := b.mem.Blocks.Floats(), make([]float32, rows*columns)
	norms := 0.0
	for step := range steps {
		gradients := make([]float32, len(blocks))
		fill(gradients, &s)
		for i := range gradients {
			gradients[i] *= []float32{1, 1e-3, 1e3, 1e-2}[step]
		}
		copy(blocks, gradients)
		fill(extra, &s)
		copy(b.mem.Work.Floats(), extra)
		trainer.Gradient(rows, func(_, block, lo, hi int, grad []float32) {
			copy(grad, gradients[block*size:(block+1)*size])
			clear(grad[size-columns:])
			for i := lo; i < hi; i++ {
				for j := range columns {
					grad[size-columns+j] += extra[i*columns+j]
				}
			}
		})
		norm, err := trainer.Step(1e-2)
		if err != nil {
			t.Fatal(err)
		}
		norms += norm
		b.run(t, func(r *Recorder) {
			AddRows(r, b.k, size, size-columns, 0, columns, rows)
			o.Step(r, rows, metrics, step == steps-1, Limits{Norm: 3})
		})
	}
	got := make([]float32, size)
	o.Count(steps)
	if err := o.Save(got); err != nil {
		t.Fatal(err)
	}
	compare(t, "parameter", got, params)
	m, v := adam.Moments()
	wantM, wantV := trainer.Adam.Moments()
	compare(t, "first moment", m, wantM)
	compare(t, "second moment", v, wantV)
	w, f := b.mem.Control.Words(), b.mem.Control.Floats()
	if w[Steps] != steps || w[Epoch] != 1 || w[Rows] != steps*rows || w[Stop] != 0 || adam.Steps() != steps {
		t.Errorf("control words %v, Adam at step %d", w, adam.Steps())
	}
	if sum := float64(f[Sums+10]) + float64(f[Sums+11]); math.Abs(sum-norms) > 1e-12*norms {
		t.Errorf("norms add up to %v, want %v", sum, norms)
	}
}

// What is not finite stops all that follows, saying what it was.
func TestStop(t *testing.T) {
	const rows = 200
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		spoil func(b *bench, metrics int)
		far   float64
		want  uint32
	}{
		"gradient":   {func(b *bench, _ int) { b.mem.Blocks.Floats()[7] = nan }, 0, BadGradient},
		"overflow":   {func(b *bench, _ int) { b.mem.Blocks.Floats()[7] = 1e30 }, 0, BadGradient},
		"policy":     {func(b *bench, at int) { b.mem.Work.Floats()[at+7*150] = nan }, 0, BadPolicy},
		"value":      {func(b *bench, at int) { b.mem.Work.Floats()[at+7*199+1] = nan }, 0, BadValue},
		"entropy":    {func(b *bench, at int) { b.mem.Work.Floats()[at+3] = float32(math.Inf(1)) }, 0, BadEntropy},
		"divergence": {func(b *bench, at int) { b.mem.Work.Floats()[at+4] = 2.1 }, 0.01, Far},
		"near":       {func(b *bench, at int) { b.mem.Work.Floats()[at+4] = 1.9 }, 0.01, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, []int{2, 2}, nn.Tanh, 6, rows)
			o := NewOptimizer(b.kit, b.mem, nn.NewAdam(6), 6, rows, 1)
			if err := b.kit.Err(); err != nil {
				t.Fatal(err)
			}
			params := []float32{1, 2, 3, 4, 5, 6}
			if err := o.Load(params); err != nil {
				t.Fatal(err)
			}
			o.Rates(0.1)
			for i := range b.mem.Blocks.Floats() {
				b.mem.Blocks.Floats()[i] = 1
			}
			c.spoil(b, b.work)
			b.run(t, func(r *Recorder) {
				o.LoadRates(r)
				o.Step(r, rows, b.work, true, Limits{Far: c.far})
			})
			got := make([]float32, 6)
			if err := o.Save(got); err != nil {
				t.Fatal(err)
			}
			w := b.mem.Control.Words()
			moved := got[0] != 1
			if w[Stop] != c.want || moved != (c.want == 0) || w[Steps] != map[bool]uint32{true: 1}[moved] {
				t.Errorf("stopped by %d after %d steps with parameters %v, want %d", w[Stop], w[Steps], got, c.want)
			}
			if i, g, err := o.FirstBad(); name == "gradient" && (i != 1 || g == g || err != nil) {
				t.Errorf("the first bad gradient is %v of parameter %d, %v; want NaN of 1", g, i, err)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	k := NewKit(vktest.Open(t))
	k.Buffer("rows", 1<<40)
	if k.Err() == nil || k.Bind("learn_adam", 6) != nil || k.Record(nil) != nil {
		t.Error("a buffer beyond all limits is no error, or what follows is done regardless")
	}
}
