package maze

import (
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// watch plays a world with a television, pushing to the east, and returns what it shows, step by
// step, and which steps were made in its cell.
func watch(t *testing.T, mode string, remote func(step int) float32) (shown [][]float32, at []bool) {
	t.Helper()
	c := New()
	c.TV, c.TVMode, c.MaxKeys = 4, mode, 0
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	w, b := c.New().(*world), env.NewBatch(s, 1)
	l := env.Level{Params: make([]float32, len(s.Params)), Seed: 12}
	for i, p := range s.Params {
		l.Params[i] = p.Default[0]
	}
	w.Reset(&l, rng.New(9))
	for step := range 200 {
		w.Observe(b.Obs)
		shown = append(shown, slices.Clone(b.Obs[len(b.Obs)-4:]))
		at = append(at, w.cell() == w.screen())
		b.Act[0], b.Act[1] = [4]float32{1, 0, -1, 0}[step/12%4], [4]float32{0, 1, 0, -1}[step/12%4]
		if mode == tvRemote {
			b.Act[2] = remote(step)
		}
		w.Step(b)
	}
	return shown, at
}

// A television shows something else in each step, in its own cell only, or when switched.
func TestTelevision(t *testing.T) {
	shown, _ := watch(t, tvAlways, nil)
	for i := range shown[1:] {
		if slices.Equal(shown[i], shown[i+1]) {
			t.Fatalf("always: step %d shows what the step before showed", i+1)
		}
	}
	shown, at := watch(t, tvNear, nil)
	if !slices.Contains(at, true) || !slices.Contains(at, false) {
		t.Fatal("the disc is always, or never, in the television's cell: try another level")
	}
	for i, x := range shown {
		if dark := slices.Equal(x, []float32{0, 0, 0, 0}); dark == at[i] {
			t.Fatalf("near: step %d is dark: %v, in the cell: %v", i, dark, at[i])
		}
	}
	shown, _ = watch(t, tvRemote, func(step int) float32 { return float32(step % 10 / 9) })
	for i := range shown[1:] {
		if same := slices.Equal(shown[i], shown[i+1]); same == (i%10 == 9) {
			t.Fatalf("remote: step %d shows the same: %v", i+1, same)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"env maze-v0: room is 0, want 1 to 16":                                             func(c *Config) { c.Room = 0 },
		"env maze-v0: max_size is 8, want 2 to 6 rooms of 5 cells, 32 cells a side in all": func(c *Config) { c.Room = 5 },
		"env maze-v0: tv is 17, want 0 to 16":                                              func(c *Config) { c.TV = 17 },
		"env maze-v0: tv_mode is far, want always, near or remote":                         func(c *Config) { c.TVMode = "far" },
	} {
		c := New()
		change(c)
		if _, err := c.Spec(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
