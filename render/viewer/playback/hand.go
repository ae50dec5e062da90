package playback

import (
	"fmt"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/render/replay"
)

// Controls are what the user's hands are doing.
type Controls struct {
	Axes   [4]float32 // -1 to 1: right and up, of arrows, stick or mouse; and two more
	Number int        // of the choice that is held, from 0; -1 for none
}

// Rest is no hands at all.
var Rest = Controls{Number: -1}

// A Hand is a Driver that does what the user does, for the first agent of a world.
type Hand struct {
	spec   *env.Spec
	others replay.Driver // who moves further agents; nil leaves them at rest
	act    []float32
}

// NewHand returns a hand at rest.
func NewHand(s *env.Spec, others replay.Driver) *Hand {
	h := &Hand{spec: s, others: others, act: make([]float32, env.Width(s.Act))}
	h.Set(Rest)
	return h
}

// Act fills in the action of the last Set.
func (h *Hand) Act(b *env.Batch, k rng.Key, explore bool) {
	clear(b.Act)
	if h.others != nil && h.spec.Agents > 1 {
		h.others.Act(b, k, explore)
	}
	copy(b.Act, h.act)
}

// A choice of a discrete action by axes: what left, right, down, up and nothing mean; -1 for
// nothing new.
type compass struct{ left, right, down, up, rest float32 }

// compasses are for environments whose choices are directions.
var compasses = map[string]compass{
	"lander-v0":   {left: 1, right: 3, down: 0, up: 2, rest: 0},
	"cartpole-v0": {left: 0, right: 1, down: -1, up: -1, rest: -1},
}

// Set makes the hand do what the controls ask for.
func (h *Hand) Set(c Controls) {
	if h.spec.Discrete() {
		h.choose(c)
		return
	}
	col, axis := 0, 0
	for _, f := range h.spec.Act {
		for range f.Len {
			v := float32(0)
			if axis < len(c.Axes) {
				v = c.Axes[axis]
			}
			// The names that tasks give to actions say which way they turn.
			switch {
			case f.Name == "main":
				v = 2*max(c.Axes[1], 0) - 1
			case f.Name == "side":
				v = c.Axes[0]
			case strings.Contains(f.Name, "torque") && len(h.act) == 1:
				v = -v // counter-clockwise is positive
			}
			h.act[col] = (f.Lo+f.Hi)/2 + v*(f.Hi-f.Lo)/2
			col++
			axis++
		}
	}
}

func (h *Hand) choose(c Controls) {
	most := h.spec.Act[0].Choices
	if c.Number >= 0 && c.Number < most {
		h.act[0] = float32(c.Number)
		return
	}
	way, ok := compasses[h.spec.ID]
	if !ok {
		way = compass{left: 0, right: float32(min(1, most-1)), down: float32(min(2, most-1)), up: float32(min(3, most-1)), rest: -1}
	}
	v := way.rest
	switch {
	case c.Axes[1] > 0.5:
		v = way.up
	case c.Axes[0] < -0.5:
		v = way.left
	case c.Axes[0] > 0.5:
		v = way.right
	case c.Axes[1] < -0.5:
		v = way.down
	}
	if v >= 0 {
		h.act[0] = v
	}
}

// Help says how to play.
func (h *Hand) Help() string {
	if h.spec.Discrete() {
		return fmt.Sprintf("arrows, or numbers 0 to %d", h.spec.Act[0].Choices-1)
	}
	switch n := len(h.act); {
	case n == 1:
		return "left and right arrow"
	case n == 2:
		return "arrows, or the right mouse button"
	}
	return "arrows, and a d , . for further actions"
}

// controlKeys are the keys that play, and the axis and the direction that they stand for.
var controlKeys = map[string]struct {
	axis int
	way  float32
}{
	"ArrowLeft": {0, -1}, "ArrowRight": {0, 1}, "ArrowDown": {1, -1}, "ArrowUp": {1, 1},
	"A": {2, -1}, "D": {2, 1}, "Comma": {3, -1}, "Period": {3, 1},
}

// number returns the number on a key, or -1.
func number(key string) int {
	if rest, ok := strings.CutPrefix(key, "Digit"); ok && len(rest) == 1 {
		return int(rest[0] - '0')
	}
	return -1
}

// Hold tells what is held: keys, and what sticks and mouse add. It reports whether the user plays,
// in which case those keys mean nothing else.
func (s *State) Hold(keys []string, more Controls) bool {
	h := s.hand()
	if h == nil {
		return false
	}
	c := more
	used := c != Rest
	for _, key := range keys {
		if k, ok := controlKeys[key]; ok {
			c.Axes[k.axis] = max(-1, min(c.Axes[k.axis]+k.way, 1))
			used = true
		} else if n := number(key); n >= 0 && h.spec.Discrete() {
			c.Number, used = n, true
		}
	}
	h.Set(c)
	if used && !s.Playing && s.waits {
		s.Playing, s.waits = true, false
	}
	return true
}

// plays reports whether a key is one of those that the hand uses now.
func (s *State) plays(key string) bool {
	h := s.hand()
	if h == nil {
		return false
	}
	_, ok := controlKeys[key]
	return ok || number(key) >= 0 && h.spec.Discrete()
}

// hand returns the hand that the keys steer, or nil. While a level is open they belong to it.
func (s *State) hand() *Hand {
	if t := s.selected(); t != nil && s.Editor == nil && s.Labels == nil && s.RoomEditor == nil {
		return t.hand()
	}
	return nil
}
