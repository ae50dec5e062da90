package program

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/shaders"
)

// Opcodes of the SPIR-V specification.
const (
	opName          = 5
	opMemberName    = 6
	opTypeInt       = 21
	opTypeFloat     = 22
	opConstant      = 43
	opFunction      = 54
	opFunctionParam = 55
	opFunctionEnd   = 56
	opFunctionCall  = 57
	opLabel         = 248
	opReturnValue   = 254
	spirvHead       = 5 // words before the first instruction
	spirvBound      = 3 // the word that is greater than all IDs
	frameKernel     = "reward"
	frameProgram    = "program(u1;"
	frameIndex      = "p_at(u1;u1;u1;"
	frameHowItEnded = "p_ended(u1;u1;"
	frameCell       = "p_cell(u1;"
	frameKeep       = "p_keep(f1;u1;u1;"
)

// calls are the functions of the frame (shaders/reward.comp) for operations, by what the compiler
// calls them: f1 is a float, u1 a number without sign.
var calls = map[op]string{
	opAdd: "p_add(f1;f1;", opSub: "p_sub(f1;f1;", opMul: "p_mul(f1;f1;", opAnd: "p_mul(f1;f1;", opDiv: "p_div(f1;f1;",
	opNeg: "p_neg(f1;", opAbs: "p_abs(f1;", opMin: "p_min(f1;f1;", opMax: "p_max(f1;f1;", opOr: "p_max(f1;f1;",
	opSqrt: "p_sqrt(f1;", opExp: "p_exp(f1;", opLog: "p_log(f1;", opTanh: "p_tanh(f1;", opSin: "p_sin(f1;", opCos: "p_cos(f1;",
	opAtan2: "p_atan2(f1;f1;", opFloor: "p_floor(f1;", opLess: "p_less(f1;f1;", opEqual: "p_equal(f1;f1;",
	opSelect: "p_select(f1;f1;f1;",
}

var loads = map[source]string{fromObs: "p_obs(u1;", fromAct: "p_act(u1;", fromNext: "p_next(u1;", fromFacts: "p_facts(u1;"}

// Shader returns the program as a compute shader: a kernel that was compiled beforehand, in which
// the body of one function is replaced by a call for each operation. Nothing is compiled from
// source. On Mesa's software driver it gives the bits of Score; real GPUs may differ in the last
// places of divisions and square roots.
func (f *Func) Shader() rewards.Shader {
	code, err := shaders.Load(frameKernel)
	if err != nil {
		panic("program: " + err.Error()) // it is embedded
	}
	frame := readModule(code)
	frame.compile(f)
	return rewards.Shader{SPIRV: frame.bytes(), Memory: len(f.keep)}
}

// A module is SPIR-V being changed.
type module struct {
	words         []uint32
	names         map[string]uint32
	float, uint   uint32   // types
	functions     int      // where the first begins
	from, to      int      // where function program begins and ends
	numbers, body []uint32 // what is added: constants, instructions
	constants     map[[2]uint32]uint32
}

func readModule(code []byte) *module {
	m := &module{names: map[string]uint32{}, constants: map[[2]uint32]uint32{}}
	for i := 0; i < len(code); i += 4 {
		m.words = append(m.words, binary.LittleEndian.Uint32(code[i:]))
	}
	kept := m.words[:spirvHead:spirvHead]
	for i := spirvHead; i < len(m.words); {
		n := int(m.words[i] >> 16)
		in := m.words[i : i+n]
		i += n
		switch in[0] & 0xffff {
		case opName:
			m.names[text(in[2:])] = in[1]
			continue // names of IDs that go would be wrong
		case opMemberName:
			continue
		case opTypeFloat:
			m.float = in[1]
		case opTypeInt:
			if in[3] == 0 {
				m.uint = in[1]
			}
		case opFunction:
			if m.functions == 0 {
				m.functions = len(kept)
			}
			if in[2] == m.id(frameProgram) {
				m.from = len(kept)
			}
		case opFunctionEnd:
			if m.from > 0 && m.to == 0 {
				m.to = len(kept)
			}
		}
		kept = append(kept, in...)
	}
	m.words = kept
	return m
}

// text decodes a literal string.
func text(words []uint32) string {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

func (m *module) id(name string) uint32 {
	id, ok := m.names[name]
	if !ok {
		panic(fmt.Sprintf("program: shaders/%s.comp has no function %s", frameKernel, name))
	}
	return id
}

func (m *module) fresh() uint32 {
	m.words[spirvBound]++
	return m.words[spirvBound] - 1
}

// constant returns the ID of a number of 32 bits.
func (m *module) constant(typ, bits uint32) uint32 {
	key := [2]uint32{typ, bits}
	id, ok := m.constants[key]
	if !ok {
		id = m.fresh()
		m.constants[key] = id
		m.numbers = append(m.numbers, 4<<16|opConstant, typ, id, bits)
	}
	return id
}

func (m *module) call(typ uint32, name string, args ...uint32) uint32 {
	id := m.fresh()
	m.body = append(append(m.body, uint32(4+len(args))<<16|opFunctionCall, typ, id, m.id(name)), args...)
	return id
}

// compile fills the body of function program.
func (m *module) compile(f *Func) {
	row := uint32(0)
	for i := m.from; i < m.to; i += int(m.words[i] >> 16) { // its head: function, parameter, label
		in := m.words[i : i+int(m.words[i]>>16)]
		if in[0]&0xffff == opFunctionParam {
			row = in[2]
		}
		m.body = append(m.body, in...)
		if in[0]&0xffff == opLabel {
			break
		}
	}
	ids := make([]uint32, len(f.code))
	for i, in := range f.code {
		switch in.op {
		case opNumber:
			ids[i] = m.constant(m.float, in.imm)
		case opLoad:
			at := m.call(m.uint, frameIndex, row, m.constant(m.uint, uint32(f.widths[in.src])), m.constant(m.uint, uint32(in.col)))
			ids[i] = m.call(m.float, loads[in.src], at)
		case opEnded:
			ids[i] = m.call(m.float, frameHowItEnded, row, m.constant(m.uint, uint32(in.col)))
		case opCell:
			at := m.call(m.uint, frameIndex, row, m.constant(m.uint, uint32(len(f.keep))), m.constant(m.uint, uint32(in.col)))
			ids[i] = m.call(m.float, frameCell, at)
		case opNot: // 1 - x
			ids[i] = m.call(m.float, calls[opSub], m.constant(m.float, constant(1).imm), ids[in.args[0]])
		default:
			var args []uint32
			for _, a := range in.args {
				if a >= 0 {
					args = append(args, ids[a])
				}
			}
			ids[i] = m.call(m.float, calls[in.op], args...)
		}
	}
	for c, k := range f.keep { // once all have been read
		at := m.call(m.uint, frameIndex, row, m.constant(m.uint, uint32(len(f.keep))), m.constant(m.uint, uint32(c)))
		m.call(m.float, frameKeep, ids[k], at, row)
	}
	m.body = append(m.body, 2<<16|opReturnValue, ids[len(ids)-1])
}

// bytes returns the module.
func (m *module) bytes() (code []byte) {
	for _, part := range [][]uint32{m.words[:m.functions], m.numbers, m.words[m.functions:m.from], m.body, m.words[m.to:]} {
		for _, w := range part {
			code = binary.LittleEndian.AppendUint32(code, w)
		}
	}
	return code
}
