package modules

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const reward = `package rw

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { rewards.Register("rw", func() rewards.Config { return config{} }) }

type config struct{}

func (config) Build(*env.Spec) (rewards.Func, error) {
	return rewards.FuncOf(func(dst []float32, b *env.Batch) { clear(dst[:b.N]) }), nil
}
`

// proxy serves modules from files, and lets the go command use nothing else but what this
// machine has downloaded already. Keys are PATH@VERSION; the go.mod is added if it is missing.
func proxy(t *testing.T, mods map[string]map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, list := range mods {
		path, version, _ := strings.Cut(name, "@")
		if _, ok := list["go.mod"]; !ok {
			list["go.mod"] = "module " + path + "\n\ngo 1.26\n"
		}
		src := files(t, t.TempDir(), list)
		at := filepath.Join(dir, path, "@v")
		files(t, at, map[string]string{"list": version + "\n", version + ".info": `{"Version":"` + version + `"}`, version + ".mod": list["go.mod"]})
		f, err := os.Create(filepath.Join(at, version+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		if err := zip.CreateFromDir(f, module.Version{Path: path, Version: version}, src); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	caches := strings.Fields(string(out))
	t.Setenv("GOCACHE", caches[1])
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw") // so that it can be removed
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(dir)+",file://"+filepath.ToSlash(filepath.Join(caches[0], "cache", "download")))
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GONOSUMCHECK", "1")
	t.Setenv("GOTOOLCHAIN", "local")
}

func source(t *testing.T, text string) Source {
	t.Helper()
	s, err := ParseSource(text, ".")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestResolve writes the source of a program without compiling it.
func TestResolve(t *testing.T) {
	proxy(t, map[string]map[string]string{"example.com/far/rw@v0.3.0": {"rw.go": reward}})
	base := files(t, t.TempDir(), map[string]string{
		"near/go.mod": "module example.com/near\n\ngo 1.26\n\nrequire example.com/lib v1.2.0\n\nreplace example.com/lib => ../lib\n\nreplace github.com/terrarium-rl/terrarium => ../nowhere\n",
		"near/rw.go":  strings.Replace(reward, `"rw"`, `"near"`, 1),
		"lib/go.mod":  "module example.com/lib\n",
	})
	home, err := Home()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "program")
	b := Builder{With: []Source{source(t, "example.com/far/rw@v0.3.0"), source(t, filepath.Join(base, "near"))}, Source: out}
	if err := b.Build(context.Background()); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(out, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	main, err := os.ReadFile(filepath.Join(out, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"example.com/far/rw v0.3.0",
		"replace example.com/near => " + filepath.Join(base, "near"),
		"replace example.com/lib => " + filepath.Join(base, "lib"), // absolute now
		"replace " + Terrarium + " => " + home.Dir,                 // the builder's, not the module's
	} {
		if !strings.Contains(string(mod), want) {
			t.Errorf("go.mod lacks %q:\n%s", want, mod)
		}
	}
	for _, want := range []string{`_ "example.com/far/rw"`, `_ "example.com/near"`, `Version: "v0.3.0"`, `Sum: "h1:`, "lab.Main()"} {
		if !strings.Contains(string(main), want) {
			t.Errorf("main.go lacks %q:\n%s", want, main)
		}
	}
	// The folder is the builder's, and may be used again; one with another main is not.
	if err := b.Build(context.Background()); err != nil {
		t.Error(err)
	}
	b.Source = files(t, t.TempDir(), map[string]string{"main.go": "package main\n"})
	if err := b.Build(context.Background()); err == nil || !strings.Contains(err.Error(), "main.go that is not the builder's") {
		t.Errorf("another's folder: %v", err)
	}
}

// TestFaults: each error is one line that names the module at fault and what to do.
func TestFaults(t *testing.T) {
	proxy(t, map[string]map[string]string{
		"example.com/rw@v0.3.0":      {"rw.go": reward},
		"example.com/moved@v1.0.0":   {"go.mod": "module example.org/moved\n", "rw.go": reward},
		"example.com/newer@v1.0.0":   {"go.mod": "module example.com/newer\n\ngo 1.99\n", "rw.go": reward},
		"example.com/relies@v1.0.0":  {"go.mod": "module example.com/relies\n\nrequire example.com/nowhere v0.1.0\n\nreplace example.com/nowhere => ./inner\n", "rw.go": strings.Replace(reward, "import (", "import (\n_ \"example.com/nowhere\"", 1)},
		"example.com/program@v1.0.0": {"main.go": "package main\n\nfunc main() {}\n"},
		"example.com/typo@v1.0.0":    {"rw.go": "package rw\n\nfunc init() { undefinedThing() }\n"},
		"example.com/imports@v1.0.0": {"rw.go": "package rw\n\nimport _ \"example.com/nobody/has/this\"\n"},
		"example.com/otheros@v1.0.0": {"rw_plan9.go": "package rw\n"},
		"example.com/subonly@v1.0.0": {"sub/rw.go": reward},
	})
	base := files(t, t.TempDir(), map[string]string{
		"broken/go.mod": "module example.com/broken\n\nreplace example.com/lib => ../missing\n",
		"a/go.mod":      "module example.com/a\n\nreplace example.com/lib => ../lib1\n",
		"b/go.mod":      "module example.com/b\n\nreplace example.com/lib => ../lib2\n",
		"lib1/go.mod":   "module example.com/lib\n", "lib2/go.mod": "module example.com/lib\n",
		"new/go.mod": "module example.com/new\n\ngo 1.99\n",
	})
	at := func(name string) string { return filepath.Join(base, name) }
	for _, c := range []struct {
		with         []string
		module, want string
		remedy       string
		lacks        bool
	}{
		{[]string{"example.com/nothing@v1.0.0"}, "example.com/nothing", "it is not found", "GOPRIVATE=example.com/nothing", false},
		{[]string{"example.com/rw@v0.9.0"}, "example.com/rw", "v0.9.0", "it has v0.3.0", false},
		{[]string{"example.com/rw@nobranch"}, "example.com/rw", "nobranch", "go list -m -versions example.com/rw", false},
		{[]string{"example.com/moved@v1.0.0"}, "example.com/moved", "its go.mod calls it example.org/moved", "write example.org/moved", false},
		{[]string{"example.com/newer@v1.0.0"}, "example.com/newer", "it needs Go 1.99", "https://go.dev/dl/", true},
		{[]string{at("new")}, "example.com/new", "it needs Go 1.99", "GOTOOLCHAIN", true},
		{[]string{"example.com/relies@v1.0.0"}, "example.com/relies", "replaces example.com/nowhere by ./inner, which Go ignores", "--with example.com/nowhere=DIR", false},
		{[]string{at("broken")}, "example.com/broken", "replaces example.com/lib by ../missing, where there is no module", "correct the line", false},
		{[]string{at("a"), at("b")}, "example.com/b", "that of example.com/a by", "--with example.com/lib=DIR", false},
		{[]string{"example.com/rw@v0.3.0", "example.com/rw@v0.2.0"}, "example.com/rw", "asked for twice", "decide on one", false},
		{[]string{"example.com/program@v1.0.0"}, "example.com/program", "is a program", "name the package that registers", false},
		{[]string{"example.com/typo@v1.0.0"}, "example.com/typo", "it does not compile: ", "another version", false},
		{[]string{"example.com/imports@v1.0.0"}, "example.com/imports", "example.com/nobody/has/this", "", false},
		{[]string{"example.com/otheros@v1.0.0"}, "example.com/otheros", "no Go files for this system", "go:build", false},
		{[]string{"example.com/subonly/other@v1.0.0"}, "example.com/subonly/other", "", "name the package", false},
	} {
		b := Builder{Out: filepath.Join(t.TempDir(), "out")}
		for _, w := range c.with {
			b.With = append(b.With, source(t, w))
		}
		err := b.Build(context.Background())
		var e *Error
		if !errors.As(err, &e) || e.Module != c.module || !strings.Contains(e.Problem, c.want) || !strings.Contains(e.Remedy, c.remedy) ||
			e.Lacking != c.lacks || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v\n  (module %q, problem %q, remedy %q)", c.with, err, c.module, c.want, c.remedy)
		}
		if entries, _ := os.ReadDir(filepath.Dir(b.Out)); len(entries) > 0 {
			t.Errorf("%v: it leaves %v behind", c.with, entries)
		}
	}
	t.Setenv("GOPROXY", "off")
	b := Builder{With: []Source{{Path: "example.com/far", Version: "v1.0.0"}}, Out: filepath.Join(t.TempDir(), "out")}
	var e *Error
	if err := b.Build(context.Background()); !errors.As(err, &e) || !e.Lacking || !strings.Contains(e.Problem, "GOPROXY=off") {
		t.Errorf("offline: %v", err)
	}
}

// TestFaultsOfReleased: where Terrarium itself is fetched, there is no go.sum to begin with.
func TestFaultsOfReleased(t *testing.T) {
	proxy(t, map[string]map[string]string{
		Terrarium + "@v0.9.0":       {"env/env.go": "package env\n"},
		"example.com/rw@v0.3.0":     {"rw.go": "package rw\n"},
		"example.com/relies@v1.0.0": {"go.mod": "module example.com/relies\n\nrequire example.com/nowhere v0.1.0\n\nreplace example.com/nowhere => ./inner\n", "rw.go": "package rw\n\nimport _ \"example.com/nowhere\"\n"},
	})
	for with, want := range map[string]string{
		"example.com/rw@v0.9.0":     "module example.com/rw: it has no version v0.9.0: it has v0.3.0",
		"example.com/relies@v1.0.0": "replaces example.com/nowhere by ./inner, which Go ignores",
	} {
		b := Builder{With: []Source{{Path: Terrarium, Version: "v0.9.0"}, source(t, with)}, Out: filepath.Join(t.TempDir(), "out")}
		if err := b.Build(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", with, err, want)
		}
	}
}

// TestGo: without the go command, and with one that is too old, errors say what to install.
func TestGo(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	var e *Error
	if _, err := findGo(context.Background()); !errors.As(err, &e) || !e.Lacking || !strings.Contains(err.Error(), "https://go.dev/dl/") {
		t.Errorf("no go: %v", err)
	}
	if runtime.GOOS == "windows" {
		return // the go commands below are shell scripts
	}
	for _, c := range []struct{ version, toolchain, want string }{
		{"go1.20.3", "", "it needs Go 1.26.0, and this is Go 1.20.3"},
		{"go1.24.1", "local", "unset GOTOOLCHAIN=local"},
		{"go1.24.1", "auto", ""},
		{"go1.26.0", "local", ""},
		{"go1.27-devel_abc X:simd", "auto", ""},
	} {
		script := "#!/bin/sh\necho '{\"GOVERSION\":\"" + c.version + "\",\"GOTOOLCHAIN\":\"" + c.toolchain + "\",\"GOOS\":\"linux\",\"GOARCH\":\"amd64\"}'\n"
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		g, err := findGo(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		p := &program{}
		if err := p.gather(nil); err != nil {
			t.Fatal(err)
		}
		err = g.suffices(p)
		if c.want == "" != (err == nil) || err != nil && (!errors.As(err, &e) || !e.Lacking || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, GOTOOLCHAIN=%s: %v, want %q", c.version, c.toolchain, err, c.want)
		}
	}
}

// TestExplain is about texts of the go command that are hard to bring about here.
func TestExplain(t *testing.T) {
	g := &gocmd{program: &program{home: Source{Path: Terrarium, Dir: "/t"}, sources: []Source{{Path: "example.com/me/rw", Version: "v1.0.0"}, {Path: "example.com/you/rw", Dir: "/y"}},
		mods: []localMod{{"/t", Terrarium, nil}, {"/y", "example.com/you/rw", nil}}}}
	for said, want := range map[string]string{
		"go: example.com/rw@v0.1.0: reading https://proxy.golang.org/example.com/rw/@v/v0.1.0.info: 403 Forbidden; server response: not available.": "module example.com/rw: it is not found: check the path",
		"go: module " + Terrarium + ": reading https://proxy.golang.org/x/@v/list: 403 Forbidden":                                                   "Terrarium needs a newer version of it",
		"go: example.com/a@v0.2.0 requires example.com/b@v0.4.0, not example.com/b@v0.3.0":                                                          "example.com/a@v0.2.0 needs example.com/b@v0.4.0: ask for that version",
		"go: example.com/me/rw@v1.0.0: Get \"https://proxy.golang.org/x\": dial tcp: lookup proxy.golang.org: no such host":                         "module example.com/me/rw: it cannot be downloaded",
		"go: example.com/me/rw@v1.0.0: verifying module: checksum mismatch\n\tdownloaded: h1:a\n\tgo.sum: h1:b\n\nSECURITY ERROR\n":                 "module example.com/me/rw: its code is not what the checksum database has on record",
		"# example.com/you/rw/inner\n../y/inner/a.go:3:5: undefined: x\n../y/inner/a.go:9:1: syntax error\n":                                        "module example.com/you/rw: it does not compile: ../y/inner/a.go:3:5: undefined: x (and 1 more): correct it",
		"# github.com/terrarium-rl/terrarium/env\nenv/x.go:1:1: oops\n":                                                                             "a defect of Terrarium's source in /t",
		"go: updates to go.mod needed\nsomething else entirely":                                                                                     "the go command failed (go: updates to go.mod needed; something else entirely): terrarium build --source DIR",
		"go: example.com/me/rw@v1.0.0: no secure protocol found for repository":                                                                     "module example.com/me/rw: it is not found",
		"go: example.com/me/rw@v1.0.0: git ls-remote: fatal: could not read Username for 'https://example.com': terminal prompts disabled":          "module example.com/me/rw: it is not found",
	} {
		if err := g.explain(nil, said, errors.New("exit status 1")); !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q\n  is explained as %v\n  want %s", said, err, want)
		}
	}
	for said, want := range map[string]string{
		"panic: reward: Register called twice for rw: by package example.com/me/rw and by package example.com/you/rw/sub\n\ngoroutine 1": `module example.com/you/rw: it registers the reward "rw", and so does module example.com/me/rw: leave one of them out`,
		"panic: no data file\n\ngoroutine 1 [running]:\nexample.com/you/rw.init.0()\n\t/y/a.go:3\n":                                      "module example.com/you/rw: it panics as the program starts: no data file",
		"Killed": "does not start (Killed)",
	} {
		if err := g.explainStart(said, errors.New("exit status 2")); !strings.Contains(err.Error(), want) {
			t.Errorf("%q\n  is explained as %v\n  want %s", said, err, want)
		}
	}
}
