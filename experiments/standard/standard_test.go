package standard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/scripted"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/experiments/lab"
)

// TestExperiments reads every experiment that comes with the program.
func TestExperiments(t *testing.T) {
	if len(configs.Names()) < 8 {
		t.Errorf("experiments: %v", configs.Names())
	}
	for _, name := range configs.Names() {
		p, err := lab.ReadPlan(name, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := p.Check(); err != nil {
			t.Error(err)
		}
		if p.Doc == "" {
			t.Errorf("%s has no doc", name)
		}
	}
}

// TestEnvironments checks what every environment of the program has beyond the contract: levels
// with a difficulty, states that can be saved, a picture, options that are explained, and a
// scripted controller as a baseline. That it keeps the contract is the test of its own package.
func TestEnvironments(t *testing.T) {
	if len(env.Names()) < 7 {
		t.Errorf("environments: %v", env.Names())
	}
	for _, name := range env.Names() {
		c, err := env.Open(name, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		spec, err := c.Spec()
		if err != nil {
			t.Error(err)
			continue
		}
		if _, ok := c.(env.Grader); !ok {
			t.Errorf("%s: levels have no difficulty", name)
		}
		world := c.New()
		if _, ok := world.(env.StateEnv); !ok {
			t.Errorf("%s cannot be saved", name)
		}
		if _, ok := world.(env.Picture); !ok {
			t.Errorf("%s cannot be drawn", name)
		}
		if _, err := scripted.For(spec); err != nil {
			t.Error(err)
		}
		for _, fields := range [][]env.Field{spec.Obs, spec.Act, spec.Facts} {
			for _, f := range fields {
				if f.Doc == "" {
					t.Errorf("%s: %s has no explanation", name, f.Name)
				}
			}
		}
		for _, p := range spec.Params {
			if p.Doc == "" {
				t.Errorf("%s: level parameter %s has no explanation", name, p.Name)
			}
		}
		documented(t, strings.TrimSuffix(name, "-v0"), spec)
		if spec.Doc == "" || len(spec.Params) == 0 || len(spec.Reward) == 0 {
			t.Errorf("%s lacks an explanation, level parameters or a reward", name)
		}
	}
}

// documented checks that the package comment of an environment says of the end of episodes and of
// versions what the Spec says, and terrarium describe prints.
func documented(t *testing.T, task string, s *env.Spec) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "env", "tasks", task, task+".go"))
	if err != nil {
		t.Fatal(err)
	}
	section := func(title string) string {
		_, text, _ := strings.Cut(string(text), "\n// # "+title+"\n")
		var words []string
		for line := range strings.Lines(text) {
			line, ok := strings.CutPrefix(line, "//")
			if !ok || strings.HasPrefix(line, " #") {
				break
			}
			words = append(words, strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "- "))...)
		}
		return strings.Join(words, " ")
	}
	if said := section("Episode end"); s.Ends == "" || said != s.Ends {
		t.Errorf("%s: the package comment says %q of the end of episodes, the Spec %q", task, said, s.Ends)
	}
	if said := section("Version history"); len(s.History) == 0 || said != strings.Join(s.History, " ") {
		t.Errorf("%s: the package comment says %q of versions, the Spec %q", task, said, s.History)
	}
}
