package modules

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/mod/modfile"
)

// A gocmd calls the go command for one program.
type gocmd struct {
	path    string
	dir     string
	program *program
	vars    []string // environment
	env     struct{ GOVERSION, GOTOOLCHAIN, GOOS, GOARCH, GOEXPERIMENT string }
}

// findGo finds the go command and asks it what it is.
func findGo(ctx context.Context) (*gocmd, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return nil, &Error{Lacking: true, Problem: "the go command is not installed, or not in the PATH",
			Remedy: "install Go from https://go.dev/dl/; without it, a reward can be used as a WebAssembly file (terrarium describe reward wasm)"}
	}
	g := &gocmd{path: path, dir: os.TempDir(), vars: append(os.Environ(), "GOWORK=off", "GO111MODULE=on")}
	if os.Getenv("CGO_ENABLED") == "" {
		g.vars = append(g.vars, "CGO_ENABLED=0")
	}
	text, err := g.output(ctx, "env", "-json", "GOVERSION", "GOTOOLCHAIN", "GOOS", "GOARCH", "GOEXPERIMENT")
	if err == nil {
		err = json.Unmarshal([]byte(text), &g.env)
	}
	if err != nil || g.env.GOVERSION == "" {
		return nil, &Error{Lacking: true, Problem: fmt.Sprintf("%s is too old, or no go command", path), Remedy: "install Go from https://go.dev/dl/"}
	}
	if g.env.GOEXPERIMENT == "" && g.env.GOARCH == "amd64" {
		g.vars = append(g.vars, "GOEXPERIMENT=simd")
	}
	return g, nil
}

// suffices reports that Go is too old for the program.
func (g *gocmd) suffices(p *program) error {
	have := strings.Fields(g.env.GOVERSION)[0]
	if !version.IsValid(have) || version.Compare(have, "go"+p.needs) >= 0 {
		return nil // a development version of Go calls itself otherwise
	}
	if version.Compare(have, "go1.21") >= 0 && !strings.HasPrefix(g.env.GOTOOLCHAIN, "local") {
		return nil
	}
	who := Terrarium
	for _, m := range p.mods {
		if m.file.Go != nil && m.file.Go.Version == p.needs {
			who = m.path
		}
	}
	remedy := "install it from https://go.dev/dl/"
	if strings.HasPrefix(g.env.GOTOOLCHAIN, "local") {
		remedy += ", or unset GOTOOLCHAIN=local so that the go command fetches it"
	}
	return &Error{Module: who, Lacking: true, Problem: fmt.Sprintf("it needs Go %s, and this is %s", p.needs, strings.Replace(have, "go", "Go ", 1)), Remedy: remedy}
}

// upgrades reports whether the go command will fetch a newer one of itself.
func (g *gocmd) upgrades(needs string) bool {
	have := strings.Fields(g.env.GOVERSION)[0]
	return version.IsValid(have) && version.Compare(have, "go"+needs) < 0
}

func (g *gocmd) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, g.path, args...)
	c.Dir, c.Env = g.dir, g.vars
	return c
}

// run calls the go command on behalf of a module, nil for all of them.
func (g *gocmd) run(ctx context.Context, s *Source, args ...string) error {
	c := g.command(ctx, args...)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", ctx.Err())
	case err != nil:
		return g.explain(s, said.String(), err)
	}
	return nil
}

// output returns what the go command prints.
func (g *gocmd) output(ctx context.Context, args ...string) (string, error) {
	out, err := g.command(ctx, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", g.explain(nil, string(exit.Stderr), err)
	}
	return string(out), err
}

// relies lists the replace lines of a module that was fetched, PATH@VERSION.
func (g *gocmd) relies(ctx context.Context, path, query string) (list []reliance) {
	file, err := g.output(ctx, "list", "-mod=mod", "-m", "-f", "{{.GoMod}}", query)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(strings.TrimSpace(file))
	if err != nil {
		return nil // a module from before there was go.mod
	}
	f, err := modfile.Parse(file, text, nil)
	if err != nil {
		return nil // the go command has said what it thinks of it
	}
	for _, r := range f.Replace {
		list = append(list, reliance{path, r.Old.Path, r.New.Path})
	}
	return list
}

// versions lists the versions that a module has, the newest last.
func (g *gocmd) versions(ctx context.Context, path string) string {
	out, err := g.output(ctx, "list", "-mod=mod", "-m", "-versions", path)
	if err != nil {
		return ""
	}
	_, list, _ := strings.Cut(strings.TrimSpace(out), " ")
	if all := strings.Fields(list); len(all) > 5 {
		list = "..., " + strings.Join(all[len(all)-5:], ", ")
	} else {
		list = strings.Join(all, ", ")
	}
	return list
}

// reconsider looks whether the module is there at all, and whether what went wrong is due to its
// replace lines.
func (g *gocmd) reconsider(ctx context.Context, s Source, err error) error {
	var e *Error
	if errors.As(err, &e) && ctx.Err() == nil {
		if versions := g.versions(ctx, s.Path); e.Problem == notFound && s.Version != "" && versions != "" {
			e.Problem, e.Remedy = "it has no version "+s.Version, "it has "+versions
		}
		g.program.relies = append(g.program.relies, g.relies(ctx, s.Path, s.Path+"@"+cmp.Or(s.Version, "latest"))...)
		g.blameReplace(e)
	}
	return err
}

// starts looks whether a program starts: whether all its modules get along.
func (g *gocmd) starts(ctx context.Context, path string) error {
	c := exec.CommandContext(ctx, path, "list", "rewards")
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted: %w", ctx.Err())
		}
		return g.explainStart(said.String(), err)
	}
	return nil
}
