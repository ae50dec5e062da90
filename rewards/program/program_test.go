package program_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/rewards/program"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

// spec has fields of every kind.
var spec = &env.Spec{
	ID: "toy-v0", Dt: 0.02, Agents: 1,
	Obs:   []env.Field{{Name: "vx", Len: 1, Lo: -1, Hi: 1}, {Name: "position", Len: 2, Lo: -1, Hi: 1}},
	Act:   []env.Field{{Name: "push", Len: 2, Lo: -1, Hi: 1}},
	Facts: []env.Field{{Name: "progress", Len: 1, Lo: -1, Hi: 1}, {Name: "rays", Len: 3, Lo: 0, Hi: 4}, {Name: "energy", Len: 1, Lo: 0, Hi: 9}},
}

// A row is what a twin of a program reads.
type row struct {
	vx, progress, energy  float32
	pos, next, push       [2]float32
	rays                  [3]float32
	terminated, truncated bool
	nextVx                float32
}

// batch returns n random rows.
func batch(n int) (*env.Batch, []row) {
	b, r := env.NewBatch(spec, n), rng.New(4).Stream(1, 0, 0)
	rows := make([]row, n)
	for i := range n {
		for _, x := range [][]float32{b.Obs[3*i : 3*i+3], b.Act[2*i : 2*i+2], b.Next[3*i : 3*i+3], b.Facts[5*i : 5*i+5]} {
			for k := range x {
				x[k] = 2 * r.Norm()
			}
		}
		b.End[i] = env.End(r.IntN(3))
		o, a, x, f := b.Obs[3*i:], b.Act[2*i:], b.Next[3*i:], b.Facts[5*i:]
		rows[i] = row{
			vx: o[0], pos: [2]float32{o[1], o[2]}, push: [2]float32{a[0], a[1]}, nextVx: x[0], next: [2]float32{x[1], x[2]},
			progress: f[0], rays: [3]float32(f[1:4]), energy: f[4],
			terminated: b.End[i] == env.Terminated, truncated: b.End[i] == env.Truncated,
		}
	}
	return b, rows
}

func when(c bool, a, b float32) float32 {
	if c {
		return a
	}
	return b
}

// Each program must give the bits of the same formula in Go, for batches of any size.
func TestPrograms(t *testing.T) {
	sq := func(x float32) float32 { return x * x }
	for source, want := range map[string]func(r *row) float32{
		"2*progress - 0.1*energy":     func(r *row) float32 { return float32(2*r.progress) - float32(0.1*r.energy) },
		"progress":                    func(r *row) float32 { return r.progress },
		"7":                           func(*row) float32 { return 7 },
		"1/4 + 2^3*dt - pi":           func(*row) float32 { return 0.25 + float32(8*float32(0.02)) - geom.Pi },
		"-obs.vx + +next.vx":          func(r *row) float32 { return -r.vx + r.nextVx },
		"obs.position[1]*act.push[0]": func(r *row) float32 { return r.pos[1] * r.push[0] },
		"obs['vx']":                   func(r *row) float32 { return r.vx },
		"progress^3":                  func(r *row) float32 { return r.progress * float32(r.progress*r.progress) },
		"progress ** -2":              func(r *row) float32 { return 1 / float32(r.progress*r.progress) },
		"energy^0":                    func(*row) float32 { return 1 },
		"abs(progress)/energy":        func(r *row) float32 { return geom.Abs(r.progress) / r.energy },
		"sqrt(abs(energy)) + exp(-energy) + log(abs(energy))": func(r *row) float32 {
			return geom.Sqrt(geom.Abs(r.energy)) + geom.Exp(-r.energy) + geom.Log(geom.Abs(r.energy))
		},
		"tanh(energy) * sin(3*progress) - cos(progress)": func(r *row) float32 {
			return float32(geom.Tanh(r.energy)*geom.Sin(float32(3*r.progress))) - geom.Cos(r.progress)
		},
		"atan2(progress, energy) + floor(energy)": func(r *row) float32 { return geom.Atan2(r.progress, r.energy) + geom.Floor(r.energy) },
		"wrap(9*energy)":                func(r *row) float32 { return geom.WrapAngle(float32(9 * r.energy)) },
		"clamp(energy, -0.5, 1)":        func(r *row) float32 { return geom.Clamp(r.energy, -0.5, 1) },
		"sign(energy) + sign(0*energy)": func(r *row) float32 { return when(r.energy > 0, 1, -1) },
		"min(progress, energy, 0.1) + max(progress, energy)": func(r *row) float32 {
			return geom.Min(geom.Min(r.progress, r.energy), 0.1) + geom.Max(r.progress, r.energy)
		},
		"min(rays) + 2*max(rays) + sum(rays)": func(r *row) float32 {
			a := r.rays
			return geom.Min(geom.Min(a[0], a[1]), a[2]) + float32(2*geom.Max(geom.Max(a[0], a[1]), a[2])) + (a[0] + a[1] + a[2])
		},
		"mean(rays)":     func(r *row) float32 { return (r.rays[0] + r.rays[1] + r.rays[2]) * (1 / float32(3)) },
		"norm(act.push)": func(r *row) float32 { return geom.Sqrt(float32(sq(r.push[0])) + float32(sq(r.push[1]))) },
		"dist(obs.position, next.position) + hypot(energy, 1)": func(r *row) float32 {
			d := geom.Sqrt(float32(sq(r.pos[0]-r.next[0])) + float32(sq(r.pos[1]-r.next[1])))
			return d + geom.Sqrt(float32(sq(r.energy))+1)
		},
		"sum(rays, #^2)": func(r *row) float32 { return float32(sq(r.rays[0])) + float32(sq(r.rays[1])) + float32(sq(r.rays[2])) },
		"sum(0..1, act.push[#] * each(rays, 3)[0][2-#]) + sum(each(obs.position, 2), norm(#))": func(r *row) float32 {
			p := r.pos
			return float32(r.push[0]*r.rays[2]) + float32(r.push[1]*r.rays[1]) + geom.Sqrt(float32(sq(p[0]))+float32(sq(p[1])))
		},
		"min(map(rays, let a = #; sum(0..1, a - act.push[#])))": func(r *row) float32 {
			var m [3]float32
			for i, a := range r.rays {
				m[i] = (a - r.push[0]) + (a - r.push[1])
			}
			return geom.Min(geom.Min(m[0], m[1]), m[2])
		},
		"count(rays, # > energy) + (any(rays, # > 1) ? 10 : 0) + (all(rays, # > 0) ? 20 : 0) + (none(rays, # < -1) ? 40 : 0) + (one(rays, # > 0.5) ? 80 : 0)": func(r *row) float32 {
			var n [5]float32
			for _, a := range r.rays {
				for k, is := range []bool{a > r.energy, a > 1, a > 0, a < -1, a > 0.5} {
					n[k] += when(is, 1, 0)
				}
			}
			return n[0] + when(n[1] > 0, 10, 0) + when(n[2] == 3, 20, 0) + when(n[3] == 0, 40, 0) + when(n[4] == 1, 80, 0)
		},
		"near(energy, 2)":            func(r *row) float32 { return geom.Exp(-float32(sq(r.energy / 2))) },
		"energy > 1 ? progress : -1": func(r *row) float32 { return when(r.energy > 1, r.progress, -1) },
		"energy <= progress || !(vx > 0 and terminated) ? 1 : 0": nil, // vx is no fact
		"energy <= progress || !(obs.vx > 0 and terminated) ? 1 : 0": func(r *row) float32 {
			return when(r.energy <= r.progress || !(r.vx > 0 && r.terminated), 1, 0)
		},
		"truncated != terminated ? energy : 0":       func(r *row) float32 { return when(r.truncated != r.terminated, r.energy, 0) },
		"if energy >= 0 { energy } else { 0 }":       func(r *row) float32 { return when(r.energy >= 0, r.energy, 0) },
		"let a = energy; let b = a*a; b + a":         func(r *row) float32 { return float32(r.energy*r.energy) + r.energy },
		"(let a = 2; a*energy) + (let a = 1; a)":     func(r *row) float32 { return float32(2*r.energy) + 1 },
		"let goal = obs.position; goal[0] + goal[1]": func(r *row) float32 { return r.pos[0] + r.pos[1] },
		"progress == 0 ? 1 : 1.0*energy":             func(r *row) float32 { return r.energy },
		"true ? energy : progress":                   func(r *row) float32 { return r.energy },
		"(energy > 0 ? terminated : truncated) ? 3 : 4": func(r *row) float32 {
			return when(r.energy > 0 && r.terminated || !(r.energy > 0) && r.truncated, 3, 4)
		},
		"progress + // a comment\n  energy": func(r *row) float32 { return r.progress + r.energy },
	} {
		if want == nil {
			if _, err := program.Compile(source, spec); err == nil {
				t.Errorf("%s: compiles", source)
			}
			continue
		}
		f, err := program.Compile(source, spec)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		for _, n := range []int{1, 7, 256, 257, 1000} {
			b, rows := batch(n)
			dst := make([]float32, n)
			f.Score(dst, b)
			for i, got := range dst {
				if w := want(&rows[i]); math.Float32bits(got) != math.Float32bits(w) && !(got != got && w != w) {
					t.Errorf("%s: row %d of %d is %v, want %v", source, i, n, got, w)
					break
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		source       string
		line, column int
		text         string
	}{
		{"2*progres", 1, 3, `unknown name "progres"; did you mean "progress"?`},
		{"progress +", 1, 10, "ends too early"},
		{"progress\n  + speeed", 2, 5, `unknown name "speeed"`},
		{"obs.vxx", 1, 5, "vxx"},
		{"progress > 0", 1, 10, "a reward is a number, this is true or false"},
		{"2 * (progress > 0)", 1, 3, "of number and truth"},
		{"progress ? 1 : 0", 1, 1, "number"},
		{"progress + rays", 1, 10, "vector"},
		{"rays", 1, 1, "this is a vector"},
		{"rays[3]", 1, 6, "columns 0 to 2"},
		{"rays[-1]", 1, 6, "column -1 of rays, which has columns 0 to 2"},
		{"rays[progress]", 1, 6, "number"},
		{"obs", 1, 1, "a group of fields"},
		{"1/0", 1, 2, "+Inf"},
		{"progress + log(0)", 1, 12, "-Inf"},
		{"1e300", 1, 1, "float32"},
		{"progress^0.5", 1, 10, "whole number"},
		{"progress^energy", 1, 10, "whole number"},
		{"'text'", 1, 1, "no such thing"},
		{"len(rays)", 1, 1, `unknown name "len"`},
		{"abs(progress, energy)", 1, 1, "too many arguments"},
		{"clamp(progress, 0)", 1, 1, "not enough arguments"},
		{"abs(rays)", 1, 5, "vector"},
		{"max(rays, progress)", 1, 1, "too many"},
		{"dist(rays, obs.position)", 1, 16, "a vector of 2"},
		{"progress % 2", 1, 10, "%"},
		{"progress in [1]", 1, 10, "no operator in"},
		{"$env", 1, 1, "$env"},
		{"let abs = 1; abs", 1, 5, "function"},
		{"let energy = 1; energy", 1, 5, "energy"},
		{"sum(rays, # > 2)", 1, 11, "want a number, have true or false"},
		{"any(rays, # * 2) ? 1 : 0", 1, 11, "want a condition (got number)"},
		{"sum(progress, #)", 1, 5, "sum goes over a vector, each(box, 2) or 0..1 (have number)"},
		{"count(rays)", 1, 1, "count(rays, # > 1)"},
		{"sum(0..3, rays[#])", 1, 16, "column 3 of rays, which has columns 0 to 2"},
		{"sum(0..progress, #)", 1, 6, "the ends of .. are whole numbers"},
		{"sum(3..1, #)", 1, 6, "the second not below the first"},
		{"sum(0..9999, #)", 1, 6, "at most 999"},
		{"sum(each(rays, 2), norm(#))", 1, 16, "divides the 3 of rays"},
		{"sum(each(rays, 3), #)", 1, 20, "want a number, have a vector"},
		{"sum(each(rays, 3)[1], #)", 1, 19, "object 1 of each(rays, 3), which has objects 0 to 0"},
		{"sum(rays, #x)", 1, 11, "want # alone, not #x"},
		{"progress + filter(rays, # > 1)[0]", 1, 12, "filter is no function"},
		{"sum(rays, # * missing)", 1, 15, `unknown name "missing"`},
		{"terminated == progress ? 1 : 0", 1, 12, ""},
		{"progress > 0 ? 1 : terminated", 1, 14, ""},
	} {
		_, err := program.Compile(c.source, spec)
		var e *program.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v, want an error with a place", c.source, err)
			continue
		}
		if (e.Line != c.line || e.Column != c.column) && c.text != "" || !strings.Contains(e.Text, c.text) {
			t.Errorf("%s: line %d, column %d: %s; want line %d, column %d: %s", c.source, e.Line, e.Column, e.Text, c.line, c.column, c.text)
		}
	}
	for _, source := range []string{"", "  ", strings.Repeat("1+", 9000) + "1", strings.Repeat("-", 8000) + "1"} {
		if _, err := program.Compile(source, spec); err == nil {
			t.Errorf("%.20q of %d bytes compiles", source, len(source))
		}
	}
}

// What is not finite is explained at its place, by what it was made of; the side that was not chosen is
// not to blame.
func TestExplain(t *testing.T) {
	b := env.NewBatch(spec, 2)
	b.Facts[5], b.Facts[9] = 0.5, 3 // progress and energy of row 1
	for source, want := range map[string]string{
		"2 + 1/(energy-3)": `column 6 of "2 + 1/(energy-3)": this is +Inf, of 1 and 0`,
		"progress > 0 ? log(progress - energy) : 1/(energy - 3)":               `log(progress - energy) : 1/(energy - 3)": this is NaN, of -2.5`,
		"sum(rays, # + 0) > 1 ? 1/(energy-3) : min(2, exp(100*progress)*1e38)": "",
		"exp(200*progress)":                    "column 1 of \"exp(200*progress)\": this is +Inf, of 100",
		"prev(energy) - 1/prev(energy - 3)":    "column 17 of",
		"let a = 1/(energy-3); progress*0 + 1": "",
	} {
		f, err := program.Open(source, spec)
		if err != nil {
			t.Fatal(err)
		}
		f.Score(make([]float32, 2), b)
		err = f.(interface{ Explain(*env.Batch, int) error }).Explain(b, 1)
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", source, got, want)
		}
	}
}

func TestConformance(t *testing.T) {
	rewardtest.Run(t, &program.Config{Expr: "shaping - 0.3*main_engine + (on_pad > 0 and speed < 0.1 ? 1 : 0) - tanh(obs.vx^2)"}, lander.New())
	rewardtest.Run(t, &program.Config{Expr: "progress - 0.01*norm(act.force) + exp(-min(obs.rays)) - dist(obs.position, next.position)"}, maze.New())
}
