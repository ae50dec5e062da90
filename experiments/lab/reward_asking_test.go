package lab

import (
	"path/filepath"
	"strings"
	"testing"
)

// A run that is too short for the questions of its reward says so; one that would ask none is refused.
func TestRunTooShortForQuestions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	set := "reward=[{name: preference, options: {labels: 20, rounds: 4, every: 2000, segment: 10, window: 2000}}]"
	run := []string{"run", "cartpole", "--set", set, "--set", "eval.episodes=0", "--replace", "--out", dir, "--set"}
	if code, text := output(t, append(run, "steps=4096")...); code != 0 || !strings.Contains(text, "warning: reward preference asks 8 of its 20 questions: its rounds need 8000 transitions, the run has 4096") {
		t.Errorf("exit %d: %s", code, text)
	}
	if code, text := output(t, append(run, "steps=10000")...); code != 0 || strings.Contains(text, "warning") {
		t.Errorf("exit %d: %s", code, text)
	}
	if code, text := output(t, append(run, "steps=1500")...); code != exitInput || !strings.Contains(text, "reward.0.options.every: of the 20 questions, the last of them due after transition 8000, none is asked in the 1500 transitions of this run") {
		t.Errorf("exit %d: %s", code, text)
	}
}

// A run whose questions nobody answers, or whose order of importance decides nothing, says so at its end.
func TestRunTellsWhatWasNotLearned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	asked := "labels: 60, rounds: 2, every: 3000, segment: 10, window: 3000, epochs: 1"
	for reward, want := range map[string]string{
		"preference, options: {skip: 1000000, " + asked: "warning: seed 1, reward preference: none of 60 questions had an answer",
		"human, options: {" + asked:                     "warning: seed 1, reward human: none of 60 questions has been answered",
		"heron, options: {order: [{fact: fell, margin: 100}, {fact: \"abs(obs.position)\", less: true}], " + asked: "warning: seed 1, reward heron: the first of 2 levels decided 0.0 % of 60 questions, want 1 to 99",
		"preference, options: {" + asked: "",
	} {
		code, text := output(t, "run", "cartpole", "--set", "reward=[{name: "+reward+"}}]", "--set", "eval.episodes=0", "--set", "steps=8192", "--replace", "--out", dir)
		if code != 0 || !strings.Contains(text, want) || want == "" && strings.Contains(text, "warning") {
			t.Errorf("%s: exit %d, want %q: %s", reward, code, want, text)
		}
	}
}
