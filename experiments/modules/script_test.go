package modules

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/zip"
)

// TestScripts builds the program as make does, and lets it start, build, run, check and compare
// modules.
func TestScripts(t *testing.T) {
	home, err := Home()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-X "+Terrarium+"/experiments/modules.checkout="+home.Dir,
		"-o", filepath.Join(bin, "terrarium"), "./experiments/terrarium")
	build.Dir = home.Dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if os.Getenv("GOEXPERIMENT") == "" {
		build.Env = append(build.Env, "GOEXPERIMENT=simd")
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			return setup(t, e, goenv(t, "GOMODCACHE"), "off")
		},
	})
}

// setup gives a script the caches of this machine, all that the go command is to know.
func setup(t *testing.T, e *testscript.Env, mods, proxy string) error {
	e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
	e.Setenv("HOME", e.WorkDir)
	e.Setenv("GOCACHE", goenv(t, "GOCACHE"))
	e.Setenv("GOMODCACHE", mods)
	e.Setenv("GOPROXY", proxy)
	e.Setenv("GOFLAGS", "-buildvcs=false -modcacherw")
	e.Setenv("GOTOOLCHAIN", "local")
	return nil
}

func goenv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestReleased does the same with versions that a module proxy serves, of Terrarium too: there is
// no folder to fall back on. The proxy is a folder, in which the script publishes modules.
func TestReleased(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles all of Terrarium")
	}
	home, err := Home()
	if err != nil {
		t.Fatal(err)
	}
	served := t.TempDir()
	if err := publish(served, tracked(t, home.Dir), Terrarium, "v0.9.0"); err != nil {
		t.Fatal(err)
	}
	proxy := "file://" + filepath.ToSlash(served) + ",file://" + filepath.ToSlash(filepath.Join(goenv(t, "GOMODCACHE"), "cache", "download"))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/released",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Join(e.WorkDir, "bin")+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("GOBIN", filepath.Join(e.WorkDir, "bin"))
			e.Setenv("GONOSUMDB", "*")
			e.Setenv("PROXY", proxy)
			return setup(t, e, filepath.Join(e.WorkDir, "mod"), proxy)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"publish": func(ts *testscript.TestScript, _ bool, args []string) { // publish DIR MODULE@VERSION
				path, version, _ := strings.Cut(args[1], "@")
				ts.Check(publish(served, ts.MkAbs(args[0]), path, version))
			},
		},
	})
}

// tracked returns a folder with the files of a repository, without what is built or run in it.
func tracked(t *testing.T, repo string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "LICENSE"} {
		text, err := os.ReadFile(filepath.Join(repo, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(repo)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || e.Name() == "bin" || e.Name() == "runs" || e.Name() == "shared" {
			continue
		}
		if err := os.CopyFS(filepath.Join(to, e.Name()), os.DirFS(filepath.Join(repo, e.Name()))); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// publish adds a version of a module to the folder of a proxy, as the protocol of module proxies
// has it.
func publish(served, dir, path, version string) error {
	escaped, err := module.EscapePath(path)
	if err != nil {
		return err
	}
	at := filepath.Join(served, escaped, "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := zip.CreateFromDir(f, module.Version{Path: path, Version: version}, dir); err != nil {
		return err
	}
	versions := ""
	err = filepath.WalkDir(at, func(p string, _ fs.DirEntry, err error) error {
		if v := strings.TrimSuffix(filepath.Base(p), ".zip"); semver.IsValid(v) && filepath.Ext(p) == ".zip" {
			versions += v + "\n"
		}
		return err
	})
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"list": versions, version + ".info": `{"Version":"` + version + `"}`, version + ".mod": string(mod)} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
