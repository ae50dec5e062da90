package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

const residents = `
version: 1
env: {name: cartpole-v0}
worlds: 16
agent: {name: ppo, options: {rollout: 32, minibatch: 128, device: true}}
steps: 6000
seeds: [3, 4]
engine: vulkan:software
eval: {episodes: 3}
checkpoint: {steps: 2000, seconds: 0, keep: 2}
replays: {eval: 2}
metrics: {steps: 500}
`

// useSoftwareDevice ends the test where there is none, and leaves the engine as it was.
func useSoftwareDevice(t *testing.T) {
	vktest.Open(t)
	t.Cleanup(func() {
		if err := env.SetEngine("auto"); err != nil {
			t.Error(err)
		}
	})
}

// A run on a device must give the same bytes when repeated, and when interrupted and resumed.
func TestResident(t *testing.T) {
	useSoftwareDevice(t)
	dir := t.TempDir()
	plan := func() *Plan {
		p, err := ParsePlan("x.yaml", []byte(residents), nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	if _, err := Train(t.Context(), plan(), whole, Options{Workers: 2}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Train(ctx, plan(), parts, Options{Workers: 2, Notify: func(s Status) {
		if s.Step >= 1500 {
			cancel()
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Fatalf("Train = %v, want an interruption", err)
	}
	if _, err := Resume(t.Context(), parts, Options{Engine: "go"}); err == nil || !strings.Contains(err.Error(), "the worlds have to be on a device too") {
		t.Errorf("on the CPU, Resume = %v", err)
	}
	r, err := Resume(t.Context(), parts, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Seeds {
		if s.Steps != 6000/512*512 {
			t.Errorf("seed %d was trained for %d steps", s.Seed, s.Steps)
		}
	}
	sameFiles(t, whole, parts)
}

// An interrupt must end a run within a rollout, before anything is saved and later, and resuming it must give the
// bytes of a run that nobody interrupted.
func TestResidentAmid(t *testing.T) {
	useSoftwareDevice(t)
	pause, patience := amidPause, amidPatience
	t.Cleanup(func() { amidPause, amidPatience = pause, patience })
	amidPause, amidPatience = 0, 0
	dir := t.TempDir()
	plan := func() *Plan {
		p, err := ParsePlan("x.yaml", []byte(strings.Replace(residents, "steps: 6000", "steps: 2000", 1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	if _, err := Train(t.Context(), plan(), whole, Options{Workers: 1}); err != nil {
		t.Fatal(err)
	}
	amid := func(s Status) bool { return s.Amid && s.Step%512 != 0 } // the first submissions are of a few steps
	for i, x := range []struct {
		at    func(s Status) bool
		want  string
		state int // steps of what is saved then
	}{
		{amid, "interrupted; nothing to save yet: terrarium resume ", 0},
		{func(s Status) bool { return s.Row != nil && s.Step >= 1000 }, "interrupted; state saved: ", 1024},
		{amid, "interrupted; state saved: ", 1024},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		o := Options{Workers: 1, Notify: func(s Status) {
			if x.at(s) {
				cancel()
			}
		}}
		var err error
		if i == 0 {
			_, err = Train(ctx, plan(), parts, o)
		} else {
			_, err = Resume(ctx, parts, o)
		}
		cancel()
		if err == nil || !strings.HasPrefix(err.Error(), x.want) {
			t.Fatalf("interruption %d: %v, want %q", i, err, x.want)
		}
		files, err := checkpoints(filepath.Join(SeedDir(parts, 3), "checkpoints"))
		if err != nil || x.state == 0 && len(files) > 0 || x.state > 0 && (len(files) != 1 || filepath.Base(files[0]) != fmt.Sprintf(checkpointPattern, x.state)) {
			t.Fatalf("interruption %d left %v (%v), want the state of step %d", i, files, err, x.state)
		}
	}
	if _, err := Resume(t.Context(), parts, Options{Workers: 1}); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, whole, parts)
}

// A loss that is not a number must stop a run, which says where.
func TestResidentStopsAtNaN(t *testing.T) {
	useSoftwareDevice(t)
	text := strings.NewReplacer("device: true", "device: true, learning_rate: 1e30, max_grad_norm: 0", "[3, 4]", "[3]").Replace(residents)
	p, err := ParsePlan("x.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Train(t.Context(), p, filepath.Join(t.TempDir(), "run"), Options{Workers: 1})
	if err == nil || !strings.Contains(err.Error(), "seed 3, step 512: ppo: update 0: epoch 0, minibatch ") {
		t.Errorf("Train = %v, want where the update failed", err)
	}
}

// What an agent on a device cannot do is refused before anything is written.
func TestResidentRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"engine: vulkan:software", "engine: go", "x.yaml:5:67: agent.options.device: the worlds have to be on a device too: the engine is go, want one of [vulkan], as in --engine vulkan"},
		{"steps: 6000", "steps: 6000\nbonus: count(cell=0.2)", "x.yaml:7:8: bonus: an agent on a device learns without a bonus"},
		{"steps: 6000", "steps: 6000\nreward: [{name: fact, options: {fact: alive}}]", "x.yaml:7:9: reward: an agent on a device learns from the task's own reward"},
		{"steps: 6000", "steps: 6000\nreward: [{name: task, weight: 2}]", "x.yaml:7:9: reward: an agent on a device learns from the task's own reward"},
		{"steps: 6000", "steps: 6000\nstart: {ways: [way.replay]}", "x.yaml:7:9: start: an agent on a device starts where the environment has it start"},
		{"device: true", "device: true, layer_norm: true", "with device, layer_norm: devices cannot run networks with layer normalisation"},
		{"device: true", "device: true, average: true", "with device, average: the mean reward is not an objective on devices"},
		{"device: true", "device: true, temperature: 0.1", "with device, temperature: rewards are the task's own on devices"},
		{"device: true", "device: true, intrinsic_coef: 1", "with device, intrinsic_coef: bonuses are not learned from on devices"},
		{"rollout: 32", "rollout: 40000", "with device, rollout is 40000, want at most 32768"},
		{"device: true", "device: 3", "agent.options.device"},
		{"device: true", "devise: true", `did you mean "device"`},
	} {
		p, err := ParsePlan("x.yaml", []byte(strings.Replace(residents, c.from, c.to, 1)), nil)
		if err == nil {
			err = p.Check()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.to, err, c.want)
		}
	}
}

// Where the program has picked an engine for "auto", such as a GPU, the run is on that one.
func TestPickedEngine(t *testing.T) {
	t.Cleanup(func() {
		if err := env.SetEngine("auto"); err != nil {
			t.Error(err)
		}
	})
	text := strings.NewReplacer("device: true", "device: false", "vulkan:software", "auto", "[3, 4]", "[3]", "6000", "600").Replace(residents)
	for _, picked := range []string{"go", ""} {
		p, err := ParsePlan("x.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Train(t.Context(), p, filepath.Join(t.TempDir(), "run"), Options{Workers: 1, picked: picked}); err != nil {
			t.Fatal(err)
		}
		if want := map[string]string{"go": "go", "": env.Engines()[0]}[picked]; env.Engine() != want {
			t.Errorf("picked %q, ran on %s, want %s", picked, env.Engine(), want)
		}
	}
}
