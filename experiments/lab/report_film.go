package lab

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

const (
	filmFPS     = 25
	filmSeconds = 30        // longest
	filmBytes   = 2_000_000 // of all films of a page
)

// films returns episodes to watch: the first of training, and of those of evaluation the
// median, the worst and the best, as far as they fit into most bytes.
func (r *runRecord) films(most int) ([]filmView, error) {
	var train, eval []*traj.Episode
	for _, s := range r.Seeds {
		paths, err := filepath.Glob(filepath.Join(globEscape(SeedDir(r.Dir, s.Seed)), "replays", "*.replay"))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if isTrain := strings.HasPrefix(filepath.Base(path), "train-"); isTrain && len(train) > 0 {
				continue // only the first is shown
			} else if ep, err := traj.Load(path); err != nil {
				r.warn(err)
			} else if isTrain {
				train = append(train, ep)
			} else {
				eval = append(eval, ep)
			}
		}
	}
	slices.SortStableFunc(eval, func(a, b *traj.Episode) int { return cmp.Compare(a.Return(), b.Return()) })
	type choice struct {
		title string
		ep    *traj.Episode
	}
	var chosen []choice
	if n := len(eval); n > 0 {
		of := fmt.Sprintf(" of %d recorded evaluation episodes", n)
		chosen = append(chosen, choice{"The median" + of, eval[n/2]})
		if n > 2 {
			chosen = append(chosen, choice{"The worst" + of, eval[0]}, choice{"The best" + of, eval[n-1]})
		}
	}
	if len(train) > 0 {
		chosen = append(chosen, choice{"Training, at the beginning", train[0]})
	}
	var out []filmView
	size := 0
	for _, c := range chosen {
		f, err := newFilm(c.ep)
		if err != nil {
			return nil, err
		}
		f.Title = fmt.Sprintf("%s: return %s, seed %d, level %s", c.title, score(c.ep.Return()), c.ep.Seed, f.Level)
		if size += len(f.Reel); size > most {
			break
		}
		out = append(out, f)
	}
	return out, nil
}

// newFilm plays an episode into a reel.
func newFilm(ep *traj.Episode) (f filmView, err error) {
	p, err := replay.Open(ep)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	c, err := ep.Config()
	if err != nil {
		return f, err
	}
	f.Level = fmt.Sprintf("%016x of difficulty %s", ep.Level.ID(p.Spec()), difficulty(c, &ep.Level))
	reel, list := scene.NewReel(filmFPS), new(scene.List)
	for k := 0; ; k++ {
		seconds := float64(k) / filmFPS
		if err := p.Seek(stepAt(p, seconds)); err != nil {
			return f, err
		}
		if !p.Draw(list) {
			return f, fmt.Errorf("environment %s cannot be drawn", ep.Env)
		}
		if k == 0 {
			f.Ratio = scene.Ratio(list)
		}
		reel.Add(list, p.Caption())
		if p.Step() == p.Len() || seconds > filmSeconds {
			break
		}
	}
	f.Reel, err = reel.Base64()
	return f, err
}
