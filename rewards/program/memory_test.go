package program

import (
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

func open(t *testing.T, expr string, s *env.Spec) rewards.Func {
	t.Helper()
	f, err := Open(expr, s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func landerSpec(t testing.TB) *env.Spec {
	t.Helper()
	s, err := lander.New().Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMemoryConformance(t *testing.T) {
	rewardtest.Run(t, &Config{Expr: "speed - prev(speed) + (first(speed > 2) ? 1 : 0)"}, lander.New())
}

// What programs remember, against the same written out in Go, over episodes that end.
func TestMemory(t *testing.T) {
	s := landerSpec(t)
	col := func(name string) int {
		c, err := env.Column(s.Facts, name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	speed, height, width := col("speed"), col("height"), env.Width(s.Facts)
	f := open(t, "speed - prev(speed) + 10*prev(prev(height)) + (first(speed > 2) ? 100 : 0) + (prev(height < 5) ? 1000 : 0)", s).(*Remembering)
	type past struct {
		steps           int
		speed, one, two float32
		fast, low       bool
	}
	var rows []past
	batches, ended := rewardtest.Transitions(t, lander.New()), 0
	for n, b := range batches {
		if rows == nil {
			rows = make([]past, b.N)
		}
		got := make([]float32, b.N)
		f.Score(got, b)
		again := make([]float32, b.N)
		if f.Score(again, b); !slices.Equal(got, again) {
			t.Fatal("looking changes the memory")
		}
		if err := f.Update(b, nil); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			p := &rows[i]
			v, h := b.Facts[i*width+speed], b.Facts[i*width+height]
			if p.steps == 0 {
				*p = past{speed: v, one: h, two: h}
			}
			want := v - p.speed + 10*p.two
			if p.fast = p.fast || v > 2; p.fast {
				want += 100
			}
			if p.low {
				want += 1000
			}
			if d := got[i] - want; d > 2e-4 || d < -2e-4 {
				t.Fatalf("batch %d, row %d: %v, want %v", n, i, got[i], want)
			}
			p.steps, p.speed, p.two, p.one, p.low = p.steps+1, v, p.one, h, h < 5
			if b.End[i] != env.Running {
				*p = past{}
				ended++
			}
		}
	}
	if ended < 5 {
		t.Errorf("%d episodes ended", ended)
	}
}

// What remembers is refused where it cannot be, and so is what is no memory.
func TestMemoryErrors(t *testing.T) {
	s := landerSpec(t)
	for _, c := range []struct{ expr, want string }{
		{"speed - prev(speed)", "column 9 of"},
		{"first(speed > 1) ? 1 : 0", "is for the reward program only"},
	} {
		if _, err := Compile(c.expr, s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Compile(%q): %v, want %q", c.expr, err, c.want)
		}
	}
	if _, err := Condition("prev(speed > 1)", s); err == nil {
		t.Error("a condition remembers")
	}
	for _, c := range []struct{ expr, want string }{
		{"prev(3)", "column 1 of \"prev(3)\": prev of what never changes"},
		{"first(speed)", "column 7"},
		{"prev(obs)", "column 6"},
		{"prev()", "column 1"},
	} {
		if _, err := Open(c.expr, s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%q): %v, want %q", c.expr, err, c.want)
		}
	}
	// What is not needed is not remembered.
	if _, ok := open(t, "let x = prev(speed); height", s).(*Func); !ok {
		t.Error("a memory that nobody reads makes a program remember")
	}
	f := open(t, "prev(speed)", s).(*Remembering)
	if f.UnmarshalBinary([]byte{1, 0, 0, 0, 1}) == nil || f.UnmarshalBinary(nil) == nil {
		t.Error("a damaged memory is accepted")
	}
}

func TestOddities(t *testing.T) {
	s := landerSpec(t)
	for expr, want := range map[string]string{
		"speed - 0.1*tilt":               "",
		"speed - height":                 "one side is in m s^-1, the other in m",
		"speed*dt + height":              "",
		"min(speed, turning) + offset*0": "one side is in m s^-1, the other in s^-1",
		"speed < 0.5 ? height : 0":       "",
		"speed < height ? 1 : 0":         "one side is in m s^-1, the other in m",
		"sqrt(height*offset) - offset":   "",
		"let far = abs(offset); height":  "far is not used",
		"let far = abs(offset); far":     "",
		"prev(height) - speed":           "one side is in m, the other in m s^-1",
	} {
		f := open(t, expr, s).(interface{ Oddities() []*Error })
		var got []string
		for _, o := range f.Oddities() {
			got = append(got, o.Error())
		}
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}
