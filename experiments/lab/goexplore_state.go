package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/terrarium-rl/terrarium/explore/goexplore"
)

// searchSaved is how often a search is saved.
const searchSaved = 30 * time.Second

// loadSearch makes s go on from a file, if there is one.
func (p *Plan) loadSearch(file string, s *goexplore.Search, seed uint64) error {
	c, err := loadCheckpoint(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	about, err := p.searchAbout(seed)
	if err != nil {
		return err
	}
	if string(c["experiment"]) != string(about) {
		return fmt.Errorf("%s is of a search in another experiment or with another seed: name another file", file)
	}
	if err := s.UnmarshalBinary(c["search"]); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// saveSearch writes s to a file.
func (p *Plan) saveSearch(file string, s *goexplore.Search, seed uint64) error {
	c, err := checkpoint{}, error(nil)
	if c["experiment"], err = p.searchAbout(seed); err != nil {
		return err
	}
	if c["search"], err = s.AppendBinary(nil); err != nil {
		return err
	}
	return writeFileAtomic(file, c.appendTo(nil))
}

// searchAbout returns what a search depends on beside its own options.
func (p *Plan) searchAbout(seed uint64) ([]byte, error) {
	text, err := p.YAML()
	return fmt.Appendf(text, "search of seed %d\n", seed), err
}
