package lab

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

func init() { benches = append(benches, physicsBenches) }

const (
	chainLinks  = 8
	chainWorlds = 4096
	chainEvery  = 400 // steps after which a chain is dropped again
	chainDt     = 1. / 50

	perCoreSteps = "world_steps_per_core_second"
)

// physicsBenches compares the engines: chains of capsules that fall onto the ground, pinned end to
// end or driven by motors, each also on other people's engines; whole environments; the number of
// worlds; and how long it takes to return to a state.
func physicsBenches() (bs []benchmark, err error) {
	plain := "physics/chain8/go " + perCoreSteps
	add := func(name, engine, vs string, open openFunc) {
		bs = append(bs, benchmark{
			name: name, metric: perCoreSteps, unit: "1/s", engine: engine, worlds: chainWorlds, workers: 1, vs: vs, open: open, figure: perCore,
		})
	}
	add("physics/chain8/go", "go", "", openChains("go", false))
	add("physics/driven8/go", "go", "", openChains("go", true))
	for _, e := range env.Engines() {
		if stepsSims(e) {
			add("physics/chain8/"+e, e, plain, openChains(e, false))
			add("physics/driven8/"+e, e, "physics/driven8/go "+perCoreSteps, openChains(e, true))
		}
	}
	add("physics/chain8/box2d-go", "ByteArena box2d 180/60", plain, openByteArena)
	for _, b := range foreignChains {
		add("physics/chain8/"+b.name, b.engine, plain, b.open)
	}
	for _, name := range []string{"lander-v0", "walker-v0"} {
		bs = append(bs, engineBenches(name)...)
	}
	bs = append(bs, worldsBenches("lander-v0")...)
	return append(bs, benchmark{
		name: "physics/restore8", metric: "microseconds", unit: "us", engine: "go", worlds: chainWorlds, workers: 1,
		open: openRestore, figure: micros,
	}), nil
}

// stepsSims reports whether an engine advances given worlds, as opposed to having its own.
func stepsSims(engine string) bool { return engine != "go" && env.NewStepper(engine) != nil }

// foreignChains are chains on engines that need a build tag.
var foreignChains []foreignChain

type foreignChain struct {
	name, engine string
	open         openFunc
}

// chain is a row of capsules a little above the ground, bent so that it does not fall flat.
func chain(driven bool) *scene.Scene {
	s := &scene.Scene{Name: "chain", Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{
		{Name: "ground", Points: []geom.Vec{{X: -50}, {X: 50}}, Friction: 0.6},
	}}
	for i := range chainLinks {
		b := scene.Body{Name: fmt.Sprint("link", i), Position: chainAt(i), Shapes: []scene.Shape{
			{Kind: scene.Capsule, Points: []geom.Vec{{X: -0.25}, {X: 0.25}}, Radius: 0.1, Density: 1, Friction: 0.6},
		}}
		s.Bodies = append(s.Bodies, b)
		if i == 0 {
			continue
		}
		j := scene.Joint{Name: b.Name, Kind: scene.Revolute, A: s.Bodies[i-1].Name, B: b.Name, AnchorA: geom.Vec{X: 0.25}, AnchorB: geom.Vec{X: -0.25}}
		if driven {
			j.Limits, j.Motor = &[2]float32{-1, 1}, &scene.Motor{Max: 2}
		}
		s.Joints = append(s.Joints, j)
	}
	return s
}

func chainAt(i int) geom.Vec { return geom.Vec{X: float32(i) * 0.5, Y: 0.5 + float32(i%2)*0.01} }

// chainsAtOnce is how many worlds are stepped between two looks at which to drop again: a few
// whose state stays in the nearer caches, as NewVec does.
const chainsAtOnce = 64

func openChains(engine string, driven bool) openFunc {
	return func() (func() (int, error), func() error, error) {
		m, err := physics.Compile(chain(driven))
		if err != nil {
			return nil, nil, err
		}
		ws, sims, age := make([]*physics.World, chainWorlds), make([]env.Sim, chainWorlds), make([]int, chainWorlds)
		for i := range ws {
			ws[i] = m.NewWorld()
			sims[i], age[i] = ws[i], i*37%chainEvery
		}
		stepper := env.NewStepper(engine)
		r := rng.New(1).Stream(benchPurpose, 1, 0)
		step := func() (int, error) {
			for lo := 0; lo < len(ws); lo += chainsAtOnce {
				hi := min(lo+chainsAtOnce, len(ws))
				for i := lo; i < hi; i++ {
					if age[i]++; age[i] == chainEvery {
						age[i] = 0
						ws[i].Reset()
					}
					for j := range chainLinks - 1 {
						if driven {
							ws[i].SetMotor(j, r.Range(-4, 4), 2)
						}
					}
				}
				if stepper != nil {
					stepper.Advance(sims[lo:hi], chainDt)
					continue
				}
				for _, w := range ws[lo:hi] {
					w.Step(chainDt)
				}
			}
			return len(ws), nil
		}
		return step, func() error { return nil }, nil
	}
}

func openByteArena() (func() (int, error), func() error, error) {
	ws, age := make([]*box2d.World, chainWorlds), make([]int, chainWorlds)
	for i := range ws {
		w, err := box2d.New(chain(false), box2d.Options{})
		if err != nil {
			return nil, nil, err
		}
		ws[i], age[i] = w, i*37%chainEvery
	}
	at := 0
	return func() (int, error) { // fewer at a time: a step of all takes a second
		for range chainWorlds / 16 {
			w := ws[at]
			if age[at]++; age[at] == chainEvery {
				age[at] = 0
				for i := range chainLinks {
					w.SetPose(i, chainAt(i), 0)
					w.SetVelocity(i, geom.Vec{}, 0)
				}
			}
			w.Step(chainDt)
			at = (at + 1) % len(ws)
		}
		return chainWorlds / 16, nil
	}, func() error { return nil }, nil
}

// openRestore returns worlds to a state in which they have contacts.
func openRestore() (func() (int, error), func() error, error) {
	m, err := physics.Compile(chain(false))
	if err != nil {
		return nil, nil, err
	}
	saved := m.NewWorld()
	for range chainEvery {
		saved.Step(chainDt)
	}
	ws := make([]*physics.World, chainWorlds)
	for i := range ws {
		ws[i] = m.NewWorld()
	}
	return func() (int, error) {
		for _, w := range ws {
			w.CopyFrom(saved)
		}
		return len(ws), nil
	}, func() error { return nil }, nil
}

// engineBenches measures an environment on each engine.
func engineBenches(name string) (bs []benchmark) {
	const metric = "env_steps_per_core_second"
	base := "physics/" + name + "/go"
	one := func(engine, vs string) {
		b := stepBench("physics/"+name+"/"+engine, metric, vs, 1, func(_ string, workers int) (*stepper, error) {
			return openSimOn(name, env.VecOptions{Worlds: benchWorlds, Workers: workers, Engine: engine})
		}, perCore)
		b.engine = engine
		bs = append(bs, b)
	}
	one("go", "")
	for _, e := range env.Engines() {
		if stepsSims(e) {
			one(e, base+" "+metric)
		}
	}
	return bs
}

// outOfStep is after how many steps worlds that began together are in different phases of their episodes: after
// three and more of lander-v0's with random actions, half of which take 76 to 107 steps. Before, a short measurement sees
// all of them fly, or all of them crash.
const outOfStep = 400

// worldsBenches measures an environment with more and more worlds, on the fastest engine.
func worldsBenches(name string) (bs []benchmark) {
	if _, err := env.Open(name, nil); err != nil {
		return nil // not in this program
	}
	for n := 1; n <= 65536; n *= 4 {
		title, engine := fmt.Sprint("physics/worlds/", n), simEngine()
		b := stepBench(title, "env_steps_per_core_second", "", 1, func(_ string, workers int) (*stepper, error) {
			s, err := openSimOn(name, env.VecOptions{Worlds: n, Workers: workers, Engine: engine})
			for err == nil && s.i < outOfStep {
				_, err = s.step()
			}
			return s, err
		}, perCore)
		b.worlds, b.engine = n, engine
		bs = append(bs, b, benchmark{
			name: title, metric: "bytes_per_world", unit: "B", engine: engine, worlds: n, workers: 1,
			constant: func() (float64, error) {
				v, err := heapOf(func() (*stepper, error) {
					return openSimOn(name, env.VecOptions{Worlds: n, Workers: 1, Engine: engine})
				})
				return math.Round(v / float64(n)), err
			},
		})
	}
	return bs
}

// simEngine returns the fastest engine that advances given worlds.
func simEngine() string {
	for _, e := range env.Engines() {
		if stepsSims(e) {
			return e
		}
	}
	return "go"
}
