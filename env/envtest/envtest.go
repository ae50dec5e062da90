// Package envtest checks that an environment keeps the contract of package env.
//
// Call Run from a test of each environment:
//
//	func TestConformance(t *testing.T) {
//		envtest.Run(t, func() env.Config { return lander.New() })
//	}
package envtest

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

const actions rng.Purpose = 0x616374

// RandomActions fills b.Act with actions drawn uniformly, row i from stream i of key at the
// given step, so that they do not depend on the number of rows.
func RandomActions(s *env.Spec, b *env.Batch, key rng.Key, step int) {
	w := env.Width(s.Act)
	for i := range b.N {
		r := key.Stream(actions, uint32(i), uint32(step))
		at := i * w
		for _, f := range s.Act {
			for range f.Len {
				if f.Choices > 0 {
					b.Act[at] = float32(r.IntN(f.Choices))
				} else {
					b.Act[at] = r.Range(f.Lo, f.Hi)
				}
				at++
			}
		}
	}
}

// Hash returns a fingerprint of the first transitions of all worlds under random actions.
func Hash(v env.Vec, seed uint64, steps int) (uint64, error) {
	h := newHasher()
	err := play(v, seed, steps, func(b *env.Batch) { h.batch(b) })
	return uint64(h), err
}

// play performs steps of random actions from a reset.
func play(v env.Vec, seed uint64, steps int, each func(*env.Batch)) error {
	return playActions(v, seed, rng.New(seed), steps, each)
}

// playActions draws the actions from a key of their own.
func playActions(v env.Vec, seed uint64, actions rng.Key, steps int, each func(*env.Batch)) error {
	b := env.NewBatch(v.Spec(), v.Len())
	v.Reset(seed)
	for i := range steps {
		if err := v.Observe(b); err != nil {
			return err
		}
		RandomActions(v.Spec(), b, actions, i)
		if err := v.Step(b); err != nil {
			return err
		}
		each(b)
	}
	return nil
}

type hasher uint64

func newHasher() hasher { return 14695981039346656037 }

func (h *hasher) word(x uint32) {
	for range 4 {
		*h = (*h ^ hasher(x&0xff)) * 1099511628211
		x >>= 8
	}
}

func (h *hasher) batch(b *env.Batch) {
	for _, x := range [][]float32{b.Obs, b.Act, b.Next, b.Facts, b.Reward} {
		for _, v := range x {
			h.word(math.Float32bits(v))
		}
	}
	for i := range b.End {
		h.word(uint32(b.End[i]))
		h.word(uint32(b.Level[i]) ^ uint32(b.Level[i]>>32))
	}
}

// suite is what the checks share.
type suite struct {
	config func() env.Config
	spec   *env.Spec
	steps  int
}

func (s *suite) vec(t *testing.T, o env.VecOptions) env.Vec {
	t.Helper()
	v, err := env.NewVec(s.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func (s *suite) hash(t *testing.T, o env.VecOptions, seed uint64) uint64 {
	t.Helper()
	h, err := Hash(s.vec(t, o), seed, s.steps)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Run performs the conformance checks on environments made by config, each of them a subtest.
func Run(t *testing.T, config func() env.Config) {
	spec, err := config().Spec()
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	s := &suite{config: config, spec: spec, steps: 250}
	t.Run("Deterministic", s.deterministic)
	t.Run("Workers", s.workers)
	t.Run("Engines", s.engines)
	t.Run("Slots", s.slots)
	t.Run("Restarts", s.restarts)
	t.Run("NoAllocs", s.noAllocs)
	t.Run("Bounds", s.bounds)
	t.Run("Episodes", s.episodes)
	t.Run("PureObserve", s.pureObserve)
	t.Run("Snapshot", s.snapshot)
	t.Run("BadState", s.badState)
	t.Run("ActionsMatter", s.actionsMatter)
	t.Run("ParamsMatter", s.paramsMatter)
	t.Run("Difficulty", s.difficulty)
	t.Run("Drawing", s.drawing)
}

// Golden checks the fingerprint of 16 worlds over 200 steps of random actions from seed 1. A
// change of it is a change of results: give the environment a new version instead.
func Golden(t *testing.T, config func() env.Config, want uint64) {
	t.Helper()
	s := &suite{config: config, steps: 200}
	if got := s.hash(t, env.VecOptions{Worlds: 16, Workers: 2}, 1); got != want {
		t.Errorf("fingerprint %#x, want %#x: results changed, which needs a new version", got, want)
	}
}

func (s *suite) deterministic(t *testing.T) {
	o := env.VecOptions{Worlds: 8, Workers: 1}
	want := s.hash(t, o, 1)
	if s.hash(t, o, 1) != want {
		t.Error("the same seed gives different bytes")
	}
	if s.outcome(t, 1) == s.outcome(t, 2) {
		t.Error("seed 2 behaves as seed 1")
	}
	v := s.vec(t, o)
	if _, err := Hash(v, 2, 17); err != nil { // leave it in the middle of things
		t.Fatal(err)
	}
	if got, _ := Hash(v, 1, s.steps); got != want {
		t.Error("what happened before Reset changes what happens after it")
	}
}

// outcome returns a fingerprint of what a seed makes of given actions. The actions themselves
// and the IDs of levels are left out: they differ from seed to seed by construction.
func (s *suite) outcome(t *testing.T, seed uint64) uint64 {
	h := newHasher()
	v := s.vec(t, env.VecOptions{Worlds: 8, Workers: 1})
	must(t, playActions(v, seed, rng.New(1), s.steps, func(b *env.Batch) {
		h.batch(&env.Batch{Obs: b.Obs, Next: b.Next, Facts: b.Facts})
	}))
	return uint64(h)
}

func (s *suite) workers(t *testing.T) {
	want := s.hash(t, env.VecOptions{Worlds: 32, Workers: 1}, 1)
	for _, w := range []int{2, 3, 7, 16} {
		if got := s.hash(t, env.VecOptions{Worlds: 32, Workers: w}, 1); got != want {
			t.Errorf("%d workers: fingerprint %#x, want %#x", w, got, want)
		}
	}
}

// engines compares all ways to step worlds that this program has on this machine, with numbers of
// worlds that fill the lanes of some and not of others.
func (s *suite) engines(t *testing.T) {
	long := *s
	for _, n := range []int{1, 5, 21, 70} {
		s := &long
		if s.steps = 250; n == 21 {
			s.steps = 1000
		}
		want := s.hash(t, env.VecOptions{Worlds: n, Workers: 1, Engine: "go"}, 1)
		for _, e := range env.Engines() {
			for _, workers := range []int{1, 3} {
				if got := s.hash(t, env.VecOptions{Worlds: n, Workers: workers, Engine: e}, 1); got != want {
					t.Errorf("engine %s, %d worlds, %d workers: fingerprint %#x, want %#x as with engine go", e, n, workers, got, want)
				}
			}
		}
	}
}

// slots compares each world of a batch with the same world alone in a batch of its own.
func (s *suite) slots(t *testing.T) {
	const n = 8
	all := s.vec(t, env.VecOptions{Worlds: n, Workers: 2})
	b := env.NewBatch(s.spec, n)
	alone := make([]env.Vec, n)
	own := make([]*env.Batch, n)
	for i := range n {
		alone[i] = s.vec(t, env.VecOptions{Worlds: 1, First: i})
		alone[i].Reset(1)
		own[i] = env.NewBatch(s.spec, 1)
	}
	all.Reset(1)
	for step := range s.steps {
		must(t, all.Observe(b))
		RandomActions(s.spec, b, rng.New(1), step)
		for i := range n {
			rows := b.Rows(i*s.spec.Agents, (i+1)*s.spec.Agents)
			must(t, alone[i].Observe(own[i]))
			copy(own[i].Act, rows.Act)
			must(t, alone[i].Step(own[i]))
		}
		must(t, all.Step(b))
		for i := range n {
			rows := b.Rows(i*s.spec.Agents, (i+1)*s.spec.Agents)
			if !equal(&rows, own[i]) {
				t.Fatalf("world %d behaves otherwise alone than in a batch of %d, at step %d", i, n, step)
			}
		}
	}
}

func equal(a, b *env.Batch) bool {
	same := func(x, y []float32) bool {
		return slices.EqualFunc(x, y, func(p, q float32) bool { return math.Float32bits(p) == math.Float32bits(q) })
	}
	return same(a.Obs, b.Obs) && same(a.Act, b.Act) && same(a.Next, b.Next) && same(a.Facts, b.Facts) &&
		same(a.Reward, b.Reward) && slices.Equal(a.End, b.End) && slices.Equal(a.Level, b.Level)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *suite) noAllocs(t *testing.T) {
	v := s.vec(t, env.VecOptions{Worlds: 16, Workers: 2})
	b := env.NewBatch(s.spec, 16)
	v.Reset(1)
	step := 0
	one := func() {
		must(t, v.Observe(b))
		RandomActions(s.spec, b, rng.New(1), step)
		must(t, v.Step(b))
		step++
	}
	for range 300 { // warm up: buffers may grow during the first episodes
		one()
	}
	if n := testing.AllocsPerRun(300, one); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}

// checkBounds compares a value with its field. A tolerance of 1e-5 of the interval allows for
// rounding.
func checkBounds(t *testing.T, kind string, f *env.Field, x float32) {
	if f.Choices > 0 {
		if x != geom.Floor(x) || x < 0 || x >= float32(f.Choices) {
			t.Fatalf("%s %q is %v, want 0..%d", kind, f.Name, x, f.Choices-1)
		}
		return
	}
	slack := 1e-5 * (f.Hi - f.Lo)
	if !geom.Finite(slack) {
		slack = 0
	}
	if !(x >= f.Lo-slack && x <= f.Hi+slack) {
		t.Fatalf("%s %q is %v, want %v to %v", kind, f.Name, x, f.Lo, f.Hi)
	}
}

func (s *suite) bounds(t *testing.T) {
	v := s.vec(t, env.VecOptions{Worlds: 32})
	check := func(kind string, fs []env.Field, x []float32) {
		for i := 0; i < len(x); {
			for _, f := range fs {
				for range f.Len {
					checkBounds(t, kind, &f, x[i])
					i++
				}
			}
		}
	}
	must(t, play(v, 3, 2*s.steps, func(b *env.Batch) {
		check("observation", s.spec.Obs, b.Obs)
		check("observation", s.spec.Obs, b.Next)
		check("fact", s.spec.Facts, b.Facts)
	}))
}

// episodes checks lengths, ends and the sequence of observations around them.
func (s *suite) episodes(t *testing.T) {
	const worlds = 4
	steps := s.steps
	if s.spec.MaxSteps > 0 {
		steps = s.spec.MaxSteps + 20
	}
	v := s.vec(t, env.VecOptions{Worlds: worlds})
	length := make([]int, worlds)
	level := make([]uint64, worlds)
	var last *env.Batch
	ended := false
	must(t, play(v, 5, steps, func(b *env.Batch) {
		for w := range worlds {
			first := w * s.spec.Agents
			for i := first; i < first+s.spec.Agents; i++ {
				if b.End[i] != b.End[first] || b.Level[i] != b.Level[first] {
					t.Fatalf("agents of world %d disagree on end or level", w)
				}
			}
			if length[w] == 0 {
				level[w] = b.Level[first]
			} else {
				obs, next := b.Rows(first, first+s.spec.Agents).Obs, last.Rows(first, first+s.spec.Agents).Next
				if !slices.Equal(obs, next) {
					t.Fatalf("world %d: an observation within an episode differs from the Next before it", w)
				}
				if b.Level[first] != level[w] {
					t.Fatalf("world %d: the level changed within an episode", w)
				}
			}
			length[w]++
			switch end := b.End[first]; {
			case end == env.Truncated && s.spec.MaxSteps == 0:
				t.Fatal("truncated, though MaxSteps is 0")
			case end == env.Running && length[w] == s.spec.MaxSteps:
				t.Fatalf("still running after MaxSteps = %d", length[w])
			case end != env.Running:
				length[w], ended = 0, true
			}
		}
		last = cloneBatch(b)
	}))
	if !ended && s.spec.MaxSteps > 0 {
		t.Errorf("no episode ended in %d steps", steps)
	}
}

func cloneBatch(b *env.Batch) *env.Batch {
	c := *b
	c.Obs, c.Act, c.Next = slices.Clone(b.Obs), slices.Clone(b.Act), slices.Clone(b.Next)
	c.Facts, c.Reward, c.End, c.Level = slices.Clone(b.Facts), slices.Clone(b.Reward), slices.Clone(b.End), slices.Clone(b.Level)
	return &c
}

func (s *suite) pureObserve(t *testing.T) {
	e := s.config().New()
	s.resetDefault(t, e)
	n := s.spec.Agents * env.Width(s.spec.Obs)
	a, b := make([]float32, n), make([]float32, n)
	e.Observe(a)
	for i := range b {
		b[i] = 1e9 // every column must be written
	}
	e.Observe(b)
	if !slices.Equal(a, b) {
		t.Error("two Observes in a row differ")
	}
}

func (s *suite) resetDefault(t *testing.T, e env.Env) {
	levels, err := (&env.LevelSet{}).Compile(s.spec)
	must(t, err)
	l := env.Level{Params: make([]float32, len(s.spec.Params))}
	key := rng.New(9)
	levels.Next(&l, 0, key)
	must(t, l.Validate(s.spec))
	e.Reset(&l, key)
}

// snapshot saves worlds at many moments, restores them elsewhere and compares the futures.
func (s *suite) snapshot(t *testing.T) {
	if _, ok := s.config().New().(env.StateEnv); !ok {
		t.Fatal("the environment is not an env.StateEnv: it could not be resumed")
	}
	const n = 4
	v, twin := s.vec(t, env.VecOptions{Worlds: n}), s.vec(t, env.VecOptions{Worlds: n, Workers: 1, First: 100})
	b, tb := env.NewBatch(s.spec, n), env.NewBatch(s.spec, n)
	twin.Reset(77)
	v.Reset(1)
	var state []byte
	for step := range s.steps {
		if step%10 == 0 { // continue every world in another slot of the twin
			for i := range n {
				state = v.(env.Snapshotter).AppendState(state[:0], i)
				must(t, twin.(env.Snapshotter).SetState(n-1-i, state))
				if again := twin.(env.Snapshotter).AppendState(nil, n-1-i); !bytes.Equal(again, state) {
					t.Fatalf("step %d: a restored state is saved as other bytes", step)
				}
			}
		}
		must(t, v.Observe(b))
		RandomActions(s.spec, b, rng.New(1), step)
		must(t, twin.Observe(tb))
		for i := range n {
			from, to := b.Rows(i*s.spec.Agents, (i+1)*s.spec.Agents), tb.Rows((n-1-i)*s.spec.Agents, (n-i)*s.spec.Agents)
			copy(to.Act, from.Act)
		}
		must(t, v.Step(b))
		must(t, twin.Step(tb))
		for i := range n {
			from, to := b.Rows(i*s.spec.Agents, (i+1)*s.spec.Agents), tb.Rows((n-1-i)*s.spec.Agents, (n-i)*s.spec.Agents)
			if !equal(&from, &to) {
				t.Fatalf("step %d: a restored world has another future", step)
			}
		}
	}
}

func (s *suite) badState(t *testing.T) {
	e, ok := s.config().New().(env.StateEnv)
	if !ok {
		return
	}
	s.resetDefault(t, e)
	good := e.AppendState(nil)
	for _, bad := range [][]byte{nil, good[:len(good)-1], append(slices.Clone(good), 0)} {
		if err := e.SetState(bad); err == nil {
			t.Errorf("SetState accepts %d bytes of a state of %d", len(bad), len(good))
		}
	}
	must(t, e.SetState(good))
}

// trajectory returns the fingerprint of one episode's beginning on level l.
func (s *suite) trajectory(l *env.Level, actionSeed uint64) uint64 {
	e, b, h := s.config().New(), env.NewBatch(s.spec, 1), newHasher()
	e.Reset(l, rng.New(4))
	for step := range s.steps {
		e.Observe(b.Obs)
		RandomActions(s.spec, b, rng.New(actionSeed), step)
		e.Step(b)
		e.Observe(b.Next)
		clear(b.Act) // the fingerprint is of what happened, not of what was asked for
		h.batch(b)
		if b.End[0] != env.Running {
			break
		}
	}
	return uint64(h)
}

func (s *suite) defaultLevel() *env.Level {
	l := &env.Level{Params: make([]float32, len(s.spec.Params)), Seed: 5}
	for i, p := range s.spec.Params {
		l.Params[i] = (p.Default[0] + p.Default[1]) / 2
		if p.Integer {
			l.Params[i] = geom.Floor(l.Params[i])
		}
	}
	return l
}

func (s *suite) actionsMatter(t *testing.T) {
	l := s.defaultLevel()
	if s.trajectory(l, 1) == s.trajectory(l, 2) {
		t.Error("other actions lead to the same trajectory")
	}
}

// paramsMatter checks that every level parameter changes what happens, for at least one of
// several settings of the others.
func (s *suite) paramsMatter(t *testing.T) {
	for i, p := range s.spec.Params {
		if p.Lo == p.Hi {
			t.Errorf("level parameter %s can have one value only", p.Name)
			continue
		}
		matters := false
		for _, others := range []float32{0.5, 1, 0} {
			l := &env.Level{Params: make([]float32, len(s.spec.Params)), Seed: 5}
			for j, q := range s.spec.Params {
				l.Params[j] = q.Lo + (q.Hi-q.Lo)*others
				if q.Integer {
					l.Params[j] = geom.Floor(l.Params[j])
				}
			}
			l.Params[i] = p.Lo
			lo := s.trajectory(l, 1)
			l.Params[i] = p.Hi
			matters = matters || s.trajectory(l, 1) != lo
		}
		if !matters {
			t.Errorf("level parameter %s changes nothing", p.Name)
		}
	}
	l := s.defaultLevel()
	id := l.ID(s.spec)
	l.Seed++
	if l.ID(s.spec) == id {
		t.Error("levels of different seeds have the same ID")
	}
}

func (s *suite) difficulty(t *testing.T) {
	g, ok := s.config().(env.Grader)
	if !ok {
		t.Skip("not an env.Grader")
	}
	levels, err := (&env.LevelSet{}).Compile(s.spec)
	must(t, err)
	l := env.Level{Params: make([]float32, len(s.spec.Params))}
	for i := range 50 {
		levels.Next(&l, 0, rng.New(uint64(i)))
		d := g.Difficulty(&l)
		if !(d >= 0 && d <= 1) || d != g.Difficulty(&l) {
			t.Fatalf("difficulty %v of %+v, want a constant within 0..1", d, l)
		}
	}
}

// drawing checks that a Picture announces its view first and stays finite.
func (s *suite) drawing(t *testing.T) {
	e, ok := s.config().New().(env.Picture)
	if !ok {
		t.Skip("not an env.Picture")
	}
	s.resetDefault(t, e.(env.Env))
	c := &canvas{t: t}
	e.Draw(c)
	if c.views != 1 || c.shapes == 0 {
		t.Errorf("Draw called View %d times and drew %d shapes, want 1 and some", c.views, c.shapes)
	}
}
