package sandbox

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]*Config{
		"Default": New(), "All": {Rooms: Names(), MaxSteps: 200}, "Generated": {Generated: 3, Seed: 5, MaxSteps: 200},
	} {
		t.Run(name, func(t *testing.T) {
			envtest.Run(t, func() env.Config {
				d := *c
				return &d
			})
		})
	}
}

func named(t *testing.T, name string) *Room {
	t.Helper()
	r, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// All rooms of the program are in the form that Text writes, and stand by themselves.
func TestNamed(t *testing.T) {
	for _, name := range Names() {
		r := named(t, name)
		text, err := r.Text()
		if err != nil {
			t.Fatal(err)
		}
		file, err := files.ReadFile("rooms/" + name + ".json")
		if err != nil || string(file) != string(text) {
			t.Errorf("%s: the file is not what Text writes: %v", name, err)
		}
		if r.Name != name || r.overlaps() || !idle(r) {
			t.Errorf("%s: named %q, overlaps %v, stands by itself %v", name, r.Name, r.overlaps(), idle(r))
		}
	}
	if _, err := Named("cat"); err == nil || !strings.Contains(err.Error(), `did you mean "car"?`) {
		t.Errorf("got error %v", err)
	}
}

func TestDecode(t *testing.T) {
	for want, spoil := range map[string]func(r *Room){
		`room: rules: none of them wins`:                                  func(r *Room) { r.Rules = r.Rules[1:] },
		`room: rules[0]: a: there is no body "hul"`:                       func(r *Room) { r.Rules[0].A = "hul" },
		`room: rules[0]: a: unknown role "agnt"; did you mean "agent"?`:   func(r *Room) { r.Rules[0].A = "@agnt" },
		`room: rules[0]: b: no body has the role "key"`:                   func(r *Room) { r.Rules[0].B = "@key" },
		`room: rules[0]: unknown predicate "tuch"; did you mean "touch"?`: func(r *Room) { r.Rules[0].When = "tuch" },
		`room: rules[0]: then is "won"`:                                   func(r *Room) { r.Rules[0].Then = "won" },
		`room: rules[0]: b: there is no goal region "home"`:               func(r *Room) { r.Rules[0].When, r.Rules[0].B = Inside, "home" },
		`room: rules[0]: b is "@goal": "above" concerns one body`:         func(r *Room) { r.Rules[0].When = Above },
		`room: controls[0].column: is 6, want 0 to 5`:                     func(r *Room) { r.Controls[0].Column = 6 },
		`room: controls[0]: name a joint, or a thruster`:                  func(r *Room) { r.Controls[0].Joint = "" },
		`room: controls[1].joint: there is no joint "x"`:                  func(r *Room) { r.Controls[1].Joint = "x" },
		`room: controls[0].joint: joint "rear_axle" has no motor`:         func(r *Room) { r.Joints[0].Motor = nil },
		`room: controls: there is nothing to control`: func(r *Room) {
			r.Controls, r.Joints[0].Motor, r.Joints[1].Motor = nil, nil, nil
		},
		`room: joints[0].b: there is no body "x"`: func(r *Room) { r.Joints[0].B = "x" },
		`room: bodies: there are 17, want at most 16`: func(r *Room) {
			for len(r.Bodies) < 17 {
				b := r.Bodies[0]
				b.Name = ""
				r.Add(b)
			}
		},
	} {
		r := named(t, "car")
		spoil(r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
	_, err := Decode([]byte("{\n\"gravty\": [0, 1]}"))
	if err == nil || !strings.HasPrefix(err.Error(), `room: scene line 2: unknown key "gravty", want one of bodies, controls`) {
		t.Errorf("got error %v", err)
	}
	c := New()
	c.Rooms = append(c.Rooms, `{"bodies": []}`)
	if _, err := c.Spec(); err == nil || !strings.Contains(err.Error(), "rooms[1]: room: controls: there is nothing") {
		t.Errorf("got error %v", err)
	}
}

// A stage is one room that is driven by hand.
type stage struct {
	*world
	b env.Batch
}

func play(t *testing.T, r *Room) *stage {
	t.Helper()
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	c, err := compile(r)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{newWorld([]*compiled{c}), env.Batch{N: 1, Act: make([]float32, MostControls), Facts: make([]float32, factRule+MostRules), End: make([]env.End, 1)}}
	s.Reset(&env.Level{Params: []float32{gravity: 1, strength: 1, shove: 0}}, rng.Key{})
	return s
}

func (s *stage) until(steps int, act ...float32) (end env.End, at int) {
	copy(s.b.Act, act)
	for i := range steps {
		if s.Step(&s.b); s.b.End[0] != env.Running {
			return s.b.End[0], i + 1
		}
	}
	return env.Running, steps
}

// Some of a few plans made by chance win the room "shot", and lose the room "car" in its pit.
func TestWinAndLose(t *testing.T) {
	happens := func(name string, fact int) bool {
		for k := range uint64(100) {
			s, r := play(t, named(t, name)), rng.New(k).Stream(1, 0, 0)
			for range 10 {
				if end, _ := s.until(5+r.IntN(60), r.Range(-1, 1), r.Range(-1, 1)); end != env.Running {
					break
				}
			}
			if s.b.Facts[fact] == 1 {
				return true
			}
		}
		return false
	}
	if !happens("shot", factWon) {
		t.Error("no plan wins the room shot")
	}
	if !happens("car", factLost) {
		t.Error("no plan loses the room car")
	}
}

// Every predicate holds when it should: a ball falls through an empty room.
func TestRules(t *testing.T) {
	ball := func(rules ...Rule) *Room {
		r := &Room{}
		r.Gravity = geom.Vec{Y: -10}
		r.Bodies = []scene.Body{
			{Name: "ball", Role: env.RoleAgent, Position: geom.Vec{Y: 5}, Shapes: []scene.Shape{{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: 0.1, Density: 1}}},
			{Name: "floor", Kind: scene.Static, Role: env.RoleGoal, Shapes: []scene.Shape{{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 3, 0.5, 0)}}},
		}
		r.Thrusters = []scene.Thruster{{Name: "jet", Body: "ball", Direction: geom.Vec{X: 1}, Max: 1}}
		r.Goals = []scene.Goal{{Name: "half", Centre: geom.Vec{Y: 2.5}, Radius: 0.5}}
		r.View = &scene.View{Lo: geom.Vec{X: -4, Y: -1}, Hi: geom.Vec{X: 4, Y: 6}}
		r.Rules = rules
		return r
	}
	fall := func(h float64) float64 { // steps of free fall, to which a step or two of rounding are added
		return float64(geom.Sqrt(float32(2*h/10))) / float64(dt)
	}
	for _, c := range []struct {
		name string
		rule Rule
		want float64
		act  float32
	}{
		{"touch by role", Rule{When: Touch, A: "@agent", B: "@goal"}, fall(4.4), 0},
		{"touch by name", Rule{When: Touch, A: "floor", B: "ball"}, fall(4.4), 0},
		{"inside", Rule{When: Inside, A: "ball", B: "half"}, fall(2), 0},
		{"below", Rule{When: Below, A: "ball", Value: 4}, fall(1), 0},
		{"below, held", Rule{When: Below, A: "ball", Value: 4, Hold: 0.5}, fall(1) + 14, 0},
		{"faster", Rule{When: Faster, A: "ball", Value: 5}, 0.5 / float64(dt), 0},
		{"above", Rule{When: Above, A: "ball", Value: 4.5}, 1, 0},
		{"outside", Rule{When: Outside, A: "ball"}, 0.9 * float64(geom.Sqrt(2*4/31.8)) / float64(dt), 1}, // 1 N on 0.0314 kg
	} {
		for _, then := range []Then{Win, Lose} {
			c.rule.Then = then
			rules := []Rule{c.rule}
			if then == Lose {
				rules = append(rules, Rule{When: Above, A: "ball", Value: 100, Then: Win})
			}
			s := play(t, ball(rules...))
			end, at := s.until(100, c.act)
			won := s.b.Facts[factWon]
			if end != env.Terminated || won != map[Then]float32{Win: 1, Lose: 0}[then] || s.b.Facts[factLost] != 1-won || s.b.Facts[factRule] != 1 {
				t.Errorf("%s, %s: end %v, facts %v", c.name, then, end, s.b.Facts)
			}
			if float64(at) < c.want-1.5 || float64(at) > c.want+2.5 {
				t.Errorf("%s: after %d steps, want about %.1f", c.name, at, c.want)
			}
		}
	}
	// All that wins has to hold at once.
	s := play(t, ball(Rule{When: Below, A: "ball", Value: 4, Then: Win}, Rule{When: Touch, A: "ball", B: "floor", Then: Win}))
	if end, at := s.until(100); end != env.Terminated || float64(at) < fall(4.4)-1.5 {
		t.Errorf("both rules: %v after %d steps", end, at)
	}
	// The approach is the way that was covered.
	s = play(t, ball(Rule{When: Touch, A: "ball", B: "floor", Then: Win}))
	var sum float32
	was := s.Distance
	for range 15 {
		s.until(1)
		sum += s.b.Facts[factApproach]
	}
	if y := s.phys.Centre(0).Y; geom.Abs(was-4.4) > 1e-4 || geom.Abs(sum-(5-y)) > 1e-4 || geom.Abs(s.Distance-(y-0.6)) > 1e-4 {
		t.Errorf("distance %v then %v, approach %v, at height %v", was, s.Distance, sum, y)
	}
}

// The distance from shapes is that of the nearest of very many points on their outlines.
func TestGap(t *testing.T) {
	tri := []geom.Vec{{}, {X: 2}, {X: 0.5, Y: 1.5}}
	for _, c := range []struct {
		shape scene.Shape
		on    func(f float32) geom.Vec // the outline, for f from 0 to 1
		in    func(p geom.Vec) bool
	}{
		{scene.Shape{Kind: scene.Circle, Points: []geom.Vec{{X: 1}}, Radius: 0.5},
			func(f float32) geom.Vec {
				s, c := geom.Sincos(2 * geom.Pi * f)
				return geom.Vec{X: 1 + 0.5*c, Y: 0.5 * s}
			}, func(p geom.Vec) bool { return p.Sub(geom.Vec{X: 1}).Len() < 0.5 }},
		{scene.Shape{Kind: scene.Polygon, Points: tri},
			func(f float32) geom.Vec {
				i := min(int(3*f), 2)
				return tri[i].Add(tri[(i+1)%3].Sub(tri[i]).Mul(3*f - float32(i)))
			}, func(p geom.Vec) bool {
				for i := range tri {
					if tri[(i+1)%3].Sub(tri[i]).Cross(p.Sub(tri[i])) < 0 {
						return false
					}
				}
				return true
			}},
		{scene.Shape{Kind: scene.Segment, Points: tri[:2]}, func(f float32) geom.Vec { return geom.Vec{X: 2 * f} }, func(geom.Vec) bool { return false }},
	} {
		s := rng.New(1).Stream(1, 0, 0)
		for range 200 {
			p := geom.Vec{X: s.Range(-2, 4), Y: s.Range(-2, 3)}
			want := float32(1e9)
			for i := range 4001 {
				want = min(want, c.on(float32(i)/4000).Sub(p).Len())
			}
			if c.in(p) {
				want = 0
			}
			if got := gap(&scene.Body{Shapes: []scene.Shape{c.shape}}, p); geom.Abs(got-want) > 2e-3 {
				t.Fatalf("%s: %v is %v away, want %v", c.shape.Kind, p, got, want)
			}
		}
	}
}

func TestGenerateAndMutate(t *testing.T) {
	seen := map[string]bool{}
	for i := range uint64(40) {
		r := Generate(rng.New(i))
		if err := r.Validate(); err != nil || r.overlaps() || !idle(r) {
			t.Fatalf("room %d: %v", i, err)
		}
		if again := Generate(rng.New(i)); !reflect.DeepEqual(r, again) {
			t.Fatalf("room %d is another one the second time", i)
		}
		text, err := r.Text()
		if err != nil {
			t.Fatal(err)
		}
		seen[string(text)] = true
		if back, err := Decode(text); err != nil || !reflect.DeepEqual(back, r) {
			t.Fatalf("room %d reads back as another: %v\n%s", i, err, text)
		}
		before := r.Clone()
		m := r.Mutate(rng.New(i))
		if err := m.Validate(); err != nil {
			t.Fatalf("mutant of room %d: %v", i, err)
		}
		if !reflect.DeepEqual(r, before) {
			t.Fatalf("mutating room %d changed it in place", i)
		}
		if reflect.DeepEqual(m, r) {
			t.Errorf("room %d was not mutated", i)
		}
	}
	if len(seen) < 40 {
		t.Errorf("%d different rooms of 40", len(seen))
	}
}

func BenchmarkVec(b *testing.B) {
	v, err := env.NewVec(New(), env.VecOptions{Worlds: 64, Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	v.Reset(1)
	batch := env.NewBatch(v.Spec(), v.Len())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%16 == 0 {
			envtest.RandomActions(v.Spec(), batch, rng.New(1), i)
		}
		if v.Observe(batch) != nil || v.Step(batch) != nil {
			b.Fatal("a step failed")
		}
	}
	b.ReportMetric(float64(b.N)*64/b.Elapsed().Seconds(), "steps/s")
}
