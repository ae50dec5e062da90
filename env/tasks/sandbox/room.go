package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// Limits of what a Room may hold, beside those of a Scene: what an observation has room for.
const (
	MostBodies   = 16 // of all kinds
	MostControls = 6  // columns of the action
	MostRays     = 8
	MostGoals    = 4 // regions
	MostRules    = 8
)

// A Room is a level of the sandbox: a scene, what the agent controls in it, and what it is to
// achieve. Its JSON form is that of the scene with two more keys.
type Room struct {
	scene.Scene
	Controls []Control `json:"controls,omitempty"` // none: every motor and thruster has a column of its own, in order
	Rules    []Rule    `json:"rules"`
}

// A Control says what a column of the action drives: a motor, towards its speed times the
// action, or a thruster, whose throttle is the action where that is above 0. Several things may
// have the same column.
type Control struct {
	Column   int    `json:"column"`
	Joint    string `json:"joint,omitempty"`    // one with a motor
	Thruster string `json:"thruster,omitempty"` // or this
	Reverse  bool   `json:"reverse,omitempty"`  // the action is negated
}

// A Rule is a goal predicate: something that holds at a moment, or does not. The room is won when
// all rules that win hold at once, and lost as soon as one that loses does. Others are measured,
// for rewards of one's own.
type Rule struct {
	When  When    `json:"when"`
	A     string  `json:"a"`               // the name of a body, or @ and a role: any body of it
	B     string  `json:"b,omitempty"`     // touch: as A; inside: the name of a goal region
	Value float32 `json:"value,omitempty"` // above, below: m; faster: m/s
	Hold  float32 `json:"hold,omitempty"`  // s for which it has to hold without a break
	Then  Then    `json:"then,omitempty"`
}

// When says what a Rule is about.
type When string

const (
	Touch   When = "touch"   // a body of A touches one of B
	Inside  When = "inside"  // the centre of mass of a body of A is in the region B
	Outside When = "outside" // that of a body of A has left what the room shows
	Above   When = "above"   // that of a body of A is higher than Value
	Below   When = "below"   // lower than Value
	Faster  When = "faster"  // it moves faster than Value
)

var whens = []string{string(Touch), string(Inside), string(Outside), string(Above), string(Below), string(Faster)}

// Then says what follows from a Rule.
type Then string

const (
	Measure Then = "" // nothing
	Win     Then = "win"
	Lose    Then = "lose"
)

// Decode reads a room from JSON and validates it. Unknown keys are refused.
func Decode(data []byte) (*Room, error) {
	r := &Room{}
	if err := scene.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("room: %w", err)
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("room: %w", err)
	}
	return r, nil
}

// Text returns the JSON form of r, for people to read.
func (r *Room) Text() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, fmt.Errorf("room %s: %w", r.Name, err)
	}
	return append(shorten(text), '\n'), nil
}

// shorten puts lists of numbers, and lists of those, on one line.
func shorten(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if text[i] != '[' {
			out = append(out, text[i])
			i++
			continue
		}
		end := i
		for depth := 0; end < len(text); end++ {
			switch c := text[end]; {
			case c == '[':
				depth++
			case c == ']':
				depth--
			case !strings.ContainsRune("0123456789+-.eE, \n", rune(c)):
				depth = -1
			}
			if depth <= 0 {
				break
			}
		}
		if end == len(text) || text[end] != ']' {
			out = append(out, '[')
			i++
			continue
		}
		for _, c := range text[i : end+1] {
			if c == ',' {
				out = append(out, ',', ' ')
			} else if c != ' ' && c != '\n' {
				out = append(out, c)
			}
		}
		i = end + 1
	}
	return out
}

// Clone returns a deep copy of r.
func (r *Room) Clone() *Room {
	c := *r
	c.Scene = *r.Scene.Clone()
	c.Controls, c.Rules = slices.Clone(r.Controls), slices.Clone(r.Rules)
	return &c
}

// Validate reports the first thing wrong with r, naming the element.
func (r *Room) Validate() error {
	if err := r.Scene.Validate(); err != nil {
		return err
	}
	for _, c := range []struct {
		what       string
		have, most int
	}{
		{"bodies", len(r.Bodies), MostBodies}, {"rays", len(r.Rays), MostRays},
		{"goals", len(r.Goals), MostGoals}, {"rules", len(r.Rules), MostRules},
	} {
		if c.have > c.most {
			return fmt.Errorf("%s: there are %d, want at most %d", c.what, c.have, c.most)
		}
	}
	if err := r.validateControls(); err != nil {
		return err
	}
	wins := false
	for i := range r.Rules {
		if err := r.validateRule(&r.Rules[i]); err != nil {
			return fmt.Errorf("rules[%d]: %w", i, err)
		}
		wins = wins || r.Rules[i].Then == Win
	}
	if !wins {
		return fmt.Errorf("rules: none of them wins, so there is nothing to achieve")
	}
	return nil
}

func (r *Room) validateControls() error {
	for i, c := range r.Controls {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("controls[%d]%s", i, fmt.Sprintf(format, args...))
		}
		switch {
		case c.Column < 0 || c.Column >= MostControls:
			return fail(".column: is %d, want 0 to %d", c.Column, MostControls-1)
		case (c.Joint == "") == (c.Thruster == ""):
			return fail(": name a joint, or a thruster")
		case c.Thruster != "" && r.thruster(c.Thruster) < 0:
			return fail(".thruster: there is no thruster %q", c.Thruster)
		case c.Joint == "":
			continue
		}
		k := r.joint(c.Joint)
		if k < 0 {
			return fail(".joint: there is no joint %q", c.Joint)
		}
		if !motor(&r.Joints[k]) {
			return fail(".joint: joint %q has no motor with a speed", c.Joint)
		}
	}
	switch n := len(r.controls()); {
	case n == 0:
		return fmt.Errorf("controls: there is nothing to control: give a joint a motor, or a body a thruster")
	case len(r.Controls) == 0 && n > MostControls:
		return fmt.Errorf("controls: %d motors and thrusters are too many for %d columns: list controls that share some", n, MostControls)
	}
	return nil
}

// controls returns the controls of r, those that go without saying among them.
func (r *Room) controls() []Control {
	if len(r.Controls) > 0 {
		return r.Controls
	}
	var cs []Control
	for i := range r.Joints {
		if motor(&r.Joints[i]) {
			cs = append(cs, Control{Column: len(cs), Joint: r.Joints[i].Name})
		}
	}
	for i := range r.Thrusters {
		cs = append(cs, Control{Column: len(cs), Thruster: r.Thrusters[i].Name})
	}
	return cs
}

func motor(j *scene.Joint) bool { return j.Motor != nil && j.Motor.Speed != 0 }

func (r *Room) validateRule(u *Rule) error {
	if !slices.Contains(whens, string(u.When)) {
		return fmt.Errorf("unknown predicate %q%s", u.When, registry.Suggest(string(u.When), whens))
	}
	if u.Then != Measure && u.Then != Win && u.Then != Lose {
		return fmt.Errorf("then is %q, want %q, %q or nothing", u.Then, Win, Lose)
	}
	if err := r.validateSelector("a", u.A); err != nil {
		return err
	}
	switch u.When {
	case Touch:
		if err := r.validateSelector("b", u.B); err != nil {
			return err
		}
	case Inside:
		if r.goal(u.B) < 0 {
			return fmt.Errorf("b: there is no goal region %q", u.B)
		}
	default:
		if u.B != "" {
			return fmt.Errorf("b is %q: %q concerns one body", u.B, u.When)
		}
	}
	if !geom.Finite(u.Value) || !(u.Hold >= 0) || !geom.Finite(u.Hold) {
		return fmt.Errorf("value is %v and hold %v, want finite numbers, the latter from 0", u.Value, u.Hold)
	}
	return nil
}

func (r *Room) validateSelector(key, s string) error {
	if role, ok := strings.CutPrefix(s, "@"); ok {
		var want env.Role
		if err := want.UnmarshalText([]byte(role)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if len(r.selected(s)) == 0 {
			return fmt.Errorf("%s: no body has the role %q", key, role)
		}
		return nil
	}
	if len(r.selected(s)) == 0 {
		return fmt.Errorf("%s: there is no body %q; @agent means any body of that role", key, s)
	}
	return nil
}

// selected returns the bodies that a selector means.
func (r *Room) selected(s string) (bodies []int) {
	role, byRole := strings.CutPrefix(s, "@")
	for i := range r.Bodies {
		if b := &r.Bodies[i]; byRole && b.Role.String() == role || !byRole && b.Name == s {
			bodies = append(bodies, i)
		}
	}
	return bodies
}

// Body returns the index of the named body, or World.
func (r *Room) Body(name string) int {
	return slices.IndexFunc(r.Bodies, func(b scene.Body) bool { return b.Name == name })
}

func (r *Room) joint(name string) int {
	return slices.IndexFunc(r.Joints, func(j scene.Joint) bool { return j.Name == name })
}

func (r *Room) thruster(name string) int {
	return slices.IndexFunc(r.Thrusters, func(t scene.Thruster) bool { return t.Name == name })
}

func (r *Room) goal(name string) int {
	return slices.IndexFunc(r.Goals, func(g scene.Goal) bool { return g.Name == name })
}

// Bounds returns what the room shows: its view, or else a box around everything.
func (r *Room) Bounds() (lo, hi geom.Vec) {
	if r.View != nil {
		return r.View.Lo, r.View.Hi
	}
	inf := float32(math.Inf(1))
	lo, hi = geom.Vec{X: inf, Y: inf}, geom.Vec{X: -inf, Y: -inf}
	add := func(p geom.Vec, radius float32) {
		lo = geom.Vec{X: min(lo.X, p.X-radius), Y: min(lo.Y, p.Y-radius)}
		hi = geom.Vec{X: max(hi.X, p.X+radius), Y: max(hi.Y, p.Y+radius)}
	}
	for i := range r.Bodies {
		b := &r.Bodies[i]
		turn := geom.Rotation(b.Angle)
		for k := range b.Shapes {
			for _, p := range b.Shapes[k].Points {
				add(b.Position.Add(turn.Apply(p)), b.Shapes[k].Radius)
			}
		}
	}
	for i := range r.Grounds {
		for _, p := range r.Grounds[i].Points {
			add(p, 0)
		}
	}
	for i := range r.Goals {
		add(r.Goals[i].Centre, r.Goals[i].Radius)
	}
	if lo.X > hi.X {
		return geom.Vec{X: -1, Y: -1}, geom.Vec{X: 1, Y: 1}
	}
	margin := float32(0.1*max(hi.X-lo.X, hi.Y-lo.Y)) + 0.1
	return lo.Sub(geom.Vec{X: margin, Y: margin}), hi.Add(geom.Vec{X: margin, Y: margin})
}
