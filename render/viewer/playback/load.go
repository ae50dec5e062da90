package playback

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/replay"
)

// Most is the number of episodes that are shown at once.
const Most = 64

// Load opens the recorded episodes that paths name: replay files, and folders of runs, of which
// evaluations come before training. It returns at most Most players, and how many were left out.
func Load(paths []string) (players []*replay.Player, left int, err error) {
	var files []string
	for _, path := range paths {
		found, err := find(path)
		if err != nil {
			return nil, 0, err
		}
		files = append(files, found...)
	}
	left = max(0, len(files)-Most)
	for _, file := range files[:len(files)-left] {
		p, err := open(file)
		if err != nil {
			return nil, 0, errors.Join(err, closeAll(players))
		}
		players = append(players, p)
	}
	return players, left, nil
}

func open(file string) (*replay.Player, error) {
	ep, err := traj.Load(file)
	if err != nil {
		return nil, err
	}
	p, err := replay.Open(ep)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

func closeAll(players []*replay.Player) (err error) {
	for _, p := range players {
		err = errors.Join(err, p.Close())
	}
	return err
}

// find returns the replay files that a path stands for.
func find(path string) (files []string, err error) {
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
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no recorded episodes in %s: there is no file *.replay", path)
	}
	training := func(file string) int {
		if strings.HasPrefix(filepath.Base(file), "train-") {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(files, func(a, b string) int { return training(a) - training(b) })
	return files, err
}
