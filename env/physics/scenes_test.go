package physics

import (
	"fmt"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

func vec(x, y float32) geom.Vec { return geom.Vec{X: x, Y: y} }

func compile(t testing.TB, s *scene.Scene) *World {
	t.Helper()
	m, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return m.NewWorld()
}

func flat(y float32) scene.Ground {
	return scene.Ground{Name: "ground", Points: []geom.Vec{{X: -50, Y: y}, {X: 50, Y: y}}, Friction: 0.6}
}

func box(name string, x, y, hw, hh float32) scene.Body {
	return scene.Body{Name: name, Position: vec(x, y), Shapes: []scene.Shape{
		{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, hw, hh, 0), Density: 1, Friction: 0.6},
	}}
}

func disc(name string, x, y, r float32) scene.Body {
	return scene.Body{Name: name, Position: vec(x, y), Shapes: []scene.Shape{
		{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: r, Density: 1, Friction: 0.6},
	}}
}

const sc = 30 // pixels a metre in Gymnasium's scenes

// landerScene is Gymnasium's lunar lander on fixed terrain.
func landerScene() *scene.Scene {
	hull := [][2]float32{{-14, 17}, {-17, 0}, {-17, -10}, {17, -10}, {17, 0}, {14, 17}}
	var corners []geom.Vec
	for _, p := range hull {
		corners = append(corners, vec(p[0]/sc, p[1]/sc))
	}
	s := &scene.Scene{Name: "lander", Gravity: vec(0, -10)}
	s.Bodies = append(s.Bodies, scene.Body{Name: "hull", Position: vec(10, 13.33), Shapes: []scene.Shape{
		{Kind: scene.Polygon, Points: corners, Density: 5, Friction: 0.1, Filter: scene.Filter{Category: 0x10, Mask: 1}},
	}})
	for i, side := range []float32{-1, 1} {
		name := []string{"left", "right"}[i]
		s.Bodies = append(s.Bodies, scene.Body{Name: name, Position: vec(10-side*20/sc, 13.33), Angle: side * 0.05, Shapes: []scene.Shape{
			{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 2./sc, 8./sc, 0), Density: 1, Friction: 0.2, Filter: scene.Filter{Category: 0x20, Mask: 1}},
		}})
		limits := [2]float32{0.4, 0.9}
		if side > 0 {
			limits = [2]float32{-0.9, -0.4}
		}
		s.Joints = append(s.Joints, scene.Joint{
			Name: name, Kind: scene.Revolute, A: "hull", B: name, AnchorB: vec(side*20/sc, 18./sc),
			Limits: &limits, Motor: &scene.Motor{Speed: 0.3 * side, Max: 40},
		})
	}
	g := scene.Ground{Name: "moon", Friction: 0.1}
	heights := []float32{4.1, 2.9, 3.3, 3.333, 3.333, 3.333, 3.333, 3.333, 4.8, 4.1, 2.2}
	for i, h := range heights {
		g.Points = append(g.Points, vec(float32(i)*2, h))
	}
	s.Grounds = append(s.Grounds, g)
	return s
}

// bipedScene is Gymnasium's bipedal walker on 200 points of rough terrain, with 10 rays.
func bipedScene() *scene.Scene {
	hull := [][2]float32{{-30, 9}, {-30, -8}, {34, -8}, {34, 1}, {6, 9}}
	var corners []geom.Vec
	for _, p := range hull {
		corners = append(corners, vec(p[0]/sc, p[1]/sc))
	}
	const legDown, legW, legH = -8. / sc, 8. / sc, 34. / sc
	x, y := float32(10), float32(100./sc+2*34./sc)
	s := &scene.Scene{Name: "biped", Gravity: vec(0, -10)}
	s.Bodies = append(s.Bodies, scene.Body{Name: "hull", Position: vec(x, y), Shapes: []scene.Shape{
		{Kind: scene.Polygon, Points: corners, Density: 5, Friction: 0.1, Filter: scene.Filter{Category: 0x20, Mask: 1}},
	}})
	leg := func(name, parent string, at geom.Vec, angle, halfW float32, anchor geom.Vec, lo, hi, speed float32) {
		s.Bodies = append(s.Bodies, scene.Body{Name: name, Position: at, Angle: angle, Shapes: []scene.Shape{
			{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, halfW, legH/2, 0), Density: 1, Friction: 0.2, Filter: scene.Filter{Category: 0x20, Mask: 1}},
		}})
		s.Joints = append(s.Joints, scene.Joint{
			Name: name, Kind: scene.Revolute, A: parent, B: name, AnchorA: anchor, AnchorB: vec(0, legH/2),
			Limits: &[2]float32{lo, hi}, Motor: &scene.Motor{Speed: speed, Max: 80},
		})
	}
	for _, side := range []float32{-1, 1} {
		hip, knee := fmt.Sprintf("hip%+.0f", side), fmt.Sprintf("knee%+.0f", side)
		leg(hip, "hull", vec(x, y-legH/2+legDown), side*0.05, legW/2, vec(0, legDown), -0.8, 1.1, side)
		leg(knee, hip, vec(x, y-legH*3/2+legDown), side*0.05, 0.8*legW/2, vec(0, -legH/2), -1.6, -0.1, 1)
	}
	for i := range 10 {
		sn, cs := geom.Sincos(1.5 * float32(i) / 10)
		s.Rays = append(s.Rays, scene.Ray{
			Name: fmt.Sprintf("ray%d", i), Body: "hull", Along: vec(sn*160/sc, -cs*160/sc), Upright: true, Mask: 1,
		})
	}
	g := scene.Ground{Name: "terrain", Friction: 2.5}
	random, h, v := rng.New(1).Stream(1, 0, 0), float32(100./sc), float32(0)
	for i := range 200 {
		v = float32(0.8*v) + float32(0.01*geom.Max(-1, geom.Min(1, (100./sc-h))))
		if i > 20 {
			v += (random.Float32() - 0.5) * 2 / sc
		}
		g.Points = append(g.Points, vec(float32(i)*14/sc, h))
		h += v
	}
	s.Grounds = append(s.Grounds, g)
	return s
}

// chainScene is a chain of n capsules above the ground, of which neighbours do not collide.
func chainScene(n int) *scene.Scene {
	s := &scene.Scene{Name: "chain", Gravity: vec(0, -10), Grounds: []scene.Ground{flat(0)}}
	for i := range n {
		name := fmt.Sprintf("link%d", i)
		s.Bodies = append(s.Bodies, scene.Body{Name: name, Position: vec(float32(i)*0.5, 0.5+float32(0.1*float32(i%2))), Shapes: []scene.Shape{
			{Kind: scene.Capsule, Points: []geom.Vec{{X: -0.25}, {X: 0.25}}, Radius: 0.1, Density: 1, Friction: 0.6},
		}})
		if i > 0 {
			s.Joints = append(s.Joints, scene.Joint{
				Name: name, Kind: scene.Revolute, A: fmt.Sprintf("link%d", i-1), B: name, AnchorA: vec(0.25, 0), AnchorB: vec(-0.25, 0),
				Limits: &[2]float32{-1, 1}, Motor: &scene.Motor{Max: 2},
			})
		}
	}
	return s
}
