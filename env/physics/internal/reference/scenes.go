package reference

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

const s = 1. / 30 // metres a unit of gym's Box2D tasks

func vec(x, y float64) geom.Vec { return geom.Vec{X: float32(x), Y: float32(y)} }

func scaled(xy ...float64) (pts []geom.Vec) {
	for i := 0; i < len(xy); i += 2 {
		pts = append(pts, vec(xy[i]*s, xy[i+1]*s))
	}
	return pts
}

// polygon lists its corners counter-clockwise.
func polygon(density, friction float32, f scene.Filter, pts []geom.Vec) scene.Shape {
	return scene.Shape{Kind: scene.Polygon, Points: pts, Density: density, Friction: friction, Filter: f}
}

func box(density, friction float32, a, b float64) scene.Shape {
	return polygon(density, friction, scene.Filter{}, scene.Box(geom.Vec{}, float32(a), float32(b), 0))
}

func circle(density, friction, restitution, r float32) scene.Shape {
	return scene.Shape{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: r, Density: density, Friction: friction, Restitution: restitution}
}

func body(name string, x, y, angle float64, shape scene.Shape) scene.Body {
	return scene.Body{Name: name, Position: vec(x, y), Angle: float32(angle), Shapes: []scene.Shape{shape}}
}

func ground(friction float32, xy ...float64) scene.Ground {
	g := scene.Ground{Name: "ground", Friction: friction}
	for i := 0; i < len(xy); i += 2 {
		g.Points = append(g.Points, vec(xy[i], xy[i+1]))
	}
	return g
}

// LanderScene returns gym's lander with its hull at (x, y), angle a: legs at joint angle
// -q and q where their anchors meet if met, and else where gym starts them.
func LanderScene(x, y, a float64, met bool, q float64, grounds ...scene.Ground) scene.Scene {
	hull := polygon(5, 0.1, scene.Filter{Category: 0x10, Mask: 1}, scaled(-14, 17, -17, 0, -17, -10, 17, -10, 17, 0, 14, 17))
	sc := scene.Scene{Gravity: vec(0, -10), Grounds: grounds, Bodies: []scene.Body{body("hull", x, y, a, hull)}}
	for k, name := range []string{"leg0", "leg1"} {
		i := float64(2*k - 1)
		la, lx, ly := i*0.05, x-i*20*s, y
		if met {
			la = a - i*q
			sin, cos := math.Sincos(la)
			lx, ly = x-(cos*i*20*s-sin*18*s), y-(sin*i*20*s+cos*18*s)
		}
		leg := polygon(1, 0.2, scene.Filter{Category: 0x20, Mask: 1}, scene.Box(geom.Vec{}, 2*s, 8*s, 0))
		sc.Bodies = append(sc.Bodies, body(name, lx, ly, la, leg))
		limits := [2]float32{0.4, 0.9}
		if k == 1 {
			limits = [2]float32{-0.9, -0.4}
		}
		sc.Joints = append(sc.Joints, scene.Joint{
			Name: name, Kind: scene.Revolute, A: "hull", B: name, AnchorB: vec(i*20*s, 18*s), Limits: &limits,
			Motor: &scene.Motor{Speed: float32(0.3 * i), Max: 40},
		})
	}
	return sc
}

func push(e Engine, b int, at, impulse geom.Vec) {
	_, angle := e.Pose(b)
	sin, cos := math.Sincos(float64(angle))
	r := geom.Rot{S: float32(sin), C: float32(cos)}
	e.ApplyImpulse(b, r.Apply(impulse), e.WorldPoint(b, at))
}

// engines fires the lander's engines as the trajectories' "engines of t".
func engines(e Engine, n Names, t int) {
	hull := n.Body("hull")
	main := func() { push(e, hull, vec(0, -4*s), vec(0, 13*4*s)) }
	side := func(d float64) { push(e, hull, vec(-12*d*s, 14*s), vec(0.6*12*d*s, 0)) }
	if t >= 5 && t <= 40 && t%2 == 1 {
		main()
	}
	if t >= 10 && t <= 14 || t >= 60 && t <= 63 {
		side(-1)
	}
	if t >= 30 && t <= 36 {
		side(1)
	}
	if t >= 70 && t <= 80 {
		main()
	}
}

// BipedScene returns gym's walker with its hull at (x, y) and the given joint angles: hip,
// knee, hip, knee.
func BipedScene(x, y float64, q [4]float64, grounds ...scene.Ground) scene.Scene {
	const down, wide, high = -8 * s, 8 * s, 34 * s
	f := scene.Filter{Category: 0x20, Mask: 1}
	// gym lists the corners clockwise
	hull := polygon(5, 0.1, f, scaled(-30, -8, 34, -8, 34, 1, 6, 9, -30, 9))
	sc := scene.Scene{Gravity: vec(0, -10), Grounds: grounds, Bodies: []scene.Body{body("hull", x, y, 0, hull)}}
	for k, id := range []string{"0", "1"} {
		a1, a2 := q[2*k], q[2*k]+q[2*k+1]
		s1, c1 := math.Sincos(a1)
		s2, c2 := math.Sincos(a2)
		hx, hy := x, y+down
		kx, ky := hx+s1*high, hy-c1*high
		upper := polygon(1, 0.2, f, scene.Box(geom.Vec{}, wide/2, high/2, 0))
		lower := polygon(1, 0.2, f, scene.Box(geom.Vec{}, 0.8*wide/2, high/2, 0))
		sc.Bodies = append(sc.Bodies,
			body("upper"+id, hx+s1*high/2, hy-c1*high/2, a1, upper),
			body("lower"+id, kx+s2*high/2, ky-c2*high/2, a2, lower))
		sc.Joints = append(sc.Joints,
			scene.Joint{
				Name: "hip" + id, Kind: scene.Revolute, A: "hull", B: "upper" + id, AnchorA: vec(0, down), AnchorB: vec(0, high/2),
				Limits: &[2]float32{-0.8, 1.1}, Motor: &scene.Motor{Max: 80},
			},
			scene.Joint{
				Name: "knee" + id, Kind: scene.Revolute, A: "upper" + id, B: "lower" + id, AnchorA: vec(0, -high/2), AnchorB: vec(0, high/2),
				Limits: &[2]float32{-1.6, -0.1}, Motor: &scene.Motor{Max: 80},
			})
	}
	return sc
}

var commandTable = [6][4]float64{
	{1, -1, -1, 1}, {-0.5, 1, 0.5, -1}, {1, 1, 1, 1}, {-1, -1, -1, -1}, {0.3, -0.7, -0.9, 0.2}, {-1, 0.5, 1, -0.5},
}

// commands drives the biped's motors as the trajectories' "commands of t".
func commands(e Engine, n Names, t int) { Command(e, n, commandTable[(t-1)/20%6]) }

// Command drives the biped's hips and knees: sign and strength of each, -1 to 1.
func Command(e Engine, n Names, a [4]float64) {
	for i, name := range []string{"hip0", "knee0", "hip1", "knee1"} {
		speed := float64(4 + i%2*2)
		switch {
		case a[i] == 0:
			speed = 0
		case a[i] < 0:
			speed = -speed
		}
		e.SetMotor(n.Joint(name), float32(speed), float32(80*math.Abs(a[i])))
	}
}

// Cases returns all cases, freshly made.
func Cases() []*Case {
	cs := landers()
	cs = append(cs, bipeds()...)
	cs = append(cs, contacts()...)
	return append(cs, joints()...)
}

// ByName returns one case.
func ByName(name string) *Case {
	for _, c := range Cases() {
		if c.Name == name {
			return c
		}
	}
	panic("reference: no case " + name)
}

func landers() []*Case {
	flat := ground(0.1, -10, 0, 10, 0)
	flight := &Case{Name: "lander_flight", Steps: 120, Scene: LanderScene(0, 10, 0, true, 0.6), Before: engines}
	for i := range flight.Scene.Bodies {
		flight.Scene.Bodies[i].Velocity = vec(1.5, -1)
	}
	gym := &Case{Name: "lander_gym_start", Steps: 80, Scene: LanderScene(10, 400*s, 0, false, 0)}
	gym.Before = func(e Engine, n Names, t int) {
		if hull := n.Body("hull"); t == 1 {
			e.ApplyForce(hull, vec(500, 300), e.Centre(hull))
		}
		if t > 10 {
			engines(e, n, t)
		}
	}
	return []*Case{
		flight, gym,
		{Name: "lander_soft", Steps: 200, Scene: LanderScene(0, 0.65, 0, true, 0.45, flat)},
		{Name: "lander_drop", Steps: 200, Scene: LanderScene(0, 1, 0.1, true, 0.6, flat)},
		{Name: "lander_drop_gym", Steps: 300, Scene: LanderScene(10, 1, 0, false, 0, ground(0.1, 0, 0, 20, 0))},
		{Name: "lander_slope", Steps: 200, Scene: LanderScene(0, 0.85, 0.08, true, 0.45, ground(0.1, -10, -0.8, 10, 0.8))},
		{Name: "lander_slide", Steps: 150, Scene: LanderScene(10, 3.8, 0.29, true, 0.45, ground(0.1, -30, -9, 30, 9))},
		{Name: "lander_kinked", Steps: 200, Scene: LanderScene(0, 0.95, 0, true, 0.5, ground(0.4, -10, 0.6, -0.2, 0, 0.5, 0.05, 10, 0.4))},
	}
}

func bipeds() []*Case {
	q := [4]float64{0.3, -0.8, -0.2, -0.5}
	flat := ground(2.5, -20, 0, 20, 0)
	return []*Case{
		{Name: "biped_flight", Steps: 120, Scene: BipedScene(0, 20, q), Before: commands},
		{Name: "biped_stand", Steps: 200, Scene: BipedScene(0, 2.65, [4]float64{0.45, -0.3, -0.25, -0.15}, ground(2.5, -10, 0, 10, 0))},
		{Name: "biped_fall", Steps: 120, Scene: BipedScene(0, 2.8, q, flat), Before: commands},
		{Name: "biped_rest", Steps: 400, Scene: BipedScene(0, 2.8, q, flat), Before: func(e Engine, n Names, _ int) { Command(e, n, [4]float64{}) }},
	}
}

func world(b scene.Body, g scene.Ground) scene.Scene {
	return scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{b}, Grounds: []scene.Ground{g}}
}

func contacts() []*Case {
	incline := func(friction float32, half, th float64) scene.Ground {
		sin, cos := math.Sincos(th)
		return ground(friction, -half*cos, -half*sin, half*cos, half*sin)
	}
	on := func(name string, d, th, angle float64, sh scene.Shape) scene.Body {
		sin, cos := math.Sincos(th)
		return body(name, -d*sin, d*cos, angle, sh)
	}
	stack := scene.Scene{Gravity: vec(0, -10), Grounds: []scene.Ground{ground(0.5, -10, 0, 10, 0)}}
	for i, name := range []string{"box0", "box1", "box2", "box3", "box4"} {
		stack.Bodies = append(stack.Bodies, body(name, 0, 0.515+1.01*float64(i), 0, box(1, 0.5, 0.5, 0.5)))
	}
	tumbling := body("box", 0, 2, 0.6, box(1, 0.5, 0.6, 0.3))
	tumbling.Velocity, tumbling.Spin = vec(2, 0), 1
	a, b := body("a", -2, 0, 0, circle(1, 0, 1, 0.5)), body("b", 2, 0.3, 0, circle(2, 0, 1, 0.4))
	a.Velocity, b.Velocity = vec(4, 0), vec(-3, 0)
	return []*Case{
		{Name: "box_stack", Steps: 300, Scene: stack},
		{Name: "box_slide", Steps: 75, Scene: world(on("box", 0.515, 0.5, 0.5, box(1, 0.3, 0.5, 0.5)), incline(0.3, 40, 0.5))},
		{Name: "box_stick", Steps: 100, Scene: world(on("box", 0.515, 0.5, 0.5, box(1, 0.6, 0.5, 0.5)), incline(0.6, 40, 0.5))},
		{Name: "box_tumble", Steps: 200, Scene: world(tumbling, ground(0.5, -20, 0, 20, 0))},
		{Name: "ball_roll", Steps: 100, Scene: world(on("ball", 0.505, 0.3, 0, circle(1, 0.5, 0, 0.5)), incline(0.5, 60, 0.3))},
		{Name: "ball_bounce", Steps: 250, Scene: world(body("ball", 0, 5.5, 0, circle(1, 0.2, 0.5, 0.5)), ground(0.2, -10, 0, 10, 0))},
		{Name: "ball_pair", Steps: 60, Scene: scene.Scene{Bodies: []scene.Body{a, b}}},
	}
}

func joints() []*Case {
	pendulum := scene.Scene{
		Gravity: vec(0, -10),
		Bodies:  []scene.Body{body("rod", 0.5*math.Sin(1), -0.5*math.Cos(1), 1, box(1, 0.2, 0.05, 0.5))},
		Joints:  []scene.Joint{{Name: "pivot", Kind: scene.Revolute, B: "rod", AnchorB: vec(0, 0.5)}},
	}
	slider := scene.Scene{
		Gravity: vec(0, -10), Bodies: []scene.Body{body("box", 0, 0, 0, box(1, 0.2, 0.5, 0.5))},
		Joints: []scene.Joint{{
			Name: "slide", Kind: scene.Prismatic, B: "box", Axis: vec(0.8, 0.6),
			Limits: &[2]float32{-1, 1.5}, Motor: &scene.Motor{Speed: 2, Max: 25},
		}},
	}
	rod := scene.Scene{
		Gravity: vec(0, -10), Bodies: []scene.Body{body("box", 1.2, 0, 0, box(1, 0.2, 0.2, 0.2))},
		Joints: []scene.Joint{{Name: "rod", Kind: scene.Distance, B: "box", AnchorB: vec(-0.2, 0.1)}},
	}
	arm := scene.Scene{
		Bodies: []scene.Body{body("arm", 0.5, 0, 0, box(2, 0.2, 0.5, 0.1))},
		Joints: []scene.Joint{{
			Name: "pivot", Kind: scene.Revolute, B: "arm", AnchorB: vec(-0.5, 0),
			Limits: &[2]float32{-1, 2}, Motor: &scene.Motor{Speed: 3, Max: 0.5},
		}},
	}
	return []*Case{
		{Name: "pendulum", Steps: 300, Scene: pendulum},
		{Name: "chain", Steps: 100, Scene: chain()},
		{Name: "prismatic", Steps: 200, Scene: slider, Before: func(e Engine, n Names, t int) {
			switch j := n.Joint("slide"); t {
			case 81:
				e.SetMotor(j, -3, 25)
			case 141:
				e.SetMotor(j, 2, 4)
			}
		}},
		{Name: "distance", Steps: 200, Scene: rod},
		{Name: "weld", Steps: 100, Scene: welded()},
		{Name: "weld_beam", Steps: 100, Scene: beam()},
		{Name: "motor", Steps: 150, Scene: arm, Before: func(e Engine, n Names, t int) {
			if t == 101 {
				e.SetMotor(n.Joint("pivot"), -2, 50)
			}
		}},
	}
}

func chain() scene.Scene {
	sc := scene.Scene{Gravity: vec(0, -10)}
	sin, cos := math.Sincos(1.2)
	last, at := "", geom.Vec{}
	for i, name := range []string{"link0", "link1", "link2", "link3"} {
		l := 0.5*float64(i) + 0.25
		sc.Bodies = append(sc.Bodies, body(name, l*sin, -l*cos, 1.2, box(1, 0.2, 0.05, 0.25)))
		sc.Joints = append(sc.Joints, scene.Joint{Name: name, Kind: scene.Revolute, A: last, B: name, AnchorA: at, AnchorB: vec(0, 0.25)})
		last, at = name, vec(0, -0.25)
	}
	return sc
}

func welded() scene.Scene {
	sin, cos := math.Sincos(0.2)
	sb, cb := math.Sincos(0.7)
	rx, ry := 0.5*cos+0.4*cb, 0.5*sin+0.4*sb // from the centre of a to that of b
	a, b := body("a", 0, 5, 0.2, box(1, 0.2, 0.5, 0.25)), body("b", rx, 5+ry, 0.7, box(2, 0.2, 0.4, 0.1))
	a.Spin, b.Spin, b.Velocity = 3, 3, vec(-3*ry, 3*rx)
	return scene.Scene{
		Gravity: vec(0, -10), Bodies: []scene.Body{a, b},
		Joints: []scene.Joint{{Name: "weld", Kind: scene.Weld, A: "a", B: "b", AnchorA: vec(0.5, 0), AnchorB: vec(-0.4, 0), Reference: 0.5}},
	}
}

func beam() scene.Scene {
	sc := scene.Scene{Gravity: vec(0, -10)}
	last, at := "", geom.Vec{}
	for i, name := range []string{"beam0", "beam1", "beam2"} {
		sc.Bodies = append(sc.Bodies, body(name, 0.5+float64(i), 0, 0, box(1, 0.2, 0.5, 0.1)))
		sc.Joints = append(sc.Joints, scene.Joint{Name: name, Kind: scene.Weld, A: last, B: name, AnchorA: at, AnchorB: vec(-0.5, 0)})
		last, at = name, vec(0.5, 0)
	}
	return sc
}
