package modules

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	caches := strings.Fields(string(out))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("GOCACHE", caches[0])
			e.Setenv("GOMODCACHE", caches[1])
			e.Setenv("GOPROXY", "off") // all that is needed is on this machine
			e.Setenv("GOFLAGS", "-buildvcs=false")
			return nil
		},
	})
}
