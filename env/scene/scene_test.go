package scene

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
)

func vec(x, y float32) geom.Vec { return geom.Vec{X: x, Y: y} }

func near(t *testing.T, what string, got, want float32) {
	t.Helper()
	if !(math.Abs(float64(got-want)) <= 2e-6*(1+math.Abs(float64(want)))) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// Closed forms: box m(w^2+h^2)/12, disc m r^2/2, triangle from the literature, capsule by
// numerical integration.
func TestMass(t *testing.T) {
	m := PolygonMass(Box(vec(3, -2), 0.5, 0.25, 0.7), 2)
	near(t, "mass of a box", m.Mass, 1)
	near(t, "x of a box", m.Centre.X, 3)
	near(t, "y of a box", m.Centre.Y, -2)
	near(t, "inertia of a box", m.Inertia, (1*1+0.5*0.5)/12.)
	m = CircleMass(vec(1, 2), 0.5, 4)
	near(t, "mass of a disc", m.Mass, math.Pi)
	near(t, "inertia of a disc", m.Inertia, math.Pi/8)
	// A right triangle with legs b, h: I about the centroid is b h (b^2 + h^2)/36 times the density.
	m = PolygonMass([]geom.Vec{{X: 10}, {X: 13}, {X: 10, Y: 2}}, 1)
	near(t, "mass of a triangle", m.Mass, 3)
	near(t, "x of a triangle", m.Centre.X, 11)
	near(t, "y of a triangle", m.Centre.Y, 2./3)
	near(t, "inertia of a triangle", m.Inertia, 6*(9+4)/36.)
}

func TestCapsuleMass(t *testing.T) {
	const r, h, n = 0.3, 0.5, 1000 // half length h along x
	var mass, inertia float64
	d := (h + r) / n
	for i := range 2 * n {
		x := -(h + r) + (float64(i)+0.5)*d
		for k := range 2 * n {
			y := -r + (float64(k)+0.5)*r/n
			if dx := math.Max(0, math.Abs(x)-h); dx*dx+y*y < r*r {
				a := d * r / n
				mass += a
				inertia += a * (x*x + y*y)
			}
		}
	}
	m := CapsuleMass(vec(1-h, 2), vec(1+h, 2), r, 1)
	if math.Abs(float64(m.Mass)-mass) > 1e-4 || math.Abs(float64(m.Inertia)-inertia) > 1e-4 {
		t.Errorf("mass %v, inertia %v, want %v, %v", m.Mass, m.Inertia, mass, inertia)
	}
	near(t, "x of a capsule", m.Centre.X, 1)
	near(t, "y of a capsule", m.Centre.Y, 2)
}

// Two halves weigh what the whole does.
func TestMassAdd(t *testing.T) {
	whole := PolygonMass(Box(vec(1, 1), 1, 0.5, 0), 3)
	sum := PolygonMass(Box(vec(0.5, 1), 0.5, 0.5, 0), 3).Add(PolygonMass(Box(vec(1.5, 1), 0.5, 0.5, 0), 3))
	near(t, "mass", sum.Mass, whole.Mass)
	near(t, "x", sum.Centre.X, whole.Centre.X)
	near(t, "y", sum.Centre.Y, whole.Centre.Y)
	near(t, "inertia", sum.Inertia, whole.Inertia)
	if (Mass{}).Add(Mass{}) != (Mass{}) {
		t.Error("nothing and nothing is something")
	}
}

func TestConvex(t *testing.T) {
	var star []geom.Vec // convex at every corner, but around twice
	for i := range 5 {
		s, c := geom.Sincos(float32(i) * 4 * math.Pi / 5)
		star = append(star, vec(c, s))
	}
	for want, p := range map[string][]geom.Vec{
		"":                                   {{}, {X: 1}, {X: 1, Y: 1}},
		"polygon has 2 corners, want 3 to 8": {{}, {X: 1}},
		"the corners of the polygon do not run counter-clockwise": {{}, {Y: 1}, {X: 1}},
		"polygon corners 1 and 2 coincide":                        {{}, {X: 1}, {X: 1, Y: 5e-5}, {Y: 1}},
		"polygon is not convex at corner 2":                       {{}, {X: 2}, {X: 1, Y: 0.1}, {X: 2, Y: 2}, {Y: 2}},
		"polygon is not convex at corner 1":                       {{}, {X: 1}, {X: 2}, {X: 1, Y: 1}},
	} {
		got := ""
		if err := Convex(p); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%v: error %q, want %q", p, got, want)
		}
	}
	if Convex(star) == nil {
		t.Error("a star is accepted")
	}
}

// cart is a valid scene with most elements.
func cart() *Scene {
	return &Scene{
		Name: "cart", Gravity: vec(0, -10), View: &View{vec(-5, -1), vec(5, 4)},
		Bodies: []Body{
			{Name: "chassis", Position: vec(0, 1), Shapes: []Shape{{Kind: Polygon, Points: Box(vec(0, 0), 1, 0.25, 0), Density: 1, Friction: 0.5}}},
			{Name: "wheel", Position: vec(0, 0.5), Shapes: []Shape{{Kind: Circle, Points: []geom.Vec{{}}, Radius: 0.4, Density: 2, Friction: 0.9, Filter: Filter{Category: 4, Mask: 3, Group: -1}}}},
			{Name: "wall", Kind: Static, Shapes: []Shape{{Kind: Chain, Points: []geom.Vec{{X: 4}, {X: 4, Y: 2}, {X: 5, Y: 2}}}}},
		},
		Joints: []Joint{
			{Name: "axle", Kind: Revolute, A: "chassis", B: "wheel", AnchorA: vec(0, -0.5), Motor: &Motor{Speed: 3, Max: 10}, Limits: &[2]float32{-1, 1}},
			{Name: "rail", Kind: Prismatic, B: "chassis", AnchorA: vec(0, 1), Axis: vec(1, 0)},
		},
		Grounds:   []Ground{{Name: "floor", Points: []geom.Vec{{X: -5}, {X: 0}, {X: 0, Y: 0.2}, {X: 5}}, Capacity: 9}},
		Thrusters: []Thruster{{Name: "jet", Body: "chassis", Direction: vec(0, 1), Max: 20}},
		Rays:      []Ray{{Name: "eye", Body: "chassis", Along: vec(3, 0)}},
		Goals:     []Goal{{Name: "there", Centre: vec(3, 1), Radius: 0.5}},
	}
}

func TestDecode(t *testing.T) {
	want := cart()
	data, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	for want, text := range map[string]string{
		`scene line 3: unknown key "bodies[0].colour", want one of angle, angular_damping`: "{\"bodies\": [\n{\"name\": \"a\",\n\"colour\": 1}]}",
		`scene line 1: key "name" is there twice`:                                          `{"name": "a", "name": "b"}`,
		`scene line 2: bodies.angle is a string, want a float32`:                           "{\"bodies\": [\n{\"angle\": \"left\"}]}",
		`scene line 2: the file ends within the scene`:                                     "{\"bodies\": [\n",
		`scene line 1: something follows the scene`:                                        `{} {}`,
		`scene line 2: invalid character`:                                                  "{\n?}",
		`scene: [1,2,3] is not a point [x, y]`:                                             `{"gravity": [1,2,3]}`,
		`scene line 1: joints[0].limits has 3 elements, want 2`:                            `{"joints": [{"limits": [1,2,3]}]}`,
		`scene: bodies[0].shapes[0]: polygon is not convex at corner 1`:                    `{"bodies": [{"name": "a", "shapes": [{"kind": "polygon", "points": [[0,0],[1,0],[2,0],[1,1]]}]}]}`,
		`scene: joints[0].b: there is no body "x"`:                                         `{"joints": [{"name": "j", "kind": "weld", "b": "x"}]}`,
	} {
		_, err := Decode([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := cart().Validate(); err != nil {
		t.Fatal(err)
	}
	nan := float32(math.NaN())
	for want, spoil := range map[string]func(s *Scene){
		`bodies[1]: the name "chassis" is used twice`:                    func(s *Scene) { s.Bodies[1].Name = "chassis" },
		`bodies[0].position: is (NaN, 0), want finite numbers`:           func(s *Scene) { s.Bodies[0].Position = vec(nan, 0) },
		`bodies[1].shapes[0].radius: is 0, want a number above 0`:        func(s *Scene) { s.Bodies[1].Shapes[0].Radius = 0 },
		`bodies[1].shapes[0].restitution: is 2, want 0 to 1`:             func(s *Scene) { s.Bodies[1].Shapes[0].Restitution = 2 },
		`bodies[1]: its mass is 0 kg`:                                    func(s *Scene) { s.Bodies[1].Shapes[0].Density = 0 },
		`bodies[0]: unknown kind "flying"`:                               func(s *Scene) { s.Bodies[0].Kind = "flying" },
		`bodies[0].shapes[0]: a chain needs a static body`:               func(s *Scene) { s.Bodies[0].Shapes = s.Bodies[2].Shapes },
		`bodies[2].shapes[0]: points 0 and 1 coincide`:                   func(s *Scene) { s.Bodies[2].Shapes[0].Points[1] = vec(4, 0) },
		`bodies[0].shapes[0]: a circle has 4 points, want 1 to 1`:        func(s *Scene) { s.Bodies[0].Shapes[0].Kind = Circle },
		`bodies[0].shapes[0]: unknown kind "blob"`:                       func(s *Scene) { s.Bodies[0].Shapes[0].Kind = "blob" },
		`bodies: 34 bodies can move, want at most 32`:                    func(s *Scene) { crowd(s, 32) },
		`joints[0].limits: are 2 to 1, want the lower first`:             func(s *Scene) { s.Joints[0].Limits = &[2]float32{2, 1} },
		`joints[0]: a revolute joint has no axis`:                        func(s *Scene) { s.Joints[0].Axis = vec(1, 0) },
		`joints[1]: a prismatic joint needs an axis`:                     func(s *Scene) { s.Joints[1].Axis = geom.Vec{} },
		`joints[1]: the name "axle" is used twice`:                       func(s *Scene) { s.Joints[1].Name = "axle" },
		`joints[0]: it joins body "wheel" to itself`:                     func(s *Scene) { s.Joints[0].A = "wheel" },
		`joints[1]: neither of its bodies is dynamic`:                    func(s *Scene) { s.Joints[1].B = "wall" },
		`joints[1].motor.max: is -1, want a number from 0`:               func(s *Scene) { s.Joints[1].Motor = &Motor{Max: -1} },
		`joints[1]: a weld joint has no motor`:                           func(s *Scene) { s.Joints[1].Kind, s.Joints[1].Axis, s.Joints[1].Motor = Weld, geom.Vec{}, &Motor{} },
		`joints[1]: the anchors of a rod coincide: use a revolute joint`: func(s *Scene) { s.Joints[1].Kind, s.Joints[1].Axis = Distance, geom.Vec{} },
		`grounds[0]: ground point 1 lies left of the point before it`:    func(s *Scene) { s.Grounds[0].Points[1].X = -6 },
		`grounds[0]: ground points 2 and 3 coincide`:                     func(s *Scene) { s.Grounds[0].Points[3] = s.Grounds[0].Points[2] },
		`grounds[0].capacity: is 3, want at least the 4 points`:          func(s *Scene) { s.Grounds[0].Capacity = 3 },
		`thrusters[0].body: there is no body "x"`:                        func(s *Scene) { s.Thrusters[0].Body = "x" },
		`thrusters[0]: needs a direction`:                                func(s *Scene) { s.Thrusters[0].Direction = geom.Vec{} },
		`rays[0]: has no length`:                                         func(s *Scene) { s.Rays[0].Along = geom.Vec{} },
		`goals[0].radius: is -1, want a number from 0`:                   func(s *Scene) { s.Goals[0].Radius = -1 },
		`view: lo is not left of and below hi`:                           func(s *Scene) { s.View.Lo.X = 9 },
	} {
		s := cart()
		spoil(s)
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func crowd(s *Scene, n int) {
	for i := range n {
		b := s.Bodies[0]
		b.Name = fmt.Sprint(i)
		s.Bodies = append(s.Bodies, b)
	}
}

// What Decode accepts is valid, and reads the same after it was written.
func FuzzDecode(f *testing.F) {
	data, err := json.Marshal(cart())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"gravity": [0, -10], "bodies": [{"name": "a", "position": [0, 1], "shapes": [{"kind": "circle", "points": [[0, 0]], "radius": 1, "density": 1}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Fatalf("decoded an invalid scene: %v", err)
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := Decode(again); err != nil || !reflect.DeepEqual(o, s) {
			t.Fatalf("%s\nreads back as %+v, %v", again, o, err)
		}
	})
}

func ExampleDecode() {
	_, err := Decode([]byte(`{
	"bodies": [{"name": "plank", "shapes": [{"kind": "polygon", "points": [[0, 0], [1, 0], [2, 0], [1, 1]], "density": 1}]}]
}`))
	fmt.Println(err)
	// Output: scene: bodies[0].shapes[0]: polygon is not convex at corner 1
}

// A clone shares nothing with its scene: whatever is changed in one stays as it is in the other.
func TestClone(t *testing.T) {
	s := &Scene{
		Bodies:    []Body{{Name: "a", Shapes: []Shape{{Points: []geom.Vec{{X: 1}}}}}},
		Joints:    []Joint{{Limits: &[2]float32{1, 2}, Motor: &Motor{Max: 3}}},
		Grounds:   []Ground{{Points: []geom.Vec{{X: 4}}}},
		Thrusters: []Thruster{{Max: 5}}, Rays: []Ray{{Mask: 6}}, Goals: []Goal{{Radius: 7}}, View: &View{Hi: geom.Vec{X: 8}},
	}
	c := s.Clone()
	if !reflect.DeepEqual(s, c) {
		t.Fatalf("%+v, want %+v", c, s)
	}
	was := s.Clone()
	c.Bodies[0].Shapes[0].Points[0].X, c.Bodies[0].Shapes[0].Radius, c.Bodies[0].Name = 0, 1, ""
	c.Joints[0].Limits[0], c.Joints[0].Motor.Max, c.Joints[0].Name = 0, 0, "x"
	c.Grounds[0].Points[0].X, c.Grounds[0].Name = 0, "x"
	c.Thrusters[0].Max, c.Rays[0].Mask, c.Goals[0].Radius, c.View.Hi.X = 0, 0, 0, 0
	if !reflect.DeepEqual(s, was) {
		t.Errorf("the scene changed with its clone: %+v", s)
	}
}
