package playback

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A Track is an episode on the viewer's clock.
type Track struct {
	*replay.Player
	Name  string // who plays, such as "scripted"
	Kin   int    // tracks of one number, above 0, began alike: each is a ghost beside the others
	Left  int    // step at which a branch left its origin
	Judge Judge  // what the policy thinks of it; may be nil

	// Again makes the next episode of the same kind, once this one has ended; nil for recordings.
	Again func() (*Track, error)

	branch  bool // may be removed
	saved   bool // the recording is in a file
	sums    []float64
	judged  [][2]float32 // value and entropy by step
	about   *env.Batch   // what Judge is asked about
	visited int          // steps whose place is on the heat map
	value   float64      // the return that words says
	words   string
}

// worth returns the return so far in words, which are made anew only where it has changed.
func (t *Track) worth() string {
	if v := t.Return(); v != t.value || t.words == "" {
		t.value, t.words = v, replay.Number(v, 1)
	}
	return t.words
}

// A Judge is a policy that says what it expects. Value[i] is its estimate of the return that
// follows row i of b.Obs, Entropy[i] that of the distribution of its actions there, in nats.
type Judge interface {
	Judge(b *env.Batch, value, entropy []float32)
}

// A Driver is someone who may play on from any moment of worlds of a Spec.
type Driver struct {
	Name string
	replay.Driver
	Spec *env.Spec
}

// fits reports whether d can play worlds of s.
func (d *Driver) fits(s *env.Spec) bool {
	return d.Spec.ID == s.ID && d.Spec.Discrete() == s.Discrete() &&
		env.Width(d.Spec.Obs) == env.Width(s.Obs) && env.Width(d.Spec.Act) == env.Width(s.Act)
}

// judge returns value and entropy at the moments up to the one shown.
func (t *Track) judge() [][2]float32 {
	if t.about == nil {
		t.about = env.NewBatch(t.Spec(), 1)
	}
	ep, w := t.Episode(), len(t.about.Obs)
	value, entropy := make([]float32, t.about.N), make([]float32, t.about.N)
	for len(t.judged) <= t.Step() {
		copy(t.about.Obs, ep.Obs[len(t.judged)*w:])
		t.Judge.Judge(t.about, value, entropy)
		t.judged = append(t.judged, [2]float32{value[0], entropy[0]})
	}
	return t.judged[:t.Step()+1]
}

// terms returns the sum of each term of the task's reward until each moment up to the one shown:
// row t of as many numbers as the Spec has terms; the mean of all agents.
func (t *Track) terms() []float64 {
	spec, ep := t.Spec(), t.Episode()
	n, w := len(spec.Reward), env.Width(spec.Facts)
	if len(t.sums) == 0 {
		t.sums = make([]float64, n)
	}
	for at := len(t.sums)/max(n, 1) - 1; at < t.Step() && n > 0; at++ {
		for i, term := range spec.Reward {
			col, _ := env.Column(spec.Facts, term.Fact) // the Spec is valid
			v := t.sums[at*n+i]
			for a := range spec.Agents {
				v += float64(term.Weight) * float64(ep.Facts[(at*spec.Agents+a)*w+col]) / float64(spec.Agents)
			}
			t.sums = append(t.sums, v)
		}
	}
	return t.sums[:(t.Step()+1)*n]
}

// hand returns the hand that plays the track's next step, or nil.
func (t *Track) hand() *Hand {
	if h, ok := t.Driver().(*Hand); ok && t.Live() && t.AtEnd() {
		return h
	}
	return nil
}

// place returns where the agent is, as it is drawn.
func place(l *scene.List) (at geom.Vec, ok bool) {
	for _, role := range [...]env.Role{env.RoleAgent, env.RoleLimb, env.RoleObject} {
		n := float32(0)
		for i := range l.Len() {
			s := l.At(i)
			if s.Role != role || s.Kind == scene.Label {
				continue
			}
			var mid geom.Vec
			for _, p := range s.Pts {
				mid = mid.Add(p)
			}
			at = at.Add(mid.Mul(1 / float32(len(s.Pts))))
			n++
		}
		if n > 0 {
			return at.Mul(1 / n), true
		}
	}
	return geom.Vec{}, false
}
