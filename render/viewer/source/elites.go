//go:build !js

package source

import (
	"fmt"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/experiments/lab"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
)

// isSearch reports whether a folder is that of a quality-diversity run.
func isSearch(path string) bool {
	r, err := findRun(path)
	return err == nil && r.plan.QD != nil
}

// elites shows the map of what a quality-diversity run found, and the best of it playing.
func (s *Show) elites(r *run) error {
	archive, err := lab.LoadElites(r.plan, r.dir, r.seed)
	if err != nil {
		return err
	}
	if archive.Len() == 0 {
		return fmt.Errorf("%s has not found a policy yet", r.dir)
	}
	levels, err := r.plan.Levels.Compile(r.plan.Spec)
	if err != nil {
		return err
	}
	stage := Stage{Config: r.plan.EnvConfig, Levels: levels, Seed: 1}
	m := &playback.Map{Title: filepath.Base(r.dir)}
	axes := r.plan.QD.Axes(archive)
	for i, axis := range axes[:min(2, len(axes))] {
		m.Axes[i] = playback.Axis{Name: axis.Of, Lo: axis.Lo, Hi: axis.Hi}
	}
	best := 0
	for i := range archive.Len() {
		e := archive.Elite(i)
		p := playback.Point{Score: e.Objective}
		copy(p.At[:], e.Measures)
		m.Points = append(m.Points, p)
		if e.Objective > archive.Elite(best).Objective {
			best = i
		}
	}
	m.Play = func(i int) (*playback.Track, error) {
		d := playback.Driver{Name: fmt.Sprintf("elite %d", i), Driver: lab.ElitePolicy(r.plan, archive.Elite(i).Sol), Spec: r.plan.Spec}
		return stage.episode(0, 0, func() playback.Driver { return d })
	}
	t, err := m.Play(best)
	if err != nil {
		return err
	}
	m.Chosen = best
	s.Map, s.Tracks = m, append([]*playback.Track{t}, s.Tracks...)
	return nil
}
