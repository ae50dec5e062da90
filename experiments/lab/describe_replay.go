package lab

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
)

// describeReplay prints where a recorded episode comes from, how it went, and its level: the
// content hash and difficulty that eval.json names, and every parameter.
func describeReplay(w io.Writer, path string) error {
	e, err := traj.Load(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s does not exist: want the file of a recorded episode", path)
	}
	if err != nil {
		return err
	}
	c, err := e.Config()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s, err := c.Spec()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := e.Fits(s); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintf(w, "replay of %s, recorded for %s, with options %s\n\n", e.Env, e.Purpose, e.Options)
	fmt.Fprintf(w, "seed %d, world %d, episode %d: %s, return %.6g, %s\n",
		e.Seed, e.World, e.Number, plural(e.Len(), "step"), e.Return(), e.Last)
	fmt.Fprintf(w, "\nlevel %016x: seed %d, difficulty %s (0 trivial, 1 hardest)\n", e.Level.ID(s), e.Level.Seed, difficulty(c, &e.Level))
	if len(s.Params) == 0 {
		return nil
	}
	t := newTable(w, "level parameters", "name", "value", "unit", "meaning")
	for i, p := range s.Params {
		t.row(p.Name, number32(e.Level.Params[i]), p.Unit, p.Doc)
	}
	return t.flush()
}

// difficulty writes how hard a level of c is.
func difficulty(c env.Config, l *env.Level) string {
	g, ok := c.(env.Grader)
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%.2f", g.Difficulty(l))
}
