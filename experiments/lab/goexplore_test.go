package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
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
	stdout.Reset()
	for _, args := range [][]string{
		{"goexplore", "maze", "--fields", "positoin"}, {"goexplore", "maze", "--cell", "-1"}, {"goexplore", "maze", "--steps", "0"}, {"goexplore"},
	} {
		if code := run(args...); code != exitInput {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}
