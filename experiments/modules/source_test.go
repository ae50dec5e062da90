package modules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files writes files into a folder. Each is "path: text".
func files(t *testing.T, dir string, list map[string]string) string {
	t.Helper()
	for name, text := range list {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestParseSource(t *testing.T) {
	base := files(t, t.TempDir(), map[string]string{
		"rw/go.mod":    "module example.com/me/rw\n\ngo 1.26\n",
		"empty/x.go":   "package x\n",
		"bad/go.mod":   "modul example.com/x\n",
		"named/go.mod": "go 1.26\n",
	})
	rw := filepath.Join(base, "rw")
	for text, want := range map[string]Source{
		"example.com/me/rw":                      {Path: "example.com/me/rw"},
		"example.com/me/rw@v0.3.0":               {Path: "example.com/me/rw", Version: "v0.3.0"},
		"example.com/me/rw@main":                 {Path: "example.com/me/rw", Version: "main"},
		"./rw":                                   {Path: "example.com/me/rw", Dir: rw},
		rw:                                       {Path: "example.com/me/rw", Dir: rw},
		"example.com/me/rw=rw":                   {Path: "example.com/me/rw", Dir: rw},
		"example.com/me/rw/smooth=./rw":          {Path: "example.com/me/rw/smooth", Dir: rw},
		"example.com/me/rw@v0.3.0=" + rw:         {Path: "example.com/me/rw", Version: "v0.3.0", Dir: rw},
		"github.com/terrarium-rl/terrarium@v1.2": {Path: Terrarium, Version: "v1.2"},
	} {
		got, err := ParseSource(text, base)
		if err != nil || got != want {
			t.Errorf("ParseSource(%q) = %+v, %v; want %+v", text, got, err, want)
			continue
		}
		if back, err := ParseSource(got.String(), "/elsewhere"); err != nil || back != got {
			t.Errorf("%q comes back as %+v, %v", got, back, err)
		}
	}
	for text, want := range map[string]string{
		"":                         "want PATH",
		"@v1.0.0":                  "want PATH",
		"example.com/rw@":          "no version after the @",
		"example.com/rw=":          "no folder after the =",
		"https://github.com/me/rw": "write github.com/me/rw",
		"rw":                       "begins with a host",
		"example.com/a b":          "malformed import path",
		"./nowhere":                "does not exist",
		"./empty":                  "has no go.mod: terrarium reward new starts a module",
		"./bad":                    "malformed go.mod",
		"./named":                  "declares no module",
		"example.com/other=rw":     "declares module example.com/me/rw: write example.com/me/rw=rw",
	} {
		if _, err := ParseSource(text, base); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("ParseSource(%q) = %v, want an error about %q", text, err, want)
		}
	}
}

func TestFixed(t *testing.T) {
	for text, want := range map[string]bool{
		"v0.3.0": true, "v1.0.0-rc.1": true, "v0.0.0-20260102030405-abcdefabcdef": true, "v2.0.0+incompatible": true,
		"": false, "latest": false, "main": false, "v1": false, "v1.2": false,
	} {
		if got := (Source{Path: "example.com/x", Version: text}).Fixed(); got != want {
			t.Errorf("%q is fixed: %v, want %v", text, got, want)
		}
	}
}

func TestStandInVersion(t *testing.T) {
	for mod, want := range map[string]string{"example.com/x": "v0.0.0", "example.com/x/v3": "v3.0.0", "gopkg.in/x.v2": "v2.0.0"} {
		if got := standInVersion(mod, "main"); got != want {
			t.Errorf("standInVersion of %s is %s, want %s", mod, got, want)
		}
	}
	if got := standInVersion("example.com/x", "v0.7.1"); got != "v0.7.1" {
		t.Errorf("standInVersion v0.7.1 became %s", got)
	}
}

// TestSum: what is compiled in counts, and nothing else.
func TestSum(t *testing.T) {
	dir := files(t, t.TempDir(), map[string]string{
		"go.mod": "module example.com/x\n", "x.go": "package x\n\n//go:embed data/*.txt \"a b\"\nvar s string\n",
		"data/1.txt": "one", "a b": "two", "notes.md": "three", "x_test.go": "package x\n", "runs/a/provenance.json": "{}", "runs/a/x.go": "package a",
		"inner/go.mod": "module example.com/x/inner\n", "inner/y.go": "package inner\n", ".git/z.go": "package z",
	})
	sum := func() string {
		s, err := Sum(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	was := sum()
	if !strings.HasPrefix(was, "h1:") {
		t.Errorf("sum %q", was)
	}
	for name, counts := range map[string]bool{
		"x.go": true, "data/1.txt": true, "a b": true, "go.mod": true, "new.go": true,
		"notes.md": false, "x_test.go": false, "runs/a/x.go": false, "inner/y.go": false, ".git/z.go": false,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		old, err := os.ReadFile(path)
		files(t, dir, map[string]string{name: string(old) + "\n// changed\n"})
		if changed := sum() != was; changed != counts {
			t.Errorf("a change of %s changes the sum: %v, want %v", name, changed, counts)
		}
		if err != nil {
			os.Remove(path)
			continue
		}
		files(t, dir, map[string]string{name: string(old)})
	}
	if sum() != was {
		t.Error("the sum does not come back")
	}
}
