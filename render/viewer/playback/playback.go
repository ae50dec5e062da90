// Package playback is the viewer without its window: what it shows, how that changes with keys,
// mouse and time, and how it looks. The window hands it input and a [Surface] to draw on.
package playback

import (
	"errors"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// Most is the number of episodes that are shown at once.
const Most = 64

// A State is what the viewer shows: several episodes on one clock, or one of them alone. The
// zero value but for Tracks shows them all, at rest at their beginning.
type State struct {
	Settings
	Tracks     []*Track
	Drivers    []Driver // who may play on; the first one plays edited levels
	Driver     int      // index of Drivers: who plays on next
	Folder     string   // where episodes and levels are saved; "" is the current one
	Feed       *Feed    // of a run that goes on; may be nil
	Playing    bool
	Solo       bool     // only the selected episode is shown
	Beside     bool     // beside it those that began alike
	Selected   int      // index of Tracks
	Time       float64  // seconds since the episodes began
	Zoom       int      // the view is smaller by 1.25 to this power
	Pan        geom.Vec // of the view, in widths and heights of it
	Chase      bool     // the view moves with the agent
	Renew      bool     // episodes that have ended are followed by new ones
	Heat       bool     // places where agents have been
	Plane      *Plane   // where training was; may be nil
	Overlay    Overlay  // what of it is shown
	Help       bool
	Message    string // the last news
	Editor     *Editor
	RoomEditor *RoomEditor // the level editor, while it is open
	Map        *Map        // of a quality-diversity search; may be nil
	HideMap    bool
	Labels     *Labels // while pairs are compared
	Failed     bool    // Message is an error

	heat   heat
	since  float64     // seconds that Message has been shown
	waits  bool        // for the first key of a hand
	edited int         // index of the track that plays the edited level; 0 for none yet
	drawn  *Track      // which plays what was drawn
	parked *RoomEditor // the level editor, while what was drawn is played
	slide  int         // parameter being dragged, from 1
	kin    int         // largest number in use
	shown  []*Track
	screen screen
}

const (
	rest      = 1    // seconds that the end stays before all begins again
	longest   = 0.25 // seconds that a frame may last: a stall does not skip ahead
	newsTime  = 6    // seconds that a message is shown
	maxFaster = 5
	maxZoom   = 20
)

// New returns the state of a viewer that begins with the given tracks.
func New(s Settings, tracks []*Track) *State {
	st := &State{Settings: s, Tracks: tracks, Playing: true, Solo: len(tracks) == 1}
	for _, t := range tracks {
		st.kin = max(st.kin, t.Kin)
	}
	return st
}

// Close closes the tracks.
func (s *State) Close() (err error) {
	for _, t := range s.Tracks {
		err = errors.Join(err, t.Close())
	}
	if s.Labels != nil {
		err = errors.Join(err, s.Labels.log.Close())
	}
	return err
}

// selected returns the selected track, or nil if there is none.
func (s *State) selected() *Track {
	if s.Selected >= len(s.Tracks) {
		return nil
	}
	return s.Tracks[s.Selected]
}

// Say shows a message for a while.
func (s *State) Say(text string) { s.Message, s.since, s.Failed = text, 0, false }

// Restless reports whether the picture changes by itself.
func (s *State) Restless() bool {
	return s.Playing || s.Labels != nil || s.Message != "" && !s.Failed && s.since < newsTime+0.5
}

// fail shows err, if it is one, and reports whether it is.
func (s *State) fail(err error) bool {
	if err != nil {
		s.Say(err.Error())
		s.Failed = true
	}
	return err != nil
}

// Speed returns how much faster than real time the episodes play.
func (s *State) Speed() float64 { return math.Exp2(float64(s.Faster)) }

// Length returns the duration of the longest episode shown, in seconds, as far as it is known.
func (s *State) Length() (longest float64) {
	for _, t := range s.visible() {
		longest = max(longest, float64(t.Len())*float64(t.Spec().Dt))
	}
	return longest
}

// live reports whether an episode that is shown goes on.
func (s *State) live() bool {
	return slices.ContainsFunc(s.visible(), func(t *Track) bool { return t.Live() })
}

// visible returns the tracks that are shown. It is valid until the next call.
func (s *State) visible() []*Track {
	one := s.selected()
	switch {
	case s.Labels != nil:
		s.shown = append(s.shown[:0], s.Labels.pair[0].track, s.Labels.pair[1].track)
		return s.shown
	case one == nil || !s.Solo:
		return s.Tracks
	case s.Beside && one.Kin > 0:
		s.shown = s.shown[:0]
		for _, t := range s.Tracks {
			if t.Kin == one.Kin {
				s.shown = append(s.shown, t)
			}
		}
		return s.shown
	}
	return s.Tracks[s.Selected : s.Selected+1]
}

// Advance lets dt seconds pass on the wall clock. Once everything has been seen it does not
// allocate.
func (s *State) Advance(dt float64) {
	s.since += dt
	s.follow()
	if len(s.Tracks) == 0 || s.RoomEditor != nil {
		return
	}
	if s.Labels != nil {
		s.compare(dt)
		return
	}
	if s.Playing {
		s.Time += min(dt, longest) * s.Speed()
		if s.Time > s.Length()+rest*s.Speed() && !s.live() {
			s.Time = 0
			s.renew()
		}
	}
	s.seek()
}

// seek shows the moment s.Time.
func (s *State) seek() {
	for _, t := range s.visible() {
		if !s.show(t) {
			return
		}
	}
	if s.Solo && !s.NoGhosts {
		one := s.selected()
		for _, t := range s.Tracks {
			if t != one && t.Kin > 0 && t.Kin == one.Kin && !s.show(t) {
				return
			}
		}
	}
}

// show brings a track to the moment s.Time.
func (s *State) show(t *Track) bool {
	was, live := t.Step(), t.Live()
	step := int(s.Time/float64(t.Spec().Dt) + 0.5)
	if h, ok := t.Driver().(*Hand); ok && h != nil && !s.Playing {
		step = min(step, t.Len()) // a hand plays nothing while time stands still
	}
	var err error
	if s.Heat {
		for err == nil && t.Step() < step && (t.Live() || !t.AtEnd()) {
			err = t.Seek(t.Step() + 1)
			s.visit(t)
		}
	}
	if err == nil {
		err = t.Seek(step)
	}
	if s.fail(err) {
		s.Playing = false
		return false
	}
	if live && !t.Live() && t.Step() != was {
		s.ended(t)
	}
	return true
}

// renew begins new episodes where that is asked for.
func (s *State) renew() {
	if !s.Renew {
		return
	}
	for i, t := range s.Tracks {
		if t.Again == nil || t.Live() {
			continue
		}
		next, err := t.Again()
		if s.fail(err) {
			return
		}
		s.fail(t.Close())
		s.Tracks[i] = next
	}
}

// Scrub stops at a fraction of the length.
func (s *State) Scrub(fraction float64) {
	s.Playing = false
	s.Time = max(0, min(fraction, 1)) * s.Length()
}

// step stops, n steps of the selected episode from now.
func (s *State) step(n int) {
	s.Playing = false
	t := s.selected()
	dt := float64(t.Spec().Dt)
	most := s.Length()
	if s.live() {
		most = math.Inf(1)
	}
	at := int(min(s.Time, most)/dt+0.5) + n
	s.Time = max(0, min(float64(at)*dt, most))
}

// choose selects an episode, counted around.
func (s *State) choose(i int) {
	n := len(s.Tracks)
	s.Selected = (i%n + n) % n
}

func (s *State) zoom(by int) { s.Zoom = max(-maxZoom, min(s.Zoom+by, maxZoom)) }

// Wheel zooms by a turn of the mouse wheel.
func (s *State) Wheel(turn float64) {
	if turn != 0 {
		s.zoom(int(math.Copysign(1, turn)))
	}
}

// Drag moves the view by a number of pixels.
func (s *State) Drag(dx, dy int) {
	w, h := s.screen.cell.X, s.screen.cell.Y
	if w > 0 && h > 0 {
		s.Pan.X -= float32(dx) / float32(w)
		s.Pan.Y += float32(dy) / float32(h)
	}
}

// A Grip is what the mouse holds between a press and its release.
type Grip uint8

const (
	GripView   Grip = iota // moves the view, or selects if the mouse stays
	GripBar                // scrubs
	GripLevel              // changes a level
	GripMap                // nothing: the press has played an elite
	GripButton             // nothing: the press has done it
	GripRoom               // something of the level editor
)

// Press takes what lies at a pixel.
func (s *State) Press(x, y int) Grip {
	if s.RoomEditor != nil {
		return s.pressRoom(x, y)
	}
	if s.Map != nil && !s.HideMap {
		if i, ok := s.Map.nearest(x, y); ok {
			s.chooseElite(i)
			return GripMap
		}
	}
	if i, ok := s.screen.onSlider(x, y); ok && s.Editor != nil {
		s.slide = i + 1
		s.Editor.Row = i
		s.Move(GripLevel, x, y)
		return GripLevel
	}
	if _, ok := s.screen.onBar(x, y); ok {
		s.Move(GripBar, x, y)
		return GripBar
	}
	return GripView
}

// Move does what the mouse does at a pixel while it holds something.
func (s *State) Move(g Grip, x, y int) {
	switch g {
	case GripRoom:
		if s.RoomEditor != nil {
			p, _ := s.RoomEditor.view.world(x, y)
			s.RoomEditor.Move(p)
		}
	case GripBar:
		b := s.screen.bar
		s.Scrub(float64(x-b.Min.X) / float64(max(b.Dx()-1, 1)))
	case GripLevel:
		if i := s.slide - 1; s.Editor != nil && i >= 0 && i < len(s.Editor.Spec.Params) {
			b := s.screen.sliders[i]
			s.Editor.Slide(i, float32(x-b.Min.X)/float32(max(b.Dx()-1, 1)))
		}
	}
}

// Release lets go at a pixel. The mouse stayed where it was pressed, or not.
func (s *State) Release(g Grip, x, y int, stayed bool) {
	switch {
	case s.RoomEditor != nil:
		if p, _ := s.RoomEditor.view.world(x, y); g == GripRoom {
			s.RoomEditor.Release(p)
		}
	case g == GripLevel:
		s.slide = 0
		s.playEdited()
	case g == GripView && stayed:
		s.click(x, y)
	}
}

// click selects the episode at a pixel among several, and shows it alone if it was selected.
func (s *State) click(x, y int) {
	i, ok := s.screen.at(x, y)
	shown := s.visible()
	if !ok || i >= len(shown) || len(shown) == 1 {
		return
	}
	k := slices.Index(s.Tracks, shown[i])
	if s.Labels != nil {
		s.answer([2]float32{leftLabel, rightLabel}[i])
		return
	}
	if !s.Solo {
		s.Solo = k == s.Selected
	}
	s.Selected = k
}

// frame changes the view of l as zoom and pan ask for.
func (s *State) frame(l *scene.List) {
	lo, hi := l.Bounds()
	size := hi.Sub(lo)
	scale := float32(math.Pow(1.25, -float64(s.Zoom)))
	mid := geom.Vec{X: (lo.X + hi.X) / 2, Y: (lo.Y + hi.Y) / 2}
	if at, ok := place(l); ok && s.Chase {
		mid = at
	}
	mid = mid.Add(geom.Vec{X: s.Pan.X * size.X * scale, Y: s.Pan.Y * size.Y * scale})
	half := size.Mul(scale / 2)
	l.View(mid.Sub(half), mid.Add(half))
}

var _ replay.Driver = (*Hand)(nil)
