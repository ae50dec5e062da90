package modules

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// NewMod returns the go.mod and go.sum of a new module that uses Terrarium. Where Terrarium is a
// folder, they are complete; else [Tidy] completes them. Local reports the former.
func NewMod(path string) (mod, sum []byte, local bool, err error) {
	home, err := Home()
	if err != nil {
		return nil, nil, false, err
	}
	f := new(modfile.File)
	if err := f.AddModuleStmt(path); err != nil {
		return nil, nil, false, fmt.Errorf("go.mod: %w", err)
	}
	needs, v := "1.26", home.Version
	if home.Dir != "" {
		theirs, err := readMod(home.Dir)
		if err != nil {
			return nil, nil, false, err
		}
		needs, v = newer(needs, theirs.Go.Version), standInVersion(Terrarium, home.Version)
		for _, r := range theirs.Require {
			f.AddNewRequire(r.Mod.Path, r.Mod.Version, true)
		}
		for _, r := range theirs.Replace {
			to := r.New.Path
			if r.New.Version == "" && !filepath.IsAbs(to) {
				to = filepath.Join(home.Dir, to)
			}
			if err := f.AddReplace(r.Old.Path, r.Old.Version, to, r.New.Version); err != nil {
				return nil, nil, false, fmt.Errorf("go.mod: %w", err)
			}
		}
		if err := f.AddReplace(Terrarium, "", home.Dir, ""); err != nil {
			return nil, nil, false, fmt.Errorf("go.mod: %w", err)
		}
		if sum, err = os.ReadFile(filepath.Join(home.Dir, "go.sum")); err != nil {
			return nil, nil, false, err
		}
	}
	if err := f.AddGoStmt(needs); err != nil {
		return nil, nil, false, fmt.Errorf("go.mod: %w", err)
	}
	f.AddNewRequire(Terrarium, v, false)
	f.Cleanup()
	mod, err = f.Format()
	return mod, sum, home.Dir != "", err
}

// Tidy calls go mod tidy in the folder of a module. Offline, it uses only what was downloaded
// before.
func Tidy(ctx context.Context, dir string, offline bool) error {
	g, err := findGo(ctx)
	if err != nil {
		return err
	}
	g.dir = dir
	if offline {
		g.vars = append(g.vars, "GOPROXY=off", "GOFLAGS=-mod=mod")
	}
	return g.run(ctx, nil, "mod", "tidy")
}
