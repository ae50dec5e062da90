package stax

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
)

// Nothing can be said of the claim at smoke scale. What must hold is that every arm is an experiment
// that a search can be made of, that cells repeat, and that searching beats drawing at random.
func TestSmoke(t *testing.T) {
	c, err := papers.Lookup("stax")
	if err != nil {
		t.Fatal(err)
	}
	run := func(arm string, tasks ...string) papers.Row {
		row, err := Run(papers.Cell{Context: t.Context(), Scale: papers.Smoke, Arm: arm, Seed: 1}, tasks, Arms)
		if err != nil {
			t.Fatalf("%s: %v", arm, err)
		}
		return row
	}
	rows := map[string]papers.Row{}
	for _, arm := range c.Arms {
		rows[arm] = run(arm, "arm")
		t.Logf("%s: %v", arm, rows[arm])
	}
	for _, task := range []string{"maze", "curling"} {
		if v := run("wrong", task)["coverage-"+task]; !(v > 0 && v < 1) {
			t.Errorf("wrong: coverage of %s is %v", task, v)
		}
	}
	if again := run("stax", "arm"); again["coverage-arm"] != rows["stax"]["coverage-arm"] || again["reward-arm"] != rows["stax"]["reward-arm"] {
		t.Errorf("the same cell yields %v, then %v", rows["stax"], again)
	}
	if a, b := rows["novelty"]["coverage-arm"], rows["random"]["coverage-arm"]; a <= b {
		t.Errorf("novelty search covers %.3f of the arm's places, random policies %.3f", a, b)
	}
}
