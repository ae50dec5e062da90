//go:build !js

package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/experiments/lab"
	"github.com/terrarium-rl/terrarium/explore/visits"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
)

// Options say how sources are opened.
type Options struct {
	Agents []string // who plays new episodes: names of agents, runs or checkpoints; several are compared
	Worlds int      // of new episodes; 0 means 16 for runs that go on, else 1
	Seed   uint64   // of new episodes
	Preset string   // levels of new episodes, by name
	Level  string   // or of a file
	Play   bool     // let the policy of a run play, instead of showing recordings
	Live   bool     // follow a run that goes on
}

// A Show is what the viewer begins with.
type Show struct {
	Tracks  []*playback.Track
	Drivers []playback.Driver
	Feed    *playback.Feed
	Map     *playback.Map   // of the elites of a quality-diversity run; may be nil
	Left    int             // recordings that are not shown
	Plane   *playback.Plane // where the training of a run was; may be nil
	Room    *sandbox.Room   // to draw on; may be nil
	Path    string          // the file that it is in
	Trouble error           // of recordings that cannot be shown beside others that can
}

// Open opens sources: files of recorded episodes or of checkpoints, folders of runs, names of
// environments. It fails where the viewer would have nothing to show.
func Open(sources []string, o Options) (*Show, error) {
	s := &Show{}
	err := s.open(sources, o)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *Show) close() (err error) {
	for _, t := range s.Tracks {
		err = errors.Join(err, t.Close())
	}
	return err
}

func (s *Show) open(sources []string, o Options) error {
	if len(sources) == 0 && len(o.Agents) > 0 {
		sources = o.Agents[:1] // the environment is that of its run
		o.Play = true
	}
	for _, source := range sources {
		if err := s.source(source, o); err != nil {
			return err
		}
	}
	if len(s.Tracks) == 0 && s.Trouble != nil {
		return s.Trouble
	}
	if len(s.Tracks) == 0 && s.Feed == nil && s.Room == nil {
		return fmt.Errorf("no recorded episodes in %s: there is no file *.replay; with -play its policy plays new ones", strings.Join(sources, ", "))
	}
	if s.Room != nil {
		return s.sandbox(o)
	}
	if len(s.Tracks) == 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, t := range s.Tracks {
		if seen[t.Spec().ID] {
			continue
		}
		seen[t.Spec().ID] = true
		standard, err := Standard(t.Spec())
		if err != nil {
			return err
		}
		for _, d := range standard {
			if !slices.ContainsFunc(s.Drivers, func(o playback.Driver) bool { return o.Name == d.Name && o.Spec.ID == d.Spec.ID }) {
				s.Drivers = append(s.Drivers, d)
			}
		}
	}
	return nil
}

func (s *Show) source(source string, o Options) error {
	info, err := os.Stat(source)
	switch {
	case filepath.Ext(source) == ".json":
		return s.drawing(source, o)
	case err == nil && !info.IsDir() && filepath.Ext(source) == ".ckpt":
		return s.play(source, o)
	case err == nil && info.IsDir() && o.Live:
		return s.live(source, o)
	case err == nil && info.IsDir() && !isSearch(source) && (o.Play || len(o.Agents) > 0):
		return s.play(source, o)
	case err == nil:
		return s.recorded(source)
	case slices.Contains(env.Names(), source):
		return s.environment(source, o)
	}
	return fmt.Errorf("%q is neither a run, nor a replay or checkpoint file, nor an environment%s", source, registry.Suggest(source, env.Names()))
}

// drawing opens a room to draw on, or an empty one that will be saved under the name; or it plays a
// level of another environment, where the file says of which.
func (s *Show) drawing(path string, o Options) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		s.Path, s.Room = path, sandbox.Empty()
		return nil
	}
	if err != nil {
		return err
	}
	if f, err := env.ReadLevel(text, nil); err == nil && f.Env != "" {
		o.Level = path
		return s.environment(f.Env, o)
	}
	s.Path = path
	s.Room, err = playback.LoadRoom(path)
	return err
}

// sandbox adds who can play a room.
func (s *Show) sandbox(o Options) error {
	spec, err := sandbox.New().Spec()
	if err != nil {
		return err
	}
	for _, name := range o.Agents {
		d, err := agent(spec, name)
		if err != nil {
			return err
		}
		s.Drivers = append(s.Drivers, d)
	}
	standard, err := Standard(spec)
	s.Drivers = append(s.Drivers, standard...)
	return err
}

// recorded shows recordings, and lets the policy of their run play on.
func (s *Show) recorded(path string) error {
	files, err := playback.Find(path)
	if err != nil {
		return err
	}
	var policy *playback.Driver
	if r, err := findRun(path); err == nil && r.plan.QD != nil {
		if err := s.elites(r); err != nil {
			return err
		}
	} else if err == nil {
		s.Plane = r.plane()
		if policy, err = r.newest(); err == nil && policy != nil {
			s.Drivers = append(s.Drivers, *policy)
		}
	}
	for i, file := range files {
		if len(s.Tracks) == playback.Most {
			s.Left += len(files) - i
			break
		}
		t, err := playback.OpenReplay(file)
		if err != nil && len(files) == 1 {
			return err
		}
		if err != nil {
			s.Trouble = errors.Join(s.Trouble, err)
			continue
		}
		if policy != nil {
			t.Judge, _ = policy.Driver.(playback.Judge)
		}
		s.Tracks = append(s.Tracks, t)
	}
	return nil
}

// play lets the policy of a run or of a checkpoint, and whoever else is asked for, play.
func (s *Show) play(path string, o Options) error {
	r, err := findRun(path)
	if err != nil {
		return err
	}
	s.Plane = r.plane()
	d, err := r.newest()
	if err != nil {
		return err
	}
	if d == nil {
		return fmt.Errorf("%s has no checkpoint yet: -live waits for one", path)
	}
	levels, err := r.plan.Eval.Levels.Compile(r.plan.Spec)
	if err != nil {
		return err
	}
	agents := slices.DeleteFunc(slices.Clone(o.Agents), func(a string) bool { return a == path })
	return s.stage(Stage{Config: r.plan.EnvConfig, Levels: levels}, []playback.Driver{*d}, agents, o)
}

// environment begins new episodes of an environment.
func (s *Show) environment(name string, o Options) error {
	c, err := env.Open(name, nil)
	if err != nil {
		return err
	}
	// A run may have trained in the environment with other options.
	for _, a := range o.Agents {
		if r, err := findRun(a); err == nil && r.plan.Spec.ID == name {
			c = r.plan.EnvConfig
			break
		}
	}
	return s.stage(Stage{Config: c}, nil, o.Agents, o)
}

// stage begins the episodes of new tracks.
func (s *Show) stage(st Stage, ds []playback.Driver, names []string, o Options) error {
	spec, err := st.Config.Spec()
	if err != nil {
		return err
	}
	for _, name := range names {
		d, err := agent(spec, name)
		if err != nil {
			return err
		}
		ds = append(ds, d)
	}
	if len(ds) == 0 {
		standard, err := Standard(spec)
		if err != nil {
			return err
		}
		ds = standard[:1]
	}
	if err := o.levels(&st, spec); err != nil {
		return err
	}
	tracks, err := Play(st, ds)
	s.Tracks, s.Drivers = append(s.Tracks, tracks...), append(s.Drivers, ds...)
	return err
}

// levels completes a stage.
func (o *Options) levels(st *Stage, spec *env.Spec) error {
	st.Seed, st.Worlds = o.Seed, max(o.Worlds, 1)
	if o.Preset != "" {
		levels, err := (&env.LevelSet{Preset: o.Preset}).Compile(spec)
		if err != nil {
			return err
		}
		st.Levels = levels
	}
	if o.Level != "" {
		l, err := playback.LoadLevel(o.Level, spec)
		if err != nil {
			return err
		}
		st.Levels = env.FixedLevels{*l}
	}
	return nil
}

// agent returns who is named: a registered agent, or a policy that was trained in the
// environment of spec.
func agent(spec *env.Spec, name string) (playback.Driver, error) {
	if _, err := os.Stat(name); err != nil {
		p, err := untrained(spec, name)
		return playback.Driver{Name: name, Driver: p, Spec: spec}, err
	}
	r, err := findRun(name)
	if err != nil {
		return playback.Driver{}, err
	}
	if err := sameShape(spec, r.plan.Spec); err != nil {
		return playback.Driver{}, fmt.Errorf("the policy of %s cannot play here: %w", name, err)
	}
	d, err := r.newest()
	if err == nil && d == nil {
		err = fmt.Errorf("%s has no checkpoint yet", name)
	}
	if err != nil {
		return playback.Driver{}, err
	}
	return *d, nil
}

func sameShape(a, b *env.Spec) error {
	if a.ID != b.ID || env.Width(a.Obs) != env.Width(b.Obs) || env.Width(a.Act) != env.Width(b.Act) || a.Discrete() != b.Discrete() {
		return fmt.Errorf("it was trained in %s, or with other options, not in this %s", b.ID, a.ID)
	}
	return nil
}

// A run is a seed of a run, or one of its checkpoints.
type run struct {
	dir        string
	seed       uint64
	checkpoint string // "" means the newest
	plan       *lab.Plan
}

// findRun returns the run that a path lies in.
func findRun(path string) (*run, error) {
	r := &run{}
	if filepath.Ext(path) == ".ckpt" {
		r.checkpoint = path
	}
	at, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	folder := ""
	for range 5 { // a file lies three folders below its run
		if _, err := os.Stat(filepath.Join(at, "config.yaml")); err == nil {
			if r.plan, err = lab.OpenRun(at); err != nil {
				return nil, err
			}
			r.dir = at
			return r, r.choose(folder)
		}
		folder, at = filepath.Base(at), filepath.Dir(at)
	}
	return nil, fmt.Errorf("%s does not belong to a run: no config.yaml lies beside it or above", path)
}

// choose takes the seed of a folder, or else the first that has a checkpoint.
func (r *run) choose(folder string) error {
	r.seed = r.plan.Seeds[0]
	for _, seed := range r.plan.Seeds {
		if folder == filepath.Base(lab.SeedDir(r.dir, seed)) {
			r.seed = seed
			return nil
		}
	}
	for _, seed := range r.plan.Seeds {
		path, err := lab.NewestCheckpoint(r.dir, seed)
		if err != nil {
			return err
		}
		if path != "" {
			r.seed = seed
			return nil
		}
	}
	return nil
}

// plane returns where the training of r was, or nil if that is not known.
func (r *run) plane() *playback.Plane {
	x, y := visits.Units(r.plan.Spec)
	m, err := visits.Load(lab.SeedDir(r.dir, r.seed))
	if err != nil {
		return nil // some runs have none
	}
	bright := m.Bright()
	p := &playback.Plane{
		Metres: x == "m" && y == "m",
		Lo:     geom.Vec{X: m.XMin, Y: m.YMin}, Hi: geom.Vec{X: m.XMax, Y: m.YMax}, Cols: m.Cols, Rows: m.Rows,
		Visits: make([]float64, len(m.Visits)), Bonus: make([]float64, len(m.Visits)),
	}
	for i, n := range m.Visits {
		p.Visits[i], p.Bonus[i] = float64(n), min(m.Mean(i), bright)
	}
	return p
}

// path returns the checkpoint file that r stands for, or "" if there is none.
func (r *run) path() (string, error) {
	if r.checkpoint != "" {
		return r.checkpoint, nil
	}
	return lab.NewestCheckpoint(r.dir, r.seed)
}

// newest returns the policy that r stands for, or nil if there is none yet.
func (r *run) newest() (*playback.Driver, error) {
	path, err := r.path()
	if err != nil || path == "" {
		return nil, err
	}
	return r.load(path)
}

func (r *run) load(path string) (*playback.Driver, error) {
	p, steps, err := lab.LoadCheckpoint(r.plan, path, 1)
	if err != nil {
		return nil, err
	}
	d := driver(r.plan.Spec, fmt.Sprintf("%s at %d", filepath.Base(r.dir), steps), p)
	return &d, nil
}
