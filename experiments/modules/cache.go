package modules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// unused is the time after which a program that was not used is removed.
const unused = 60 * 24 * time.Hour

// settings are the variables that change what the go command makes.
var settings = []string{"GOFLAGS", "GOEXPERIMENT", "CGO_ENABLED", "GOAMD64", "GOARM64", "GOOS", "GOARCH"}

// Cached returns a program that has the sources compiled in, beside what the builder compiled
// into this program. It is built where the user's cache has none yet; log gets lines about that.
// The program is known by the SHA-256 of this program, the versions of the sources and the files
// of those in folders.
func Cached(ctx context.Context, with []Source, program string, log io.Writer) (path string, err error) {
	all := merge(with)
	key, err := cacheKey(all, program)
	if err != nil {
		return "", err
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", &Error{Lacking: true, Problem: "there is no folder for built programs", Remedy: "set HOME or XDG_CACHE_HOME"}
	}
	dir = filepath.Join(dir, "terrarium", "programs")
	name := "terrarium"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path = filepath.Join(dir, key, name)
	if _, err := os.Stat(path); err == nil {
		now := time.Now()
		_ = os.Chtimes(filepath.Dir(path), now, now) // in use
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	tidy(dir)
	b := Builder{With: all, Out: path, Log: log}
	if err := b.Build(ctx); err != nil {
		os.Remove(filepath.Dir(path)) // empty
		return "", err
	}
	return path, nil
}

// merge adds what the builder compiled into this program, except modules that with asks for itself.
func merge(with []Source) []Source {
	all := slices.Clone(with)
	for _, b := range Built {
		b.Sum = ""
		if !slices.ContainsFunc(all, func(s Source) bool { return s.Path == b.Path }) {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b Source) int { return strings.Compare(a.Path, b.Path) })
	return all
}

func cacheKey(all []Source, program string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, program)
	for _, name := range settings {
		fmt.Fprintf(h, "%s=%s\n", name, os.Getenv(name))
	}
	for _, s := range all {
		fmt.Fprintln(h, s)
		if s.Dir == "" || s.Path == Terrarium {
			continue // a development build of Terrarium is known by the program
		}
		if err := hashFolder(h, s.Dir, map[string]bool{}); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// hashFolder hashes the module in a folder and those that its go.mod replaces by folders.
func hashFolder(h io.Writer, dir string, seen map[string]bool) error {
	if seen[dir] {
		return nil
	}
	seen[dir] = true
	sum, err := Sum(dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(h, dir, sum)
	f, err := readMod(dir)
	if err != nil {
		return err
	}
	for _, r := range f.Replace {
		if r.New.Version != "" || r.Old.Path == Terrarium {
			continue
		}
		to := r.New.Path
		if !filepath.IsAbs(to) {
			to = filepath.Join(dir, to)
		}
		if exists(to, "go.mod") { // what is missing is the builder's to report
			if err := hashFolder(h, to, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// tidy removes programs that were not used for long.
func tidy(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > unused {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}
