package replay

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// act plays well enough for long episodes: it pushes the cart under the pole, and swings.
func act(b *env.Batch, step uint64) {
	if len(b.Obs) == 4 { // cart-pole: position, speed, angle, angular speed
		b.Act[0] = 0
		if b.Obs[0]/20+b.Obs[1]/8+b.Obs[2]+b.Obs[3]/2 > 0 {
			b.Act[0] = 1
		}
		return
	}
	b.Act[0], _ = geom.Sincos(float32(step) / 9)
}

// recorded returns an episode.
func recorded(t testing.TB, name string) *traj.Episode {
	t.Helper()
	c, err := env.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}()
	origin, err := traj.OriginOf(c, "test", 1)
	if err != nil {
		t.Fatal(err)
	}
	v.Reset(1)
	r, err := traj.NewRecorder(v, 0, origin)
	if err != nil {
		t.Fatal(err)
	}
	b := env.NewBatch(v.Spec(), 1)
	for step := range uint64(5000) {
		r.Begin()
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		r.Observed(b)
		act(b, step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		if ep := r.Stepped(b); ep != nil {
			return ep
		}
	}
	t.Fatal("the episode does not end")
	return nil
}

// moment describes what p shows, in full.
func moment(p *Player) string {
	var l scene.List
	p.Draw(&l)
	s := fmt.Sprint(p.Step(), p.Return(), p.Caption(), p.Seconds())
	for i := range l.Len() {
		s += fmt.Sprint(l.At(i))
	}
	return s
}

// Whatever way leads to a moment, it looks the same, and the end is the recorded one.
func TestSeekAnyWay(t *testing.T) {
	for _, name := range []string{"cartpole-v0", "pendulum-v0"} {
		ep := recorded(t, name)
		p, err := Open(ep)
		if err != nil {
			t.Fatal(err)
		}
		n := p.Len()
		if n < 3*every {
			t.Fatalf("%s: %d steps are too few for this test", name, n)
		}
		want := make([]string, n+1)
		for i := range want {
			if err := p.Seek(i); err != nil {
				t.Fatal(err)
			}
			want[i] = moment(p)
			if i > 0 && want[i] == want[i-1] {
				t.Fatalf("%s: moments %d and %d look the same", name, i-1, i)
			}
		}
		if p.Return() != ep.Return() || p.Batch().End[0] != ep.Last || !reflect.DeepEqual(p.Batch().Next, ep.Obs[len(ep.Obs)-len(p.Batch().Next):]) {
			t.Errorf("%s: return %v and %v, recorded %v and %v, or another last observation", name, p.Return(), p.Batch().End[0], ep.Return(), ep.Last)
		}
		r := rng.New(3).Stream(0, 0, 0)
		for range 60 {
			i := r.IntN(n + 1)
			if err := p.Seek(i); err != nil {
				t.Fatal(err)
			}
			if got := moment(p); got != want[i] {
				t.Fatalf("%s: moment %d looks different on coming back:\n%s\n%s", name, i, got, want[i])
			}
		}
		for _, i := range []int{n, 0, n, every, every - 1, n - 1, -5, n + 5} {
			if err := p.Seek(i); err != nil {
				t.Fatal(err)
			}
			if got := moment(p); got != want[max(0, min(i, n))] {
				t.Fatalf("%s: moment %d looks different on coming back", name, i)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCaption(t *testing.T) {
	p, err := Open(recorded(t, "pendulum-v0"))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Caption(); got != "step 0   return 0.0" {
		t.Errorf("at the beginning: %q", got)
	}
	if err := p.Seek(7); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("step 7   return %s   torque %s", Number(p.Return(), 1), Number(float64(p.Episode().Action(6)[0]), 2))
	if got := p.Caption(); got != want {
		t.Errorf("at step 7: %q, want %q", got, want)
	}
	if got := Number(-1.25, 1); got != "\u22121.2" {
		t.Errorf("Number(-1.25, 1) is %q", got)
	}
}

// steer is a Driver that knows nothing but the step.
type steer struct{ step uint64 }

func (s *steer) Act(b *env.Batch, _ rng.Key, _ bool) { act(b, s.step); s.step++ }

// left always pushes one way.
type left struct{}

func (left) Act(b *env.Batch, _ rng.Key, _ bool) { clear(b.Act) }

// An episode that is played is recorded such that it can be verified, and a fork is the same
// until it leaves.
func TestPlayAndFork(t *testing.T) {
	c, err := env.Open("cartpole-v0", nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Play(Scene{Config: c, Seed: 4, Purpose: "play"}, &steer{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const at = 70
	var moments []string
	for i := range at + 30 {
		if err := p.Seek(i); err != nil {
			t.Fatal(err)
		}
		moments = append(moments, moment(p))
	}
	if !p.Live() || p.Len() != at+29 {
		t.Fatalf("live %v after %d steps, want %d", p.Live(), p.Len(), at+29)
	}
	if err := p.Seek(at); err != nil {
		t.Fatal(err)
	}
	if moment(p) != moments[at] {
		t.Errorf("coming back to step %d shows another moment", at)
	}
	q, err := p.Fork(left{}, "hand")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if moment(q) != moments[at] {
		t.Errorf("the fork begins elsewhere:\n%s\n%s", moment(q), moments[at])
	}
	for q.Live() {
		if err := q.Seek(q.Step() + 1); err != nil {
			t.Fatal(err)
		}
	}
	end := q.Len()
	if end <= at || end >= at+40 {
		t.Errorf("pushed left from step %d the pole fell at step %d", at, end)
	}
	if err := q.Seek(end + 10); err != nil || q.Step() != end {
		t.Errorf("beyond the end is step %d of %d: %v", q.Step(), end, err)
	}
	if err := q.Seek(at); err != nil || moment(q) != moments[at] {
		t.Errorf("going back in the fork shows another moment: %v", err)
	}
	if q.Episode().Purpose != "hand" || q.Episode().Last != env.Terminated {
		t.Errorf("recorded as %q, end %v", q.Episode().Purpose, q.Episode().Last)
	}
	for name, ep := range map[string]*traj.Episode{"original": p.Episode(), "fork": q.Episode()} {
		if n, d, err := traj.Verify([]*traj.Episode{ep}, 1); err != nil || d != nil || n != int64(ep.Len()) {
			t.Errorf("%s: %d steps verified, divergence %v, %v", name, n, d, err)
		}
	}
	r, err := Open(q.Episode())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Seek(at); err != nil || moment(r) != moments[at] {
		t.Errorf("the recording of the fork shows another moment: %v", err)
	}
}
