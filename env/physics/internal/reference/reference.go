// Package reference holds the scenes whose trajectories C++ Box2D 2.4.1 computed, as
// env/physics/testdata/box2d/README.md describes them, for the tests of every engine.
package reference

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// Dt is the time step of all trajectories, s.
const Dt float32 = 1. / 50

// An Engine is a world of a scene in some engine.
type Engine interface {
	Step(dt float32)
	Pose(body int) (origin geom.Vec, angle float32)
	Velocity(body int) (v geom.Vec, spin float32)
	Centre(body int) geom.Vec
	WorldPoint(body int, p geom.Vec) geom.Vec
	ApplyForce(body int, force, p geom.Vec)
	ApplyImpulse(body int, impulse, p geom.Vec)
	SetMotor(joint int, speed, max float32)
	JointPosition(joint int) float32
	Touching(body int) bool
}

// Names finds the numbers of elements of a scene.
type Names interface {
	Body(name string) int
	Joint(name string) int
}

// A Case is a scene and what is done to it.
type Case struct {
	Name   string
	Scene  scene.Scene
	Steps  int
	Before func(e Engine, n Names, step int) // called before each step, counted from 1; may be nil
}

// Step does step number t, counted from 1.
func (c *Case) Step(e Engine, n Names, t int) {
	if c.Before != nil {
		c.Before(e, n, t)
	}
	e.Step(Dt)
}

// A State is what a trajectory says of a body at a step.
type State struct {
	Position geom.Vec // of the origin
	Angle    float32
	Velocity geom.Vec // of the centre of mass
	Spin     float32
	Touching bool
}

// Read returns the state of a body in an engine.
func Read(e Engine, body int) (s State) {
	s.Position, s.Angle = e.Pose(body)
	s.Velocity, s.Spin = e.Velocity(body)
	s.Touching = e.Touching(body)
	return s
}

// A Trajectory is a file of numbers: a row every few steps.
type Trajectory struct {
	Bodies []string  // names, in the order of each row's states
	Steps  []int     // step of each row
	Rows   [][]State // state of each body
	Extra  []float64 // of each row, the joint's own coordinate where the file has one
}

// At returns the row of a step.
func (t *Trajectory) At(step int) ([]State, bool) {
	for i, s := range t.Steps {
		if s == step {
			return t.Rows[i], true
		}
	}
	return nil, false
}

// A Variant says how Box2D computed a trajectory.
type Variant string

const (
	Gym   Variant = ""       // 180 and 60 iterations, as gym's tasks
	Limit Variant = ".limit" // to which more iterations converge
	Fine  Variant = ".fine"  // to which smaller steps converge as well
)

// Load reads a trajectory of c. dir is env/physics/testdata/box2d.
func (c *Case) Load(dir string, v Variant) (*Trajectory, error) {
	name := c.Name + string(v) + ".csv"
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t := &Trajectory{}
	for i := 1; i < len(rows[0]); i += 7 {
		if body, _, ok := strings.Cut(rows[0][i], "."); ok {
			t.Bodies = append(t.Bodies, body)
		}
	}
	for _, row := range rows[1:] {
		v := make([]float64, len(row))
		for i, s := range row {
			if v[i], err = strconv.ParseFloat(s, 64); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		states := make([]State, len(t.Bodies))
		for i := range states {
			x := v[1+7*i:]
			states[i] = State{
				Position: geom.Vec{X: float32(x[0]), Y: float32(x[1])}, Angle: float32(x[2]),
				Velocity: geom.Vec{X: float32(x[3]), Y: float32(x[4])}, Spin: float32(x[5]), Touching: x[6] != 0,
			}
		}
		t.Steps = append(t.Steps, int(v[0]))
		t.Rows = append(t.Rows, states)
		if n := 1 + 7*len(t.Bodies); n < len(v) {
			t.Extra = append(t.Extra, v[n])
		}
	}
	return t, nil
}
