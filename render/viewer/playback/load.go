package playback

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/replay"
)

// OpenReplay opens a recorded episode.
func OpenReplay(file string) (*Track, error) {
	ep, err := traj.Load(file)
	if err != nil {
		return nil, err
	}
	t, err := FromEpisode(ep)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// FromEpisode returns a track of a recorded episode.
func FromEpisode(ep *traj.Episode) (*Track, error) {
	p, err := replay.Open(ep)
	if err != nil {
		return nil, err
	}
	return &Track{Player: p, Name: ep.Purpose}, nil
}

// Find returns the replay files that a path stands for: itself, or those in a folder, of which
// evaluations come before training.
func Find(path string) (files []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(file, ".replay") {
			files = append(files, file)
		}
		return err
	})
	training := func(file string) int {
		if strings.HasPrefix(filepath.Base(file), "train-") {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(files, func(a, b string) int { return training(a) - training(b) })
	return files, err
}
