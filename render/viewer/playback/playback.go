// Package playback is the viewer without its window: what it shows, how that changes with keys,
// mouse and time, and how it looks. The window hands it input and puts its pixels on screen.
package playback

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A State is what the viewer shows: several episodes on one clock, or one of them alone. The
// zero value but for Players shows them all, at rest at their beginning.
type State struct {
	Players  []*replay.Player
	Playing  bool
	Solo     bool     // only the selected episode is shown
	Selected int      // index of Players
	Time     float64  // seconds since the episodes began
	Faster   int      // the speed is 2 to this power
	Zoom     int      // the view is smaller by 1.25 to this power
	Pan      geom.Vec // of the view, in widths and heights of it
	Dark     bool
	Help     bool
	Panel    bool // observation, action and facts of the selected episode
	Graph    bool // its return so far

	screen screen
}

const (
	rest      = 1 // seconds that the end stays before all begins again
	maxFaster = 5
	maxZoom   = 20
)

// Close closes the players.
func (s *State) Close() error { return closeAll(s.Players) }

// Speed returns how much faster than real time the episodes play.
func (s *State) Speed() float64 { return math.Exp2(float64(s.Faster)) }

// Length returns the duration of the longest episode shown, in seconds.
func (s *State) Length() (longest float64) {
	for _, p := range s.visible() {
		longest = max(longest, float64(p.Len())*float64(p.Spec().Dt))
	}
	return longest
}

// visible returns the players that are shown.
func (s *State) visible() []*replay.Player {
	if s.Solo {
		return s.Players[s.Selected : s.Selected+1]
	}
	return s.Players
}

// Advance lets dt seconds pass on the wall clock.
func (s *State) Advance(dt float64) error {
	if s.Playing {
		s.Time += dt * s.Speed()
		if s.Time > s.Length()+rest*s.Speed() {
			s.Time = 0
		}
	}
	return s.seek()
}

// seek shows the moment s.Time.
func (s *State) seek() error {
	for _, p := range s.visible() {
		if err := p.Seek(int(s.Time/float64(p.Spec().Dt) + 0.5)); err != nil {
			return err
		}
	}
	return nil
}

// Scrub stops at a fraction of the length.
func (s *State) Scrub(fraction float64) {
	s.Playing = false
	s.Time = max(0, min(fraction, 1)) * s.Length()
}

// step stops, n steps of the selected episode from now.
func (s *State) step(n int) {
	s.Playing = false
	p := s.Players[s.Selected]
	dt := float64(p.Spec().Dt)
	at := int(min(s.Time, s.Length())/dt+0.5) + n
	s.Time = max(0, min(float64(at)*dt, s.Length()))
}

// choose selects an episode, counted around.
func (s *State) choose(i int) {
	n := len(s.Players)
	s.Selected = (i%n + n) % n
}

// A Key is something to press.
type Key struct {
	Name  string // as Ebitengine calls it
	Shown string // in the help
	Doc   string
	Do    func(s *State)
	Again bool // it repeats while it is held
}

// Keys are all keys of the viewer; the help lists them.
var Keys = []Key{
	{"Space", "space", "play or pause", func(s *State) { s.Playing = !s.Playing }, false},
	{"ArrowRight", "\u2192", "one step on", func(s *State) { s.step(1) }, true},
	{"ArrowLeft", "\u2190", "one step back", func(s *State) { s.step(-1) }, true},
	{"PageDown", "page down", "25 steps on", func(s *State) { s.step(25) }, true},
	{"PageUp", "page up", "25 steps back", func(s *State) { s.step(-25) }, true},
	{"Home", "home", "to the beginning", func(s *State) { s.Time = 0 }, false},
	{"End", "end", "to the end", func(s *State) { s.Scrub(1) }, false},
	{"ArrowUp", "\u2191", "twice as fast", func(s *State) { s.Faster = min(s.Faster+1, maxFaster) }, false},
	{"ArrowDown", "\u2193", "half as fast", func(s *State) { s.Faster = max(s.Faster-1, -maxFaster) }, false},
	{"N", "n", "next episode", func(s *State) { s.choose(s.Selected + 1) }, true},
	{"P", "p", "previous episode", func(s *State) { s.choose(s.Selected - 1) }, true},
	{"Enter", "enter", "one episode, or all", func(s *State) { s.Solo = !s.Solo }, false},
	{"Equal", "+", "closer; also the mouse wheel", func(s *State) { s.zoom(1) }, true},
	{"Minus", "\u2212", "further", func(s *State) { s.zoom(-1) }, true},
	{"F", "f", "fit the view; drag to move it", func(s *State) { s.Zoom, s.Pan = 0, geom.Vec{} }, false},
	{"O", "o", "observation, action and facts", func(s *State) { s.Panel = !s.Panel }, false},
	{"R", "r", "return so far", func(s *State) { s.Graph = !s.Graph }, false},
	{"T", "t", "light or dark", func(s *State) { s.Dark = !s.Dark }, false},
	{"H", "h", "this help", func(s *State) { s.Help = !s.Help }, false},
}

// Press does what the named key does, if it does anything.
func (s *State) Press(name string) {
	for i := range Keys {
		if Keys[i].Name == name {
			Keys[i].Do(s)
		}
	}
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

// Click does what a click at a pixel does: on the bar it goes to that moment, on an episode
// among several it selects it, and shows it alone if it was selected.
func (s *State) Click(x, y int) {
	if f, ok := s.screen.onBar(x, y); ok {
		s.Scrub(f)
		return
	}
	i, ok := s.screen.at(x, y)
	if s.Solo || !ok || i >= len(s.Players) {
		return
	}
	s.Solo = i == s.Selected
	s.Selected = i
}

// OnBar reports whether a pixel lies on the bar, and at which fraction of it.
func (s *State) OnBar(x, y int) (fraction float64, ok bool) { return s.screen.onBar(x, y) }

// frame changes the view of l as zoom and pan ask for.
func (s *State) frame(l *scene.List) {
	lo, hi := l.Bounds()
	size := hi.Sub(lo)
	scale := float32(math.Pow(1.25, -float64(s.Zoom)))
	mid := geom.Vec{X: (lo.X + hi.X) / 2, Y: (lo.Y + hi.Y) / 2}
	mid = mid.Add(geom.Vec{X: s.Pan.X * size.X * scale, Y: s.Pan.Y * size.Y * scale})
	half := size.Mul(scale / 2)
	l.View(mid.Sub(half), mid.Add(half))
}
