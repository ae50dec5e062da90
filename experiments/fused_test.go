package experiments

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// simulation lists the packages whose results are the same bits on every processor.
var simulation = []string{
	"../env", "../env/geom", "../env/rng", "../env/scene", "../env/gen", "../env/physics", "../env/tasks/...",
}

// pictures are files of those packages whose functions may round as they like: nothing that
// they compute comes back into a world.
var pictures = []string{"draw.go", "view.go", "inspect.go"}

var (
	function = regexp.MustCompile(`\(([^()]+):\d+\)\tTEXT\t([^(,]*(?:\(\*?\w+\)[^(,]*)?)`)
	fused    = regexp.MustCompile(`\(([^()]+:\d+)\)\t(FN?M(?:ADD|SUB)[SD])\t`)
)

// TestNothingIsFused compiles the simulation for arm64, where the compiler turns x*y + z into
// one instruction with one rounding unless the product is converted, float32(x*y) + z, and
// looks for such instructions. Products that a caller hands to an inlined function count too.
func TestNothingIsFused(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the simulation for arm64")
	}
	c := exec.Command("go", append([]string{"build", "-gcflags=-S"}, simulation...)...)
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOEXPERIMENT=", "GOFLAGS=")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%.2000s", err, out)
	}
	functions, picture, name := 0, false, ""
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if m := function.FindSubmatch(s.Bytes()); m != nil {
			functions, name = functions+1, string(m[2])
			picture = slices.Contains(pictures, filepath.Base(string(m[1])))
		}
		if m := fused.FindSubmatch(s.Bytes()); m != nil && !picture {
			t.Errorf("%s: %s in %s: convert the product, float32(x*y)", m[1], m[2], name)
		}
	}
	if functions < 300 {
		t.Errorf("looked at %d functions only", functions)
	}
}
