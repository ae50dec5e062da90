package program

import (
	"fmt"
	"math"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Explain says at which place of the program the value of a row of b stops being finite, and what it
// was computed from there. It returns nil if the value is finite.
func (f *Func) Explain(b *env.Batch, row int) error { return f.explain(b, row, nil) }

// Explain is that of Func, with the memory of the row: it is for after Score and before Update.
func (r *Remembering) Explain(b *env.Batch, row int) error {
	r.grow(b.N)
	return r.explain(b, row, r.memory[row*len(r.keep):])
}

func (f *Func) explain(b *env.Batch, row int, memory []float32) error {
	from := [4][]float32{fromObs: b.Obs, fromAct: b.Act, fromNext: b.Next, fromFacts: b.Facts}
	x := make([]float32, len(f.code))
	for i, in := range f.code {
		var a [3]float32
		for k, arg := range in.args {
			if arg >= 0 {
				a[k] = x[arg]
			}
		}
		switch in.op {
		case opNumber:
			x[i] = math.Float32frombits(in.imm)
		case opLoad:
			x[i] = from[in.src][row*f.widths[in.src]+int(in.col)]
		case opEnded:
			x[i] = truthOf(b.End[row] == env.End(in.col))
		case opCell:
			x[i] = memory[in.col]
		default:
			x[i] = apply(in.op, a[0], a[1], a[2])
		}
	}
	at := int32(len(f.code) - 1)
	if geom.Finite(x[at]) {
		return nil
	}
	for { // back to where it begins, along what the value was made of
		in, next := f.code[at], int32(-1)
		var of []string
		for k, a := range in.args {
			if a < 0 || in.op == opSelect && (k == 0 || (k == 1) != (x[in.args[0]] != 0)) {
				continue // the side that was not chosen
			}
			if of = append(of, fmt.Sprint(x[a])); next < 0 && !geom.Finite(x[a]) {
				next = a
			}
		}
		if next >= 0 {
			at = next
			continue
		}
		text := fmt.Sprintf("this is %v", x[at])
		if len(of) > 0 {
			text += ", of " + strings.Join(of, " and ")
		}
		return placedAt(f.source, f.places[at], text)
	}
}
