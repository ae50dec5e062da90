// Package physics is the plain Go engine: it steps one small world of rigid bodies, described
// by a [scene.Scene], fast, exactly reproducibly and without allocating.
//
// [Compile] turns a scene into an immutable [Model], which any number of worlds share. A
// [World] holds everything that changes, in one flat array: copying it is an exact snapshot.
//
// Bodies, joints, shapes, thrusters and grounds are addressed by number; look the numbers up
// by name once, with [Model.Body] and its siblings.
//
//	m, err := physics.Compile(s)
//	hull, knee := m.Body("hull"), m.Joint("knee")
//	w := m.NewWorld()
//	for {
//		w.SetMotor(knee, speed, torque)
//		w.Step(1.0 / 50)
//		at, angle := w.Pose(hull)
//	}
package physics
