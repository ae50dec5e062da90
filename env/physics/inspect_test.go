package physics

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// sketch counts what is drawn by role, and adds up the arrows' shafts.
type sketch struct {
	circles, lines map[env.Role]int
	shaft          geom.Vec // of RoleForce
	lowest         float32  // of RoleHazard circles
}

func (s *sketch) View(_, _ geom.Vec)               { panic("View is the caller's") }
func (s *sketch) Polygon(env.Role, []geom.Vec)     {}
func (s *sketch) Label(env.Role, geom.Vec, string) {}
func (s *sketch) Circle(role env.Role, at geom.Vec, _, _ float32) {
	s.circles[role]++
	if role == env.RoleHazard {
		s.lowest = at.Y
	}
}
func (s *sketch) Line(role env.Role, _ float32, pts []geom.Vec) {
	s.lines[role]++
	if role == env.RoleForce {
		s.shaft = s.shaft.Add(pts[len(pts)-1].Sub(pts[0]))
	}
}

func inspect(w *World, l env.Layer, dt float32) *sketch {
	s := &sketch{circles: map[env.Role]int{}, lines: map[env.Role]int{}}
	w.Inspect(s, l, dt)
	return s
}

// A box at rest is shown with two contacts at its feet, whose forces bear its weight.
func TestInspectRest(t *testing.T) {
	const dt = 1. / 50
	w := compile(t, &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{box("box", 0, 0.5, 0.5, 0.5)}, Grounds: []scene.Ground{flat(0)}})
	for range 100 {
		w.Step(dt)
	}
	s := inspect(w, env.LayerContacts, dt)
	if s.circles[env.RoleHazard] != 2 || geom.Abs(s.lowest) > 0.02 {
		t.Errorf("%d contacts, one at height %v; want 2 at 0", s.circles[env.RoleHazard], s.lowest)
	}
	s = inspect(w, env.LayerForces, dt)
	// 20 marks stand for all the weight, of which the head of each arrow takes 2.
	if want := 20*w.mark() - 2*2*w.mark(); geom.Abs(s.shaft.Y-want) > 0.05*want || geom.Abs(s.shaft.X) > 0.05*want {
		t.Errorf("the arrows add up to %v, want %v upwards", s.shaft, want)
	}
	if s = inspect(w, env.LayerJoints, dt); len(s.circles)+len(s.lines) > 0 {
		t.Errorf("joints of a world without: %+v", s)
	}
}

// In the air there are no contacts; joints show their anchors, bodies and limits.
func TestInspectLander(t *testing.T) {
	const dt = 1. / 50
	w := compile(t, landerScene())
	for range 10 {
		w.Step(dt)
	}
	if s := inspect(w, env.LayerContacts, dt); len(s.circles) > 0 {
		t.Errorf("contacts in the air: %+v", s)
	}
	if s := inspect(w, env.LayerJoints, dt); s.circles[env.RoleJoint] != 4 || s.lines[env.RoleJoint] != 6 {
		t.Errorf("two limited hinges: %d anchors and %d lines, want 4 and 6", s.circles[env.RoleJoint], s.lines[env.RoleJoint])
	}
	if s := inspect(w, env.LayerForces, dt); s.lines[env.RoleSensor] != 3 || s.lines[env.RoleForce] != 0 {
		t.Errorf("falling: %d ways of bodies and %d forces, want 3 and 0", s.lines[env.RoleSensor], s.lines[env.RoleForce])
	}
}
