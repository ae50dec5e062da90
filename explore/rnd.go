package explore

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func init() {
	Register("rnd", func() Config { return &RND{Distill: NewDistill()} })
	Register("noveld", func() Config { return &NovelD{Distill: NewDistill(), Alpha: 0.5, FirstVisit: true, Cell: 0.5} })
}

// Distill are the options of random network distillation (Burda et al., "Exploration by random
// network distillation", ICLR 2019): novelty of a state is the error of a network that learns
// to predict the outputs of another one, fixed and random.
type Distill struct {
	Fields []string `json:"fields,omitempty" doc:"observation fields that make up a state; default: the whole observation"`
	Dim    int      `json:"dim" doc:"outputs of the networks"`
	Hidden int      `json:"hidden" doc:"width of their hidden layers: two of the predictor, one of the target"`
	LR     float32  `json:"lr" doc:"learning rate of the predictor"`
	Keep   float32  `json:"keep" doc:"part of the rows that the predictor learns from"`
}

// NewDistill returns the default options; a quarter of the rows is learned from, as in the paper.
func NewDistill() Distill { return Distill{Dim: 32, Hidden: 64, LR: 1e-4, Keep: 0.25} }

// RND is the bonus |predictor(s') - target(s')|: the distance, as in the code of Henaff et al. and of
// NovelD, where Burda et al. pay its square.
type RND struct {
	Distill
}

// NovelD is the bonus of Zhang et al., "NovelD: a simple yet effective exploration criterion"
// (NeurIPS 2021), eq. 2: max(n(s') - alpha n(s), 0), n being the novelty of RND, for states
// visited for the first time in the episode.
type NovelD struct {
	Distill
	Alpha      float32 `json:"alpha" doc:"how much the novelty of the state before counts; 0.5 in the paper, 0 is RND"`
	FirstVisit bool    `json:"first_visit" doc:"pay for the first visit of a grid cell in an episode only"`
	Cell       float32 `json:"cell" doc:"side of a grid cell, where first_visit is on"`
}

// Build returns the bonus.
func (c *RND) Build(s Setup) (Bonus, error) {
	d, err := newDistill("rnd", &c.Distill, s, false)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Build returns the bonus.
func (c *NovelD) Build(s Setup) (Bonus, error) {
	if !(c.Alpha >= 0 && c.Alpha <= 1) {
		return nil, fmt.Errorf("bonus noveld: alpha is %v, want 0 to 1", c.Alpha)
	}
	d, err := newDistill("noveld", &c.Distill, s, true)
	if err != nil {
		return nil, err
	}
	d.alpha = c.Alpha
	if c.FirstVisit {
		visits := &Count{Fields: c.Fields, Cell: c.Cell, MaxKeys: 1 << 14, FirstVisit: true, Episodic: true, Hash: "grid", Bits: 32}
		if d.gate, err = visits.Build(s); err != nil {
			return nil, fmt.Errorf("bonus noveld: %w", err)
		}
	}
	return d, nil
}

const keepPurpose rng.Purpose = 0x6b656570

type distill struct {
	name              string
	c                 Distill
	view              *view
	key               rng.Key
	step              uint64
	target, predictor *nn.MLP
	tp, p, grad       []float32
	adam              *nn.Adam
	stats             []moments // of each column of a state
	shift, scale      []float32 // what they make of a column

	tTapes, pTapes []*nn.Tape // one a worker, to score with
	tTape, pTape   *nn.Tape   // to learn with
	x, kept, dy    []float32
	noveld         bool
	before         []float32 // novelty of the states before, for NovelD
	alpha          float32
	gate           Bonus
	gated          []float32
	s1, s2         []float64 // sums of a batch

	pool    *nn.Pool
	batch   *env.Batch // of the call in progress
	dst     []float32
	onScore func(worker, i int)
}

func newDistill(name string, c *Distill, s Setup, noveld bool) (*distill, error) {
	v, err := newView(s.Spec, c.Fields)
	if err == nil && len(v.facts) > 0 {
		err = fmt.Errorf("fields: it sees observation fields only, not facts")
	}
	if err == nil && (c.Dim < 1 || c.Dim > 1024 || c.Hidden < 1 || c.Hidden > 4096) {
		err = fmt.Errorf("dim is %d and hidden %d, want 1 to 1024 and 1 to 4096", c.Dim, c.Hidden)
	}
	if err == nil && (!(c.LR > 0) || !(c.Keep > 0 && c.Keep <= 1)) {
		err = fmt.Errorf("lr is %v and keep %v, want above 0, and keep at most 1", c.LR, c.Keep)
	}
	if err != nil {
		return nil, fmt.Errorf("bonus %s: %w", name, err)
	}
	d := &distill{
		name: name, c: *c, view: v, key: s.Key,
		target:    nn.NewMLP(nn.MLPConfig{In: v.width(), Hidden: []int{c.Hidden}, Out: c.Dim, Activation: nn.ReLU}),
		predictor: nn.NewMLP(nn.MLPConfig{In: v.width(), Hidden: []int{c.Hidden, c.Hidden}, Out: c.Dim, Activation: nn.ReLU}),
		stats:     make([]moments, v.width()), shift: make([]float32, v.width()), scale: make([]float32, v.width()),
		x: make([]float32, s.Rows*v.width()), kept: make([]float32, s.Rows*v.width()),
		dy: make([]float32, s.Rows*c.Dim), gated: make([]float32, s.Rows),
		noveld: noveld, before: make([]float32, s.Rows),
		s1: make([]float64, v.width()), s2: make([]float64, v.width()), pool: nn.NewPool(s.Workers),
	}
	d.onScore = d.scoreChunk
	d.measure()
	n := d.predictor.NumParams()
	d.tp, d.p, d.grad, d.adam = make([]float32, d.target.NumParams()), make([]float32, n), make([]float32, n), nn.NewAdam(n)
	d.target.Init(d.tp, s.Key.Fold(1))
	d.predictor.Init(d.p, s.Key.Fold(2))
	d.tTape, d.pTape = d.target.NewTape(s.Rows), d.predictor.NewTape(s.Rows)
	d.tTapes, d.pTapes = tapes(d.target, s), tapes(d.predictor, s)
	return d, nil
}

// load writes the normalised states of rows lo to hi of obs to d.x.
func (d *distill) load(obs []float32, lo, hi int) {
	w := d.view.width()
	for i := lo; i < hi; i++ {
		for j, c := range d.view.obs {
			d.x[i*w+j] = geom.Clamp((obs[i*d.view.obsW+c]-d.shift[j])*d.scale[j], -5, 5)
		}
	}
}

// novelty writes the distance of prediction and target for rows lo to hi of d.x.
func (d *distill) novelty(dst []float32, worker, lo, hi int) {
	w := d.view.width()
	y := d.predictor.Forward(d.p, d.pTapes[worker], d.x[lo*w:hi*w], hi-lo)
	f := d.target.Forward(d.tp, d.tTapes[worker], d.x[lo*w:hi*w], hi-lo)
	for i := range hi - lo {
		sum := float32(0)
		for j := i * d.c.Dim; j < (i+1)*d.c.Dim; j++ {
			sum += float32((y[j] - f[j]) * (y[j] - f[j]))
		}
		dst[lo+i] = geom.Sqrt(sum)
	}
}

// Score writes the bonus of each row.
func (d *distill) Score(dst []float32, b *env.Batch) {
	d.batch, d.dst = b, dst
	d.pool.Do(chunks(b.N), d.onScore)
	d.batch, d.dst = nil, nil
	if d.gate != nil {
		d.gate.Score(d.gated, b)
		for i := range b.N {
			dst[i] *= d.gated[i]
		}
	}
}

func (d *distill) scoreChunk(worker, c int) {
	b, lo := d.batch, c*chunk
	hi := min(lo+chunk, b.N)
	if d.noveld {
		d.load(b.Obs, lo, hi)
		d.novelty(d.before, worker, lo, hi)
	}
	d.load(b.Next, lo, hi)
	d.novelty(d.dst, worker, lo, hi)
	for i := lo; d.noveld && i < hi; i++ {
		d.dst[i] = geom.Max(d.dst[i]-float32(d.alpha*d.before[i]), 0)
	}
}

// Update takes one step of the predictor on a random part of the rows, then includes the states
// in the running moments they are normalised by.
func (d *distill) Update(b *env.Batch, report func(string, float64)) error {
	w, n := d.view.width(), 0
	d.load(b.Next, 0, b.N)
	for i := range b.N {
		r := d.key.Stream(keepPurpose, uint32(i), uint32(d.step))
		if r.Float32() < d.c.Keep {
			copy(d.kept[n*w:], d.x[i*w:(i+1)*w])
			n++
		}
	}
	d.step++
	if n > 0 {
		if err := d.learn(n, report); err != nil {
			return cmp.Or(d.unfit(b), err)
		}
	}
	if err := d.addStats(b); err != nil {
		return err
	}
	if d.gate != nil {
		return d.gate.Update(b, report)
	}
	return nil
}

// addStats takes the states of b into the running moments.
func (d *distill) addStats(b *env.Batch) error {
	clear(d.s1)
	clear(d.s2)
	for i := range b.N {
		for j, c := range d.view.obs {
			x := float64(b.Next[i*d.view.obsW+c]) - d.stats[j].mean
			d.s1[j] += x
			d.s2[j] += float64(x * x)
		}
	}
	for j := range d.stats {
		if math.IsNaN(d.s2[j]) || math.IsInf(d.s2[j], 0) {
			return cmp.Or(d.unfit(b), fmt.Errorf("bonus %s: column %d of the states is too large", d.name, j))
		}
		d.stats[j].addSums(float64(b.N), d.s1[j], d.s2[j])
	}
	d.measure()
	return nil
}

// unfit says which number of the states that b leads to is not finite, if one is.
func (d *distill) unfit(b *env.Batch) error {
	for i := range b.N {
		for j, c := range d.view.obs {
			if v := b.Next[i*d.view.obsW+c]; !geom.Finite(v) {
				return fmt.Errorf("bonus %s: number %d of the state of row %d is %v", d.name, j, i, v)
			}
		}
	}
	return nil
}

// measure sets what states are normalised by.
func (d *distill) measure() {
	for j := range d.stats {
		d.shift[j], d.scale[j] = float32(d.stats[j].mean), float32(d.stats[j].scale())
	}
}

// learn takes one step of gradient descent on the mean squared error of n kept rows.
func (d *distill) learn(n int, report func(string, float64)) error {
	y := d.predictor.Forward(d.p, d.pTape, d.kept, n)
	f := d.target.Forward(d.tp, d.tTape, d.kept, n)
	loss := 0.0
	for i := range n * d.c.Dim {
		e := y[i] - f[i]
		loss += float64(e) * float64(e) / float64(n*d.c.Dim)
		d.dy[i] = 2 * e / float32(n*d.c.Dim)
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("bonus %s: the loss of the predictor is %v: lower lr", d.name, loss)
	}
	clear(d.grad)
	d.predictor.Backward(d.p, d.grad, d.pTape, d.dy[:n*d.c.Dim], nil)
	d.adam.Step(d.p, d.grad, d.c.LR)
	if report != nil {
		report("loss", loss)
	}
	return nil
}

// AppendBinary appends step, predictor, optimiser, moments and first visits. The target follows
// from the key.
func (d *distill) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint64(dst, d.step)
	dst, _ = d.adam.AppendBinary(nn.AppendFloats(dst, d.p))
	for i := range d.stats {
		dst = d.stats[i].append(dst)
	}
	if d.gate != nil {
		return d.gate.AppendBinary(dst)
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote.
func (d *distill) UnmarshalBinary(src []byte) error {
	n := len(d.p)
	size := 8 + 4*n + 16 + 8*n + momentsLen*len(d.stats)
	if len(src) < size || d.gate == nil && len(src) != size {
		return fmt.Errorf("bonus %s: state of %d bytes, want %d: the dimensions differ", d.name, len(src), size)
	}
	if err := d.adam.UnmarshalBinary(src[8+4*n : 24+12*n]); err != nil {
		return fmt.Errorf("bonus %s: %w", d.name, err)
	}
	d.step = binary.LittleEndian.Uint64(src)
	nn.DecodeFloats(d.p, src[8:])
	src = src[24+12*n:]
	for i := range d.stats {
		src = d.stats[i].cut(src)
	}
	d.measure()
	if d.gate != nil {
		return d.gate.UnmarshalBinary(src)
	}
	return nil
}

// moments are the running mean and variance of a number (Welford, 1962).
type moments struct {
	n, mean, sq float64
}

const momentsLen = 24

func (m *moments) add(x float64) {
	m.n++
	d := x - m.mean
	m.mean += d / m.n
	m.sq += float64(d * (x - m.mean))
}

// addSums takes in n numbers, given the sums of their deviations from mean and of the squares of
// those (Chan, Golub and LeVeque, 1979, eq. 2.1).
func (m *moments) addSums(n, s1, s2 float64) {
	delta := s1 / n
	m.sq += math.Max(s2-float64(delta*s1), 0) + float64(float64(delta*delta)*(m.n*n/(m.n+n)))
	m.n += n
	m.mean += float64(delta * (n / m.n))
}

// scale returns one over the standard deviation; 1 as long as there is none.
func (m *moments) scale() float64 {
	if m.n < 2 || m.sq <= 1e-12*m.n {
		return 1
	}
	return 1 / math.Sqrt(m.sq/m.n)
}

func (m *moments) append(dst []byte) []byte {
	for _, x := range [...]float64{m.n, m.mean, m.sq} {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst
}

func (m *moments) cut(src []byte) []byte {
	for i, x := range [...]*float64{&m.n, &m.mean, &m.sq} {
		*x = math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:]))
	}
	return src[momentsLen:]
}
