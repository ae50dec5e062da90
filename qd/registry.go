package qd

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// ArchiveSetup is what an archive is built for.
type ArchiveSetup struct {
	Dim    int          // parameters of a solution
	Bounds [][2]float32 // of each measure
	Goals  int          // further objectives
	Obs    int          // numbers observed of a solution, for archives that describe behaviour themselves
	Frames int          // equal parts of Obs; 0 means 1
	Key    rng.Key      // source of its randomness
}

// An ArchiveConfig holds the options of an archive: a pointer to a struct whose fields have
// `json` names and hold the defaults when it is made.
type ArchiveConfig interface {
	// Build checks the options and returns the archive, which is a Saver.
	Build(s ArchiveSetup) (Archive, error)
}

// EmitterSetup is what an emitter is built for.
type EmitterSetup struct {
	X0    []float32 // where to begin; its length is that of a solution
	Batch int       // solutions it proposes at a time
	Net   *nn.MLP   // the policy whose parameters a solution is, nil if it is none
}

// An EmitterConfig holds the options of an emitter, as an ArchiveConfig those of an archive.
type EmitterConfig interface {
	// Build checks the options and returns the emitter, which is a Saver.
	Build(s EmitterSetup) (Emitter, error)
}

var (
	archives = registry.New[func() ArchiveConfig]("archive")
	emitters = registry.New[func() EmitterConfig]("emitter")
)

// RegisterArchive makes an archive available by name. newConfig returns the default options.
func RegisterArchive(name string, newConfig func() ArchiveConfig) { archives.Register(name, newConfig) }

// RegisterEmitter makes an emitter available by name. newConfig returns the default options.
func RegisterEmitter(name string, newConfig func() EmitterConfig) { emitters.Register(name, newConfig) }

// ArchiveNames returns the registered names of archives, sorted.
func ArchiveNames() []string { return archives.Names() }

// EmitterNames returns the registered names of emitters, sorted.
func EmitterNames() []string { return emitters.Names() }

// OpenArchive returns the options of the named archive after decode, which may be nil, has
// written over the defaults.
func OpenArchive(name string, decode func(options any) error) (ArchiveConfig, error) {
	return open(archives, name, decode)
}

// OpenEmitter returns the options of the named emitter, like OpenArchive.
func OpenEmitter(name string, decode func(options any) error) (EmitterConfig, error) {
	return open(emitters, name, decode)
}

func open[T any](r *registry.Registry[func() T], name string, decode func(options any) error) (c T, err error) {
	newConfig, err := r.Lookup(name)
	if err != nil {
		return c, err
	}
	c = newConfig()
	if decode != nil {
		err = decode(c)
	}
	return c, err
}

// Niched archives can count their niches.
type Niched interface{ Niches() int }

// Niches returns the number of cells of the partition.
func (a *Cells) Niches() int { return a.part.Cells() }

// inRange reports an option that is out of its range.
func inRange(name string, v, lo, hi float64) error {
	if !(v >= lo && v <= hi) {
		return fmt.Errorf("%s is %v, want %v to %v", name, v, lo, hi)
	}
	return nil
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
