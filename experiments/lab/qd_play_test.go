package lab

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/rewards"
)

// seated are experiments whose evaluations are to be the same bits wherever they are played.
var seated = map[string]string{
	"lander": `
version: 1
env: {name: lander-v0}
reward: "100 * (next.y - prev(next.y)) - speed"
qd:
  measures:
    - {of: obs.x, when: [obs.right_leg, obs.left_leg], take: last, lo: -1, hi: 1}
    - {of: obs.vy, take: min, lo: -3, hi: 0}
    - {of: obs.x, with: [obs.y], take: signature, word: [0, 1], log: true, lo: -1, hi: 1}
  archive: {name: grid, options: {cells: [5, 5, 5]}}
  observe: {frames: 3, pixels: 8}
`,
	"pendulum": `
version: 1
env: {name: pendulum-v0}
qd:
  policy: {hidden: [5, 3], bias: true}
  measures: [{of: obs.cos, take: mean, lo: -1, hi: 1}, {of: obs.angular_velocity, take: max, lo: 0, hi: 8}]
  goals: [{of: obs.angular_velocity, take: sum, less: true}]
  archive: {name: mome, options: {cells: [5, 5], reference: [-9000, -9000]}}
  emitters: [{name: isoline}]
`,
}

func seatedPlan(t *testing.T, name string, sets ...string) *Plan {
	t.Helper()
	p, err := ParsePlan(name+".yaml", []byte(seated[name]), sets)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// played returns n solutions of a plan, evaluated by some players with some seats each.
func played(t *testing.T, p *Plan, n, players, seats, episodes int) (*qd.Batch, int64, error) {
	t.Helper()
	pool, err := newQDPool(p, players, seats)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.close()
	b := p.shape().Batch(n)
	r := rng.New(1).Stream(0, 0, 0)
	for i := range b.Sol {
		b.Sol[i] = r.Norm()
	}
	for i := range 2 { // what was played before must not matter
		part := b.Rows(i, n)
		if err := pool.evaluate(part, 1, func(i int) rng.Key { return rng.New(uint64(i)) }); err != nil {
			return b, 0, err
		}
	}
	pool.steps.Store(0)
	err = pool.evaluate(b, episodes, func(i int) rng.Key { return rng.New(uint64(100 + i)) })
	return b, pool.steps.Load(), err
}

// direct plays the episodes of a solution in a Vec of one world, as the package of worlds says it is
// done, and returns the mean return.
func direct(t *testing.T, p *Plan, sol []float32, episodes int, key rng.Key) (objective float32, steps int64) {
	t.Helper()
	v, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: 1, Levels: p.levels, Engine: "go"})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	reward, err := p.buildReward()
	if err != nil {
		t.Fatal(err)
	}
	policy, b, rew, total := ElitePolicy(p, sol), env.NewBatch(p.Spec, 1), make([]float32, 1), 0.0
	for e := range episodes {
		sum := 0.0
		v.Reset(key.Fold(uint64(e)).Uint64())
		for b.End[0] = env.Running; b.End[0] == env.Running; steps++ {
			if err := v.Observe(b); err != nil {
				t.Fatal(err)
			}
			policy.Act(b, rng.Key{}, false)
			if err := v.Step(b); err != nil {
				t.Fatal(err)
			}
			if err := rewards.Follow(reward, rew, b); err != nil {
				t.Fatal(err)
			}
			sum += float64(rew[0])
		}
		total += sum
	}
	return float32(total * (1 / float64(episodes))), steps
}

func sameBits(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// An evaluation is the same bits in a world alone, stepped by plain Go, as in any seat of any player
// beside any others in lanes.
func TestQDSeats(t *testing.T) {
	defer func() {
		if err := env.SetEngine("auto"); err != nil {
			t.Fatal(err)
		}
	}()
	for name := range seated {
		p := seatedPlan(t, name)
		const n, episodes = 45, 2
		if err := env.SetEngine("go"); err != nil {
			t.Fatal(err)
		}
		want, wantSteps, err := played(t, p, n, 1, 1, episodes)
		if err != nil {
			t.Fatal(err)
		}
		steps, dim := int64(0), p.shape().Dim
		for i := range n {
			objective, s := direct(t, p, want.Sol[i*dim:(i+1)*dim], episodes, rng.New(uint64(100+i)))
			if steps += s; objective != want.Objective[i] {
				t.Errorf("%s: solution %d: objective %v, want %v", name, i, want.Objective[i], objective)
			}
		}
		if wantSteps != steps {
			t.Errorf("%s: %d transitions, want %d", name, wantSteps, steps)
		}
		for _, engine := range env.Engines() {
			if err := env.SetEngine(engine); err != nil {
				t.Fatal(err)
			}
			for _, c := range [][2]int{{1, qdSeats}, {1, 7}, {3, 9}} {
				got, gotSteps, err := played(t, p, n, c[0], c[1], episodes)
				if err != nil {
					t.Fatal(err)
				}
				if !sameBits(got.Objective, want.Objective) || !sameBits(got.Measures, want.Measures) || !sameBits(got.Goals, want.Goals) ||
					!sameBits(got.Obs, want.Obs) || gotSteps != wantSteps {
					t.Errorf("%s on %s: %d players of %d seats evaluate to other bits than one of one", name, engine, c[0], c[1])
				}
			}
		}
	}
}

// Another physics has results of its own, but these too depend on the solution alone.
func TestQDSeatsOtherPhysics(t *testing.T) {
	p := seatedPlan(t, "lander", "engine=box2d", "env.options={max_steps: 60}")
	want, steps, err := played(t, p, 12, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, gotSteps, err := played(t, p, 12, 2, 4, 1)
	if err != nil || !sameBits(got.Objective, want.Objective) || !sameBits(got.Measures, want.Measures) || !sameBits(got.Obs, want.Obs) || gotSteps != steps {
		t.Errorf("two players of 4 seats evaluate to other bits than one of one: %v", err)
	}
}

// faulty is a reward that goes wrong where a pendulum stands nearly still, upright.
type faulty struct {
	Panics bool `json:"panics"`
}

func (f *faulty) Build(*env.Spec) (rewards.Func, error) {
	return rewards.FuncOf(func(dst []float32, b *env.Batch) {
		for i := range dst {
			if dst[i] = 1; b.Next[3*i] > 0.99 && b.Next[3*i+2]*b.Next[3*i+2] < 0.1 {
				if f.Panics {
					panic("too fast")
				}
				dst[i] = float32(math.NaN())
			}
		}
	}), nil
}

func init() { rewards.Register("faulty", func() rewards.Config { return &faulty{} }) }

// What is said when something is wrong names the first solution that it is wrong with, whoever played it.
func TestQDSeatsErrors(t *testing.T) {
	for _, c := range []struct {
		sets []string
		want string
	}{
		{[]string{"reward={name: faulty}"}, "is NaN"},
		{[]string{"reward={name: faulty, options: {panics: true}}"}, "too fast"},
	} {
		p := seatedPlan(t, "pendulum", c.sets...)
		_, _, want := played(t, p, 40, 1, 1, 1)
		if want == nil || !strings.HasPrefix(want.Error(), "solution ") || !strings.Contains(want.Error(), c.want) || strings.HasPrefix(want.Error(), "solution 0:") {
			t.Fatalf("error %v, want one of a solution after the first with %q", want, c.want)
		}
		for _, by := range [][2]int{{1, qdSeats}, {3, 5}} {
			if _, _, err := played(t, p, 40, by[0], by[1], 1); err == nil || err.Error() != want.Error() {
				t.Errorf("%d players of %d seats: error %v, want %v", by[0], by[1], err, want)
			}
		}
	}
	p := seatedPlan(t, "pendulum")
	pool, err := newQDPool(p, 2, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.close()
	b, dim := p.shape().Batch(30), p.shape().Dim
	b.Sol[29*dim-1], b.Sol[12*dim-1] = float32(math.NaN()), float32(math.NaN())
	key := func(int) rng.Key { return rng.New(1) }
	if err := pool.evaluate(b, 1, key); err == nil || !strings.HasPrefix(err.Error(), "solution 11: env pendulum-v0: world 0, episode 0") || !strings.Contains(err.Error(), "is NaN") {
		t.Errorf("error %v, want one about solution 11", err)
	}
	b.Sol[29*dim-1], b.Sol[12*dim-1] = 0, 0
	if err := pool.evaluate(b, 1, key); err != nil { // it goes on after an error
		t.Error(err)
	}
	if want, _ := direct(t, p, b.Sol[:dim], 1, key(0)); b.Objective[29] != want {
		t.Errorf("after an error: objective %v, want %v", b.Objective[29], want)
	}
}

func TestQDSeatsNoAllocs(t *testing.T) {
	for name, sets := range map[string][]string{"lander": {"qd.observe=null", "qd.measures.2={of: obs.y, take: mean, lo: 0, hi: 1}", "reward=task"}, "pendulum": nil} {
		p := seatedPlan(t, name, sets...)
		w, err := newQDPlayer(p, newGenome(p), 20)
		if err != nil {
			t.Fatal(err)
		}
		defer w.vec.Close()
		b := p.shape().Batch(20)
		j := &qdJob{batch: b, episodes: 1, key: func(i int) rng.Key { return rng.New(uint64(i)) }}
		for s := range 18 {
			w.sit(s, j, s)
		}
		step := func() {
			if err := w.step(); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			step()
		}
		if n := testing.AllocsPerRun(50, step); n != 0 {
			t.Errorf("%s: %v allocations a step, want 0", name, n)
		}
	}
}
