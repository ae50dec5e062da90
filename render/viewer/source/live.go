//go:build !js

package source

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/terrarium-rl/terrarium/render/viewer/playback"
)

// poll is how often a run that goes on is looked at.
const poll = time.Second

// A tail follows a run that goes on.
type tail struct {
	*run
	stage   Stage
	current atomic.Pointer[playback.Driver] // the policy of the newest checkpoint
	last    string                          // that checkpoint
	seen    map[string]bool                 // recordings
	news    chan playback.News
}

// live follows a run: the policy of its newest checkpoint plays, and recordings appear as they
// are made.
func (s *Show) live(path string, o Options) error {
	r, err := findRun(path)
	if err != nil {
		return err
	}
	levels, err := r.plan.Levels.Compile(r.plan.Spec)
	if err != nil {
		return err
	}
	if o.Worlds == 0 {
		o.Worlds = 16
	}
	t := &tail{run: r, stage: Stage{Config: r.plan.EnvConfig, Levels: levels}, seen: map[string]bool{}, news: make(chan playback.News)}
	if err := o.levels(&t.stage, r.plan.Spec); err != nil {
		return err
	}
	if files, err := playback.Find(r.dir); err == nil { // old recordings are no news
		for _, f := range files {
			t.seen[f] = true
		}
	}
	first := t.look()
	if first.Err != nil {
		return first.Err
	}
	s.Tracks, s.Plane = append(s.Tracks, first.Tracks...), first.Plane
	if first.Driver != nil {
		s.Drivers = append(s.Drivers, *first.Driver)
	}
	standard, err := Standard(r.plan.Spec)
	if err != nil {
		return err
	}
	s.Drivers = append(s.Drivers, standard...)
	s.Feed = &playback.Feed{News: t.news, Leads: first.Driver != nil}
	go t.follow()
	return nil
}

// follow sends news for as long as the program runs.
func (t *tail) follow() {
	for range time.Tick(poll) {
		n := t.look()
		if n.Text != "" || n.Err != nil {
			t.news <- n
		}
	}
}

// look returns what is new.
func (t *tail) look() (n playback.News) {
	path, err := t.path()
	if err == nil && path != "" && path != t.last {
		var d *playback.Driver
		if d, err = t.load(path); err == nil {
			begins := t.last == ""
			t.last = path
			t.current.Store(d)
			n.Driver, n.Text = d, "checkpoint: "+d.Name
			n.Plane = t.plane()
			if begins {
				n.Tracks, err = t.begin()
			}
		}
	}
	if err == nil {
		err = t.recordings(&n)
	}
	// Old checkpoints are removed, and files renamed, while this looks: next time it finds others.
	if !errors.Is(err, fs.ErrNotExist) {
		n.Err = err
	}
	return n
}

// begin begins the episodes that the newest policy plays.
func (t *tail) begin() (tracks []*playback.Track, err error) {
	for w := range min(t.stage.Worlds, playback.Most) {
		track, err := t.stage.episode(w, 0, func() playback.Driver { return *t.current.Load() })
		if err != nil {
			return nil, err
		}
		tracks = append(tracks, track)
	}
	return tracks, nil
}

// recordings adds new recordings to the news. They appear whole or not at all.
func (t *tail) recordings(n *playback.News) error {
	files, err := playback.Find(t.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if t.seen[f] {
			continue
		}
		t.seen[f] = true
		track, err := playback.OpenReplay(f)
		if err != nil {
			return err
		}
		n.Tracks = append(n.Tracks, track)
		n.Text = fmt.Sprintf("recorded %s", filepath.Base(f))
	}
	return nil
}
