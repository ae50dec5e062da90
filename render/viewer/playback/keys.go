package playback

import "github.com/terrarium-rl/terrarium/env/geom"

// A Key is something to press.
type Key struct {
	Name  string // as Ebitengine calls it
	Shown string // in the help
	Doc   string
	Do    func(s *State)
	Again bool   // it repeats while it is held
	Level bool   // only while a level is open
	Label bool   // only while pairs are compared
	Room  bool   // only while a room is drawn
	Short string // on its button there, if it has one
}

// Keys are all keys of the viewer; the help lists them. Of two keys of one name that which holds
// only now and then comes first.
var Keys = []Key{
	{Name: "Space", Shown: "space", Doc: "play or pause", Do: func(s *State) { s.Playing = !s.Playing }},
	{Name: "ArrowRight", Shown: "\u2192", Doc: "one step on", Do: func(s *State) { s.step(1) }, Again: true},
	{Name: "ArrowLeft", Shown: "\u2190", Doc: "one step back", Do: func(s *State) { s.step(-1) }, Again: true},
	{Name: "PageDown", Shown: "page down", Doc: "25 steps on", Do: func(s *State) { s.step(25) }, Again: true},
	{Name: "PageUp", Shown: "page up", Doc: "25 steps back", Do: func(s *State) { s.step(-25) }, Again: true},
	{Name: "Home", Shown: "home", Doc: "to the beginning", Do: func(s *State) { s.Time = 0 }},
	{Name: "End", Shown: "end", Doc: "to the end", Do: func(s *State) { s.Scrub(1) }},
	{Name: "ArrowUp", Shown: "\u2191", Doc: "twice as fast", Do: func(s *State) { s.Faster = min(s.Faster+1, maxFaster) }},
	{Name: "ArrowDown", Shown: "\u2193", Doc: "half as fast", Do: func(s *State) { s.Faster = max(s.Faster-1, -maxFaster) }},
	{Name: "N", Shown: "n", Doc: "next episode", Do: func(s *State) { s.choose(s.Selected + 1) }, Again: true},
	{Name: "P", Shown: "p", Doc: "previous episode", Do: func(s *State) { s.choose(s.Selected - 1) }, Again: true},
	{Name: "Enter", Shown: "enter", Doc: "one episode, or all", Do: func(s *State) { s.Solo = !s.Solo }},
	{Name: "Y", Shown: "y", Doc: "those that began alike, side by side", Do: func(s *State) { s.Solo, s.Beside = true, !s.Beside }},
	{Name: "U", Shown: "u", Doc: "ghosts of those that began alike", Do: func(s *State) { s.NoGhosts = !s.NoGhosts }},
	{Name: "G", Shown: "g", Doc: "new episodes when these have ended", Do: (*State).again},
	{Name: "Equal", Shown: "+", Doc: "closer; also the mouse wheel", Do: func(s *State) { s.zoom(1) }, Again: true},
	{Name: "Minus", Shown: "\u2212", Doc: "further", Do: func(s *State) { s.zoom(-1) }, Again: true},
	{Name: "K", Shown: "k", Doc: "keep the agent in the middle", Do: func(s *State) { s.Chase = !s.Chase }},
	{Name: "F", Shown: "f", Doc: "fit the view; drag to move it", Do: func(s *State) { s.Zoom, s.Pan, s.Chase = 0, geom.Vec{}, false }},
	{Name: "Digit1", Shown: "1", Doc: "contacts", Do: func(s *State) { s.Contacts = !s.Contacts }},
	{Name: "Digit2", Shown: "2", Doc: "joints", Do: func(s *State) { s.Joints = !s.Joints }},
	{Name: "Digit3", Shown: "3", Doc: "forces", Do: func(s *State) { s.Forces = !s.Forces }},
	{Name: "Digit4", Shown: "4", Doc: "rays", Do: func(s *State) { s.NoRays = !s.NoRays }},
	{Name: "Digit5", Shown: "5", Doc: "map of training: visits, bonus", Do: (*State).nextOverlay},
	{Name: "O", Shown: "o", Doc: "observation, action and facts", Do: func(s *State) { s.Panel = !s.Panel }},
	{Name: "R", Shown: "r", Doc: "return so far", Do: func(s *State) { s.Graph = !s.Graph }},
	{Name: "I", Shown: "i", Doc: "terms of the reward", Do: func(s *State) { s.Terms = !s.Terms }},
	{Name: "J", Shown: "j", Doc: "value and entropy of the policy", Do: func(s *State) { s.Judged = !s.Judged }},
	{Name: "M", Shown: "m", Doc: "map of places visited", Do: (*State).warm},
	{Name: "B", Shown: "b", Doc: "branch: play on by hand", Do: (*State).takeOver},
	{Name: "V", Shown: "v", Doc: "branch: a policy plays on", Do: (*State).letOn},
	{Name: "C", Shown: "c", Doc: "choose that policy", Do: (*State).nextDriver},
	{Name: "X", Shown: "x", Doc: "remove a branch", Do: (*State).prune},
	{Name: "S", Shown: "s", Doc: "save the episode", Do: func(s *State) { s.selected().saved = false; s.save(s.selected()) }},
	{Name: "L", Shown: "l", Doc: "level: its parameters and seed", Do: (*State).edit},
	{Name: "E", Shown: "e", Doc: "map of elites; a click plays one", Do: (*State).toggleMap},
	{Name: "W", Shown: "w", Doc: "which is better? label pairs", Do: (*State).label},
	{Name: "T", Shown: "t", Doc: "light or dark", Do: func(s *State) { s.Dark = !s.Dark }},
	{Name: "H", Shown: "h", Doc: "this help", Do: func(s *State) { s.Help = !s.Help }},

	{Name: "ArrowDown", Shown: "\u2193", Doc: "next parameter", Do: func(s *State) { s.Editor.Select(1) }, Again: true, Level: true},
	{Name: "ArrowUp", Shown: "\u2191", Doc: "previous parameter", Do: func(s *State) { s.Editor.Select(-1) }, Again: true, Level: true},
	{Name: "ArrowRight", Shown: "\u2192", Doc: "more; or drag the slider", Do: func(s *State) { s.Editor.Nudge(1); s.playEdited() }, Again: true, Level: true},
	{Name: "ArrowLeft", Shown: "\u2190", Doc: "less", Do: func(s *State) { s.Editor.Nudge(-1); s.playEdited() }, Again: true, Level: true},
	{Name: "M", Shown: "m", Doc: "mutate", Do: func(s *State) { s.Editor.Mutate(); s.playEdited() }, Level: true},
	{Name: "N", Shown: "n", Doc: "another seed", Do: func(s *State) { s.Editor.Reseed(); s.playEdited() }, Level: true},
	{Name: "G", Shown: "g", Doc: "generate another level", Do: func(s *State) { s.Editor.Generate(); s.playEdited() }, Level: true},
	{Name: "Enter", Shown: "enter", Doc: "play it", Do: func(s *State) { s.playEdited() }, Level: true},
	{Name: "S", Shown: "s", Doc: "save it as JSON; drop a file to load", Do: (*State).saveLevel, Level: true},

	{Name: "ArrowLeft", Shown: "\u2190", Doc: "the left one is better; or click it", Do: func(s *State) { s.answer(leftLabel) }, Label: true},
	{Name: "ArrowRight", Shown: "\u2192", Doc: "the right one is better", Do: func(s *State) { s.answer(rightLabel) }, Label: true},
	{Name: "ArrowDown", Shown: "\u2193", Doc: "both are as good", Do: func(s *State) { s.answer(tieLabel) }, Label: true},
	{Name: "ArrowUp", Shown: "\u2191", Doc: "skip the pair", Do: (*State).ask, Label: true},

	{Name: "Enter", Shown: "enter", Doc: "play it by hand; l comes back", Short: "play", Do: func(s *State) { s.playRoom(true) }, Room: true},
	{Name: "P", Shown: "p", Doc: "a policy plays it", Short: "watch", Do: func(s *State) { s.playRoom(false) }, Room: true},
	{Name: "Z", Shown: "z", Doc: "undo", Short: "undo", Do: func(s *State) { s.RoomEditor.Undo() }, Again: true, Room: true},
	{Name: "Y", Shown: "y", Doc: "redo", Short: "redo", Do: func(s *State) { s.RoomEditor.Redo() }, Again: true, Room: true},
	{Name: "M", Shown: "m", Doc: "mutate", Short: "mutate", Do: func(s *State) { s.RoomEditor.Mutate() }, Room: true},
	{Name: "G", Shown: "g", Doc: "generate another room", Short: "generate", Do: func(s *State) { s.RoomEditor.Generate() }, Room: true},
	{Name: "S", Shown: "s", Doc: "save it as JSON; drop a file to load", Short: "save", Do: (*State).saveRoom, Room: true},
	{Name: "L", Shown: "l", Doc: "leave", Short: "leave", Do: (*State).leaveRoom, Room: true},
	{Name: "Delete", Shown: "delete", Doc: "remove what is selected", Do: func(s *State) { s.RoomEditor.Remove() }, Room: true},
	{Name: "Backspace", Do: func(s *State) { s.RoomEditor.Remove() }, Room: true},
	{Name: "D", Shown: "d", Doc: "duplicate it", Do: func(s *State) { s.RoomEditor.Duplicate() }, Room: true},
	{Name: "R", Shown: "r", Doc: "another role", Do: func(s *State) { s.RoomEditor.NextRole() }, Room: true},
	{Name: "X", Shown: "x", Doc: "fixed, or it can move", Do: func(s *State) { s.RoomEditor.ToggleStatic() }, Room: true},
	{Name: "O", Shown: "o", Doc: "motor of a hinge or slider", Do: func(s *State) { s.RoomEditor.ToggleMotor() }, Room: true},
	{Name: "K", Shown: "k", Doc: "column of the action that drives it", Do: func(s *State) { s.RoomEditor.NextColumn() }, Room: true},
	{Name: "ArrowLeft", Do: func(s *State) { s.RoomEditor.Nudge(-1, 0) }, Again: true, Room: true},
	{Name: "ArrowRight", Shown: "arrows", Doc: "move what is selected", Do: func(s *State) { s.RoomEditor.Nudge(1, 0) }, Again: true, Room: true},
	{Name: "ArrowUp", Do: func(s *State) { s.RoomEditor.Nudge(0, 1) }, Again: true, Room: true},
	{Name: "ArrowDown", Do: func(s *State) { s.RoomEditor.Nudge(0, -1) }, Again: true, Room: true},
}

// whileDrawing are the keys that keep their meaning while a room is drawn.
var whileDrawing = map[string]bool{"T": true, "H": true, "Equal": true, "Minus": true, "F": true}

// whileLabelling are the keys that keep their meaning while pairs are compared.
var whileLabelling = map[string]bool{"W": true, "T": true, "H": true, "Space": true, "Equal": true, "Minus": true, "F": true, "K": true}

// find returns the key of a name that has a meaning now, or nil.
func (s *State) find(name string) (found *Key) {
	for i := range Keys {
		k := &Keys[i]
		if k.Name != name || k.Level && s.Editor == nil || k.Label && s.Labels == nil || k.Room && s.RoomEditor == nil {
			continue
		}
		if s.RoomEditor != nil && !k.Room && (k.Level || k.Label || !whileDrawing[name]) {
			continue
		}
		if s.Labels != nil && !k.Label && !whileLabelling[name] {
			continue
		}
		if found == nil || k.Level || k.Label || k.Room {
			found = k
		}
	}
	return found
}

// Key does what the named key does, if it does anything. While it is held it comes again.
func (s *State) Key(name string, again bool) {
	if n := number(name); n >= 0 && s.RoomEditor != nil && !again {
		s.RoomEditor.Tool, s.RoomEditor.corners = Tool((n+9)%10), nil
		return
	}
	if s.RoomEditor == nil && len(s.Tracks) == 0 {
		return
	}
	k := s.find(name)
	if k == nil || again && !k.Again || s.plays(name) {
		return
	}
	k.Do(s)
}

func (s *State) again() {
	s.Renew = !s.Renew
	if s.Renew {
		s.Say("new episodes follow")
		return
	}
	s.Say("these episodes again and again")
}

func (s *State) toggleMap() {
	s.HideMap = !s.HideMap
	if s.Map == nil {
		s.Say("only quality-diversity runs have a map of elites")
	}
}
