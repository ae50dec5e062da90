package gpu

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents/nn"
)

// An Optimizer is nn.Trainer and nn.Adam on a device.
type Optimizer struct {
	size                       int
	adam                       *nn.Adam
	Grad                       *Buffer // the last gradient, before clipping
	params, moments            *Buffer
	rates                      Twin // of all steps of an update
	reduce, sum, verdict, step *Binding
}

// NewOptimizer returns the optimiser of the parameters in m, of which there are size, for updates of up
// to steps steps with minibatches of up to rows rows. The state is that of adam, see Load and Save.
func NewOptimizer(k *Kit, m *Memory, adam *nn.Adam, size, rows, steps int) *Optimizer {
	o := &Optimizer{size: size, adam: adam, params: m.Params}
	o.Grad, o.moments = k.Buffer("gradient", size), k.Buffer("state of Adam", 2*size)
	o.rates = k.Twin("learning rates", 2*steps)
	parts := k.Buffer("sums of a minibatch", 2*((size+127)/128+5*nn.Blocks(rows)))
	o.reduce = k.Bind("learn_reduce", 2, m.Control, m.Blocks, o.Grad)
	o.sum = k.Bind("learn_sum", 3, m.Control, o.Grad, m.Work, parts)
	o.verdict = k.Bind("learn_verdict", 6, m.Control, parts)
	o.step = k.Bind("learn_adam", 6, m.Control, o.Grad, m.Params, o.moments, o.rates.Dev)
	return o
}

// Load brings parameters and the state of Adam to the device.
func (o *Optimizer) Load(params []float32) error {
	m, v := o.adam.Moments()
	if err := o.params.Upload(params); err != nil {
		return err
	}
	return o.moments.Upload(append(append(make([]float32, 0, 2*o.size), m...), v...))
}

// Count counts steps that were taken.
func (o *Optimizer) Count(steps int) { o.adam.Count(int64(steps)) }

// Save brings both back.
func (o *Optimizer) Save(params []float32) error {
	if err := o.params.Download(params); err != nil {
		return err
	}
	both := make([]float32, 2*o.size)
	if err := o.moments.Download(both); err != nil {
		return err
	}
	m, v := o.adam.Moments()
	copy(m, both)
	copy(v, both[o.size:])
	return nil
}

// Rates prepares the coming steps, with a learning rate.
func (o *Optimizer) Rates(lr float32) {
	w := o.rates.Host.Floats()
	for i := range len(w) / 2 {
		w[2*i], w[2*i+1] = o.adam.Rates(int64(i)+1, lr)
	}
}

// LoadRates records that the device gets what Rates has prepared.
func (o *Optimizer) LoadRates(r *Recorder) { o.rates.Load(r) }

// Limits is what ends an update, or shortens a step.
type Limits struct {
	Norm float32 // longest gradient; 0 means any
	Far  float64 // mean of the divergences of rows from which on the update ends; 0 means never
}

// Step records a step with the gradients of the blocks of a minibatch of rows, whose numbers for the
// metrics are in Work from metrics on. The last minibatch of an epoch counts it.
func (o *Optimizer) Step(r *Recorder, rows, metrics int, last bool, l Limits) {
	size, f := uint32(o.size), math.Float32bits
	Do(r, o.reduce, o.size, size, uint32(nn.Blocks(rows)))
	Do(r, o.sum, (o.size+127)/128+nn.Blocks(rows), size, uint32(rows), uint32(metrics))
	end := map[bool]uint32{true: 1}[last]
	far := float32(l.Far)
	r.Dispatch(o.verdict, 1, size, uint32(rows), end, f(l.Norm), f(far), f(float32(l.Far-float64(far))))
	r.Barrier()
	b1, b2 := float64(o.adam.Beta1), float64(o.adam.Beta2)
	Do(r, o.step, o.size, size, f(o.adam.Beta1), f(float32(1-b1)), f(o.adam.Beta2), f(float32(1-b2)), f(o.adam.Eps))
}

// FirstBad returns the first parameter whose gradient is not finite, and that.
func (o *Optimizer) FirstBad() (i int, g float32, err error) {
	grad := make([]float32, o.size)
	if err := o.Grad.Download(grad); err != nil {
		return 0, 0, err
	}
	for i, g := range grad {
		if g-g != 0 {
			return i, g, nil
		}
	}
	return 0, 0, fmt.Errorf("the square of the gradient's length is beyond what a float32 can hold")
}
