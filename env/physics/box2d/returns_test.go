package box2d_test

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	_ "github.com/terrarium-rl/terrarium/agents/random"
	_ "github.com/terrarium-rl/terrarium/agents/scripted"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// returnsOf lets an agent play each world's first episodes, and returns their returns.
func returnsOf(t *testing.T, id, preset, agent, engine string, worlds, episodes int, seed uint64) []float64 {
	t.Helper()
	c, err := env.Open(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	levels, err := (&env.LevelSet{Preset: preset}).Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: worlds, Levels: levels, Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	a, err := agents.Open(agent, nil)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := a.Build(agents.Setup{Spec: spec, Rows: worlds, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	v.Reset(seed)
	b, sums, ended := env.NewBatch(spec, worlds), make([]float64, worlds), make([]int, worlds)
	returns := make([]float64, worlds*episodes)
	for n, left := uint64(0), worlds*episodes; left > 0; n++ {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		policy.Act(b, rng.New(seed).Fold(n), true)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		for i := range worlds {
			sums[i] += float64(b.Reward[i])
			if b.End[i] == env.Running {
				continue
			}
			if ended[i] < episodes {
				returns[ended[i]*worlds+i] = sums[i]
				left--
			}
			ended[i]++
			sums[i] = 0
		}
	}
	return returns
}

// Fixed policies get the same returns in either engine, episode by episode on the same levels with
// the same draws. Single episodes are chaotic, so what is compared is the mean difference of
// pairs: it may be 2.58 standard errors (99 %) and, beyond those, 0.15 of the standard deviation of a
// return. The second part is for real differences, chosen on seeds 1 and 2: random actions in the
// lander get 0.1 less in Box2D, whose impacts are harder, as package lander says; the greatest
// other one was 0.1, in 100 rooms of the sandbox. Seed 1001 chose nothing. The scripted walker has
// a test of its own.
func TestReturnsOfFixedPolicies(t *testing.T) {
	for _, c := range []struct {
		id, preset, agent string
		worlds, episodes  int
	}{
		{"lander-v0", "classic", "scripted", 50, 2},
		{"lander-v0", "classic", "random", 50, 4},
		{"lander-v0", "", "scripted", 50, 1},
		{"walker-v0", "", "random", 30, 1},
		{"arm-v0", "", "scripted", 50, 1},
		{"arm-v0", "", "random", 50, 1},
		{"pusher-v0", "", "scripted", 50, 1},
		{"pusher-v0", "", "random", 25, 1},
		{"sandbox-v0", "", "random", 25, 1},
	} {
		t.Run(c.id+"/"+c.preset+"/"+c.agent, func(t *testing.T) {
			t.Parallel()
			const seed = 1001
			ours := returnsOf(t, c.id, c.preset, c.agent, "go", c.worlds, c.episodes, seed)
			theirs := returnsOf(t, c.id, c.preset, c.agent, box2d.Engine, c.worlds, c.episodes, seed)
			diff := make([]float64, len(ours))
			for i := range ours {
				diff[i] = theirs[i] - ours[i]
			}
			a, b, d := meanAndError(ours), meanAndError(theirs), meanAndError(diff)
			sd := a[1] * math.Sqrt(float64(len(ours)-1))
			t.Logf("physics %.2f +- %.2f, box2d %.2f +- %.2f, difference %.2f +- %.2f, which is %.3f standard deviations", a[0], a[1], b[0], b[1], d[0], d[1], d[0]/sd)
			if most := 2.58*d[1] + 0.15*sd; !(math.Abs(d[0]) <= most) {
				t.Errorf("returns differ by %.2f in the mean, want at most %.2f", d[0], most)
			}
		})
	}
}

// quarters makes four steps of each, on env/physics.
type quarters struct{}

func (quarters) Advance(sims []env.Sim, dt float32) {
	for _, s := range sims {
		for range 4 {
			s.Step(dt / 4)
		}
	}
}

func init() { env.RegisterOther("go/4", func() env.Stepper { return quarters{} }) }

// The scripted walker balances on one leg as it starts, and was found by a search on env/physics at
// 50 steps a second: there it walks off (298), on Box2D it falls backwards at once (-122). At 200
// steps a second it falls on both, in the same way: it is the controller that depends on the time
// step, not an engine that is wrong. What policies lose that were trained is the matter of
// terrarium bench sim2sim.
func TestScriptedWalker(t *testing.T) {
	const seed = 1001
	returns := map[string][2]float64{}
	for _, engine := range []string{box2d.Engine, "go/4", box2d.Fine} {
		returns[engine] = meanAndError(returnsOf(t, "walker-v0", "classic", "scripted", engine, 10, 1, seed))
	}
	t.Log(returns)
	for engine, r := range returns {
		if fine := returns[box2d.Fine]; !(math.Abs(r[0]-fine[0]) <= 5) {
			t.Errorf("engine %s: return %.1f, on Box2D with fine steps %.1f, want it within 5", engine, r[0], fine[0])
		}
	}
}
