//go:build box2dcpp && cgo

package lab

import (
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/experiments/bench/cppbox2d"
)

func init() {
	foreignChains = append(foreignChains, foreignChain{"box2d-cpp", "C++ Box2D 180/60", openCppChains})
}

func openCppChains() (func() (int, error), func() error, error) {
	m, err := physics.Compile(chain(false))
	if err != nil {
		return nil, nil, err
	}
	s := cppbox2d.Scene{Half: 0.25, Radius: 0.1, Friction: 0.6, Velocity: 180, Position: 60, Every: chainEvery}
	s.Mass, s.Inertia = m.NewWorld().Mass(0)
	for i := range chainLinks {
		s.At = append(s.At, chainAt(i))
	}
	const worlds = chainWorlds / 8 // a step of all takes half a second
	c := cppbox2d.New(s, worlds)
	return func() (int, error) {
		c.Step(chainDt)
		return worlds, nil
	}, c.Close, nil
}
