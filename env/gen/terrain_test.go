package gen

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func stream(seed uint64) rng.Stream { return rng.New(seed).Stream(1, 0, 0) }

var classicMoon = Moon{Width: 20, Peak: 20. / 3, Base: 10. / 3, PadX: 10, PadWidth: 4, Roughness: 1}

// TestMoonClassic recomputes the classic terrain in float64, as its rules read: 12 uniform
// heights, five of them replaced, and a moving average over them on a grid of 2 m.
func TestMoonClassic(t *testing.T) {
	for seed := range uint64(50) {
		r := stream(seed)
		var raw [12]float64
		for i := range raw {
			raw[i] = float64(r.Float32()) * 20. / 3
		}
		for i := 3; i <= 7; i++ {
			raw[i] = 10. / 3
		}
		var got [MoonPoints]geom.Vec
		r = stream(seed)
		classicMoon.Generate(got[:], &r)
		for i, p := range got {
			y := 0.33 * (raw[(i+11)%12] + raw[i] + raw[i+1])
			if math.Abs(float64(p.X)-2*float64(i)) > 1e-5 || math.Abs(float64(p.Y)-y) > 1e-5 {
				t.Fatalf("seed %d, point %d: %v, want %v, %v", seed, i, p, 2*i, y)
			}
		}
	}
}

func TestMoonPad(t *testing.T) {
	r := stream(7)
	for range 1000 {
		m := classicMoon
		m.PadWidth = r.Range(1.5, 6)
		m.PadX = r.Range(4, 16)
		m.Roughness = r.Float32()
		var p [MoonPoints]geom.Vec
		m.Generate(p[:], &r)
		for i, q := range p {
			if i > 0 && !(q.X > p[i-1].X) {
				t.Fatalf("%+v: point %d is not right of the one before: %v", m, i, p)
			}
			if !(q.Y >= 0 && q.Y <= m.Peak) {
				t.Fatalf("%+v: height %v", m, q.Y)
			}
		}
		l, mid, rt := p[MoonPad], p[MoonPad+1], p[MoonPad+2]
		for _, q := range []geom.Vec{l, mid, rt} {
			if geom.Abs(q.Y-m.PadY()) > 1e-5 {
				t.Fatalf("%+v: pad at %v, want height %v", m, q, m.PadY())
			}
		}
		if geom.Abs(rt.X-l.X-m.PadWidth) > 1e-5 || geom.Abs(mid.X-m.PadX) > 1e-5 {
			t.Fatalf("%+v: pad from %v to %v", m, l, rt)
		}
		if p[0].X != 0 || geom.Abs(p[MoonPoints-1].X-m.Width) > 1e-5 {
			t.Fatalf("%+v: ground from %v to %v", m, p[0], p[MoonPoints-1])
		}
	}
}

// TestTrailClassic recomputes the classic walker's grass point by point.
func TestTrailClassic(t *testing.T) {
	for seed := range uint64(50) {
		r := stream(seed)
		var want []float64
		y, velocity, counter, level := 10./3, 0., 20, false
		for i := range TrailSteps {
			if !level {
				velocity = 0.8 * velocity
				if d := 10./3 - y; math.Abs(d) > 2e-7 { // 2e-7: y is a float32 in the generator
					velocity += math.Copysign(0.01, d)
				}
				if i > 20 {
					velocity += (2*float64(r.Float32()) - 1) / 30
				}
				y += velocity
			}
			want, level = append(want, y), false
			if counter--; counter == 0 {
				counter, level = 5+r.IntN(5), true
			}
		}
		r = stream(seed)
		got := Trail{Roughness: 1, Start: TrailStart}.Append(nil, &r)
		if len(got) != len(want) {
			t.Fatalf("%d points, want %d", len(got), len(want))
		}
		for i, p := range got {
			if math.Abs(float64(p.X)-float64(i)*14/30) > 1e-4 || math.Abs(float64(p.Y)-want[i]) > 1e-4 {
				t.Fatalf("seed %d, point %d: %v, want height %v", seed, i, p, want[i])
			}
		}
	}
}

func TestTrailObstacles(t *testing.T) {
	for _, c := range []struct {
		name         string
		trail        Trail
		up, down     []float32 // heights of walls that may occur
		length, span []float32 // lengths of what is between the walls
	}{
		{"stump", Trail{Stump: 0.8}, []float32{0.4, 0.8}, []float32{0.4, 0.8}, []float32{0.4, 0.8}, nil},
		{"pit", Trail{Pit: 1.5}, []float32{trailDepth}, []float32{trailDepth}, []float32{1, 1.5}, nil},
		{"stair", Trail{Stair: 0.3}, []float32{0.3}, []float32{0.3}, []float32{trailTread}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ups, downs, lengths := map[string]int{}, map[string]int{}, map[string]int{}
			for seed := range uint64(20) {
				r := stream(seed)
				p := c.trail.Append(nil, &r)
				last := -1 // end of the last wall
				for i := 1; i < len(p); i++ {
					if p[i].X != p[i-1].X {
						continue
					}
					h := p[i].Y - p[i-1].Y
					if h > 0 {
						ups[near(h, c.up)]++
					} else {
						downs[near(-h, c.down)]++
					}
					if last >= 0 && i-1 == last+1 { // a wall, a level, a wall
						lengths[near(p[i-1].X-p[last].X, c.length)]++
					}
					last = i
				}
			}
			for what, m := range map[string]map[string]int{"rises": ups, "drops": downs, "lengths": lengths} {
				if m["other"] > 0 || len(m) == 0 {
					t.Errorf("%s: %v, want only the sizes of the trail", what, m)
				}
			}
			if len(ups) != len(c.up) || len(lengths) != len(c.length) {
				t.Errorf("not every size occurs: %v %v %v", ups, downs, lengths)
			}
		})
	}
}

func near(x float32, of []float32) string {
	for _, v := range of {
		if geom.Abs(x-v) < 1e-4 {
			return fmt.Sprint(v)
		}
	}
	return "other"
}

// TestTrailShape checks what holds for every trail, with parameters at random.
func TestTrailShape(t *testing.T) {
	r := stream(3)
	var buf []geom.Vec
	for range 2000 {
		tr := Trail{Roughness: r.Range(0, 4), Start: 12 + r.IntN(29)}
		for _, p := range []struct {
			dst *float32
			max float32
		}{{&tr.Stump, 1.5}, {&tr.Pit, 2.5}, {&tr.Stair, 0.8}} {
			if r.IntN(3) > 0 {
				*p.dst = r.Range(0.01, p.max)
			}
		}
		buf = tr.Append(buf[:0], &r)
		if len(buf) > TrailPoints {
			t.Fatalf("%+v: %d points", tr, len(buf))
		}
		for i, p := range buf {
			if !geom.Finite(p.X) || !geom.Finite(p.Y) || i > 0 && (p.X < buf[i-1].X || p == buf[i-1]) {
				t.Fatalf("%+v: point %d: %v after %v", tr, i, p, buf[max(i-1, 0)])
			}
			if p.X < float32(tr.Start)*TrailStep-TrailStep && geom.Abs(p.Y-TrailBase) > 0.02 {
				t.Fatalf("%+v: the start is not even: %v", tr, p)
			}
			if i > 0 && p.X > TrailLength-TrailFinish*TrailStep && p.X == buf[i-1].X {
				t.Fatalf("%+v: a wall in the finish at %v", tr, p)
			}
		}
		if end := buf[len(buf)-1].X; end < TrailLength-2*TrailStep-1e-3 || end > TrailLength {
			t.Fatalf("%+v: ends at %v", tr, end)
		}
	}
}

func TestTerrainAllocs(t *testing.T) {
	buf := make([]geom.Vec, 0, TrailPoints)
	r := stream(1)
	for name, f := range map[string]func(){
		"Moon":  func() { classicMoon.Generate(buf[:MoonPoints], &r) },
		"Trail": func() { HardTrail.Append(buf[:0], &r) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkMoon(b *testing.B) {
	var buf [MoonPoints]geom.Vec
	r := stream(1)
	for b.Loop() {
		classicMoon.Generate(buf[:], &r)
	}
}

func BenchmarkTrail(b *testing.B) {
	buf := make([]geom.Vec, 0, TrailPoints)
	r := stream(1)
	for b.Loop() {
		HardTrail.Append(buf[:0], &r)
	}
}

func ExampleTrail() {
	r := rng.New(1).Stream(1, 0, 0)
	points := Trail{Pit: 1.2}.Append(nil, &r)
	walls := 0
	for i := 1; i < len(points); i++ {
		if points[i].X == points[i-1].X {
			walls++
		}
	}
	fmt.Println(len(points) <= TrailPoints, walls > 10)
	// Output: true true
}
