package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Training holds the options of Fit.
type Training struct {
	Epochs       int     `json:"epochs" doc:"passes over the records, at least 1"`
	Minibatch    int     `json:"minibatch" doc:"records a gradient is computed from, at least 1"`
	LearningRate float64 `json:"learning_rate" doc:"step size of Adam, above 0"`
	WeightDecay  float64 `json:"weight_decay" doc:"share of the parameters that goes in each step, times the learning rate, 0 or more"`
	HeldOut      float64 `json:"held_out" doc:"share of the records that is kept for measuring, 0 to 0.9"`
	Bootstrap    bool    `json:"bootstrap,omitempty" doc:"each network learns from records drawn with replacement"`
	Stride       int     `json:"stride,omitempty" doc:"each pass looks at one step in so many of a segment, others each time, and at its last; 0 or 1 for all steps"`

	Loss  Loss                `json:"-"` // the default is Standard, or Remarks if there are Words
	Words feedback.Vocabulary `json:"-"` // of Remarked records
	Key   rng.Key             `json:"-"` // source of all randomness

	glance int // records that Train is measured on, at most; 0 for all
}

// DefaultTraining is 25 passes of minibatches of 32 with a learning rate of 0.004.
func DefaultTraining() Training {
	return Training{Epochs: 25, Minibatch: 32, LearningRate: 4e-3, WeightDecay: 1e-3, HeldOut: 0.1}
}

// Validate reports the first option that is out of range.
func (t *Training) Validate() error {
	switch {
	case t.Epochs < 1:
		return fmt.Errorf("epochs is %d, want at least 1", t.Epochs)
	case t.Stride < 0:
		return fmt.Errorf("stride is %d, want 0 or more", t.Stride)
	case t.Minibatch < 1:
		return fmt.Errorf("minibatch is %d, want at least 1", t.Minibatch)
	case !(t.LearningRate > 0) || math.IsInf(t.LearningRate, 0):
		return fmt.Errorf("learning_rate is %v, want above 0", t.LearningRate)
	case !(t.WeightDecay >= 0) || t.WeightDecay*t.LearningRate >= 1:
		return fmt.Errorf("weight_decay is %v, want 0 or more", t.WeightDecay)
	case !(t.HeldOut >= 0 && t.HeldOut <= 0.9):
		return fmt.Errorf("held_out is %v, want 0 to 0.9", t.HeldOut)
	}
	return nil
}

// Quality tells how well a Scorer predicts pairs.
type Quality struct {
	Records  int     // all of them
	Pairs    int     // that have a preference
	Accuracy float64 // share of those that are ordered right; a tie of scores counts half
	Loss     float64 // mean of Standard over all
}

// Fitted tells how a Fit went.
type Fitted struct {
	Train, HeldOut Quality // of the mean of the networks
	Steps          int     // gradient steps of each network
}

// chunkRecords is the number of records whose gradient is summed by one worker. It is fixed, and
// so is the order in which the sums are added: no result depends on the number of workers.
const chunkRecords = 8

const (
	purposeShuffle rng.Purpose = 0x6d6f6401 + iota
	purposeHold
	purposeCandidates
)

// Fit trains all members of e on records of segments of the store, from their present
// parameters. It fails, leaving e as it was, if there is no record, if one is not valid or not of
// the store, or if a gradient is not finite.
func Fit(e *Ensemble, s *feedback.Store, rs []feedback.Record, o Training, pool *nn.Pool) (Fitted, error) {
	if err := o.Validate(); err != nil {
		return Fitted{}, fmt.Errorf("model: %w", err)
	}
	if err := o.Words.Check(rs); err != nil {
		return Fitted{}, fmt.Errorf("model: %w", err)
	}
	if o.Loss == nil {
		o.Loss = Remarks(o.Words)
	}
	if len(rs) == 0 {
		return Fitted{}, errors.New("model: there are no records to learn from")
	}
	f := &fitter{e: e, o: o, pool: pool}
	if err := f.load(s, rs); err != nil {
		return Fitted{}, err
	}
	train, held := f.split(len(rs))
	steps, err := f.run(train)
	if err != nil {
		return Fitted{}, err
	}
	for m := range e.Params {
		copy(e.Params[m], f.members[m].params)
	}
	out := Fitted{Steps: steps}
	if o.glance > 0 {
		train = train[:min(len(train), o.glance)]
	}
	out.Train, out.HeldOut = f.quality(train), f.quality(held)
	return out, nil
}

// A fitter is a Fit in progress.
type fitter struct {
	e       *Ensemble
	o       Training
	pool    *nn.Pool
	rs      []feedback.Record
	inputs  [][][]float32 // of each segment of each record, shared by records
	most    int           // rows of the records of the largest chunk, at most
	members []member
	workers []worker
	batch   int // records of the current minibatch
	at      int // where in the order of each member it begins
	stride  int // steps of segments from one looked at to the next; 0 for all
	epoch   int
	onChunk func(worker, i int)
	onStep  func(worker, i int)
}

type member struct {
	params []float32
	adam   *nn.Adam
	order  []int32     // of records
	grads  [][]float32 // of each chunk of a minibatch
	err    error
}

type worker struct {
	tape    *nn.Tape
	x, dOut []float32
	y, dy   [][]float32
	scale   []float32 // of each row: the steps it stands for
}

func (f *fitter) load(s *feedback.Store, rs []feedback.Record) error {
	f.rs = rs
	type view struct {
		v feedback.View
		x []float32
	}
	longest, known, views := 0, map[feedback.Segment][]float32{}, []view(nil)
	for i := range rs {
		if err := rs[i].Validate(); err != nil {
			return fmt.Errorf("model: record %d: %w", i, err)
		}
		var inputs [][]float32
		rows := 0
		for _, seg := range rs[i].Segments {
			x, ok := known[seg]
			if !ok {
				v, err := s.View(seg)
				if err != nil {
					return fmt.Errorf("model: record %d: %w", i, err)
				}
				x = make([]float32, v.Len()*f.e.width)
				views = append(views, view{v, x})
				known[seg] = x
			}
			inputs = append(inputs, x)
			rows += seg.Len()
		}
		longest = max(longest, rows)
		f.inputs = append(f.inputs, inputs)
	}
	f.pool.Do(len(views), func(_, i int) { f.e.gatherView(views[i].x, views[i].v, 0, views[i].v.Len()) })
	f.most = longest * chunkRecords
	n := f.e.net.NumParams()
	chunks := (f.o.Minibatch + chunkRecords - 1) / chunkRecords
	for m := range f.e.Params {
		mem := member{params: append([]float32(nil), f.e.Params[m]...), adam: nn.NewAdam(n)}
		for range chunks {
			mem.grads = append(mem.grads, make([]float32, n))
		}
		f.members = append(f.members, mem)
	}
	for range f.pool.Workers() {
		f.workers = append(f.workers, worker{tape: f.e.net.NewTape(f.most), x: make([]float32, f.most*f.e.width), dOut: make([]float32, f.most), scale: make([]float32, f.most)})
	}
	f.onChunk, f.onStep = f.chunk, f.step
	return nil
}

// split deals out the records. With at least two records, one is left to learn from.
func (f *fitter) split(n int) (train, held []int32) {
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	r := f.o.Key.Stream(purposeHold, 0, 0)
	r.Shuffle(all)
	k := min(int(f.o.HeldOut*float64(n)), n-1)
	return all[k:], all[:k]
}

func (f *fitter) run(train []int32) (steps int, err error) {
	for m := range f.members {
		f.members[m].order = append([]int32(nil), train...)
	}
	f.stride = f.o.Stride
	defer func() { f.stride = 0 }()
	for epoch := range f.o.Epochs {
		f.epoch = epoch
		for m := range f.members {
			r := f.o.Key.Stream(purposeShuffle, uint32(m), uint32(epoch))
			order := f.members[m].order
			if f.o.Bootstrap {
				// The same draw in each epoch: a member's data set.
				b := f.o.Key.Stream(purposeShuffle, uint32(m), math.MaxUint32)
				for i := range order {
					order[i] = train[b.IntN(len(train))]
				}
			}
			r.Shuffle(order)
		}
		for f.at = 0; f.at < len(train); f.at += f.batch {
			f.batch = min(f.o.Minibatch, len(train)-f.at)
			chunks := (f.batch + chunkRecords - 1) / chunkRecords
			f.pool.Do(chunks*len(f.members), f.onChunk)
			f.pool.Do(len(f.members), f.onStep)
			for m := range f.members {
				if err := f.members[m].err; err != nil {
					return steps, fmt.Errorf("model: network %d, step %d: %w", m, steps, err)
				}
			}
			steps++
		}
	}
	return steps, nil
}

// chunk computes the gradient of job i: chunk i / members of member i % members.
func (f *fitter) chunk(wk, i int) {
	m, c := &f.members[i%len(f.members)], i/len(f.members)
	lo := f.at + c*chunkRecords
	hi := min(lo+chunkRecords, f.at+f.batch)
	g := m.grads[c]
	clear(g)
	w := &f.workers[wk]
	f.records(w, m.params, m.order[lo:hi], g)
}

// records adds the gradient of some records, each times its weight, to grad, unless that is nil,
// and returns the sum of their weighted losses.
func (f *fitter) records(w *worker, params []float32, order []int32, grad []float32) (loss float64) {
	rows := f.gather(w, order)
	y := f.e.net.Forward(params, w.tape, w.x, rows)
	at := 0
	for _, k := range order {
		first := at
		at = f.cut(w, k, y, at)
		r := &f.rs[k]
		loss += float64(r.Weight) * f.o.Loss(r, w.y, w.dy)
		for i := first; i < at; i++ {
			w.dOut[i] *= r.Weight * w.scale[i]
		}
	}
	if grad != nil {
		f.e.net.Backward(params, grad, w.tape, w.dOut[:rows], nil)
	}
	return loss
}

// sparse returns which rows of the segments of a record are looked at: from the offset on, every
// stride-th, and the last, in which an episode may end. Offsets change with the pass, so that all
// rows have their turn. Where single steps are marked or remarked on, all are looked at.
func (f *fitter) sparse(k int32) (stride, offset int) {
	if kind := f.rs[k].Kind; f.stride < 2 || kind == feedback.Marked || kind == feedback.Remarked {
		return 1, 0
	}
	return f.stride, (int(k) + f.epoch) % f.stride
}

// looked returns the number of rows that are looked at of n.
func looked(n, stride, offset int) int {
	if stride == 1 || n <= 2*stride {
		return n
	}
	return (n-1-offset+stride-1)/stride + 1
}

// gather copies the inputs of some records to w.x and returns the number of rows.
func (f *fitter) gather(w *worker, order []int32) int {
	n, width := 0, f.e.width
	for _, k := range order {
		stride, offset := f.sparse(k)
		for _, x := range f.inputs[k] {
			rows := len(x) / width
			if looked(rows, stride, offset) == rows {
				n += copy(w.x[n:], x)
				continue
			}
			for i := offset; i < rows-1; i += stride {
				n += copy(w.x[n:], x[i*width:(i+1)*width])
			}
			n += copy(w.x[n:], x[(rows-1)*width:])
		}
	}
	return n / width
}

// cut sets w.y and w.dy to the parts of y and of w.dOut, from row at, that belong to the segments
// of record k, and returns the row after them. Where rows stand for several, it scales their y.
func (f *fitter) cut(w *worker, k int32, y []float32, at int) int {
	w.y, w.dy = w.y[:0], w.dy[:0]
	stride, offset := f.sparse(k)
	for _, x := range f.inputs[k] {
		rows := len(x) / f.e.width
		n := looked(rows, stride, offset)
		end, scale := at+n, float32(1)
		if n < rows {
			scale = float32(rows-1) / float32(n-1)
		}
		for i := at; i < end; i++ {
			w.scale[i] = scale
			if i == end-1 {
				w.scale[i] = 1
			}
			y[i] *= w.scale[i]
		}
		w.y, w.dy = append(w.y, y[at:end]), append(w.dy, w.dOut[at:end])
		at = end
	}
	return at
}

// step adds up the chunks of a member and applies them.
func (f *fitter) step(_, i int) {
	m := &f.members[i]
	g := m.grads[0]
	for c := 1; c*chunkRecords < f.batch; c++ {
		for j, v := range m.grads[c] {
			g[j] += v
		}
	}
	m.err = f.apply(m, m.order[f.at:f.at+f.batch])
}

// apply takes a member's step by the gradient that was summed over some records in its first chunk.
func (f *fitter) apply(m *member, order []int32) error {
	var weight float32
	for _, k := range order {
		weight += f.rs[k].Weight
	}
	return adamW(m.adam, m.params, m.grads[0], weight, f.o.LearningRate, f.o.WeightDecay)
}

// quality measures the mean of the networks on some records.
func (f *fitter) quality(order []int32) (q Quality) {
	judged := make([]judgement, len(order))
	f.pool.Do(len(order), func(wk, i int) { judged[i] = f.judge(&f.workers[wk], order[i:i+1]) })
	weight, right := 0.0, 0.0
	for i, k := range order {
		w := float64(f.rs[k].Weight)
		q.Records++
		weight += w
		q.Loss += w * judged[i].loss
		if judged[i].pair {
			q.Pairs++
			right += judged[i].right
		}
	}
	if weight > 0 {
		q.Loss /= weight
	}
	if q.Pairs > 0 {
		q.Accuracy = right / float64(q.Pairs)
	}
	return q
}

// A judgement is what the networks make of a record.
type judgement struct {
	loss  float64
	pair  bool    // with a preference
	right float64 // 1 if they share it, 0.5 if they are undecided
}

// judge is quality for one record.
func (f *fitter) judge(w *worker, one []int32) (j judgement) {
	// The mean of the members' outputs, as if one network gave them.
	rows, r := f.gather(w, one), &f.rs[one[0]]
	mean := make([]float32, rows)
	for _, p := range f.e.Params {
		for i, y := range f.e.net.Forward(p, w.tape, w.x, rows) {
			mean[i] += y / float32(len(f.e.Params))
		}
	}
	f.cut(w, one[0], mean, 0)
	j.loss = f.o.Loss(r, w.y, w.dy)
	if side, strict := r.Prefers(); strict && r.Kind == feedback.Pair {
		j.pair = true
		switch d := sum(w.y[side]) - sum(w.y[1-side]); {
		case d > 0:
			j.right = 1
		case d == 0:
			j.right = 0.5
		}
	}
	return j
}

// Measure tells how well a scorer predicts pairs of the store. Records of other kinds do not
// count. Loss is that of BradleyTerry on the scores as they are.
func Measure(sc Scorer, s *feedback.Store, rs []feedback.Record) (q Quality, err error) {
	var a, b Out
	right := 0.0
	for i := range rs {
		r := &rs[i]
		if r.Kind != feedback.Pair {
			continue
		}
		va, err := s.View(r.Segments[0])
		if err != nil {
			return q, fmt.Errorf("model: record %d: %w", i, err)
		}
		vb, err := s.View(r.Segments[1])
		if err != nil {
			return q, fmt.Errorf("model: record %d: %w", i, err)
		}
		sc.Score(&a, va)
		sc.Score(&b, vb)
		d := a.Return - b.Return
		q.Records++
		q.Loss += float64(r.Label*softplus(-d)) + float64((1-r.Label)*softplus(d))
		if side, strict := r.Prefers(); strict {
			q.Pairs++
			if side == 1 {
				d = -d
			}
			switch {
			case d > 0:
				right++
			case d == 0:
				right += 0.5
			}
		}
	}
	if q.Records > 0 {
		q.Loss /= float64(q.Records)
	}
	if q.Pairs > 0 {
		q.Accuracy = right / float64(q.Pairs)
	}
	return q, nil
}
