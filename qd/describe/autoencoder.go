package describe

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// AutoencoderOptions are the options of NewAutoencoder.
type AutoencoderOptions struct {
	Frame  int     // numbers of a frame: pixels of a raster, or a state
	Frames int     // frames of an observation; default 1. Their codes, one after the other, are the descriptor
	Hidden []int   // widths of the encoder's hidden layers, which the decoder mirrors; default 32
	Code   int     // numbers of a code; default 10
	Rate   float32 // learning rate of Adam; default 0.001
	Batch  int     // frames of a minibatch; default 128
	Epochs int     // most passes over the data of one training; default 100
	Fixed  bool    // never train: the arm STAX-NT of the paper's ablation
	Key    rng.Key // of the first weights
}

// Autoencoder describes behaviour by what a network, trained on the observations met so far to
// repeat each from a few numbers, takes those numbers to be; its error is the surprise. The
// descriptors are those of TAXONS: Paolo, Laflaquiere, Coninx and Doncieux, "Unsupervised
// learning and exploration of reachable outcome space" (ICRA 2020), section III.
type Autoencoder struct {
	o        AutoencoderOptions
	enc, dec *nn.MLP
	params   []float32 // of enc, then of dec
	te, td   *nn.Tape
	grad     []float32
	out, dx  []float32
}

// NewAutoencoder returns an untrained autoencoder.
func NewAutoencoder(o AutoencoderOptions) (*Autoencoder, error) {
	def := func(v *int, to int) {
		if *v == 0 {
			*v = to
		}
	}
	def(&o.Frames, 1)
	def(&o.Code, 10)
	def(&o.Batch, 128)
	def(&o.Epochs, 100)
	if o.Hidden == nil {
		o.Hidden = []int{32}
	}
	if o.Rate == 0 {
		o.Rate = 1e-3
	}
	if slices.Min(append([]int{o.Frame, o.Frames, o.Code, o.Batch, o.Epochs}, o.Hidden...)) < 1 || !(o.Rate > 0) {
		return nil, fmt.Errorf("describe: autoencoder of %+v: all numbers have to be above 0", o)
	}
	mirrored := make([]int, len(o.Hidden))
	for i, w := range o.Hidden {
		mirrored[len(o.Hidden)-1-i] = w
	}
	a := &Autoencoder{
		o:   o,
		enc: nn.NewMLP(nn.MLPConfig{In: o.Frame, Hidden: o.Hidden, Out: o.Code, Activation: nn.ELU}),
		dec: nn.NewMLP(nn.MLPConfig{In: o.Code, Hidden: mirrored, Out: o.Frame, Activation: nn.ELU}),
	}
	a.params = make([]float32, a.enc.NumParams()+a.dec.NumParams())
	a.grad = make([]float32, len(a.params))
	a.enc.Init(a.params[:a.enc.NumParams()], o.Key.Fold(0))
	a.dec.Init(a.params[a.enc.NumParams():], o.Key.Fold(1))
	a.te, a.td = a.enc.NewTape(o.Batch), a.dec.NewTape(o.Batch)
	a.out, a.dx = make([]float32, o.Batch*o.Frame), make([]float32, o.Batch*o.Code)
	return a, nil
}

// Width returns the numbers of the codes of all frames.
func (a *Autoencoder) Width() int { return a.o.Code * a.o.Frames }

// Params returns the weights.
func (a *Autoencoder) Params() []float32 { return a.params }

// forward returns codes and reconstructions of rows frames, at most a batch.
func (a *Autoencoder) forward(x []float32, rows int) (code, y []float32) {
	n := a.enc.NumParams()
	code = a.enc.Forward(a.params[:n], a.te, x, rows)
	return code, a.dec.Forward(a.params[n:], a.td, code, rows)
}

// Describe writes the codes of the frames, and as surprise their mean squared errors, summed over
// the frames of an observation.
func (a *Autoencoder) Describe(dst, surprise, obs []float32, rows int) {
	clear(surprise[:rows])
	frames := rows * a.o.Frames
	for lo := 0; lo < frames; lo += a.o.Batch {
		n := min(a.o.Batch, frames-lo)
		x := obs[lo*a.o.Frame : (lo+n)*a.o.Frame]
		code, y := a.forward(x, n)
		copy(dst[lo*a.o.Code:], code)
		for i := range n {
			sum := float32(0)
			for j := i * a.o.Frame; j < (i+1)*a.o.Frame; j++ {
				sum += float32((y[j] - x[j]) * (y[j] - x[j]))
			}
			surprise[(lo+i)/a.o.Frames] += sum / float32(a.o.Frame)
		}
	}
}

// Train minimises the mean squared error on 80 % of the frames, and ends early the fourth time
// in a row that the error on the others is above the least so far, as the authors' program does. It
// begins where the last training ended. Rises count only once the error is half that of the mean
// frame: what small networks learn first is that frame, and the noise about that plateau would end
// the training there.
func (a *Autoencoder) Train(obs []float32, rows int, k rng.Key) (bool, error) {
	frames := rows * a.o.Frames
	if a.o.Fixed || frames < 5 {
		return false, nil
	}
	order := make([]int32, frames)
	for i := range order {
		order[i] = int32(i)
	}
	r := k.Stream(1, 0, 0)
	r.Shuffle(order)
	held, train := order[:frames/5], order[frames/5:]
	adam, x := nn.NewAdam(len(a.params)), make([]float32, a.o.Batch*a.o.Frame)
	least, rises, plateau := math.Inf(1), 0, 0.5*a.meanFrame(obs, train, held)
	for range a.o.Epochs {
		r.Shuffle(train)
		for lo := 0; lo < len(train); lo += a.o.Batch {
			a.learn(x, a.gather(x, obs, train[lo:min(lo+a.o.Batch, len(train))]))
			adam.Step(a.params, a.grad, a.o.Rate)
		}
		loss := 0.0
		for lo := 0; lo < len(held); lo += a.o.Batch {
			n := a.gather(x, obs, held[lo:min(lo+a.o.Batch, len(held))])
			_, y := a.forward(x, n)
			for i, v := range y[:n*a.o.Frame] {
				loss += float64(v-x[i]) * float64(v-x[i])
			}
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return false, fmt.Errorf("describe: the autoencoder's error is %v: lower the learning rate, or scale the observations to about -1 to 1", loss)
		}
		rises++
		if loss <= least || loss > plateau {
			rises = 0
		}
		least = min(least, loss)
		if rises == 4 {
			break
		}
	}
	return true, nil
}

// meanFrame returns the summed squared error of the mean of the training frames on the held ones.
func (a *Autoencoder) meanFrame(obs []float32, train, held []int32) (sum float64) {
	for j := range a.o.Frame {
		mean := 0.0
		for _, row := range train {
			mean += float64(obs[int(row)*a.o.Frame+j]) / float64(len(train))
		}
		for _, row := range held {
			d := float64(obs[int(row)*a.o.Frame+j]) - mean
			sum += d * d
		}
	}
	return sum
}

func (a *Autoencoder) gather(x, obs []float32, rows []int32) int {
	for i, row := range rows {
		copy(x[i*a.o.Frame:(i+1)*a.o.Frame], obs[int(row)*a.o.Frame:])
	}
	return len(rows)
}

// learn sets the gradient of the mean squared error of the first rows rows of x.
func (a *Autoencoder) learn(x []float32, rows int) {
	n := a.enc.NumParams()
	x = x[:rows*a.o.Frame]
	_, y := a.forward(x, rows)
	d := a.out[:len(x)]
	for i, v := range y {
		d[i] = 2 * (v - x[i]) / float32(len(x))
	}
	clear(a.grad)
	a.dec.Backward(a.params[n:], a.grad[n:], a.td, d, a.dx[:rows*a.o.Code])
	a.enc.Backward(a.params[:n], a.grad[:n], a.te, a.dx[:rows*a.o.Code], nil)
}

var _ Describer = (*Autoencoder)(nil)
