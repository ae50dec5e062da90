package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/terrarium-rl/terrarium/agents/ppo"
	_ "github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/env/traj"
)

// The command finds the goal of a maze, and what it records repeats bit by bit.
func TestGoExplore(t *testing.T) {
	out := filepath.Join(t.TempDir(), "way.replay")
	var stdout bytes.Buffer
	run := func(args ...string) int {
		root := rootCommand()
		root.SetOut(&stdout)
		root.SetErr(io.Discard)
		root.SetArgs(args)
		return exitCode(root.ExecuteContext(t.Context()))
	}
	code := run("goexplore", "maze", "--fields", "position", "--score", "1", "--seed", "5", "--steps", "400000", "--out", out, "--json")
	var found GoExploration
	if err := json.Unmarshal(stdout.Bytes(), &found); err != nil || code != 0 || found.Return != 1 {
		t.Fatalf("exit %d, %+v, %v", code, found, err)
	}
	ep, err := traj.Load(out)
	if err != nil || ep.Return() != 1 || ep.Len() != found.Length {
		t.Fatalf("recorded %v, want %+v; %v", ep, found, err)
	}
	v, err := Verify(out, 1)
	if err != nil || !v.Equal || v.Steps != int64(found.Length) {
		t.Errorf("verified %+v, %v", v, err)
	}
	// A search that stops and goes on comes to the same.
	dir := t.TempDir()
	whole, parts, once, twice := filepath.Join(dir, "whole"), filepath.Join(dir, "parts"), filepath.Join(dir, "1.replay"), filepath.Join(dir, "2.replay")
	for _, args := range [][]string{{"--steps", "60000", "--state", whole, "--out", once}, {"--steps", "20000", "--state", parts}, {"--steps", "60000", "--state", parts, "--out", twice}} {
		if code := run(append([]string{"goexplore", "maze", "--fields", "position", "--seed", "5"}, args...)...); code != 0 {
			t.Fatalf("%v: exit %d", args, code)
		}
	}
	for a, b := range map[string]string{whole: parts, once: twice} {
		x, err := os.ReadFile(a)
		y, err2 := os.ReadFile(b)
		if err != nil || err2 != nil || !bytes.Equal(x, y) {
			t.Errorf("%s and %s differ: %v, %v", a, b, err, err2)
		}
	}
	stdout.Reset()
	for _, args := range [][]string{
		{"goexplore", "maze", "--fields", "positoin"}, {"goexplore", "maze", "--cell", "-1"}, {"goexplore", "maze", "--steps", "0"}, {"goexplore"},
		{"goexplore", "maze", "--fields", "position", "--seed", "6", "--state", whole},
		{"goexplore", "maze", "--fields", "position", "--seed", "5", "--cell", "2", "--state", whole},
	} {
		if code := run(args...); code != exitInput {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}

// What is wrong with starts on ways is told before training begins, at its place.
func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	way := filepath.Join(dir, "way.replay")
	root := rootCommand()
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	root.SetArgs([]string{"goexplore", "maze", "--steps", "320", "--out", way})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for want, start := range map[string]string{
		"start.ways: " + filepath.Join(dir, "none.replay"):              "{ways: [" + filepath.Join(dir, "none.replay") + "]}",
		"the way has a return of 0":                                     "{ways: [" + way + "]}",
		"no ways to start from":                                         "{}",
		"start.trials: trials is 0, want at least 1":                    "{ways: [" + way + "], trials: 0}",
		"start.success: success is 2, want above 0, at most 1":          "{ways: [" + way + "], success: 2}",
		"start.stretch: stretch is -1, want above 0, at most 1":         "{ways: [" + way + "], stretch: -1}",
		"start.fresh: fresh is 1.5, want 0 to 1":                        "{ways: [" + way + "], fresh: 1.5}",
		"it was recorded in maze-v0, this is an experiment in cartpole": "{ways: [" + way + "]} # cartpole",
	} {
		task := "maze-v0"
		if strings.Contains(start, "cartpole") {
			task = "cartpole-v0"
		}
		p, err := ParsePlan("x.yaml", []byte("env: {name: "+task+"}\nstart: "+start+"\n"), nil)
		if err == nil {
			err = p.Check()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", start, err, want)
		}
	}
}
