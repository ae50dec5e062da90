package modules

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Built lists what the builder compiled into this program, Terrarium first. It is set by the
// main of programs that the builder generates, and empty in others.
var Built []Source

// checkout is the folder of Terrarium's source from which a development build was made. Builds
// that are put outside of it may set it by -ldflags=-X.
var checkout string

// A Linked is a module that is part of this program.
type Linked struct {
	Path    string `json:"module"`
	Version string `json:"version"`       // (devel) if it was compiled in from a folder
	Sum     string `json:"sum,omitempty"` // of its files, in the form of go.sum
	Dir     string `json:"dir,omitempty"` // the folder it was compiled in from
}

// linked lists the modules of the program.
var linked = sync.OnceValue(func() (list []Linked) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		l := Linked{Path: m.Path, Version: m.Version, Sum: m.Sum}
		if r := m.Replace; r != nil {
			l.Version, l.Sum = r.Version, r.Sum
			if strings.HasPrefix(r.Path, ".") || filepath.IsAbs(r.Path) {
				l.Dir, l.Version = r.Path, "(devel)"
			}
		}
		list = append(list, l)
	}
	return list
})

// Providing returns the module of this program that a package belongs to.
func Providing(pkg string) (best Linked, ok bool) {
	for _, l := range linked() {
		if within(pkg, l.Path) && len(l.Path) >= len(best.Path) {
			best, ok = l, true
		}
	}
	for _, b := range Built {
		if ok && b.Sum != "" && b.Dir == best.Dir && within(b.Path, best.Path) {
			best.Sum = b.Sum
		}
	}
	return best, ok
}

// Has reports whether this program has what s names compiled in: the same version or, of a
// folder, the same files.
func Has(s Source) bool {
	if within(s.Path, Terrarium) && s.Dir == "" && s.Version == "" {
		return true
	}
	l, ok := Providing(s.Path)
	if !ok {
		return false
	}
	if s.Dir == "" {
		return l.Dir == "" && l.Version == s.Version
	}
	if l.Dir != s.Dir || l.Sum == "" {
		return false
	}
	sum, err := Sum(s.Dir)
	return err == nil && sum == l.Sum
}

// Home says where the source of this program's own Terrarium is: a released version, or the
// folder it was built from.
func Home() (Source, error) {
	for _, b := range Built {
		if b.Path == Terrarium {
			return Source{Path: b.Path, Version: b.Version, Dir: b.Dir}, nil
		}
	}
	l, _ := Providing(Terrarium)
	released := semver.IsValid(l.Version) && semver.Build(l.Version) == "" && !module.IsPseudoVersion(l.Version)
	if released && l.Dir == "" {
		return Source{Path: Terrarium, Version: l.Version}, nil
	}
	folders := []string{l.Dir, checkout}
	if self, err := os.Executable(); err == nil {
		folders = append(folders, above(filepath.Dir(self))...) // bin/terrarium of a checkout
	}
	if here, err := os.Getwd(); err == nil {
		folders = append(folders, above(here)...)
	}
	for _, dir := range folders {
		if dir == "" {
			continue
		}
		if f, err := readMod(dir); err == nil && f.Module.Mod.Path == Terrarium {
			return Source{Path: Terrarium, Dir: dir}, nil
		}
	}
	if semver.IsValid(l.Version) && semver.Build(l.Version) == "" {
		return Source{Path: Terrarium, Version: l.Version}, nil
	}
	return Source{}, &Error{Module: Terrarium,
		Problem: "this program is a development build, and the folder of its source is not known",
		Remedy:  "say where it is: --with " + Terrarium + "=DIR"}
}

// above returns a folder and those it is in.
func above(dir string) (list []string) {
	for {
		list = append(list, dir)
		up := filepath.Dir(dir)
		if up == dir {
			return list
		}
		dir = up
	}
}
