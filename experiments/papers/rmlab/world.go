package rmlab

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// An Arena is the world of a Lab for agents that learn: the same discs, levels and parts, one episode
// a trajectory. What a model learned of a Lab it can judge there. The task's own reward is Standard.
type Arena struct{}

// Spec describes the environment. Forces may be as large as those of wild pilots. The observation is
// that of trajectories, its facts are the parts.
func (Arena) Spec() (*env.Spec, error) {
	const far = 8
	pair := func(name, unit, doc string) env.Field {
		return env.Field{Name: name, Len: 2, Lo: -far, Hi: far, Unit: unit, Doc: doc}
	}
	s := &env.Spec{
		ID: "rmlab-arena-v0", Doc: "Push a disc to a goal, past a hazard, gently.",
		Ends: "Never terminated; truncated after 50 steps.",
		Obs: []env.Field{
			pair("position", "m", "of the disc"), pair("velocity", "m/s", "of the disc"),
			pair("to_goal", "m", "way to the goal"), pair("to_hazard", "m", "way to the hazard"),
		},
		Act:    []env.Field{{Name: "force", Len: 2, Lo: -wildForce, Hi: wildForce, Doc: "as a share of what tame pilots use at most"}},
		Agents: 1, Dt: dt, MaxSteps: Steps,
	}
	for k, name := range PartNames {
		s.Facts = append(s.Facts, env.Field{Name: name, Len: 1, Lo: 0, Hi: 1000, Doc: "of the step"})
		if Standard[k] != 0 {
			s.Reward = append(s.Reward, env.Term{Fact: name, Weight: Standard[k], Doc: "as the standard gold has it"})
		}
	}
	return s, nil
}

// New returns one world.
func (Arena) New() env.Env { return &world{} }

type world struct{ disc }

// Reset begins an episode on the level that NewLevel draws from the seed of l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	level := NewLevel(rng.New(l.Seed), 0)
	w.disc = disc{level: level, x: level.Start}
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) { w.observe(obs[:0]) }

// Step pushes the disc.
func (w *world) Step(b *env.Batch) {
	w.push(b.Facts[:0], geom.Vec{X: b.Act[0], Y: b.Act[1]})
	b.End[0] = env.Running
}
