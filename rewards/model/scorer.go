package model

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Out is the judgement of a segment.
type Out struct {
	Step   []float32 // a number for each step; reused by the next Score into the same Out
	Return float32   // of the segment as a whole: the sum of Step, unless a wrapper says otherwise
	Var    float32   // variance of Return, 0 if the scorer does not know

	// Embedding represents the segment, for those who compare more than a number: empty if the
	// scorer has none. It is reused as Step is.
	Embedding []float32

	// Aspects are numbers of the segment as a whole, one an aspect, for those who want to know what is
	// good about it: empty if the scorer has none. It is reused as Step is.
	Aspects []float32
}

// grow makes Step n long.
func (o *Out) grow(n int) {
	if cap(o.Step) < n {
		o.Step = make([]float32, n)
	}
	o.Step = o.Step[:n]
}

// A Scorer judges segments. It is not safe for concurrent use.
type Scorer interface{ Score(o *Out, v feedback.View) }

// ScorerOf makes a function that writes a number for each step of v to step a Scorer.
type ScorerOf func(step []float32, v feedback.View)

// Score calls f and sums up.
func (f ScorerOf) Score(o *Out, v feedback.View) {
	o.grow(v.Len())
	f(o.Step, v)
	o.Return, o.Var = sum(o.Step), 0
}

func sum(x []float32) (s float32) {
	for _, v := range x {
		s += v
	}
	return s
}

// Shape says what the networks of an Ensemble look like.
type Shape struct {
	Inputs     []string      `json:"inputs" doc:"what a step is judged by: any of obs, act, next, facts, change (from obs to next) and end (1 where the task ends the episode)"`
	Hidden     []int         `json:"hidden" doc:"widths of the hidden layers"`
	Activation nn.Activation `json:"activation" doc:"of hidden layers: tanh, relu, elu or identity"`
	Members    int           `json:"members" doc:"networks, which differ in their first weights and in the order of data, at least 1"`
}

// DefaultShape is three networks with layers of 32 and 32 over observation and action.
func DefaultShape() Shape {
	return Shape{Inputs: []string{"obs", "act"}, Hidden: []int{32, 32}, Activation: nn.ReLU, Members: 3}
}

var inputNames = []string{"obs", "act", "next", "facts", "end", "change"}

// An Ensemble is networks of one shape that each give a step a number. Its parameters may be
// read and changed between calls.
type Ensemble struct {
	Params [][]float32 // of each member

	// Mean and Std are those of the raw numbers where they were calibrated. What Score and
	// ScoreBatch tell is (raw - Mean) / Std. They begin as 0 and 1.
	Mean, Std float32

	shape   Shape
	rows    feedback.Shape
	inputs  []int // of inputNames
	endAt   int   // column of the input end; -1 without
	net     *nn.MLP
	width   int
	shift   []float32 // of the inputs: frozen statistics
	scale   []float32
	scratch           // of scoring
	others  []scratch // of the other workers that score batches
	pool    *nn.Pool  // that does; nil for the caller alone
	job     struct {  // what they score
		dst  []float32
		b    *env.Batch
		rows int // at a time
	}
	onBlock func(worker, i int)
}

// scratch is what one goroutine needs to score rows.
type scratch struct {
	tape *nn.Tape
	x    []float32 // inputs
	raw  []float32 // numbers of each member, scoreRows apart
}

const scoreRows = 128 // rows scored at a time

// NewEnsemble returns networks with random weights for rows of the given widths.
func NewEnsemble(s Shape, rows feedback.Shape, key rng.Key) (*Ensemble, error) {
	if s.Members < 1 {
		return nil, fmt.Errorf("members is %d, want at least 1", s.Members)
	}
	for _, h := range s.Hidden {
		if h < 1 {
			return nil, fmt.Errorf("hidden is %d, want widths of at least 1", s.Hidden)
		}
	}
	e := &Ensemble{shape: s, rows: rows, Std: 1, endAt: -1}
	seen := map[string]bool{}
	for _, name := range s.Inputs {
		at := -1
		for i, n := range inputNames {
			if n == name {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("inputs: unknown input %q%s", name, registry.Suggest(name, inputNames))
		}
		if seen[name] {
			return nil, fmt.Errorf("inputs: %s is named twice", name)
		}
		seen[name] = true
		e.inputs = append(e.inputs, at)
		if inputNames[at] == "end" {
			e.endAt = e.width
		}
		e.width += []int{rows.Obs, rows.Act, rows.Obs, rows.Facts, 1, rows.Obs}[at]
	}
	if e.width == 0 {
		return nil, fmt.Errorf("inputs are empty, want any of %v", inputNames)
	}
	e.net = nn.NewMLP(nn.MLPConfig{In: e.width, Hidden: s.Hidden, Out: 1, Activation: s.Activation, OutGain: 0.1})
	for i := range s.Members {
		p := make([]float32, e.net.NumParams())
		e.net.Init(p, key.Fold(uint64(i)))
		e.Params = append(e.Params, p)
	}
	e.shift, e.scale = make([]float32, e.width), make([]float32, e.width)
	for i := range e.scale {
		e.scale[i] = 1
	}
	e.scratch = e.newScratch()
	return e, nil
}

func (e *Ensemble) newScratch() scratch {
	return scratch{e.net.NewTape(scoreRows), make([]float32, scoreRows*e.width), make([]float32, scoreRows*len(e.Params))}
}

// share lets the workers of a pool score batches, and calibrate. Scores are the same bits.
func (e *Ensemble) share(pool *nn.Pool) {
	e.pool, e.others, e.onBlock = pool, nil, e.block
	for range pool.Workers() - 1 {
		e.others = append(e.others, e.newScratch())
	}
}

// do calls f with 0 to n-1, side by side if there is a pool.
func (e *Ensemble) do(n int, f func(worker, i int)) {
	if e.pool != nil {
		e.pool.Do(n, f)
		return
	}
	for i := range n {
		f(0, i)
	}
}

// of returns what a worker scores with.
func (e *Ensemble) of(worker int) *scratch {
	if worker == 0 {
		return &e.scratch
	}
	return &e.others[worker-1]
}

// Members returns the number of networks.
func (e *Ensemble) Members() int { return len(e.Params) }

// Net returns the network that all members share the shape of.
func (e *Ensemble) Net() *nn.MLP { return e.net }

const inputLimit = 10 // of normalised inputs

// gather writes the normalised inputs of n steps to x (n x width).
func (e *Ensemble) gather(x []float32, n int, obs, act, next, facts []float32) {
	at := 0
	for _, in := range e.inputs {
		src, less, w := obs, []float32(nil), e.rows.Obs
		switch in {
		case 1:
			src, w = act, e.rows.Act
		case 2:
			src = next
		case 3:
			src, w = facts, e.rows.Facts
		case 4:
			for i := range n {
				e.setEnd(x, i, false)
			}
			at++
			continue
		case 5:
			src, less = next, obs
		}
		if w > 0 {
			e.columns(x[at:], src, less, n, at, w)
			at += w
		}
	}
}

// columns writes w normalised inputs of n steps, from input at on, to the rows of x, which begins
// there: src, or what it is more than less.
func (e *Ensemble) columns(x, src, less []float32, n, at, w int) {
	shift, scale := e.shift[at:at+w], e.scale[at:at+w]
	for i := range n {
		row, to := src[i*w:(i+1)*w], x[i*e.width:]
		to, shift, scale = to[:len(row)], shift[:len(row)], scale[:len(row)] // no bounds to check below
		if less == nil {
			for j, v := range row {
				to[j] = limited((v - shift[j]) * scale[j])
			}
			continue
		}
		before := less[i*w:][:len(row)]
		for j, v := range row {
			to[j] = limited((v - before[j] - shift[j]) * scale[j])
		}
	}
}

// limited returns x, or the limit that it is beyond. Branches that are foreseen are faster here than
// min and max.
func limited(x float32) float32 {
	if x > inputLimit {
		return inputLimit
	}
	if x < -inputLimit {
		return -inputLimit
	}
	return x
}

func (e *Ensemble) gatherView(x []float32, v feedback.View, from, n int) {
	o, a, f := e.rows.Obs, e.rows.Act, e.rows.Facts
	e.gather(x, n, v.Obs[from*o:], v.Act[from*a:], v.Obs[(from+1)*o:], v.Facts[from*f:])
	if e.endAt >= 0 && v.Final && from+n == v.Len() {
		e.setEnd(x, n-1, v.End == env.Terminated)
	}
}

// setEnd writes the input end of row i of x.
func (e *Ensemble) setEnd(x []float32, i int, terminated bool) {
	v := float32(0)
	if terminated {
		v = 1
	}
	x[i*e.width+e.endAt] = limited((v - e.shift[e.endAt]) * e.scale[e.endAt])
}

// FitInputs freezes the shift and scale of the inputs at the mean and deviation of the steps of a
// store, or of about 16 000 of them: trajectories that are spread evenly over it.
func (e *Ensemble) FitInputs(s *feedback.Store) error {
	if s.Shape() != e.rows {
		return fmt.Errorf("model: a store of %+v, want %+v", s.Shape(), e.rows)
	}
	for i := range e.shift {
		e.shift[i], e.scale[i] = 0, 1
	}
	mean, square, n := make([]float64, e.width), make([]float64, e.width), 0.0
	err := e.every(s, inputSteps, func(v feedback.View) {
		for from := 0; from < v.Len(); from += scoreRows {
			rows := min(scoreRows, v.Len()-from)
			e.gatherView(e.x, v, from, rows)
			for i := range rows {
				n++
				for j, v := range e.x[i*e.width : (i+1)*e.width] {
					d := float64(v) - mean[j]
					mean[j] += d / n
					square[j] += float64(d * (float64(v) - mean[j]))
				}
			}
		}
	})
	if err != nil || n == 0 {
		return err
	}
	for j := range mean {
		e.shift[j] = float32(mean[j])
		if std := math.Sqrt(square[j] / n); std > 1e-6 {
			e.scale[j] = float32(1 / std)
		}
	}
	return nil
}

// The numbers of steps about which statistics are taken from: of inputs, and of scores, which take
// longer to compute.
const (
	inputSteps = 1 << 14
	scoreSteps = 1 << 13
)

// every hands the trajectories of a store to f; of large stores every so-manieth, so that their steps
// are about enough.
func (e *Ensemble) every(s *feedback.Store, enough int, f func(v feedback.View)) error {
	for i := 0; i < s.Len(); i += max(1, (s.Steps()+enough-1)/enough) {
		v, err := s.Whole(i)
		if err != nil {
			return err
		}
		f(v)
	}
	return nil
}

// Calibrate sets Mean and Std such that the scores of the steps of a store, or of about 8000 of them,
// have standard deviation 1 over all, and mean 0 over those in which the task did not end the episode: that time passes is
// worth nothing by itself. Comparisons of segments hardly tell what it is worth, and the agent would
// make a long one of every small mistake: it would hover where it should land, or crash to have
// done. What an end is worth is for the input end to learn.
func (e *Ensemble) Calibrate(s *feedback.Store) error {
	var views []feedback.View
	err := e.every(s, scoreSteps, func(v feedback.View) { views = append(views, v) })
	raw := make([][]float32, len(views))
	each := func(worker, k int) {
		v, d := views[k], e.of(worker)
		raw[k] = make([]float32, v.Len())
		for from := 0; from < v.Len(); from += scoreRows {
			n := min(scoreRows, v.Len()-from)
			e.gatherView(d.x, v, from, n)
			e.forward(d, n)
			for i := range n {
				raw[k][from+i] = e.mean(d, i)
			}
		}
	}
	e.do(len(views), each)
	var mean, square, n, alive, lived float64
	for k, steps := range raw {
		for i, x := range steps {
			n++
			d := float64(x) - mean
			mean += d / n
			square += float64(d * (float64(x) - mean))
			if views[k].End != env.Terminated || i < len(steps)-1 {
				lived++
				alive += (float64(x) - alive) / lived
			}
		}
	}
	if err != nil || n == 0 {
		return err
	}
	e.Mean, e.Std = float32(alive), 1
	if std := math.Sqrt(square / n); std > 1e-6 {
		e.Std = float32(std)
	}
	return nil
}

// forward computes the raw numbers of all members of the rows in d.x.
func (e *Ensemble) forward(d *scratch, rows int) {
	for m, p := range e.Params {
		copy(d.raw[m*scoreRows:], e.net.Forward(p, d.tape, d.x, rows))
	}
}

// mean returns the mean over members of the raw number of row i.
func (e *Ensemble) mean(d *scratch, i int) (s float32) {
	for m := range e.Params {
		s += d.raw[m*scoreRows+i]
	}
	return s / float32(len(e.Params))
}

// Score judges a segment by the mean of the members. Var is their variance about it. It makes no
// Embedding, which Embed does.
func (e *Ensemble) Score(o *Out, v feedback.View) {
	o.grow(v.Len())
	o.Embedding, o.Aspects = o.Embedding[:0], o.Aspects[:0]
	returns := make([]float32, len(e.Params))
	e.Returns(returns, v, o.Step)
	o.Return, o.Var = spread(returns)
}

// spread returns mean and variance.
func spread(x []float32) (mean, variance float32) {
	k := float32(len(x))
	for _, r := range x {
		mean += r / k
	}
	for _, r := range x {
		d := r - mean
		variance += float32(d*d) / k
	}
	return mean, variance
}

// Embed appends the last hidden layer of each member to dst, its mean over the steps of v.
func (e *Ensemble) Embed(dst []float32, v feedback.View) []float32 {
	at, width := len(dst), e.width
	if n := len(e.shape.Hidden); n > 0 {
		width = e.shape.Hidden[n-1]
	}
	dst = append(dst, make([]float32, width*len(e.Params))...)
	for from := 0; from < v.Len(); from += scoreRows {
		n := min(scoreRows, v.Len()-from)
		e.gatherView(e.x, v, from, n)
		for m, p := range e.Params {
			e.net.Forward(p, e.tape, e.x, n)
			to := dst[at+m*width : at+(m+1)*width]
			for i, x := range e.tape.Hidden() {
				to[i%width] += x / float32(v.Len())
			}
		}
	}
	return dst
}

// Returns writes the sum over the steps of v of each member's scores to dst, one a member, and,
// if step is not nil, the mean score of each step to it.
func (e *Ensemble) Returns(dst []float32, v feedback.View, step []float32) {
	e.returns(&e.scratch, dst, v, step)
}

// returns is Returns in the memory of one goroutine.
func (e *Ensemble) returns(d *scratch, dst []float32, v feedback.View, step []float32) {
	clear(dst)
	for from := 0; from < v.Len(); from += scoreRows {
		n := min(scoreRows, v.Len()-from)
		e.gatherView(d.x, v, from, n)
		e.forward(d, n)
		for m := range dst {
			dst[m] += (sum(d.raw[m*scoreRows:m*scoreRows+n]) - float32(float32(n)*e.Mean)) / e.Std
		}
		if step != nil {
			for i := range n {
				step[from+i] = (e.mean(d, i) - e.Mean) / e.Std
			}
		}
	}
}

// ScoreBatch writes the mean score of each row of b to dst.
func (e *Ensemble) ScoreBatch(dst []float32, b *env.Batch) {
	e.job.dst, e.job.b, e.job.rows = dst, b, scoreRows
	if e.pool == nil {
		for i := 0; i*scoreRows < b.N; i++ {
			e.block(0, i)
		}
		e.job.dst, e.job.b = nil, nil
		return
	}
	const tile = 4 // rows that are multiplied together
	share := (b.N + e.pool.Workers() - 1) / e.pool.Workers()
	e.job.rows = min(scoreRows, (share+tile-1)/tile*tile)
	e.pool.Do((b.N+e.job.rows-1)/e.job.rows, e.onBlock)
	e.job.dst, e.job.b = nil, nil
}

// block scores the i-th rows of the job.
func (e *Ensemble) block(worker, i int) {
	d, dst, b := e.of(worker), e.job.dst, e.job.b
	o, a, f := e.rows.Obs, e.rows.Act, e.rows.Facts
	from := i * e.job.rows
	n := min(e.job.rows, b.N-from)
	e.gather(d.x, n, b.Obs[from*o:], b.Act[from*a:], b.Next[from*o:], b.Facts[from*f:])
	for i := 0; i < n && e.endAt >= 0; i++ {
		e.setEnd(d.x, i, b.End[from+i] == env.Terminated)
	}
	e.forward(d, n)
	for i := range n {
		dst[from+i] = (e.mean(d, i) - e.Mean) / e.Std
	}
}

// Prefer returns the probability that A is better than B in the eyes of each member, by
// [BradleyTerry].
func (e *Ensemble) Prefer(dst []float32, a, b feedback.View) { e.prefer(&e.scratch, dst, a, b) }

// prefer is Prefer in the memory of one goroutine.
func (e *Ensemble) prefer(d *scratch, dst []float32, a, b feedback.View) {
	other := make([]float32, len(dst))
	e.returns(d, dst, a, nil)
	e.returns(d, other, b, nil)
	for m := range dst {
		dst[m] = logistic(float32((dst[m] - other[m]) * e.Std))
	}
}

// logistic returns 1/(1+exp(-x)).
func logistic(x float32) float32 {
	if x < 0 {
		z := geom.Exp(max(x, -80))
		return z / (1 + z)
	}
	return 1 / (1 + geom.Exp(-min(x, 80)))
}

// AppendBinary appends everything that was learned: Mean, Std, the statistics of the inputs and
// the parameters of all members, as float32.
func (e *Ensemble) AppendBinary(b []byte) ([]byte, error) {
	b = nn.AppendFloats(b, []float32{e.Mean, e.Std})
	b = nn.AppendFloats(nn.AppendFloats(b, e.shift), e.scale)
	for _, p := range e.Params {
		b = nn.AppendFloats(b, p)
	}
	return b, nil
}

// UnmarshalBinary restores what AppendBinary wrote for the same shape. If it fails, the ensemble
// is as before.
func (e *Ensemble) UnmarshalBinary(data []byte) error {
	if want := 4 * (2 + 2*e.width + len(e.Params)*e.net.NumParams()); len(data) != want {
		return fmt.Errorf("model: state of %d bytes, want %d for %d networks of %d inputs", len(data), want, len(e.Params), e.width)
	}
	head := make([]float32, 2)
	for _, to := range append([][]float32{head, e.shift, e.scale}, e.Params...) {
		nn.DecodeFloats(to, data)
		data = data[4*len(to):]
	}
	e.Mean, e.Std = head[0], head[1]
	return nil
}
