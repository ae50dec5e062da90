package ppo

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
)

// The state of the agent between updates, all little-endian:
//
//	+--------+------+-------+------+-------+---------+--------------+
//	| "ppo1" | rows |  obs  | act  | flags |  params | updates      |
//	| 4      | 4    |  4    | 4    | 4     |  4      | 8            |
//	+--------+------+-------+------+-------+---------+--------------+
//	| rows learned | parameters | Adam: steps, size, moments         |
//	| 8            | 4 x params | 16 + 8 x params                    |
//	+--------------+------------+------------------------------------+
//	| observations: count, means, squares   | if flags & 1           |
//	| rewards: count, mean, squares         | if flags & 2           |
//	| running return of each row, 4 x rows  |                        |
//	+---------------------------------------+------------------------+
const (
	magic    = "ppo1"
	headSize = 4 + 5*4 + 2*8

	exponent = 0x7f800000 // all of its bits are set in a float32 that is not finite

	flagObs     = 1
	flagRewards = 2
	flagCurious = 4
)

// shape returns the numbers that a state must agree in with the agent that loads it.
func (a *agent) shape() [5]uint32 {
	var flags uint32
	if a.norm != nil {
		flags |= flagObs
	}
	if a.rewards != nil {
		flags |= flagRewards
	}
	if a.curious != nil {
		flags |= flagCurious
	}
	return [5]uint32{uint32(a.rows), uint32(a.obs), uint32(a.act), flags, uint32(len(a.params))}
}

// stateSize returns the number of bytes of a state.
func (a *agent) stateSize() int {
	n := headSize + 4*len(a.params) + 16 + 8*len(a.params)
	if a.norm != nil {
		n += a.norm.size()
	}
	if a.rewards != nil {
		n += a.rewards.size() + 4*len(a.rewards.ret)
	}
	return n
}

// AppendBinary appends the state. It is an error in the middle of a rollout, which is not part
// of it.
func (a *agent) AppendBinary(b []byte) ([]byte, error) {
	if a.roll.step > 0 {
		return b, fmt.Errorf("ppo: the state can be saved after an update only; %d of %d steps of the next are recorded", a.roll.step, a.roll.steps)
	}
	b = append(b, magic...)
	for _, n := range a.shape() {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(a.updates))
	b = binary.LittleEndian.AppendUint64(b, uint64(a.rowsLearned))
	b = nn.AppendFloats(b, a.params)
	b, err := a.trainer.Adam.AppendBinary(b)
	if err != nil {
		return b, err
	}
	if a.norm != nil {
		b = a.norm.append(b)
	}
	if a.rewards != nil {
		b = nn.AppendFloats(a.rewards.append(b), a.rewards.ret)
	}
	return b, nil
}

// UnmarshalBinary restores a state of an agent of the same shape. If it fails, the agent is as
// before. What was recorded since the last update is forgotten.
func (a *agent) UnmarshalBinary(b []byte) error {
	if len(b) < headSize || string(b[:4]) != magic {
		return fmt.Errorf("ppo: %d bytes are not the state of an agent", len(b))
	}
	names := [...]string{"rows", "columns of observations", "columns of actions", "flags of normalisation", "parameters"}
	for i, want := range a.shape() {
		if got := binary.LittleEndian.Uint32(b[4+4*i:]); got != want {
			return fmt.Errorf("ppo: the state is of an agent with %s = %d, this one has %d", names[i], got, want)
		}
	}
	if len(b) != a.stateSize() {
		return fmt.Errorf("ppo: state of %d bytes, want %d", len(b), a.stateSize())
	}
	updates, rows := binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[32:])
	if int64(updates) < 0 || int64(rows) < 0 {
		return fmt.Errorf("ppo: malformed state: %d updates of %d rows", int64(updates), int64(rows))
	}
	params, b := b[headSize:headSize+4*len(a.params)], b[headSize+4*len(a.params):]
	for i := range a.params {
		if bits := binary.LittleEndian.Uint32(params[4*i:]); bits&exponent == exponent {
			return fmt.Errorf("ppo: malformed state: the parameter %s is not finite", a.where(i))
		}
	}
	adam := 16 + 8*len(a.params)
	if err := a.trainer.Adam.UnmarshalBinary(b[:adam]); err != nil {
		return fmt.Errorf("ppo: %w", err)
	}
	b = b[adam:]
	nn.DecodeFloats(a.params, params)
	if a.norm != nil {
		b = a.norm.cut(b)
		a.norm.freeze()
	}
	if a.rewards != nil {
		nn.DecodeFloats(a.rewards.ret, a.rewards.cut(b))
	}
	a.updates, a.rowsLearned = int64(updates), int64(rows)
	a.roll.step, a.roll.acted = 0, false
	return nil
}
