package modules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An Error says what is wrong with a module, and what to do about it.
type Error struct {
	Module  string // the module at fault; empty if it is none of them
	Problem string
	Remedy  string
	Lacking bool // the machine lacks something, such as Go or a connection
}

// Error returns it all in one line.
func (e *Error) Error() string {
	text := e.Problem + ": " + e.Remedy
	if e.Module != "" {
		text = "module " + e.Module + ": " + text
	}
	return text
}

// A reliance is a replace line in a module that was fetched.
type reliance struct{ module, old, new string }

// A complaint of the go command, and what it means. Texts may use the groups of the pattern.
type complaint struct {
	pattern         *regexp.Regexp
	problem, remedy string
	lacking         bool
}

const notFound = "it is not found"

// complaints are tried in order, the particular before the general.
var complaints = []complaint{
	{re(`declares its path as: (\S+)\s+but was required as: (\S+)`), "its go.mod calls it $1", "write $1", false},
	{re(`requires go (?:>= |version )?(\d\S*)[^;]*running go (\d[^\s;)]*)`), "it needs Go $1, and this is Go $2", "install Go $1 from https://go.dev/dl/, or unset GOTOOLCHAIN=local so that the go command fetches it", true},
	{re(`checksum mismatch|SECURITY ERROR`), "its code is not what the checksum database has on record", "ask its author; do not use it before you know why. For a private module, set GOPRIVATE=$M", false},
	{re(`module lookup disabled by GOPROXY=off`), "it has not been downloaded to this machine, and GOPROXY=off forbids to", "unset GOPROXY, or use a copy: $M=DIR", true},
	{re(`dial tcp|no such host|i/o timeout|[Cc]onnection refused|TLS handshake|proxyconnect|network is unreachable|Could not resolve host`), "it cannot be downloaded, the module proxy is out of reach", "connect to the network, set GOPROXY to a proxy that answers, or use a copy: $M=DIR", true},
	{re(`unknown revision (\S+?)[;\s]`), "it has no version $1", "go list -m -versions $M lists those it has", false},
	{re(`no matching versions for query "([^"]+)"`), "it has no version $1", "go list -m -versions $M lists those it has; a commit or a branch can be named too", false},
	{re(`invalid version: (.*?)(?:;|$)`), "that is no version of it ($1)", "go list -m -versions $M lists those it has", false},
	{re(`does not contain package ([^\s;,]+)`), "it has no package $1", "name the package that registers something", false},
	{re(`(\S+@v\S+) requires (\S+@v[^\s,]+), not`), "$1 needs $2", "ask for that version or a newer one", false},
	{re(`module ` + regexp.QuoteMeta(Terrarium) + `: reading `), "Terrarium needs a newer version of it", "name a newer one; go list -m -versions $M lists them", false},
	{re(`reading https?:\S+: 4\d\d |404 Not Found|410 Gone|no secure protocol found|[Rr]epository \S* ?not found|could not read Username|terminal prompts disabled|Permission denied|unrecognized import path|reading file:\S+: no such file|not a known (?:import|host)`), notFound, "check the path; for a private module, set GOPRIVATE=$M and let git reach its host; for a folder on this machine write $M=DIR", false},
	{re(`import "([^"]+)" is a program`), "$1 is a program", "name the package that registers something", false},
	{re(`build constraints exclude all Go files`), "it has no Go files for this system", "look at its build constraints (//go:build), and at GOOS, GOARCH and CGO_ENABLED", false},
	{re(`found packages (\S+) \([^)]*\) and (\S+) \(`), "one of its folders has two packages, $1 and $2", "a folder is one package: move the files of one", false},
	{re(`import cycle not allowed`), "its packages import each other in a circle", "go vet ./... there names the circle", false},
	{re(`ambiguous import: found package (\S+) in multiple modules`), "two modules have package $1", "name the version to use of each: --with MODULE@VERSION", false},
	{re(`(?:no required module provides|cannot find module providing) package ([^\s:;]+)`), "it imports $1, which no module provides", "check the import; if it is in a folder on this machine, its go.mod needs a replace line", false},
	{re(`no space left on device`), "the disk is full", "make room, go clean -cache frees some", true},
	{re(`unsupported GOOS/GOARCH pair (\S+)`), "there is no Go for $1", "go tool dist list names the pairs of GOOS and GOARCH", false},
	{re(`unknown GOEXPERIMENT (\S+)`), "this Go does not know GOEXPERIMENT $1", "unset GOEXPERIMENT", false},
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

var (
	broken   = re(`(?m)^# (\S+)$\n((?:.+:\d+.*\n?)+)`)
	progress = re(`(?m)^go: (?:downloading|finding|added|upgraded) .*\n?`)
	mention  = re(`(?m)^\s*(?:go: )?(?:module )?([\w.-]+\.[\w-]+/[\w./~-]+)`)
)

// explain makes an Error of what the go command said. The source is the one it was called for,
// or nil.
func (g *gocmd) explain(s *Source, said string, cause error) error {
	e := &Error{}
	if s != nil {
		e.Module = s.Path
	}
	if m := broken.FindStringSubmatch(said); m != nil {
		g.notCompiling(e, m[1], m[2])
		return e
	}
	if e.Module == "" {
		e.Module = g.culprit(said)
	}
	flat := oneLine(progress.ReplaceAllString(said, ""))
	for _, c := range complaints {
		m := c.pattern.FindStringSubmatchIndex(flat)
		if m == nil {
			continue
		}
		fill := func(t string) string {
			t = strings.ReplaceAll(t, "$M", orPath(e.Module))
			return string(c.pattern.ExpandString(nil, t, flat, m))
		}
		e.Problem, e.Remedy, e.Lacking = fill(c.problem), fill(c.remedy), c.lacking
		g.blameReplace(e)
		return e
	}
	e.Problem = fmt.Sprintf("the go command failed (%s)", clip(orText(flat, cause.Error()), 300))
	e.Remedy = "terrarium build --source DIR keeps the program's source: go build there tells all"
	g.blameReplace(e)
	return e
}

// blameReplace says so if a module that was fetched relies on replace lines.
func (g *gocmd) blameReplace(e *Error) {
	if g.program == nil {
		return
	}
	for _, r := range g.program.relies {
		if e.Module == r.module || e.Module == "" || within(e.Module, r.old) || strings.Contains(e.Problem, r.old) {
			e.Module = r.module
			e.Problem += fmt.Sprintf("; its go.mod replaces %s by %s, which Go ignores in modules that others use", r.old, r.new)
			e.Remedy = fmt.Sprintf("add --with %s=DIR (or @VERSION) yourself, or build from a copy: %s=DIR", r.old, r.module)
			return
		}
	}
}

// notCompiling is about a package with errors of the compiler.
func (g *gocmd) notCompiling(e *Error, pkg, said string) {
	e.Module = g.owner(pkg)
	lines := strings.Split(strings.TrimSpace(said), "\n")
	first := strings.TrimPrefix(strings.TrimSpace(lines[0]), "./")
	e.Problem = "it does not compile: " + first
	if len(lines) > 1 {
		e.Problem += fmt.Sprintf(" (and %d more)", len(lines)-1)
	}
	e.Remedy = "correct it; go vet ./... there says the same"
	if g.program == nil {
		return
	}
	switch s := g.program.source(e.Module); {
	case e.Module == Terrarium:
		e.Remedy = "that is a defect of Terrarium's source in " + orText(g.program.home.Dir, "version "+g.program.home.Version)
	case s.Dir == "":
		e.Remedy = "try another version of it, or of Terrarium: --with " + Terrarium + "@VERSION"
	}
	g.blameReplace(e)
}

// culprit returns the module that a text of the go command is about, or "".
func (g *gocmd) culprit(said string) string {
	said = progress.ReplaceAllString(said, "")
	if g.program != nil {
		for _, s := range g.program.sources {
			if strings.Contains(said, s.Path) || s.Dir != "" && strings.Contains(said, s.Dir) {
				return s.Path
			}
		}
	}
	if m := mention.FindStringSubmatch(said); m != nil {
		path, _, _ := strings.Cut(m[1], "@")
		return path
	}
	return ""
}

// owner returns the module of the program that a package belongs to.
func (g *gocmd) owner(pkg string) string {
	best := ""
	if g.program != nil {
		for _, m := range g.program.mods {
			if within(pkg, m.path) && len(m.path) > len(best) {
				best = m.path
			}
		}
		for _, s := range g.program.sources {
			if within(pkg, s.Path) && len(s.Path) > len(best) {
				best = s.Path
			}
		}
	}
	return orText(best, pkg)
}

// source returns the source of a module.
func (p *program) source(mod string) Source {
	for _, s := range append(slices.Clone(p.sources), p.home) {
		if within(s.Path, mod) {
			return s
		}
	}
	return Source{}
}

var (
	twice  = re(`(?m)panic: (\w+): Register called twice for (\S+?)(?:: by package (\S+) and by package (\S+))?$`)
	panics = re(`(?m)^panic: (.*)$`)
	inInit = re(`(?m)^(\S+)\.init\.\d+\(\)$`)
)

// explainStart is about a program that does not start.
func (g *gocmd) explainStart(said string, cause error) error {
	e := &Error{}
	if m := inInit.FindStringSubmatch(said); m != nil {
		e.Module = g.owner(m[1])
	}
	if m := twice.FindStringSubmatch(said); m != nil {
		e.Problem = fmt.Sprintf("it registers the %s %q, and so does another module", m[1], m[2])
		if m[3] != "" {
			first := g.owner(strings.TrimSpace(m[3]))
			e.Module = g.owner(strings.TrimSpace(m[4]))
			e.Problem = fmt.Sprintf("it registers the %s %q, and so does module %s", m[1], m[2], first)
		}
		e.Remedy = "leave one of them out, or rename one: a name is best prefixed by the module's, such as me/" + m[2]
		return e
	}
	if m := panics.FindStringSubmatch(said); m != nil {
		e.Problem, e.Remedy = "it panics as the program starts: "+m[1], "correct its init functions"
		return e
	}
	e.Problem = fmt.Sprintf("the program that was built does not start (%s)", clip(orText(oneLine(said), cause.Error()), 300))
	e.Remedy = "terrarium build --source DIR keeps its source: go run . there tells all"
	return e
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func orPath(s string) string { return orText(s, "MODULE") }

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
