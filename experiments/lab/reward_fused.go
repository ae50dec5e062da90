package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	asmFunction = regexp.MustCompile(`(?m)^\S+ STEXT`)
	asmFused    = regexp.MustCompile(`\((\S+):(\d+)\)\tFN?M(?:ADD|SUB)[SD]\t`)
)

// lintFused compiles the packages of a module for arm64, where the compiler turns x*y + z into
// one instruction with one rounding unless the product is converted, float32(x*y) + z, and
// reports such instructions. What draws may round as it likes.
func lintFused(ctx context.Context, dir string) (found []string, err error) {
	command := func(args ...string) ([]byte, error) {
		c := exec.CommandContext(ctx, "go", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOEXPERIMENT=")
		out, err := c.CombinedOutput()
		if err != nil {
			return nil, failed(fmt.Errorf("go %s for arm64 in %s failed: %s", args[0], dir, lastLine(out)))
		}
		return out, nil
	}
	list, err := command("list", "-f", `{{if ne .Name "main"}}{{.ImportPath}}{{end}}`, "./...")
	if err != nil || len(bytes.TrimSpace(list)) == 0 {
		return nil, err
	}
	out, err := command(append([]string{"build", "-gcflags=-S"}, strings.Fields(string(list))...)...)
	if err != nil {
		return nil, err
	}
	whole, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	drawing := false
	for line := range bytes.Lines(out) {
		if asmFunction.Match(line) {
			name, _, _ := bytes.Cut(line, []byte(" "))
			drawing = bytes.HasSuffix(name, []byte(".Draw"))
		}
		m := asmFused.FindSubmatch(line)
		if m == nil || drawing {
			continue
		}
		file := string(m[1])
		if r, err := filepath.Rel(whole, file); err == nil {
			file = r
		}
		if strings.HasPrefix(file, "..") { // a product that is handed to a function elsewhere
			continue
		}
		text := fmt.Sprintf("%s:%s: the product is added without being rounded on some processors: write float32(x*y) + z", filepath.Join(dir, file), m[2])
		if !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return found, nil
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
