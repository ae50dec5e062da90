package program

import (
	"math"

	"github.com/terrarium-rl/terrarium/env"
)

// block is the number of rows that an instruction handles at a time: few enough for all columns
// in use to stay in the first cache.
const block = 256

// A step is an instruction whose columns have a place: column 0 is the result.
type step struct {
	op           op
	src          source
	col          int32
	dst, a, b, c int32
}

// assign gives instructions columns. Numbers keep theirs; others share.
func (f *Func) assign() {
	last := make([]int, len(f.code))
	for i, in := range f.code {
		for _, a := range in.args {
			if a >= 0 {
				last[a] = i
			}
		}
	}
	for _, k := range f.keep {
		last[k] = len(f.code) // to be stored
	}
	place := make([]int32, len(f.code))
	var free []int32
	count := int32(1)
	for i, in := range f.code {
		if in.op == opNumber {
			place[i] = count
			count++
			continue
		}
		st := step{op: in.op, src: in.src, col: in.col}
		for k, a := range in.args {
			if a < 0 {
				continue
			}
			*[]*int32{&st.a, &st.b, &st.c}[k] = place[a]
			if last[a] == i && f.code[a].op != opNumber {
				last[a] = -1 // once, if it is an operand twice
				free = append(free, place[a])
			}
		}
		switch {
		case i == len(f.code)-1:
		case len(free) > 0:
			place[i], free = free[len(free)-1], free[:len(free)-1]
		default:
			place[i] = count
			count++
		}
		st.dst = place[i]
		f.steps = append(f.steps, st)
	}
	for _, k := range f.keep {
		f.keepCols = append(f.keepCols, place[k])
	}
	f.cols = make([][]float32, count)
	for i := range f.cols[1:] {
		f.cols[1+i] = make([]float32, block)
	}
	for i, in := range f.code {
		if in.op == opNumber {
			fill(f.cols[place[i]], math.Float32frombits(in.imm))
		}
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// Score writes the value of the program for each row.
func (f *Func) Score(dst []float32, b *env.Batch) { f.run(dst, b, nil, false) }

// run is Score with a memory, which it brings up to date if that is to be kept.
func (f *Func) run(dst []float32, b *env.Batch, memory []float32, keep bool) {
	from := [4][]float32{fromObs: b.Obs, fromAct: b.Act, fromNext: b.Next, fromFacts: b.Facts}
	for lo := 0; lo < b.N; lo += block {
		n := min(block, b.N-lo)
		out := dst[lo : lo+n]
		if len(f.steps) == 0 { // a number
			fill(out, math.Float32frombits(f.code[0].imm))
			continue
		}
		f.cols[0] = out
		for i := range f.steps {
			st := &f.steps[i]
			d := f.cols[st.dst][:n]
			switch st.op {
			case opLoad:
				w := f.widths[st.src]
				load(d, from[st.src][lo*w+int(st.col):], w)
			case opEnded:
				ended(d, b.End[lo:], env.End(st.col))
			case opCell:
				load(d, memory[lo*len(f.keep)+int(st.col):], len(f.keep))
			default:
				kernels[st.op](d, f.cols[st.a], f.cols[st.b], f.cols[st.c])
			}
		}
		if keep {
			f.store(memory, b.End, lo, n)
		}
	}
	f.cols[0] = nil
}

// load copies every w-th number of src to d.
func load(d, src []float32, w int) {
	src = src[:(len(d)-1)*w+1]
	for i := range d {
		d[i] = src[0]
		if len(src) > w {
			src = src[w:]
		}
	}
}

func ended(d []float32, ends []env.End, how env.End) {
	for i, e := range ends[:len(d)] {
		d[i] = truthOf(e == how)
	}
}
