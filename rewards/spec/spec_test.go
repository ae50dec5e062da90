package spec

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tabular"
	"github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

func parse(t *testing.T, text string) *Formula {
	t.Helper()
	f, err := ParseLTL(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sem is the meaning of a formula on a word that repeats its last letter for ever, by definition:
// an independent twin of progression.
func sem(f *Formula, word []int, at int, bit map[string]int) bool {
	holds := func(i int, name string) bool { return word[min(i, len(word)-1)]>>bit[name]&1 == 1 }
	switch f.op {
	case opTrue, opFalse:
		return f.op == opTrue
	case opAtom, opNot:
		return holds(at, f.atom) == (f.op == opAtom)
	case opAnd:
		for _, a := range f.args {
			if !sem(a, word, at, bit) {
				return false
			}
		}
		return true
	case opOr:
		for _, a := range f.args {
			if sem(a, word, at, bit) {
				return true
			}
		}
		return false
	case opNext:
		return sem(f.args[0], word, at+1, bit)
	}
	until := f.op == opUntil
	for i := at; i <= max(at, len(word))+1; i++ { // beyond the last letter nothing changes any more
		first, second := sem(f.args[0], word, i, bit), sem(f.args[1], word, i, bit)
		switch {
		case until && second:
			return true
		case until && !first:
			return false
		case !until && !second:
			return false
		case !until && first:
			return true
		}
	}
	return !until
}

// The automata agree with the definition of the logic on all words of four letters over two atoms,
// the last one repeated.
func TestAgainstDefinition(t *testing.T) {
	for _, text := range []string{
		"F a", "G a", "a U b", "a R b", "a W b", "X X a", "F (a & X b)", "F (a & F b)", "F a & G !b", "!a U b | G a",
		"a -> X b", "!(a U b)", "F a & F b", "G (a -> X b)", "(a U b) & (b R a)", "F a | G b", "!(F a -> G b)", "X (a W (b & X a))",
		"F (a & X b) | G (a -> X b)", "F (a & X b) & G (b -> X a)", "G (a -> X (b | X b))", "F a & (b | G (b -> X a))", "(G a | F (b & X b)) & (F a | G b)",
	} {
		f := parse(t, text)
		m, err := f.Machine()
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		bit := map[string]int{}
		for i, a := range m.Atoms {
			bit[a] = i
		}
		for code := range 256 {
			word := []int{code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6}
			if len(m.Atoms) == 1 {
				for i := range word {
					word[i] &= 1
				}
			}
			state, total := 0, 0.0
			for i := range 20 {
				set := word[min(i, 3)]
				total += m.Reward[state][set]
				state = m.Next[state][set]
			}
			got := m.Wins[state] || m.Keeps[state]
			if want := sem(f, word, 0, bit); got != want {
				t.Errorf("%s on %v: %v in state %q, want %v", text, word, got, m.Names[state], want)
			}
			if m.Wins[state] != (total == 1) || m.Loses[state] != (total == -1) {
				t.Errorf("%s on %v: reward %v in state %q", text, word, total, m.Names[state])
			}
		}
	}
}

func TestRecurring(t *testing.T) {
	m, err := parse(t, "G F a & G F b & G !c").Machine()
	if err != nil {
		t.Fatal(err)
	}
	total, state := 0.0, 0
	for _, set := range []int{1, 0, 1, 2, 2, 1, 2, 3, 0} { // a, then b: three rounds in all
		total += m.Reward[state][set]
		state = m.Next[state][set]
	}
	if total != 3 {
		t.Errorf("%v rounds, want 3", total)
	}
	if r := m.Reward[state][4]; r != -1 {
		t.Errorf("reward %v where c may never hold", r)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"F": "column 2", "(a": "want )", "a b": "column 3", "1a": "digit", "a & ": "column 5", "U a": "operator", "": "column 1", "a U": "column 4",
		strings.Repeat("(", 300): "200 deep", strings.Repeat("!", 300) + "a": "200 deep",
	} {
		if _, err := ParseLTL(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"F G a", "G (a -> F b)", "true", "a1|a2|a3|a4|a5|a6|a7|a8|a9"} {
		if _, err := parse(t, text).Machine(); err == nil {
			t.Errorf("%s has an automaton", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("F (a & X b) -> G !c")
	f.Add("a U b R c W d")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ParseLTL(text)
		if err != nil {
			return
		}
		if h, err := ParseLTL(g.String()); err != nil || h.String() != g.String() {
			t.Errorf("%q is read as %q, that as %v, %v", text, g, h, err)
		}
	})
}

// A drunkard on 5 cells, goal on the right, pit on the left, from the middle: a half by symmetry; and
// by the gambler's ruin (1-(q/p)^2)/(1-(q/p)^4) with a bias.
func TestProbability(t *testing.T) {
	m := &tabular.MDP{States: 5, Actions: 2, Gamma: 0.9, P: make([]float64, 50), Start: []float64{0, 0, 1, 0, 0}}
	for s := range 5 {
		for a := range 2 {
			to := s + 2*a - 1
			if s == 0 || s == 4 {
				to = s
			}
			m.P[m.At(s, a, to)] = 1
		}
	}
	f := parse(t, "!pit U goal")
	machine, err := f.Machine()
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := Product(m, Labels{2, 0, 0, 0, 1}, machine) // atoms: goal, pit
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range []float64{0.5, 0.7} {
		pi := make(tabular.Policy, 10)
		for s := range 5 {
			pi[2*s], pi[2*s+1] = 1-right, right
		}
		want := 0.5
		if right != 0.5 {
			q := (1 - right) / right
			want = (1 - q*q) / (1 - q*q*q*q)
		}
		if got := Probability(p, machine, Lift(m, machine, pi)); math.Abs(got-want) > 1e-9 {
			t.Errorf("right with %v: probability %v, want %v", right, got, want)
		}
	}
}

// Three points on a line: the middle cannot be the best, the ends can; proofs fit to either answer.
func TestExpress(t *testing.T) {
	x := [][]float64{{0, 1}, {0.5, 0.5}, {1, 0}}
	v, err := Express(x, Ordering{Better: [][2]int{{1, 0}, {1, 2}}})
	if err != nil || v.Ok || v.Gap > 1e-7 {
		t.Fatalf("%+v, %v", v, err)
	}
	for k := range 2 {
		sum := v.Better[0]*(x[1][k]-x[0][k]) + v.Better[1]*(x[1][k]-x[2][k])
		if math.Abs(sum) > 1e-9 || v.Better[0] < 0 || v.Better[1] < 0 {
			t.Errorf("witness %v", v.Better)
		}
	}
	v, err = Express(x, Ordering{Better: [][2]int{{2, 1}, {1, 0}}})
	if err != nil || !v.Ok || v.Weights[0] <= v.Weights[1] {
		t.Errorf("%+v, %v", v, err)
	}
	v, err = Express(x, Ordering{Better: [][2]int{{2, 0}}, Equal: [][2]int{{1, 0}}})
	if err != nil || v.Ok {
		t.Errorf("one of three points on a line apart, two equal: %+v, %v", v, err)
	}
	if _, err := Express(x, Ordering{Better: [][2]int{{0, 5}}}); err == nil {
		t.Error("a policy that is not there")
	}
}

// A machine of a run: the states of rows are their own, begin anew with each episode, and survive
// a checkpoint.
func TestRunning(t *testing.T) {
	spec, err := pendulum.New().Spec()
	if err != nil {
		t.Fatal(err)
	}
	c := &MachineConfig{
		Atoms:  map[string]string{"fast": "speed_squared > 1", "slow": "speed_squared < 0.5"},
		States: []string{"resting", "moving"},
		Moves: map[string][]Move{
			"resting": {{When: "fast", To: "moving", Reward: 1}},
			"moving":  {{When: "slow & !fast", To: "resting", Reward: 2}},
		},
	}
	f, err := c.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	r := f.(rewards.Learner)
	b := env.NewBatch(spec, 2)
	column, err := env.Column(spec.Facts, "speed_squared")
	if err != nil {
		t.Fatal(err)
	}
	step := func(x, y float32, want0, want1 float32) {
		t.Helper()
		b.Facts[column], b.Facts[env.Width(spec.Facts)+column] = x, y
		dst := make([]float32, 2)
		r.Score(dst, b)
		if dst[0] != want0 || dst[1] != want1 {
			t.Errorf("rewards %v, want %v and %v", dst, want0, want1)
		}
		if err := r.Update(b, nil); err != nil {
			t.Fatal(err)
		}
	}
	step(2, 0, 1, 0)
	step(2, 2, 0, 1)
	saved, err := r.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.End[1] = env.Truncated
	step(0, 2, 2, 0)
	b.End[1] = env.Running
	step(0, 0, 0, 0) // the second episode of row 1 rests
	if err := r.UnmarshalBinary(saved); err != nil {
		t.Fatal(err)
	}
	step(0, 0, 2, 2)
	if err := r.UnmarshalBinary(saved[:5]); err == nil {
		t.Error("torn states are accepted")
	}
	rewardtest.Run(t, c, pendulum.New())
	rewardtest.Run(t, &LTLConfig{Atoms: map[string]string{"fast": "speed_squared > 1"}, Formula: "F fast"}, pendulum.New())
}

func TestBadConfigs(t *testing.T) {
	spec, err := pendulum.New().Spec()
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]rewards.Config{
		"atoms":               &MachineConfig{States: []string{"a"}},
		"none of the":         &MachineConfig{Atoms: map[string]string{"x": "true"}, States: []string{"a"}, Moves: map[string][]Move{"a": {{When: "y", To: "a"}}}},
		"leads to":            &MachineConfig{Atoms: map[string]string{"x": "true"}, States: []string{"a"}, Moves: map[string][]Move{"a": {{When: "x", To: "b"}}}},
		"other times":         &MachineConfig{Atoms: map[string]string{"x": "true"}, States: []string{"a"}, Moves: map[string][]Move{"a": {{When: "F x", To: "a"}}}},
		"speaks of":           &LTLConfig{Formula: "F y"},
		"atom y: column 1 of": &LTLConfig{Formula: "F y", Atoms: map[string]string{"y": "no_such_fact > 1"}},
		"line 2, column 4":    &LTLConfig{Formula: "F y", Atoms: map[string]string{"y": "speed_squared > 1\nor no_such_fact > 1"}},
		"line 1, column 1":    &LTLConfig{Formula: "F y", Atoms: map[string]string{"y": "no_such_fact > 1\nor speed_squared > 1"}},
		"is a number":         &LTLConfig{Formula: "F y", Atoms: map[string]string{"y": "speed_squared"}},
		"is empty":            &LTLConfig{Formula: "F y", Atoms: map[string]string{"y": " "}},
		"column 18":           &LTLConfig{Formula: "F y", Atoms: map[string]string{"y": "speed_squared > 1) ? 1 : (0"}}, // not more than an expression
		"ends too early":      &LTLConfig{Formula: "F y", Atoms: map[string]string{"y": "(speed_squared > 1"}},
	} {
		if _, err := c.Build(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}
