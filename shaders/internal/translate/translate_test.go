package translate

import (
	"strings"
	"testing"
)

// What cannot be translated must be refused, with its place.
func TestRefusals(t *testing.T) {
	const pkg = "shaders/internal/translate/testdata/bad"
	for name, want := range map[string]string{
		"closure": "cannot be translated", "lookup": "cannot be translated", "wide": "float64 cannot be translated",
		"labels": "statement of kind *ast.LabeledStmt", "spawn": "statement of kind *ast.GoStmt", "address": "builtin make",
	} {
		l := newLoader("../../..")
		f, err := l.method(pkg, "world", name)
		if err != nil {
			t.Fatal(err)
		}
		u := newUnit(l, false)
		u.static(pkg, "world")
		_, err = u.kernel([]piece{{fn: f, do: func(g *fn) { g.function(f) }}}, "turn")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "bad.go:") {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// Every environment must have kernels, and every kernel of a step must be there.
func TestRun(t *testing.T) {
	out, err := Run("../../..")
	if err != nil {
		t.Fatal(err)
	}
	m := out.Manifest()
	for _, e := range tasks {
		if m.Layouts[e.id] == nil {
			t.Errorf("no layout of %s", e.id)
			continue
		}
		names, substep := m.Of(e.id)
		if (len(substep[0]) > 0) != e.physics {
			t.Errorf("%s: kernels of a substep: %v", e.id, substep)
		}
		for _, n := range names {
			if !strings.Contains(out.Sources[n], "void main()") {
				t.Errorf("%s: no kernel %s", e.id, n)
			}
		}
	}
}

// Layouts must count as package env/vulkan does.
func TestWords(t *testing.T) {
	l := newLoader("../../..")
	p, err := l.load("env/rng")
	if err != nil {
		t.Fatal(err)
	}
	if n := words(p.Scope().Lookup("Stream").Type()); n != 2+4+4+1 {
		t.Errorf("a stream has %d words, want 11", n)
	}
	if Hash("revolute") == Hash("prismatic") || Hash("") != 2166136261 {
		t.Error("hashes of strings")
	}
}
