package spec

import (
	"fmt"
	"slices"
)

const (
	maxAtoms  = 8   // of a machine: its table has a column for each set of them
	maxStates = 256 // of a machine
)

// A Machine is a reward machine over some atoms. In each step the atoms that hold form a set, whose
// bits are numbered as Atoms; the machine moves by its table and gives the reward of the move.
type Machine struct {
	Atoms  []string
	Names  []string    // of the states; episodes begin in the first
	Next   [][]int     // by state and set of atoms
	Reward [][]float64 // of that move

	// Wins and Loses say of each state whether the objective is reached, or missed, whatever
	// follows; Keeps, whether it is reached by staying in such states for ever. A machine that is
	// not made of a formula has none of them.
	Wins, Loses, Keeps []bool
}

// A Move leads from a state of a machine to another one.
type Move struct {
	When   string  `json:"when" doc:"condition, of atoms with ! & | -> and parentheses"`
	To     string  `json:"to" doc:"name of the state it leads to"`
	Reward float64 `json:"reward" doc:"for the move"`
}

// NewMachine makes a machine of states with moves; the first move of a state whose condition
// holds is taken, and if there is none the machine stays, without reward. The first of names is the
// state an episode begins in.
func NewMachine(atoms, names []string, moves map[string][]Move) (*Machine, error) {
	switch {
	case len(atoms) == 0 || len(atoms) > maxAtoms:
		return nil, fmt.Errorf("spec: %d atoms, want 1 to %d", len(atoms), maxAtoms)
	case len(names) == 0 || len(names) > maxStates:
		return nil, fmt.Errorf("spec: %d states, want 1 to %d", len(names), maxStates)
	}
	m := &Machine{Atoms: atoms, Names: names, Wins: make([]bool, len(names)), Loses: make([]bool, len(names)), Keeps: make([]bool, len(names))}
	for name := range moves {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("spec: moves from %q, which is none of the states %q", name, names)
		}
	}
	for i, name := range names {
		m.Next = append(m.Next, make([]int, 1<<len(atoms)))
		m.Reward = append(m.Reward, make([]float64, 1<<len(atoms)))
		taken := make([]bool, 1<<len(atoms))
		for set := range taken {
			m.Next[i][set] = i
		}
		for k, move := range moves[name] {
			to := slices.Index(names, move.To)
			if to < 0 {
				return nil, fmt.Errorf("spec: move %d of state %q leads to %q, which is none of the states %q", k+1, name, move.To, names)
			}
			f, err := ParseLTL(move.When)
			if err != nil {
				return nil, fmt.Errorf("spec: move %d of state %q: %w", k+1, name, err)
			}
			if f.timed() {
				return nil, fmt.Errorf("spec: move %d of state %q: the condition %q speaks of other times", k+1, name, move.When)
			}
			for _, a := range f.Atoms() {
				if !slices.Contains(atoms, a) {
					return nil, fmt.Errorf("spec: move %d of state %q: %q is none of the atoms %q", k+1, name, a, atoms)
				}
			}
			for set := range taken {
				if !taken[set] && f.value(m.holds(set)) {
					taken[set], m.Next[i][set], m.Reward[i][set] = true, to, move.Reward
				}
			}
		}
	}
	return m, nil
}

// holds tells whether an atom is in a set.
func (m *Machine) holds(set int) func(string) bool {
	return func(atom string) bool { return set>>slices.Index(m.Atoms, atom)&1 == 1 }
}

// Machine returns the automaton of a formula: it gives 1 in the step that makes the formula true
// whatever follows, -1 in the step that makes it false. Conjuncts G F p, what has to come again and
// again, are not decided by any step: the machine waits for each in turn and gives 1 for every round.
// Other formulas in which "always" and "at some time" are nested are refused, and so are those of
// more than 8 atoms or 256 states.
func (f *Formula) Machine() (*Machine, error) {
	again, rest := f.recurring()
	if rest.nested() {
		return nil, fmt.Errorf("spec: no finite time decides %q: only conjuncts G F p with a p without time may nest always and at some time", f)
	}
	m := &Machine{Atoms: f.Atoms()}
	if len(m.Atoms) == 0 || len(m.Atoms) > maxAtoms {
		return nil, fmt.Errorf("spec: %q has %d atoms, want 1 to %d", f, len(m.Atoms), maxAtoms)
	}
	type state struct {
		rest *Formula
		wait int // number of the recurring conjunct that is waited for
	}
	number := map[string]int{}
	var states []state
	visit := func(s state) (int, error) {
		key := fmt.Sprintf("%d %s", s.wait, s.rest.text)
		if i, ok := number[key]; ok {
			return i, nil
		}
		if len(states) == maxStates {
			return 0, fmt.Errorf("spec: the automaton of %q has more than %d states", f, maxStates)
		}
		number[key] = len(states)
		states = append(states, s)
		name := s.rest.text
		if len(again) > 0 {
			name = fmt.Sprintf("%s, waits for %s", name, again[s.wait])
		}
		m.Names = append(m.Names, name)
		m.Wins = append(m.Wins, s.rest.op == opTrue && len(again) == 0)
		m.Loses = append(m.Loses, s.rest.op == opFalse)
		m.Keeps = append(m.Keeps, s.rest.settled(true) && len(again) == 0)
		return number[key], nil
	}
	if _, err := visit(state{rest: rest}); err != nil {
		return nil, err
	}
	for i := 0; i < len(states); i++ {
		s := states[i]
		row, gain := make([]int, 1<<len(m.Atoms)), make([]float64, 1<<len(m.Atoms))
		for set := range row {
			to := state{rest: s.rest.progress(m.holds(set)), wait: s.wait}
			if to.rest.op == opFalse {
				to.wait = 0
			} else {
				to.wait, gain[set] = turn(again, to.wait, m.holds(set))
			}
			if s.rest.op != to.rest.op && len(again) == 0 && to.rest.op == opTrue {
				gain[set] = 1
			}
			if s.rest.op != opFalse && to.rest.op == opFalse {
				gain[set] = -1
			}
			k, err := visit(to)
			if err != nil {
				return nil, err
			}
			row[set] = k
		}
		m.Next, m.Reward = append(m.Next, row), append(m.Reward, gain)
	}
	return m, nil
}

// turn goes on from the recurring conjunct that is waited for over those that hold, and returns
// the one to wait for next, and 1 if a round is complete.
func turn(again []*Formula, wait int, holds func(string) bool) (int, float64) {
	for range again {
		if !again[wait].value(holds) {
			return wait, 0
		}
		if wait++; wait == len(again) {
			return 0, 1
		}
	}
	return wait, 0
}
