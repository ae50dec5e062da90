package playback

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/render/replay"
)

// takeOver lets the user play on from the moment shown.
func (s *State) takeOver() {
	t := s.selected()
	var others replay.Driver
	if d := s.other(t.Spec()); d != nil {
		others = d.Driver
	}
	h := NewHand(t.Spec(), others)
	if s.branch(t, Driver{"by hand", h, t.Spec()}, t.Judge) {
		s.Playing, s.waits, s.Solo = false, true, true
		s.Say("your turn: " + h.Help() + "; time begins with the first key")
	}
}

// letOn lets the chosen driver play on from the moment shown.
func (s *State) letOn() {
	d := s.other(s.selected().Spec())
	if d == nil {
		s.Say("nobody else can play here")
		return
	}
	judge, _ := d.Driver.(Judge)
	if s.branch(s.selected(), *d, judge) {
		s.Playing, s.Solo = true, true
		s.Say(d.Name + " plays on; y shows both side by side")
	}
}

// other returns the chosen driver if it can play worlds of spec, or else the next one that can, or
// nil.
func (s *State) other(spec *env.Spec) *Driver {
	for i := range s.Drivers {
		k := (s.Driver + i) % len(s.Drivers)
		if s.Drivers[k].fits(spec) {
			return &s.Drivers[k]
		}
	}
	return nil
}

// branch adds a track that is t's until now and d's from here.
func (s *State) branch(t *Track, d Driver, judge Judge) bool {
	if len(s.Tracks) >= Most {
		s.Say(fmt.Sprintf("there are %d episodes already: remove a branch with x", Most))
		return false
	}
	p, err := t.Fork(d.Driver, d.Name)
	if s.fail(err) {
		return false
	}
	if !p.Live() {
		s.fail(p.Close())
		s.Say("the episode ends here: go back to a moment before")
		return false
	}
	s.Time = float64(p.Step()) * float64(p.Spec().Dt) // not beyond what has happened
	if t.Kin == 0 {
		s.kin++
		t.Kin = s.kin
	}
	s.Tracks = append(s.Tracks, &Track{Player: p, Name: d.Name, Kin: t.Kin, Left: p.Step(), Judge: judge, branch: true})
	s.Selected = len(s.Tracks) - 1
	return true
}

// nextDriver chooses who plays on.
func (s *State) nextDriver() {
	if n := len(s.Drivers); n > 0 {
		s.Driver = (s.Driver + 1) % n
	}
	d := s.other(s.selected().Spec())
	if d == nil {
		s.Say("nobody else can play here")
		return
	}
	s.Driver = slices.IndexFunc(s.Drivers, func(o Driver) bool { return o.Name == d.Name && o.Spec == d.Spec })
	s.Say("v: " + d.Name + " plays on")
}

// prune removes the selected branch.
func (s *State) prune() {
	t := s.selected()
	if !t.branch {
		s.Say("only branches can be removed")
		return
	}
	s.fail(t.Close())
	s.Tracks = slices.Delete(s.Tracks, s.Selected, s.Selected+1)
	s.edited = 0
	next := slices.IndexFunc(s.Tracks, func(o *Track) bool { return o.Kin == t.Kin })
	s.Selected = max(next, 0)
}

// ended is called when an episode that was being played comes to its end. What was played by
// hand is kept: it is a demonstration.
func (s *State) ended(t *Track) {
	if _, ok := t.Driver().(*Hand); ok {
		s.save(t)
	}
}

// save records a track in a file of its own.
func (s *State) save(t *Track) {
	if t.saved {
		return
	}
	path, err := s.free(fmt.Sprintf("%s-%s", fileName(t.Name), t.Spec().ID), ".replay")
	if err == nil {
		err = t.Save(path)
	}
	if !s.fail(err) {
		t.saved = !t.Live()
		s.Say(fmt.Sprintf("saved %s: %d steps, return %s", path, t.Len(), replay.Number(t.Episode().Return(), 1)))
	}
}

// fileName makes a name fit for a file.
func fileName(s string) string {
	out := []rune(s)
	for i, r := range out {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			out[i] = '-'
		}
	}
	return string(out)
}

// free returns the path of a file that does not exist yet.
func (s *State) free(name, ending string) (string, error) {
	if s.Folder != "" {
		if err := os.MkdirAll(s.Folder, 0o755); err != nil {
			return "", err
		}
	}
	for i := 1; i < 100000; i++ {
		path := filepath.Join(s.Folder, fmt.Sprintf("%s-%05d%s", name, i, ending))
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: no free name is left for %s", s.Folder, name)
}

// edit opens the levels of the selected episode, or closes them.
func (s *State) edit() {
	if s.Editor != nil {
		s.Editor, s.edited = nil, 0
		return
	}
	if s.selected().Spec().ID == sandbox.ID {
		s.openRoom()
		return
	}
	ep := s.selected().Episode()
	c, err := ep.Config()
	if s.fail(err) {
		return
	}
	e, err := NewEditor(c, &ep.Level)
	if !s.fail(err) {
		s.Editor = e
		if len(e.Spec.Params) == 0 {
			s.Say("levels of this environment differ by their seed alone")
		}
	}
}

// playEdited plays the edited level from its beginning.
func (s *State) playEdited() {
	e := s.Editor
	if e == nil || e.Err != nil {
		return
	}
	from := s.selected()
	if from.Spec().ID != e.Spec.ID {
		s.edit() // another world was selected meanwhile
		return
	}
	_, byHand := from.Driver().(*Hand)
	d := Driver{"by hand", NewHand(e.Spec, nil), e.Spec}
	if from.Driver() != nil && !byHand {
		d = Driver{from.Name, from.Driver(), e.Spec}
	} else if o := s.other(e.Spec); o != nil && !byHand {
		d = *o
	} else {
		byHand = true
	}
	c, err := from.Episode().Config()
	if s.fail(err) {
		return
	}
	level := env.Level{Params: slices.Clone(e.Level.Params), Seed: e.Level.Seed}
	p, err := replay.Play(replay.Scene{Config: c, Levels: env.FixedLevels{level}, Seed: from.Episode().Seed, Purpose: d.Name}, d.Driver)
	if err != nil {
		e.Err = err // the level cannot be built
		return
	}
	judge, _ := d.Driver.(Judge)
	t := &Track{Player: p, Name: d.Name, Judge: judge, branch: true}
	if s.edited > 0 {
		s.fail(s.Tracks[s.edited].Close())
		s.Tracks[s.edited] = t
	} else {
		if len(s.Tracks) >= Most {
			s.Say(fmt.Sprintf("there are %d episodes already", Most))
			s.fail(p.Close())
			return
		}
		s.Tracks = append(s.Tracks, t)
		s.edited = len(s.Tracks) - 1
	}
	s.Selected, s.Solo, s.Time, s.Playing, s.waits = s.edited, true, 0, !byHand, byHand
}

// saveLevel writes the edited level to a file.
func (s *State) saveLevel() {
	path, err := s.free("level-"+s.Editor.Spec.ID, ".json")
	if err == nil {
		err = s.Editor.Save(path)
	}
	if !s.fail(err) {
		s.Say("saved " + path)
	}
}

// KeepPicture lets write make a picture of the window in a file of its own.
func (s *State) KeepPicture(write func(path string) error) {
	path, err := s.free("viewer", ".png")
	if err == nil {
		err = write(path)
	}
	if !s.fail(err) {
		s.Say("saved " + path)
	}
}

// Drop opens a file that was dropped on the window: a replay, or a level for the selected episode.
func (s *State) Drop(path string) {
	if filepath.Ext(path) != ".json" {
		t, err := OpenReplay(path)
		if s.fail(err) {
			return
		}
		if len(s.Tracks) >= Most {
			s.fail(errors.Join(t.Close(), fmt.Errorf("there are %d episodes already", Most)))
			return
		}
		s.Tracks = append(s.Tracks, t)
		s.Selected, s.Time = len(s.Tracks)-1, 0
		return
	}
	if s.dropRoom(path) {
		return
	}
	if s.Editor == nil && s.selected() != nil {
		s.edit()
	}
	if s.Editor == nil {
		return
	}
	l, err := LoadLevel(path, s.Editor.Spec)
	if !s.fail(err) {
		s.Editor.Level = *l
		s.Editor.check()
		s.playEdited()
	}
}

// A Feed is news of a run that goes on, for the viewer to take when it is ready.
type Feed struct {
	News  <-chan News
	Leads bool // the first of State.Drivers is the policy of the last checkpoint
}

// News is what has happened in a run.
type News struct {
	Text   string
	Driver *Driver  // the policy of a new checkpoint
	Tracks []*Track // new recordings
	Plane  *Plane   // where training was until then; may be nil
	Err    error
}

// follow takes the news of a run.
func (s *State) follow() {
	if s.Feed == nil || s.Labels != nil { // what is compared stays
		return
	}
	select {
	case n := <-s.Feed.News:
		s.hear(n)
	default:
	}
}

func (s *State) hear(n News) {
	if n.Err != nil {
		s.fail(n.Err)
		return
	}
	s.Say(fmt.Sprintf("%s  %s", time.Now().Format("15:04:05"), n.Text))
	if n.Driver != nil {
		if len(s.Drivers) > 0 && s.Feed.Leads {
			s.Drivers[0] = *n.Driver
		} else {
			s.Drivers = append([]Driver{*n.Driver}, s.Drivers...)
			s.Feed.Leads = true
		}
	}
	if n.Plane != nil {
		s.Plane = n.Plane
	}
	for _, t := range n.Tracks {
		if len(s.Tracks) < Most {
			s.Tracks = append(s.Tracks, t)
			continue
		}
		// The oldest recording makes way.
		i := slices.IndexFunc(s.Tracks, func(o *Track) bool { return o.Driver() == nil && o != s.selected() })
		if i < 0 {
			s.fail(t.Close())
			continue
		}
		s.fail(s.Tracks[i].Close())
		s.Tracks[i] = t
	}
}
