package rewards

import (
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
)

// A Home is the run that a reward works in.
type Home struct {
	Vec    env.Vec     // whose transitions it scores, just Reset; it may save states, and change nothing
	Origin traj.Origin // of episodes recorded there
	Dir    string      // for files of the reward's own, who has to make it
}

// A Resident is a Func that wants to know where it lives, to save states of worlds or to write
// files. Runs call Settle once, after Seed and before the first Score or UnmarshalBinary.
type Resident interface {
	Settle(h Home) error
}

var _ Resident = (*Sum)(nil)

// Settle tells the terms that want to know where they live: each in a folder reward-<term>.
func (s *Sum) Settle(h Home) error {
	dir := h.Dir
	for i := range s.terms {
		if f, ok := s.terms[i].Func.(Resident); ok {
			h.Dir = filepath.Join(dir, "reward-"+url.PathEscape(s.terms[i].Name))
			if err := f.Settle(h); err != nil {
				return fmt.Errorf("reward term %q: %w", s.terms[i].Name, err)
			}
		}
	}
	return nil
}
