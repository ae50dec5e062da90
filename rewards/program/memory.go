package program

import (
	"encoding/binary"
	"fmt"

	"github.com/expr-lang/expr/ast"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

// A cellKey says what a memory is of.
type cellKey struct {
	name string // prev, first, or empty for the memory that there was a step before
	reg  int32
}

// cell returns the instruction that reads a memory, which is 0 in the first step of an episode.
func (l *lowering) cell(k cellKey) (load int32, column int32) {
	column, ok := l.cells[k]
	if !ok {
		column = int32(len(l.keep))
		l.cells[k], l.keep = column, append(l.keep, -1)
	}
	return l.add(ins{op: opCell, col: column, args: [3]int32{-1, -1, -1}}), column
}

// remember lowers prev and first.
func (l *lowering) remember(n *ast.CallNode, name string) value {
	v := l.visit(n.Arguments[0])
	if v.kind > truth {
		l.fail(n.Arguments[0], "%s wants a number or a truth, this is %s", name, v.kind)
	}
	now := v.at(0)
	if l.code[now].op == opNumber {
		l.fail(n, "%s of what never changes", name)
	}
	old, column := l.cell(cellKey{name, now})
	switch {
	case name == "first":
		out := l.emit(opOr, now, old)
		l.keep[column] = out
		return value{kind: truth, regs: []int32{out}}
	case v.kind == truth:
		l.keep[column] = now
		return value{kind: truth, regs: []int32{old}}
	}
	l.keep[column] = now
	begun, flag := l.cell(cellKey{})
	l.keep[flag] = l.number(1)
	return value{regs: []int32{l.emit(opSelect, begun, old, now)}}
}

// A Remembering is a program with prev or first. It has a memory of the episode of each row, which
// Update brings up to date: Score looks at it. It is not safe for concurrent use.
type Remembering struct {
	*Func
	memory  []float32 // of each row, as many numbers as the program keeps
	scratch []float32
}

var (
	_ rewards.Follower = (*Remembering)(nil)
	_ rewards.Twin     = (*Remembering)(nil)
)

// Open makes a reward of an expression, which may remember: a *Func, or else a *Remembering.
func Open(source string, s *env.Spec) (rewards.Func, error) {
	f, err := compile(source, s, number)
	if err != nil {
		return nil, err
	}
	if len(f.keep) > 0 {
		return &Remembering{Func: f}, nil
	}
	return f, nil
}

// Follows says that all it knows is of the episodes under way.
func (*Remembering) Follows() {}

func (r *Remembering) grow(rows int) {
	if n := rows * len(r.keep); len(r.memory) < n {
		r.memory = append(r.memory, make([]float32, n-len(r.memory))...)
		r.scratch = make([]float32, rows)
	}
}

// Score writes the value of the program for each row. It reads the memory of the row beside the row.
func (r *Remembering) Score(dst []float32, b *env.Batch) {
	r.grow(b.N)
	r.run(dst, b, r.memory, false)
}

// Update makes the memory one of b too. Where an episode ended it is empty.
func (r *Remembering) Update(b *env.Batch, _ func(string, float64)) error {
	r.grow(b.N)
	r.run(r.scratch[:b.N], b, r.memory, true)
	return nil
}

// AppendBinary appends the number of rows and the memories, as float32.
func (r *Remembering) AppendBinary(dst []byte) ([]byte, error) {
	return nn.AppendFloats(binary.LittleEndian.AppendUint32(dst, uint32(len(r.scratch))), r.memory), nil
}

// UnmarshalBinary restores what AppendBinary wrote for the same program. If it fails, the memory is
// as before.
func (r *Remembering) UnmarshalBinary(data []byte) error {
	if len(data) < 4 || uint64(len(data)-4) != 4*uint64(len(r.keep))*uint64(binary.LittleEndian.Uint32(data)) {
		return fmt.Errorf("program: the memory of %d numbers a row in %d bytes", len(r.keep), len(data))
	}
	rows := int(binary.LittleEndian.Uint32(data))
	r.memory, r.scratch = make([]float32, rows*len(r.keep)), make([]float32, rows)
	nn.DecodeFloats(r.memory, data[4:])
	return nil
}

// store writes what the rows from lo on keep for their next step to the memory.
func (f *Func) store(memory []float32, ends []env.End, lo, n int) {
	w := len(f.keep)
	for c, reg := range f.keepCols {
		for i, v := range f.cols[reg][:n] {
			if ends[lo+i] != env.Running {
				v = 0
			}
			memory[(lo+i)*w+c] = v
		}
	}
}
