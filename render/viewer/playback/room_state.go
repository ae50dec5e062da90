package playback

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/render/replay"
)

// Draw opens the level editor on a room; path is the file that it is from, or "".
func (s *State) Draw(r *sandbox.Room, path string) {
	s.RoomEditor, s.Editor, s.edited, s.Playing = NewRoomEditor(r), nil, 0, false
	s.RoomEditor.Path = path
	s.parked = nil
	s.Zoom, s.Pan, s.Chase = 0, s.Pan.Mul(0), false
}

// openRoom opens the room that the selected episode plays, with what was done to it before.
func (s *State) openRoom() {
	if s.parked != nil && s.drawn == s.selected() {
		s.RoomEditor, s.parked, s.Playing = s.parked, nil, false
		return
	}
	ep := s.selected().Episode()
	c, err := ep.Config()
	if s.fail(err) {
		return
	}
	which := 0
	if names := s.selected().Spec().Params; len(names) > 0 && names[len(names)-1].Name == "room" {
		which = int(ep.Level.Params[len(names)-1])
	}
	r, err := c.(*sandbox.Config).Room(which)
	if !s.fail(err) {
		s.Draw(r, "")
	}
}

// leaveRoom goes back to the episodes, if there are any.
func (s *State) leaveRoom() {
	if len(s.Tracks) == 0 {
		s.Say("enter plays the room")
		return
	}
	s.parked, s.RoomEditor = s.RoomEditor, nil
}

// playRoom plays the room in the editor from its beginning, by hand or by the chosen policy.
func (s *State) playRoom(byHand bool) {
	b := s.RoomEditor
	if b.check(); b.Err != nil {
		return
	}
	c, err := sandbox.Of(b.Room)
	if s.fail(err) {
		return
	}
	spec, err := c.Spec()
	if err != nil {
		b.Err = err
		return
	}
	d := Driver{"by hand", NewHand(spec, nil), spec}
	if !byHand {
		o := s.other(spec)
		if o == nil {
			s.Say("nobody else can play here")
			return
		}
		d = *o
	}
	p, err := replay.Play(replay.Scene{Config: c, Levels: env.FixedLevels{roomLevel(spec)}, Seed: 1, Purpose: d.Name}, d.Driver)
	if err != nil {
		b.Err = err
		return
	}
	judge, _ := d.Driver.(Judge)
	t := &Track{Player: p, Name: d.Name, Judge: judge, branch: true}
	at := slices.Index(s.Tracks, s.drawn)
	if s.drawn != nil && at >= 0 {
		s.fail(s.drawn.Close())
		s.Tracks[at] = t
	} else {
		if len(s.Tracks) >= Most {
			s.Say(fmt.Sprintf("there are %d episodes already", Most))
			s.fail(p.Close())
			return
		}
		at = len(s.Tracks)
		s.Tracks = append(s.Tracks, t)
	}
	s.drawn = t
	s.parked, s.RoomEditor = b, nil
	s.Selected, s.Solo, s.Time, s.Playing, s.waits = at, true, 0, !byHand, byHand
	if byHand {
		s.Say("your turn: " + d.Driver.(*Hand).Help() + "; l: back to drawing")
	}
}

// roomLevel is the room as it is drawn: nothing weaker, lighter or shoved.
func roomLevel(s *env.Spec) env.Level {
	l := env.Level{Params: make([]float32, len(s.Params)), Seed: 1}
	for i, p := range s.Params {
		l.Params[i] = p.Default[0]
		if p.Name == "shove" {
			l.Params[i] = 0
		}
	}
	return l
}

// saveRoom writes the room to the file that it came from, or to a new one.
func (s *State) saveRoom() {
	path := s.RoomEditor.Path
	if path == "" {
		var err error
		if path, err = s.free("room", ".json"); s.fail(err) {
			return
		}
	}
	if !s.fail(s.RoomEditor.Save(path)) {
		s.Say("saved " + path)
	}
}

// dropRoom opens a room from a file that was dropped on the window. It reports whether the file
// holds one.
func (s *State) dropRoom(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil || !isRoom(text) {
		return false
	}
	r, err := LoadRoom(path)
	if !s.fail(err) {
		s.Draw(r, "")
		s.Say("opened " + filepath.Base(path))
	}
	return true
}

// pressRoom takes what lies at a pixel of the editor.
func (s *State) pressRoom(x, y int) Grip {
	b := s.RoomEditor
	if k := b.view.at(x, y); k != nil {
		k.do(s)
		return GripButton
	}
	p, slack := b.view.world(x, y)
	if b.Press(p, slack) {
		return GripRoom
	}
	return GripView
}
