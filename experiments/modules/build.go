package modules

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/format"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/mod/modfile"
)

// A Builder makes a program of Terrarium and other modules.
type Builder struct {
	With   []Source  // modules to compile in; one may say where Terrarium is
	Out    string    // the file to write; empty to stop once Source is written. For Windows, Build adds .exe to a name without ending
	Source string    // folder to keep the program's source in; default: a temporary one
	Log    io.Writer // gets a line about each step; may be nil
}

// Build makes the program. What is wrong with a module is reported by an [*Error].
func (b *Builder) Build(ctx context.Context) error {
	b.With = slices.Clone(b.With)
	p := &program{}
	if err := p.gather(b.With); err != nil {
		return err
	}
	toolchain, err := findGo(ctx)
	if err != nil {
		return err
	}
	if err := toolchain.suffices(p); err != nil {
		return err
	}
	if toolchain.upgrades(p.needs) {
		b.logf("Go %s is needed, and fetched by the go command", p.needs)
	}
	dir, remove, err := b.folder()
	if err != nil {
		return err
	}
	defer remove()
	toolchain.dir, toolchain.program = dir, p
	if err := p.write(dir); err != nil {
		return err
	}
	for _, s := range p.sources {
		if s.Dir == "" {
			b.logf("finding %s", s)
			if err := toolchain.run(ctx, &s, "get", s.Path+"@"+cmp.Or(s.Version, "latest")); err != nil {
				return toolchain.reconsider(ctx, s, err)
			}
		}
	}
	if err := p.resolved(ctx, toolchain); err != nil {
		return err
	}
	if b.Source != "" { // what is built there later, such as from vendored source, wants all of it
		if err := toolchain.run(ctx, nil, "mod", "tidy"); err != nil {
			b.logf("go.mod in %s is not complete (%v): go mod tidy there completes it", b.Source, err)
		}
	}
	if b.Out == "" {
		return nil
	}
	return b.compile(ctx, toolchain)
}

func (b *Builder) logf(f string, args ...any) {
	if b.Log != nil {
		fmt.Fprintf(b.Log, f+"\n", args...)
	}
}

// folder makes the folder for the source of the program.
func (b *Builder) folder() (dir string, remove func(), err error) {
	if b.Source == "" {
		dir, err = os.MkdirTemp("", "terrarium-build-")
		return dir, func() { os.RemoveAll(dir) }, err
	}
	if exists(b.Source, "main.go") && !exists(b.Source, generatedMark) {
		return "", nil, fmt.Errorf("%s has a main.go that is not the builder's: choose another folder", b.Source)
	}
	if err := os.MkdirAll(b.Source, 0o755); err != nil {
		return "", nil, err
	}
	dir, err = filepath.Abs(b.Source)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, generatedMark), nil, 0o644)
	}
	return dir, func() {}, err
}

// generatedMark is a file that marks a folder as the builder's.
const generatedMark = ".terrarium-build"

// compile compiles the program to b.Out, which appears whole or not at all, and looks whether it
// starts.
func (b *Builder) compile(ctx context.Context, g *gocmd) error {
	out, err := filepath.Abs(b.Out)
	if err != nil {
		return err
	}
	if g.env.GOOS == "windows" && filepath.Ext(out) == "" {
		out += ".exe"
		b.Out += ".exe"
	}
	if info, err := os.Stat(out); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder: name the file to write, such as %s", b.Out, filepath.Join(b.Out, "terrarium"))
	}
	tmp := fmt.Sprintf("%s.%d.tmp", out, os.Getpid())
	defer os.Remove(tmp)
	b.logf("compiling")
	if err := g.run(ctx, nil, "build", "-mod=mod", "-trimpath", "-o", tmp, "."); err != nil {
		return err
	}
	if g.env.GOOS == runtime.GOOS && g.env.GOARCH == runtime.GOARCH {
		if err := g.starts(ctx, tmp); err != nil {
			return err
		}
	}
	return os.Rename(tmp, out)
}

// A program is what is to be built.
type program struct {
	home    Source // Terrarium
	sources []Source
	mods    []localMod // the go.mod files in folders
	needs   string     // Go version
	file    *modfile.File
	sums    []byte     // go.sum
	relies  []reliance // replace lines of modules that were fetched
}

// A localMod is a module in a folder.
type localMod struct {
	dir  string
	path string
	file *modfile.File
}

// gather reads the go.mod files of all sources in folders and joins them into one.
func (p *program) gather(with []Source) error {
	p.needs = "1.26"
	for _, s := range with {
		if s.Path == Terrarium {
			p.home = s
			continue
		}
		if i := slices.IndexFunc(p.sources, func(t Source) bool { return t.Path == s.Path }); i >= 0 {
			if p.sources[i] == s {
				continue
			}
			return &Error{Module: s.Path, Problem: fmt.Sprintf("it is asked for twice, as %s and as %s", p.sources[i], s), Remedy: "decide on one"}
		}
		p.sources = append(p.sources, s)
	}
	if p.home.Path == "" {
		var err error
		if p.home, err = Home(); err != nil {
			return err
		}
	}
	for _, s := range append([]Source{p.home}, p.sources...) {
		if s.Dir == "" {
			continue
		}
		f, err := readMod(s.Dir)
		if err != nil {
			return err
		}
		m := localMod{s.Dir, f.Module.Mod.Path, f}
		if i := slices.IndexFunc(p.mods, func(o localMod) bool { return o.path == m.path }); i >= 0 {
			if p.mods[i].dir != m.dir {
				return &Error{Module: m.path, Problem: fmt.Sprintf("it is asked for in two folders, %s and %s", p.mods[i].dir, m.dir), Remedy: "decide on one"}
			}
			continue
		}
		p.mods = append(p.mods, m)
		if f.Go != nil {
			p.needs = newer(p.needs, f.Go.Version)
		}
	}
	return p.compose()
}

// compose makes the go.mod of the program.
func (p *program) compose() error {
	f := new(modfile.File)
	steps := []error{f.AddModuleStmt("terrarium.invalid/program"), f.AddGoStmt(p.needs)}
	if p.home.Dir == "" {
		steps = append(steps, f.AddRequire(Terrarium, p.home.Version))
	}
	for _, m := range p.mods {
		v := ""
		for _, s := range p.sources {
			if s.Dir == m.dir {
				v = s.Version
			}
		}
		steps = append(steps, f.AddRequire(m.path, standInVersion(m.path, v)), f.AddReplace(m.path, "", m.dir, ""))
	}
	if err := errors.Join(steps...); err != nil {
		return fmt.Errorf("go.mod of the program: %w", err)
	}
	by := map[string]localMod{} // who replaced a module
	for _, m := range p.mods {
		if err := p.replaces(f, m, by); err != nil {
			return err
		}
		if sum, err := os.ReadFile(filepath.Join(m.dir, "go.sum")); err == nil {
			p.sums = append(append(p.sums, sum...), '\n')
		}
	}
	f.SortBlocks()
	f.Cleanup()
	p.file = f
	lines := slices.Compact(slices.Sorted(strings.Lines(string(p.sums))))
	p.sums = []byte(strings.TrimLeft(strings.Join(lines, ""), "\n"))
	return nil
}

// replaces repeats the replace lines of a module in a folder. The go command obeys only those
// of the program it builds.
func (p *program) replaces(f *modfile.File, m localMod, by map[string]localMod) error {
	for _, r := range m.file.Replace {
		if r.Old.Path == Terrarium || slices.ContainsFunc(p.mods, func(o localMod) bool { return o.path == r.Old.Path }) {
			continue // the builder knows better
		}
		to := r.New.Path
		if r.New.Version == "" {
			if !filepath.IsAbs(to) {
				to = filepath.Join(m.dir, to)
			}
			if !exists(to, "go.mod") {
				return &Error{Module: m.path, Problem: fmt.Sprintf("its go.mod replaces %s by %s, where there is no module", r.Old.Path, r.New.Path),
					Remedy: "correct the line in " + filepath.Join(m.dir, "go.mod")}
			}
		}
		for _, had := range f.Replace {
			if had.Old == r.Old && (had.New.Path != to || had.New.Version != r.New.Version) {
				return &Error{Module: m.path, Problem: fmt.Sprintf("its go.mod replaces %s by %s, that of %s by %s", r.Old.Path, to, by[r.Old.Path].path, had.New.Path),
					Remedy: "decide on one: --with " + r.Old.Path + "=DIR"}
			}
		}
		by[r.Old.Path] = m
		if err := f.AddReplace(r.Old.Path, r.Old.Version, to, r.New.Version); err != nil {
			return fmt.Errorf("go.mod of the program: %w", err)
		}
	}
	return nil
}

var mainTemplate = template.Must(template.New("main.go").Parse(`// Generated by terrarium build. Program is Terrarium with other modules compiled in.
package main

import (
	"{{.Home.Path}}/experiments/lab"
	"{{.Home.Path}}/experiments/modules"
	_ "{{.Home.Path}}/experiments/standard"
{{range .With}}	_ {{printf "%q" .Path}}
{{end}})

func main() {
	modules.Built = []modules.Source{
{{range .All}}		{Path: {{printf "%q" .Path}}, Version: {{printf "%q" .Version}}, Dir: {{printf "%q" .Dir}}, Sum: {{printf "%q" .Sum}}},
{{end}}	}
	lab.Main()
}
`))

// write writes the source of the program.
func (p *program) write(dir string) error {
	all := append([]Source{p.home}, p.sources...)
	for i := range all {
		if all[i].Dir != "" && all[i].Path != Terrarium {
			var err error
			if all[i].Sum, err = Sum(all[i].Dir); err != nil {
				return err
			}
		}
	}
	var text bytes.Buffer
	err := mainTemplate.Execute(&text, map[string]any{"Home": Source{Path: Terrarium}, "With": p.sources, "All": all})
	if err != nil {
		return fmt.Errorf("main of the program: %w", err)
	}
	main, err := format.Source(text.Bytes())
	if err != nil {
		return fmt.Errorf("main of the program: %w", err)
	}
	mod, err := p.file.Format()
	if err != nil {
		return fmt.Errorf("go.mod of the program: %w", err)
	}
	for name, data := range map[string][]byte{"main.go": main, "go.mod": mod, "go.sum": p.sums} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// resolved looks at what the go command chose: whether a module that it fetched relies on
// replace lines, which hold only in the module's own repository.
func (p *program) resolved(ctx context.Context, g *gocmd) error {
	if !slices.ContainsFunc(p.sources, func(s Source) bool { return s.Dir == "" }) {
		return nil
	}
	f, err := readMod(g.dir)
	if err != nil {
		return err
	}
	for _, s := range p.sources {
		if s.Dir != "" {
			continue
		}
		for _, r := range f.Require {
			if within(s.Path, r.Mod.Path) {
				p.relies = append(p.relies, g.relies(ctx, s.Path, r.Mod.String())...)
			}
		}
	}
	return nil
}
