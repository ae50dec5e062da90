package env

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Episodes is what every Vec does in the same way, whoever steps its worlds: it knows which episode each
// world is in, from which key and on which level, sees to the order of calls, limits actions, ends
// episodes that take too long, computes rewards, checks numbers, and gives saved states their form. Engines
// embed it.
type Episodes struct {
	Stages []Stage  // of each world
	Steps  []int32  // since its episode began
	IDs    []uint64 // of its level
	Worlds []Episode

	spec   *Spec
	levels Levels
	first  int
	width  struct{ obs, act, facts int }
	bounds []bound // of a row of actions
	terms  []term
	batch  *Batch // of the last call
	phase  phase
}

// An Episode is the one that a world is in, or was in last.
type Episode struct {
	Key   rng.Key // of the world; its episodes fold their number into it
	Next  uint64  // number of the next episode
	As    int     // number of the world as which it behaves
	Level Level
}

// A Stage is what the next Observe has to do for a world.
type Stage uint8

const (
	Known Stage = iota // copy Next of the last batch
	Look               // ask the world
	Over               // begin another episode
	Rest               // nothing, until the world is restarted: see Restarter
)

type term struct {
	col    int
	weight float32
}

type phase uint8

const (
	unset phase = iota // before Reset
	toObserve
	toStep
)

// NewEpisodes checks the options and returns the books of a Vec that has not been reset.
func NewEpisodes(s *Spec, o VecOptions) (*Episodes, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if o.Worlds < 1 || o.First < 0 {
		return nil, fmt.Errorf("env %s: %d worlds from number %d, want at least 1 from 0", s.ID, o.Worlds, o.First)
	}
	e := &Episodes{
		Stages: make([]Stage, o.Worlds), Steps: make([]int32, o.Worlds), IDs: make([]uint64, o.Worlds), Worlds: make([]Episode, o.Worlds),
		spec: s, levels: o.Levels, first: o.First, bounds: bounds(s),
	}
	e.width.obs, e.width.act, e.width.facts = Width(s.Obs), Width(s.Act), Width(s.Facts)
	if o.Levels == nil {
		var err error
		if e.levels, err = (&LevelSet{}).Compile(s); err != nil {
			return nil, err
		}
	}
	for _, t := range s.Reward {
		col, _ := Column(s.Facts, t.Fact) // Validate has looked it up
		e.terms = append(e.terms, term{col, t.Weight})
	}
	for i := range e.Worlds {
		e.Worlds[i].Level.Params = make([]float32, len(s.Params))
		e.Worlds[i].As = o.First + i
		e.Stages[i] = Over
	}
	return e, nil
}

// Spec returns the specification that all worlds share.
func (e *Episodes) Spec() *Spec { return e.spec }

// Len returns the number of worlds.
func (e *Episodes) Len() int { return len(e.Worlds) }

// Levels returns where the levels of coming episodes come from.
func (e *Episodes) Levels() Levels { return e.levels }

// SetLevels makes coming episodes take their levels from src.
func (e *Episodes) SetLevels(src Levels) { e.levels = src }

// Level returns the level of the current episode of a world.
func (e *Episodes) Level(world int) *Level { return &e.Worlds[world].Level }

// Reset abandons every episode.
func (e *Episodes) Reset(seed uint64) {
	for i := range e.Worlds {
		w := &e.Worlds[i]
		w.begin(seed, e.first+i)
		e.Stages[i] = Over
	}
	e.phase = toObserve
}

// begin makes the coming episodes those of a world of the given number after a Reset.
func (w *Episode) begin(seed uint64, number int) {
	w.Key, w.Next, w.As = rng.New(seed).Fold(uint64(number)), 0, number
}

// DueObserve begins Observe. It is an error if that is not what is due, or the batch has not the right size.
// Changed reports whether the batch is another than that of the last call.
func (e *Episodes) DueObserve(b *Batch) (changed bool, err error) {
	if e.phase != toObserve {
		return false, e.misuse("Observe", "Step")
	}
	if changed, err = e.attach(b); err == nil {
		e.phase = toStep
	}
	return changed, err
}

// DueStep begins Step, like DueObserve.
func (e *Episodes) DueStep(b *Batch) (changed bool, err error) {
	if e.phase != toStep {
		return false, e.misuse("Step", "Observe")
	}
	if changed, err = e.attach(b); err == nil {
		e.phase = toObserve
	}
	return changed, err
}

// DueRoll begins whole steps, after which Observe is due. It is an error if Step is.
func (e *Episodes) DueRoll() error {
	if e.phase != toObserve {
		return e.misuse("Roll", "Step")
	}
	return nil
}

func (e *Episodes) misuse(called, missing string) error {
	if e.phase == unset {
		missing = "Reset"
	}
	return fmt.Errorf("env %s: %s called where %s was due", e.spec.ID, called, missing)
}

// attach makes b the batch of the call.
func (e *Episodes) attach(b *Batch) (changed bool, err error) {
	if b == e.batch {
		return false, nil
	}
	if b.N != len(e.Worlds)*e.spec.Agents || len(b.Obs) != b.N*e.width.obs || len(b.Act) != b.N*e.width.act || len(b.Facts) != b.N*e.width.facts {
		return false, fmt.Errorf("env %s: the batch was not made by NewBatch for this spec and %d worlds", e.spec.ID, len(e.Worlds))
	}
	for i := range e.Stages {
		e.Stages[i] = max(e.Stages[i], Look)
	}
	e.batch = b
	return true, nil
}

// Plan sets l to the level of an episode of a world and returns the episode's key: both are functions of
// the world's key and the episode's number.
func (e *Episodes) Plan(l *Level, world int, episode uint64) rng.Key {
	key := e.Worlds[world].Key.Fold(episode)
	e.levels.Next(l, e.Worlds[world].As, key)
	return key
}

// A Host has the Envs of a Vec.
type Host interface {
	// Begin resets a world to a level and writes its first observation.
	Begin(world int, l *Level, key rng.Key, obs []float32) error

	// Look writes the observation of a world amid an episode.
	Look(world int, obs []float32) error
}

// Show fills Obs and Level of worlds lo to hi of the batch, and begins episodes where the last is over.
func (e *Episodes) Show(lo, hi int, h Host) error {
	b, agents := e.batch, e.spec.Agents
	width := agents * e.width.obs
	for i := lo; i < hi; i++ {
		var err error
		switch obs := b.Obs[i*width : (i+1)*width]; e.Stages[i] {
		case Known:
			end := i + 1
			for end < hi && e.Stages[end] == Known {
				end++
			}
			copy(b.Obs[i*width:end*width], b.Next[i*width:end*width])
			i = end - 1
		case Rest:
		case Over:
			w := &e.Worlds[i]
			key := e.Plan(&w.Level, i, w.Next)
			e.IDs[i] = w.Level.ID(e.spec)
			w.Next++
			e.Steps[i] = 0
			err = h.Begin(i, &w.Level, key, obs)
		default:
			err = h.Look(i, obs)
		}
		if err != nil {
			return e.Locate(err, i)
		}
	}
	for i := lo; i < hi; i++ {
		if e.Stages[i] != Rest {
			e.Stages[i] = Look // until Settle knows what follows
		}
	}
	if agents == 1 {
		copy(b.Level[lo:hi], e.IDs[lo:hi])
		return nil
	}
	for r := lo * agents; r < hi*agents; r++ {
		b.Level[r] = e.IDs[r/agents]
	}
	return nil
}

// Settle does what follows Env.Step and Env.Observe of worlds lo to hi in the batch: it ends episodes that
// take too long, checks numbers and computes rewards.
func (e *Episodes) Settle(lo, hi int) error {
	b, agents, most := e.batch, e.spec.Agents, e.spec.MaxSteps
	for i := lo; i < hi; i++ {
		if e.Stages[i] == Rest {
			continue
		}
		e.Steps[i]++
		end := &b.End[i*agents]
		if *end == Running && int(e.Steps[i]) == most {
			for j := range agents {
				b.End[i*agents+j] = Truncated
			}
		}
		e.Stages[i] = Known
		if *end != Running {
			e.Stages[i] = Over
		}
	}
	lo, hi = lo*agents, hi*agents
	if !finite(b.Next[lo*e.width.obs:hi*e.width.obs]) || !finite(b.Facts[lo*e.width.facts:hi*e.width.facts]) {
		return e.notFinite(lo, hi)
	}
	e.reward(lo, hi)
	return nil
}

// reward fills Reward of rows lo to hi.
func (e *Episodes) reward(lo, hi int) {
	width := e.width.facts
	reward, facts := e.batch.Reward[lo:hi], e.batch.Facts[lo*width:hi*width]
	for len(reward) >= 4 { // four sums do not wait for each other
		var a, b, c, d float32
		for i := range e.terms {
			t := &e.terms[i]
			f := facts[t.col:]
			a += float32(t.weight * f[0])
			b += float32(t.weight * f[width])
			c += float32(t.weight * f[2*width])
			d += float32(t.weight * f[3*width])
		}
		reward[0], reward[1], reward[2], reward[3] = a, b, c, d
		reward, facts = reward[4:], facts[4*width:]
	}
	for r := range reward {
		sum := float32(0)
		for _, t := range e.terms {
			sum += float32(t.weight * facts[r*width+t.col])
		}
		reward[r] = sum
	}
}

// finite reports whether no number of x is infinite or NaN: whether no exponent, plus 1, overflows. It looks
// at two numbers at a time.
func finite(x []float32) bool {
	const exponents, ones = 0xff<<55 | 0xff<<23, 1<<55 | 1<<23
	var a, b uint64
	if len(x)%2 == 1 {
		a = uint64(math.Float32bits(x[len(x)-1]))&exponents + ones
	}
	pairs := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
	for len(pairs) >= 4 {
		a |= (pairs[0]&exponents + ones) | (pairs[1]&exponents + ones)
		b |= (pairs[2]&exponents + ones) | (pairs[3]&exponents + ones)
		pairs = pairs[4:]
	}
	for _, v := range pairs {
		a |= v&exponents + ones
	}
	return (a|b)&(1<<63|1<<31) == 0
}

// bound is what a column of the actions may hold.
type bound struct {
	lo, hi float32
	field  *Field
}

// bounds returns those of the columns of a row of actions.
func bounds(s *Spec) (bs []bound) {
	for i := range s.Act {
		f := &s.Act[i]
		for range f.Len {
			bs = append(bs, bound{f.Lo, f.Hi, f})
		}
	}
	return bs
}

// Clamp limits actions to their bounds, row after row. At the first that it cannot take, it returns the number
// of the row and an error.
func (e *Episodes) Clamp(act []float32) (row int, err error) {
	if e.spec.Discrete() {
		return e.choices(act)
	}
	for row = 0; len(act) > 0; row++ {
		for i := range e.bounds {
			b, v := &e.bounds[i], act[i]
			if v != v {
				return row, fmt.Errorf("action %q is NaN", b.field.Name)
			}
			act[i] = geom.Clamp(v, b.lo, b.hi)
		}
		act = act[len(e.bounds):]
	}
	return row, nil
}

// choices is Clamp for actions that are choices.
func (e *Episodes) choices(act []float32) (row int, err error) {
	for row = 0; len(act) > 0; row++ {
		for i := range e.bounds {
			f, v := e.bounds[i].field, act[i]
			if !(v >= 0 && v < float32(f.Choices)) || v != geom.Floor(v) {
				return row, fmt.Errorf("action %q is %v, want a whole number from 0 to %d", f.Name, v, f.Choices-1)
			}
		}
		act = act[len(e.bounds):]
	}
	return row, nil
}

// Locate says in which world, episode and step an error occurred.
func (e *Episodes) Locate(err error, world int) error {
	return fmt.Errorf("env %s: world %d, episode %d (level %016x), step %d: %w",
		e.spec.ID, e.Worlds[world].As, e.Worlds[world].Next-1, e.IDs[world], e.Steps[world], err)
}

// notFinite returns an error about the first number of rows lo to hi that is not finite.
func (e *Episodes) notFinite(lo, hi int) error {
	for r := lo; r < hi; r++ {
		for _, c := range []struct {
			kind   string
			fields []Field
			x      []float32
		}{{"observation", e.spec.Obs, e.batch.Next[r*e.width.obs:]}, {"fact", e.spec.Facts, e.batch.Facts[r*e.width.facts:]}} {
			for _, f := range c.fields {
				for _, v := range c.x[:f.Len] {
					if !geom.Finite(v) {
						return e.Locate(fmt.Errorf("%s %q is %v", c.kind, f.Name, v), r/e.spec.Agents)
					}
				}
				c.x = c.x[f.Len:]
			}
		}
	}
	return errors.New("a value is not finite")
}

// The state of a world: key, number of the next episode, step, whether the episode is over, level, state of
// the Env.
const stateHead = 8 + 8 + 4 + 1

// AppendState appends the state of a world, whose Env is w. It panics if that is no StateEnv.
func (e *Episodes) AppendState(dst []byte, world int, w Env) []byte {
	p := &e.Worlds[world]
	dst = binary.LittleEndian.AppendUint64(dst, p.Key.Uint64())
	dst = binary.LittleEndian.AppendUint64(dst, p.Next)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.Steps[world]))
	if e.Stages[world] >= Over {
		return append(dst, 1)
	}
	dst, _ = p.Level.AppendBinary(append(dst, 0))
	return w.(StateEnv).AppendState(dst)
}

// SetState makes a world, whose Env is w, continue from a state of AppendState. If the Env refuses it, the
// episode is over.
func (e *Episodes) SetState(world int, state []byte, w Env) error {
	env, ok := w.(StateEnv)
	if !ok {
		return fmt.Errorf("env %s cannot restore states", e.spec.ID)
	}
	if len(state) < stateHead || state[stateHead-1] > 1 {
		return fmt.Errorf("env %s: malformed state of %d bytes", e.spec.ID, len(state))
	}
	p := &e.Worlds[world]
	if state[stateHead-1] == 1 {
		e.Stages[world] = Over
	} else {
		level := Level{Params: make([]float32, len(e.spec.Params))}
		rest, err := CutLevel(&level, state[stateHead:])
		if err != nil {
			return fmt.Errorf("env %s: malformed state: %w", e.spec.ID, err)
		}
		if err := env.SetState(rest); err != nil {
			e.Stages[world] = Over // the Env is now only good for Reset
			return fmt.Errorf("env %s: %w", e.spec.ID, err)
		}
		p.Level, e.IDs[world], e.Stages[world] = level, level.ID(e.spec), Look
	}
	p.Key = rng.New(binary.LittleEndian.Uint64(state))
	p.Next = binary.LittleEndian.Uint64(state[8:])
	e.Steps[world] = int32(binary.LittleEndian.Uint32(state[16:]))
	if e.phase == unset {
		e.phase = toObserve
	}
	return nil
}
