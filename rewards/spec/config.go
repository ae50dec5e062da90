package spec

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/program"
)

func init() {
	rewards.Register("machine", func() rewards.Config { return &MachineConfig{} })
	rewards.Register("ltl", func() rewards.Config { return &LTLConfig{} })
}

// MachineConfig is the reward "machine":
//
//	atoms: {up: "tip_height > 0.9", down: "tip_height < -0.9"}
//	states: [low, high]
//	moves: {low: [{when: up, to: high, reward: 1}], high: [{when: down, to: low, reward: 1}]}
type MachineConfig struct {
	Atoms  map[string]string `json:"atoms" doc:"named conditions on a step, in the language of the reward program"`
	States []string          `json:"states" doc:"of the machine; an episode begins in the first"`
	Moves  map[string][]Move `json:"moves" doc:"of each state; the first whose condition holds is taken, else the machine stays"`
}

// Doc says what the reward is, in one line.
func (*MachineConfig) Doc() string {
	return "A reward machine: remembers what has happened, and rewards moves."
}

// Paper names the source.
func (*MachineConfig) Paper() string { return "Toro Icarte et al. 2018" }

// Build compiles the atoms and the machine.
func (c *MachineConfig) Build(s *env.Spec) (rewards.Func, error) {
	m, err := NewMachine(slices.Sorted(maps.Keys(c.Atoms)), c.States, c.Moves)
	if err != nil {
		return nil, err
	}
	return newRunning(m, c.Atoms, s)
}

// LTLConfig is the reward "ltl":
//
//	atoms: {goal: "distance < 0.2", hazard: "contact > 0"}
//	formula: "F goal & G !hazard"
type LTLConfig struct {
	Atoms   map[string]string `json:"atoms" doc:"named conditions on a step, in the language of the reward program"`
	Formula string            `json:"formula" doc:"of the atoms: ! & | -> X F G U R W and parentheses"`
}

// Doc says what the reward is, in one line.
func (*LTLConfig) Doc() string {
	return "Linear temporal logic: 1 in the step that fulfils a formula, -1 in the one that breaks it."
}

// Paper names the sources.
func (*LTLConfig) Paper() string { return "Pnueli 1977; Bacchus, Kabanza 1998" }

// Build compiles the atoms and the formula.
func (c *LTLConfig) Build(s *env.Spec) (rewards.Func, error) {
	f, err := ParseLTL(c.Formula)
	if err != nil {
		return nil, fmt.Errorf("spec: %w", err)
	}
	for _, a := range f.Atoms() {
		if _, ok := c.Atoms[a]; !ok {
			return nil, fmt.Errorf("spec: the formula speaks of %q, which is none of the atoms %q", a, slices.Sorted(maps.Keys(c.Atoms)))
		}
	}
	m, err := f.Machine()
	if err != nil {
		return nil, err
	}
	return newRunning(m, c.Atoms, s)
}

// running is a machine that each row of a batch has its own state of. Score looks at the states,
// Update moves them.
type running struct {
	m      *Machine
	atoms  []*program.Func
	states []int32
	sets   []uint8
	value  []float32
}

func newRunning(m *Machine, atoms map[string]string, s *env.Spec) (*running, error) {
	r := &running{m: m}
	for _, name := range m.Atoms {
		f, err := program.Condition(atoms[name], s)
		if err != nil {
			return nil, fmt.Errorf("spec: atom %s: %w", name, err)
		}
		r.atoms = append(r.atoms, f)
	}
	return r, nil
}

// read computes the set of atoms that hold, for each row.
func (r *running) read(b *env.Batch) {
	if len(r.sets) < b.N {
		r.sets, r.value = make([]uint8, b.N), make([]float32, b.N)
		r.states = append(r.states, make([]int32, b.N-len(r.states))...) // in state 0, where machines start
	}
	clear(r.sets[:b.N])
	for k, f := range r.atoms {
		f.Score(r.value[:b.N], b)
		for i, v := range r.value[:b.N] {
			if v > 0 {
				r.sets[i] |= 1 << k
			}
		}
	}
}

// Score writes the reward of the move that each row's machine is about to make. It reads the
// state of the row beside the row itself.
func (r *running) Score(dst []float32, b *env.Batch) {
	r.read(b)
	for i := range b.N {
		dst[i] = float32(r.m.Reward[r.states[i]][r.sets[i]])
	}
}

// Update makes the moves. Where the episode ended the machine begins anew.
func (r *running) Update(b *env.Batch, _ func(string, float64)) error {
	r.read(b)
	for i := range b.N {
		r.states[i] = int32(r.m.Next[r.states[i]][r.sets[i]])
		if b.End[i] != env.Running {
			r.states[i] = 0
		}
	}
	return nil
}

// Follows says that all it knows is of the episodes under way.
func (*running) Follows() {}

// AppendBinary appends the number of rows and the state of each, as 4 bytes.
func (r *running) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(r.states)))
	for _, s := range r.states {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(s))
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote for the same machine. If it fails, the states
// are as before.
func (r *running) UnmarshalBinary(data []byte) error {
	if len(data) < 4 || uint64(len(data)-4) != 4*uint64(binary.LittleEndian.Uint32(data)) {
		return fmt.Errorf("spec: the states of a machine in %d bytes", len(data))
	}
	states := make([]int32, (len(data)-4)/4)
	for i := range states {
		v := binary.LittleEndian.Uint32(data[4+4*i:])
		if v >= uint32(len(r.m.Names)) {
			return fmt.Errorf("spec: row %d is in state %d of a machine of %d", i, v, len(r.m.Names))
		}
		states[i] = int32(v)
	}
	r.states = states
	r.sets, r.value = make([]uint8, len(states)), make([]float32, len(states))
	return nil
}
