package explore

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func init() {
	Register("icm", func() Config { return &ICM{NewFeatures("inverse")} })
	Register("disagreement", func() Config { return &Disagreement{NewFeatures("random"), 5} })
	Register("progress", func() Config { return &Progress{NewFeatures("random"), 0.999} })
}

// ICM is the intrinsic curiosity of Pathak et al., "Curiosity-driven exploration by
// self-supervised prediction" (ICML 2017), eq. 6, with eta = 1: the error of a network that
// predicts the features of the next state from those of the state and the action,
//
//	b = 1/2 |f(phi(s), a) - phi(s')|^2
//
// Unlike in the paper, the features learn from the inverse model alone, not also from f.
type ICM struct {
	Features
}

// Disagreement is the bonus of Pathak, Gandhi and Gupta, "Self-supervised exploration via
// disagreement" (ICML 2019), eq. 1: the variance of the predictions of an ensemble, each of
// which learns from rows of its own. Unlike the error of one model, it vanishes also where the
// future is random.
type Disagreement struct {
	Features
	Models int `json:"models" doc:"number of models"`
}

// Progress is the learning progress of a model of the dynamics, after Schmidhuber (1991), as in
// the gamma-progress of Kim et al., "Active world model learning with progress curiosity" (ICML
// 2020): how much larger the error of a slow copy of the model is,
//
//	b = max(L(slow) - L(model), 0)      slow <- gamma slow + (1 - gamma) model
//
// It pays neither for what is known nor for what cannot be learned.
type Progress struct {
	Features
	Gamma float32 `json:"gamma" doc:"how slowly the copy follows the model, each step of all rows, 0 to below 1"`
}

// Build returns the bonus.
func (c *ICM) Build(s Setup) (Bonus, error) { return newPredict("icm", &c.Features, s, 1, icm) }

// Build returns the bonus.
func (c *Disagreement) Build(s Setup) (Bonus, error) {
	if c.Models < 2 || c.Models > 100 {
		return nil, fmt.Errorf("bonus disagreement: models is %d, want 2 to 100", c.Models)
	}
	return newPredict("disagreement", &c.Features, s, c.Models, disagreement)
}

// Build returns the bonus.
func (c *Progress) Build(s Setup) (Bonus, error) {
	if !(c.Gamma >= 0 && c.Gamma < 1) {
		return nil, fmt.Errorf("bonus progress: gamma is %v, want 0 to below 1", c.Gamma)
	}
	b, err := newPredict("progress", &c.Features, s, 2, progress)
	if err == nil {
		p := b.(*predict)
		p.slow, p.gamma = true, c.Gamma
		copy(p.models[1].p, p.models[0].p)
	}
	return b, err
}

// A model predicts features from features and actions.
type model struct {
	p, grad []float32
	adam    *nn.Adam
	tape    *nn.Tape
	y       []float32 // predictions of the batch scored last
}

// rating writes to dst what the predictions of the models, rows of width d, are worth.
type rating func(p *predict, dst []float32)

// predict is what pays for predictions of the next state.
type predict struct {
	name   string
	f      *features
	cols   []column
	net    *nn.MLP
	models []*model
	rate   rating
	lr     float32
	keep   float32
	slow   bool    // the second model is a slow copy of the first
	gamma  float32 // how slow
	key    rng.Key
	step   uint64
	rows   int // of the batch scored last

	phi, next, in     []float32 // of the batch scored last
	keptIn, keptY, dy []float32
}

const modelPurpose rng.Purpose = 0x6d6f646c

func newPredict(name string, c *Features, s Setup, models int, rate rating) (Bonus, error) {
	f, err := newFeatures(name, c, s)
	if err != nil {
		return nil, err
	}
	if err := f.observed(name); err != nil {
		return nil, err
	}
	p := &predict{name: name, f: f, cols: columns(s.Spec), rate: rate, lr: c.LR, keep: c.Keep, key: s.Key}
	in := f.dim + encoded(p.cols)
	p.net = nn.NewMLP(nn.MLPConfig{In: in, Hidden: []int{c.Hidden}, Out: f.dim, OutGain: 1})
	for m := range models {
		n := p.net.NumParams()
		one := &model{make([]float32, n), make([]float32, n), nn.NewAdam(n), p.net.NewTape(s.Rows), nil}
		p.net.Init(one.p, s.Key.Fold(uint64(10+m)))
		p.models = append(p.models, one)
	}
	alloc := func(w int) []float32 { return make([]float32, s.Rows*w) }
	p.phi, p.next, p.in = alloc(f.dim), alloc(f.dim), alloc(in)
	p.keptIn, p.keptY, p.dy = alloc(in), alloc(f.dim), alloc(f.dim)
	return p, nil
}

// Score writes the bonus of each row.
func (p *predict) Score(dst []float32, b *env.Batch) {
	d, w, acts := p.f.dim, p.net.In(), len(p.cols)
	p.rows = b.N
	p.f.beforehand(p.phi, b)
	p.f.after(p.next, b)
	for i := range b.N {
		copy(p.in[i*w:], p.phi[i*d:(i+1)*d])
		encode(p.in[i*w+d:(i+1)*w], p.cols, b.Act[i*acts:(i+1)*acts])
	}
	for _, m := range p.models {
		m.y = p.net.Forward(m.p, m.tape, p.in, b.N)
	}
	p.rate(p, dst[:b.N])
}

// errorOf returns the squared error of a model for row i.
func (p *predict) errorOf(m *model, i int) (sum float32) {
	for j := i * p.f.dim; j < (i+1)*p.f.dim; j++ {
		sum += float32((m.y[j] - p.next[j]) * (m.y[j] - p.next[j]))
	}
	return sum
}

func icm(p *predict, dst []float32) {
	for i := range dst {
		dst[i] = p.errorOf(p.models[0], i) / 2
	}
}

func progress(p *predict, dst []float32) {
	for i := range dst {
		dst[i] = geom.Max(p.errorOf(p.models[1], i)-p.errorOf(p.models[0], i), 0)
	}
}

func disagreement(p *predict, dst []float32) {
	d, share := p.f.dim, 1/float32(len(p.models))
	for i := range dst {
		dst[i] = 0
		for j := i * d; j < (i+1)*d; j++ {
			mean := float32(0)
			for _, m := range p.models {
				mean += float32(m.y[j] * share)
			}
			for _, m := range p.models {
				dst[i] += float32((m.y[j] - mean) * (m.y[j] - mean) * share)
			}
		}
	}
}

// Update takes a step of each model, then of the features.
func (p *predict) Update(b *env.Batch, report func(string, float64)) error {
	if err := finite(p.name, "the prediction", p.models[0].y, p.f.dim); err != nil {
		return err
	}
	if err := finite(p.name, "the next state", p.next[:b.N*p.f.dim], p.f.dim); err != nil {
		return err
	}
	loss, learners := 0.0, p.models
	if p.slow {
		learners = p.models[:1]
	}
	for k, m := range learners {
		l, err := p.learn(m, k)
		if err != nil {
			return err
		}
		loss += l / float64(len(learners))
	}
	if p.slow {
		slow, fast := p.models[1].p, learners[0].p
		for i := range slow {
			slow[i] = float32(p.gamma*slow[i]) + float32((1-p.gamma)*fast[i])
		}
	}
	p.step++
	if report != nil {
		report("loss", loss)
	}
	if err := p.f.em.learn(b, report); err != nil {
		return fmt.Errorf("bonus %s: %w", p.name, err)
	}
	return nil
}

// learn takes a step of model k down its mean squared error over rows drawn for it.
func (p *predict) learn(m *model, k int) (loss float64, err error) {
	d, w, n := p.f.dim, p.net.In(), 0
	for i := range p.rows {
		if r := p.key.Fold(uint64(k)).Stream(modelPurpose, uint32(i), uint32(p.step)); r.Float32() < p.keep {
			copy(p.keptIn[n*w:], p.in[i*w:(i+1)*w])
			copy(p.keptY[n*d:], p.next[i*d:(i+1)*d])
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	y := p.net.Forward(m.p, m.tape, p.keptIn, n)
	for i := range n * d {
		e := y[i] - p.keptY[i]
		loss += float64(e) * float64(e) / float64(n*d)
		p.dy[i] = 2 * e / float32(n*d)
	}
	if !geom.Finite(float32(loss)) {
		return 0, fmt.Errorf("bonus %s: the loss of model %d is %v: lower lr", p.name, k, loss)
	}
	clear(m.grad)
	p.net.Backward(m.p, m.grad, m.tape, p.dy[:n*d], nil)
	m.adam.Step(m.p, m.grad, p.lr)
	return loss, nil
}

// AppendBinary appends step, features and models.
func (p *predict) AppendBinary(dst []byte) ([]byte, error) {
	dst = p.f.em.append(binary.LittleEndian.AppendUint64(dst, p.step))
	for _, m := range p.models {
		dst, _ = m.adam.AppendBinary(nn.AppendFloats(dst, m.p))
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote.
func (p *predict) UnmarshalBinary(src []byte) error {
	if len(src) < 8 {
		return fmt.Errorf("bonus %s: state cut short at %d bytes", p.name, len(src))
	}
	step := binary.LittleEndian.Uint64(src)
	src, err := p.f.em.cut(src[8:])
	if err != nil {
		return fmt.Errorf("bonus %s: %w", p.name, err)
	}
	n := p.net.NumParams()
	if len(src) != len(p.models)*(16+12*n) {
		return fmt.Errorf("bonus %s: %d bytes of models, want %d: the dimensions differ", p.name, len(src), len(p.models)*(16+12*n))
	}
	for _, m := range p.models {
		nn.DecodeFloats(m.p, src)
		if err := m.adam.UnmarshalBinary(src[4*n : 16+12*n]); err != nil {
			return fmt.Errorf("bonus %s: %w", p.name, err)
		}
		src = src[16+12*n:]
	}
	p.step = step
	return nil
}
