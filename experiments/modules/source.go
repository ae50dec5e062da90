package modules

import (
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Terrarium is the path of the module that programs are made of.
const Terrarium = "github.com/terrarium-rl/terrarium"

// A Source says where the code of a module comes from.
type Source struct {
	Path    string // import path of a module, or of a package in one
	Version string // such as v0.3.0; empty for the newest, or with Dir
	Dir     string // absolute path of a folder that is used instead of what Path says; or empty
	Sum     string // of the files that were compiled in from Dir; set in [Built] only
}

// ParseSource reads PATH, PATH@VERSION, PATH=DIR, or DIR. A relative DIR, which begins with a
// dot where it stands alone, counts from base.
func ParseSource(s, base string) (Source, error) {
	if strings.HasPrefix(s, ".") || filepath.IsAbs(s) {
		return fromDir("", s, base)
	}
	name, dir, isDir := strings.Cut(s, "=")
	path, v, hasVersion := strings.Cut(name, "@")
	switch {
	case path == "":
		return Source{}, fmt.Errorf("module %q: want PATH, PATH@VERSION, PATH=DIR or ./DIR, such as example.com/me/reward@v0.3.0", s)
	case strings.Contains(path, "://"):
		_, path, _ = strings.Cut(path, "://")
		return Source{}, fmt.Errorf("module %q: a module path has no scheme: write %s", s, strings.TrimSuffix(path, ".git"))
	case hasVersion && v == "":
		return Source{}, fmt.Errorf("module %q: there is no version after the @", s)
	case isDir && dir == "":
		return Source{}, fmt.Errorf("module %q: there is no folder after the =", s)
	}
	if err := module.CheckImportPath(path); err != nil {
		return Source{}, fmt.Errorf("module %q: %w", s, err)
	}
	if isDir {
		src, err := fromDir(path, dir, base)
		src.Version = v
		return src, err
	}
	if host, _, _ := strings.Cut(path, "/"); !strings.Contains(host, ".") {
		return Source{}, fmt.Errorf("module %q: a module path begins with a host, such as example.com/me/%s, and a folder with a dot, such as ./%s", s, path, path)
	}
	return Source{Path: path, Version: v}, nil
}

// fromDir returns the source in a folder. The path may be empty: then it is that of the module.
func fromDir(path, dir, base string) (Source, error) {
	at := dir
	if !filepath.IsAbs(at) {
		at = filepath.Join(base, dir)
	}
	at, err := filepath.Abs(at)
	if err != nil {
		return Source{}, fmt.Errorf("module %s: %w", dir, err)
	}
	f, err := readMod(at)
	if err != nil {
		return Source{}, err
	}
	declared := f.Module.Mod.Path
	if path == "" {
		path = declared
	}
	if !within(path, declared) {
		return Source{}, fmt.Errorf("module %s=%s: the go.mod there declares module %s: write %s=%s", path, dir, declared, declared, dir)
	}
	return Source{Path: path, Dir: at}, nil
}

// readMod reads the go.mod of a folder.
func readMod(dir string) (*modfile.File, error) {
	path := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("module folder %s does not exist", dir)
		}
		return nil, fmt.Errorf("%s is no Go module, it has no go.mod: terrarium reward new starts a module, go mod init PATH makes one of what is there", dir)
	}
	if err != nil {
		return nil, err
	}
	f, err := modfile.Parse(path, text, nil)
	if err != nil {
		return nil, fmt.Errorf("malformed go.mod: %s", oneLine(err.Error()))
	}
	if f.Module == nil {
		return nil, fmt.Errorf("%s declares no module: its first line should be module PATH", path)
	}
	return f, nil
}

// within reports whether a package path belongs to a module.
func within(path, mod string) bool { return path == mod || strings.HasPrefix(path, mod+"/") }

// String returns s as ParseSource reads it.
func (s Source) String() string {
	text := s.Path
	if s.Version != "" {
		text += "@" + s.Version
	}
	if s.Dir != "" {
		text += "=" + s.Dir
	}
	return text
}

// Fixed reports whether s will be the same code tomorrow: whether it names a version that
// cannot move, or a folder.
func (s Source) Fixed() bool {
	return s.Dir != "" || semver.IsValid(s.Version) && semver.Canonical(s.Version) == strings.TrimSuffix(s.Version, "+incompatible")
}

// standInVersion returns a version that a go.mod may require of a module that is replaced: v if it is
// one, else the lowest there is.
func standInVersion(mod, v string) string {
	if semver.IsValid(v) && module.Check(mod, v) == nil {
		return v
	}
	_, major, _ := module.SplitPathVersion(mod)
	if prefix := module.PathMajorPrefix(major); prefix != "" {
		return prefix + ".0.0"
	}
	return "v0.0.0"
}

// newer returns the newer of two Go versions as go.mod files write them.
func newer(a, b string) string {
	if version.Compare("go"+a, "go"+b) < 0 {
		return b
	}
	return a
}

// oneLine joins the lines of a text.
func oneLine(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
