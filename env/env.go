// Package env is the contract between simulators and everything that learns from them.
//
// One plain batch of arrays, [Batch], flows through the whole program: a [Vec] of worlds fills
// its observations, a policy its actions, the worlds again what follows. Simulators report
// facts; rewards are computed from facts, here only as the weighted sum that the [Spec] names
// as the task's own reward.
//
//	v.Reset(seed)
//	for {
//		v.Observe(b)              // fills b.Obs; worlds whose episode ended begin another
//		policy.Act(b, key, true)  // fills b.Act
//		v.Step(b)                 // fills b.Next, b.Facts, b.Reward, b.End
//	}
//
// There is one rule for the end of an episode: Step reports it, with the true successor in
// Next, and the following Observe shows the first observation of the next episode.
//
// Who comes from Gymnasium finds here:
//
//	make("LunarLander-v3")           Open("lander-v0", nil), and a LevelSet with the preset "classic"
//	vectorised environments          NewVec: there are no others, and one world is a Vec of one
//	observation_space, action_space  Spec.Obs, Spec.Act: named fields with bounds and units
//	reset(seed)                      Vec.Reset(seed); after an episode, nothing: Observe begins another
//	step(action)                     b.Act is filled, then Vec.Step(b)
//	reward                           b.Reward, the task's own; package rewards has others
//	terminated, truncated            b.End[i] == Terminated, b.End[i] == Truncated
//	final_obs                        b.Next, the true successor of each step
//	info                             b.Facts: numbers that Spec.Facts names
//
// To write an environment, implement [Env] and [Config] and call [Register] in an init
// function; package env/envtest checks that it keeps the contract.
package env

import (
	"fmt"
	"math"
)

// A Spec says what an environment exchanges. It is immutable.
type Spec struct {
	ID       string  // registered name with version, such as "lander-v0"
	Doc      string  // one paragraph: what the agent sees, does and is asked to achieve
	Obs      []Field // the observation row
	Act      []Field // the action row: either all fields have Choices or none has
	Facts    []Field // measurements of a transition, for rewards and behaviour descriptors
	Reward   []Term  // the task's own reward: a weighted sum of facts
	Params   []Param // what distinguishes one level from another, beside its seed
	Presets  []Preset
	Agents   int     // rows a world, at least 1; the agents of a world begin and end together
	Dt       float32 // seconds of simulated time a step
	MaxSteps int     // steps after which an episode is truncated; 0 means never
	Solved   float32 // mean return from which the task counts as solved; 0 if there is no such agreement

	Ends    string   // when an episode terminates, and when it is truncated
	History []string // what each version changed, such as "v0: first version."
}

// A Field names Len consecutive columns of a row.
type Field struct {
	Name    string
	Len     int     // columns, at least 1
	Lo, Hi  float32 // inclusive bounds of each column; infinite where there are none
	Choices int     // above 0: a column holds one of the numbers 0..Choices-1, and Lo, Hi are unused
	Unit    string  // such as "m/s"; empty for plain numbers
	Doc     string
}

// A Term is a summand of the task's own reward.
type Term struct {
	Fact   string // name of a fact of one column
	Weight float32
	Doc    string
}

// Width returns the number of columns of a row of fs.
func Width(fs []Field) (n int) {
	for _, f := range fs {
		n += f.Len
	}
	return n
}

// Column returns the first column of the named field, or an error that suggests a name.
func Column(fs []Field, name string) (int, error) {
	at := 0
	for _, f := range fs {
		if f.Name == name {
			return at, nil
		}
		at += f.Len
	}
	return 0, fmt.Errorf("unknown field %q%s", name, suggestField(name, fs))
}

// Discrete reports whether the actions of s are choices rather than numbers.
func (s *Spec) Discrete() bool { return len(s.Act) > 0 && s.Act[0].Choices > 0 }

// Validate reports the first thing wrong with s.
func (s *Spec) Validate() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("env %s: %s", s.ID, fmt.Sprintf(format, args...))
	}
	if s.ID == "" {
		return fail("the spec has no ID")
	}
	if s.Agents < 1 {
		return fail("Agents is %d, want at least 1", s.Agents)
	}
	if !(s.Dt > 0) {
		return fail("Dt is %v, want a positive number of seconds", s.Dt)
	}
	if s.MaxSteps < 0 {
		return fail("MaxSteps is %d, want 0 or more", s.MaxSteps)
	}
	for kind, fs := range map[string][]Field{"observation": s.Obs, "action": s.Act, "fact": s.Facts} {
		seen := map[string]bool{}
		for _, f := range fs {
			switch {
			case f.Name == "" || seen[f.Name]:
				return fail("%s field name %q is empty or used twice", kind, f.Name)
			case f.Len < 1:
				return fail("%s %q has Len %d, want at least 1", kind, f.Name, f.Len)
			case f.Choices < 0 || f.Choices == 0 && !(f.Lo < f.Hi):
				return fail("%s %q needs Lo < Hi, or Choices", kind, f.Name)
			case kind == "action" && (f.Choices > 0) != s.Discrete():
				return fail("action %q: discrete and continuous actions cannot be mixed", f.Name)
			case kind == "action" && f.Choices == 0 && math.IsInf(float64(f.Hi-f.Lo), 0):
				return fail("action %q needs finite bounds", f.Name)
			}
			seen[f.Name] = true
		}
	}
	if len(s.Obs) == 0 || len(s.Act) == 0 {
		return fail("it needs observations and actions")
	}
	for _, t := range s.Reward {
		if _, err := Column(s.Facts, t.Fact); err != nil {
			return fail("reward term: %v", err)
		}
	}
	return s.validateParams()
}

// End says whether and how an episode ended.
type End uint8

const (
	Running    End = iota // the episode goes on
	Terminated            // the task ended it: nothing follows, the value of Next is zero
	Truncated             // a limit ended it: the value of Next is to be estimated
)

// String returns the name of e.
func (e End) String() string { return [...]string{"running", "terminated", "truncated"}[e] }

// A Batch holds one transition of each of N agents, one row an agent. Agents of one world are
// adjacent rows. Its slices are made once, by NewBatch, and reused for every step: whoever
// keeps values beyond a step copies them.
type Batch struct {
	N      int
	Obs    []float32 // N x Width(Spec.Obs): what the policy sees; written by Vec.Observe
	Act    []float32 // N x Width(Spec.Act): what it does; written by the policy
	Next   []float32 // N x Width(Spec.Obs): what truly follows, before any reset; written by Vec.Step
	Facts  []float32 // N x Width(Spec.Facts): written by Vec.Step
	Reward []float32 // N: the task's own reward; written by Vec.Step
	End    []End     // N: written by Vec.Step
	Level  []uint64  // N: ID of the level that each row plays; written by Vec.Observe
}

// NewBatch returns a batch for the agents of the given number of worlds.
func NewBatch(s *Spec, worlds int) *Batch {
	n := worlds * s.Agents
	f := func(w int) []float32 { return make([]float32, n*w) }
	return &Batch{
		N: n, Obs: f(Width(s.Obs)), Act: f(Width(s.Act)), Next: f(Width(s.Obs)),
		Facts: f(Width(s.Facts)), Reward: f(1), End: make([]End, n), Level: make([]uint64, n),
	}
}

// Rows returns rows lo to hi, exclusive, as a batch that shares memory with b.
func (b *Batch) Rows(lo, hi int) Batch {
	part := func(x []float32) []float32 {
		w := len(x) / b.N
		return x[lo*w : hi*w : hi*w]
	}
	return Batch{
		N: hi - lo, Obs: part(b.Obs), Act: part(b.Act), Next: part(b.Next), Facts: part(b.Facts),
		Reward: part(b.Reward), End: b.End[lo:hi:hi], Level: b.Level[lo:hi:hi],
	}
}

// CopyFrom copies all of src, which has as many rows of the same widths, to the memory of b. It panics if it has not.
func (b *Batch) CopyFrom(src *Batch) {
	if b.N != src.N || len(b.Obs) != len(src.Obs) || len(b.Act) != len(src.Act) || len(b.Facts) != len(src.Facts) {
		panic(fmt.Sprintf("env: CopyFrom a batch of %d rows, %d observations, %d actions and %d facts, want %d, %d, %d and %d",
			src.N, len(src.Obs), len(src.Act), len(src.Facts), b.N, len(b.Obs), len(b.Act), len(b.Facts)))
	}
	copy(b.Obs, src.Obs)
	copy(b.Act, src.Act)
	copy(b.Next, src.Next)
	copy(b.Facts, src.Facts)
	copy(b.Reward, src.Reward)
	copy(b.End, src.End)
	copy(b.Level, src.Level)
}

// A Vec steps many worlds of one environment at once. Observe and Step strictly alternate,
// after a Reset. They do not allocate and do not retain b. A Vec is not safe for concurrent use.
type Vec interface {
	Spec() *Spec

	// Len returns the number of worlds; batches have Len() * Spec().Agents rows.
	Len() int

	// Reset abandons every episode. What follows is a function of the seed and the actions
	// only, whatever the number of workers.
	Reset(seed uint64)

	// Observe fills b.Obs and b.Level, first starting an episode wherever the last one ended.
	Observe(b *Batch) error

	// Step applies b.Act and fills b.Next, b.Facts, b.Reward and b.End. Continuous actions
	// outside their bounds are clamped; a NaN among actions, observations or facts is an
	// error that names the world, the step and the field.
	Step(b *Batch) error

	Close() error
}

// A Snapshotter saves and restores the exact state of one world of a Vec, so that the same
// actions lead to the same future. The episode, its level and its random streams are included.
type Snapshotter interface {
	// AppendState appends the state of a world to dst. Between Observe and Step, and between
	// Step and Observe, are different states.
	AppendState(dst []byte, world int) []byte

	// SetState makes a world continue from a saved state, which may come from another world
	// or from another Vec of an equal Spec. It leaves the world as it was if it returns an error.
	SetState(world int, state []byte) error
}

// A LevelSetter tells which level each world plays, and lets the caller choose how the levels
// of coming episodes are drawn.
type LevelSetter interface {
	// Level returns the level of the current episode of a world. The caller must not modify it,
	// and it is valid until the next Observe.
	Level(world int) *Level

	// SetLevels makes episodes that start from now on take their levels from src.
	SetLevels(src Levels)
}

// A Drawer draws a world of a Vec.
type Drawer interface {
	Draw(c Canvas, world int)
}
