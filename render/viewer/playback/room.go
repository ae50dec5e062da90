package playback

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
)

// A RoomEditor is where a room of the sandbox is drawn. It is a plain value: keys and
// the mouse change it, and paint shows it.
type RoomEditor struct {
	Room   *sandbox.Room
	Err    error    // why the room cannot be played
	Doubts []string // what is likely to be a mistake in one that can
	Miss   error    // why the last thing that the mouse or a key did had no effect
	Tool   Tool
	Role   env.Role // of what is drawn next
	Static bool     // what is drawn next
	Free   bool     // points do not snap to the grid
	Picked Pick
	Path   string // where the room was last saved, or loaded from

	undo, redo []*sandbox.Room
	saved      *sandbox.Room
	draws      uint64 // of chance
	drag       drag
	corners    []geom.Vec // of a polygon in the making
	view       roomView
}

// A Tool is what the mouse does on a RoomEditor.
type Tool uint8

const (
	Pointer Tool = iota // picks, moves, and through handles turns and scales
	Box
	Ball
	Bar
	Corners // a polygon, corner by corner
	Hinge
	Slider
	Glue
	Rod
	Jet
	Region
	Eye // a ray
	toolCount
)

var toolNames = [toolCount]string{"select", "box", "ball", "bar", "polygon", "hinge", "slider", "weld", "rod", "thruster", "goal region", "ray"}

// String returns the name of t.
func (t Tool) String() string { return toolNames[t] }

// A Pick is what is selected on a RoomEditor.
type Pick struct {
	Kind  PickKind
	Index int
}

// PickKind says which list of a room the index of a Pick counts in.
type PickKind uint8

const (
	PickNone PickKind = iota
	PickBody
	PickJoint
	PickThruster
	PickRegion
	PickRay
)

// A drag is what the mouse does between a press and its release.
type drag struct {
	kind     dragKind
	from, at geom.Vec
	slack    float32 // m within which the mouse has not moved
	moved    bool    // further than that, at some time
	before   *sandbox.Room
}

type dragKind uint8

const (
	dragNone dragKind = iota
	dragDraw
	dragMove
	dragTurn
	dragScale
)

const (
	gridSize  = 0.05 // m
	mostUndo  = 200
	thinnest  = 0.03 // m, of what is drawn
	barRadius = 0.08
)

var drawnRoles = []env.Role{env.RoleObject, env.RoleAgent, env.RoleLimb, env.RoleGoal, env.RoleHazard, env.RoleGround}

const roomPurpose = 0x62656e63

// NewRoomEditor returns an editor of a copy of a room.
func NewRoomEditor(r *sandbox.Room) *RoomEditor {
	b := &RoomEditor{Room: r.Clone(), Role: env.RoleObject}
	b.saved = b.Room.Clone()
	b.check()
	return b
}

// Dirty reports whether the room has changed since it was saved.
func (e *RoomEditor) Dirty() bool { return !reflect.DeepEqual(e.Room, e.saved) }

func (e *RoomEditor) check() {
	e.Doubts = nil
	if e.Err = e.Room.Validate(); e.Err == nil {
		e.Doubts = e.Room.Doubts()
	}
	n := [...]int{PickNone: 0, PickBody: len(e.Room.Bodies), PickJoint: len(e.Room.Joints),
		PickThruster: len(e.Room.Thrusters), PickRegion: len(e.Room.Goals), PickRay: len(e.Room.Rays)}[e.Picked.Kind]
	if e.Picked.Index >= n {
		e.Picked = Pick{}
	}
}

// change makes a change that can be undone.
func (e *RoomEditor) change(f func(r *sandbox.Room)) {
	before := e.Room.Clone()
	f(e.Room)
	e.changed(before)
}

// changed notes a change that has been made since the room was as before.
func (e *RoomEditor) changed(before *sandbox.Room) {
	if !reflect.DeepEqual(before, e.Room) {
		e.undo = append(e.undo, before)
		if len(e.undo) > mostUndo {
			e.undo = e.undo[1:]
		}
		e.redo = nil
	}
	e.check()
}

// Undo takes the last change back. It reports whether there was one.
func (e *RoomEditor) Undo() bool { return e.swap(&e.undo, &e.redo) }

// Redo makes a change again that was taken back.
func (e *RoomEditor) Redo() bool { return e.swap(&e.redo, &e.undo) }

func (e *RoomEditor) swap(from, to *[]*sandbox.Room) bool {
	n := len(*from)
	if n == 0 {
		return false
	}
	*to = append(*to, e.Room)
	e.Room = (*from)[n-1]
	*from = (*from)[:n-1]
	e.corners = nil
	e.check()
	return true
}

// Remove removes what is picked.
func (e *RoomEditor) Remove() {
	if e.corners != nil {
		e.corners = nil
		return
	}
	p := e.Picked
	e.change(func(r *sandbox.Room) {
		switch p.Kind {
		case PickBody:
			r.Remove(p.Index)
		case PickJoint:
			r.RemoveJoint(p.Index)
		case PickThruster:
			r.RemoveThruster(p.Index)
		case PickRegion:
			r.RemoveGoal(p.Index)
		case PickRay:
			r.Rays = slices.Delete(r.Rays, p.Index, p.Index+1)
		}
	})
	e.Picked = Pick{}
}

// Nudge moves what is picked by steps of the grid.
func (e *RoomEditor) Nudge(x, y float32) {
	e.change(func(*sandbox.Room) { e.shift(geom.Vec{X: x, Y: y}.Mul(gridSize)) })
}

// onBody makes a change to the body that is picked.
func (e *RoomEditor) onBody(f func(r *sandbox.Room, i int)) {
	if e.Picked.Kind == PickBody {
		e.change(func(r *sandbox.Room) { f(r, e.Picked.Index) })
	}
}

// Duplicate copies the body that is picked, without its joints, beside it.
func (e *RoomEditor) Duplicate() {
	e.onBody(func(r *sandbox.Room, i int) {
		o := r.Clone().Bodies[i]
		lo, hi := outline(&o)
		o.Position = e.snap(o.Position.Add(geom.Vec{X: hi.X - lo.X + gridSize}))
		o.Name = ""
		e.Picked.Index = r.Add(o)
	})
}

// NextRole gives the body that is picked, or else what is drawn next, another role.
func (e *RoomEditor) NextRole() {
	if e.Picked.Kind != PickBody {
		e.Role = after(drawnRoles, e.Role)
		return
	}
	e.onBody(func(r *sandbox.Room, i int) { r.SetRole(i, after(drawnRoles, r.Bodies[i].Role)) })
}

// after returns the element behind v, counted around; the first if v is none.
func after[T comparable](list []T, v T) T { return list[(slices.Index(list, v)+1)%len(list)] }

// ToggleStatic fixes the body that is picked, or lets it go; or else what is drawn next.
func (e *RoomEditor) ToggleStatic() {
	if e.Picked.Kind != PickBody {
		e.Static = !e.Static
		return
	}
	e.onBody(func(r *sandbox.Room, i int) {
		if !r.ToggleStatic(i) {
			e.Miss = errors.New("lines cannot move")
		}
	})
}

// ToggleMotor gives the joint that is picked a motor, or takes it away.
func (e *RoomEditor) ToggleMotor() {
	if e.Picked.Kind != PickJoint {
		return
	}
	ok := true
	e.change(func(r *sandbox.Room) { ok = r.ToggleMotor(e.Picked.Index) })
	if !ok {
		e.Miss = errors.New("hinges and sliders have motors, welds and rods have not")
	}
}

// NextColumn binds the motor or thruster that is picked to another column of the action.
func (e *RoomEditor) NextColumn() {
	joint, thruster := e.device()
	if joint+thruster != "" {
		e.change(func(r *sandbox.Room) { r.Column(joint, thruster) })
	}
}

// device returns the name of the joint with a motor or of the thruster that is picked.
func (e *RoomEditor) device() (joint, thruster string) {
	switch e.Picked.Kind {
	case PickJoint:
		if j := &e.Room.Joints[e.Picked.Index]; j.Motor != nil {
			joint = j.Name
		}
	case PickThruster:
		thruster = e.Room.Thrusters[e.Picked.Index].Name
	}
	return joint, thruster
}

// Mutate changes the room by chance.
func (e *RoomEditor) Mutate() {
	if e.Err != nil {
		e.Miss = errors.New("what cannot be played cannot be mutated")
		return
	}
	e.draws++
	e.replace(e.Room.Mutate(rng.New(roomPurpose).Fold(e.draws)))
}

// Generate draws another room.
func (e *RoomEditor) Generate() {
	e.draws++
	e.replace(sandbox.Generate(rng.New(roomPurpose + 1).Fold(e.draws)))
}

func (e *RoomEditor) replace(r *sandbox.Room) {
	e.Picked = Pick{}
	e.change(func(dst *sandbox.Room) { *dst = *r })
}

// Save writes the room to a file.
func (e *RoomEditor) Save(path string) error {
	text, err := e.Room.Text()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	e.Path, e.saved = path, e.Room.Clone()
	return nil
}

// LoadRoom reads a room from a file. It need not be playable: it may be half-done.
func LoadRoom(path string) (*sandbox.Room, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &sandbox.Room{}
	if err := scene.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := r.Scene.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// isRoom reports whether a JSON text is meant to be a room, and not a level of parameters.
func isRoom(text []byte) bool { return strings.Contains(string(text), `"bodies"`) }

// subjects are what rules can be about.
func (e *RoomEditor) subjects() (names []string) {
	for _, role := range drawnRoles {
		if slices.ContainsFunc(e.Room.Bodies, func(o scene.Body) bool { return o.Role == role }) {
			names = append(names, "@"+role.String())
		}
	}
	for i := range e.Room.Bodies {
		names = append(names, e.Room.Bodies[i].Name)
	}
	return names
}

func (e *RoomEditor) regions() (names []string) {
	for i := range e.Room.Goals {
		names = append(names, e.Room.Goals[i].Name)
	}
	return names
}

// nextWhen gives a rule another predicate, with something to compare with.
func (e *RoomEditor) nextWhen(u *sandbox.Rule) {
	whens := []sandbox.When{sandbox.Touch, sandbox.Inside, sandbox.Outside, sandbox.Above, sandbox.Below, sandbox.Faster}
	if len(e.Room.Goals) == 0 {
		whens = slices.Delete(whens, 1, 2)
	}
	u.When, u.B, u.Value = after(whens, u.When), "", 0
	switch u.When {
	case sandbox.Touch:
		u.B = e.subjects()[0]
	case sandbox.Inside:
		u.B = e.regions()[0]
	case sandbox.Above, sandbox.Faster:
		u.Value = 1
	}
}

// AddRule adds a rule that wins, to be changed.
func (e *RoomEditor) AddRule() {
	if names := e.subjects(); len(names) > 0 && len(e.Room.Rules) < sandbox.MostRules {
		e.change(func(r *sandbox.Room) {
			r.Rules = append(r.Rules, sandbox.Rule{When: sandbox.Touch, A: names[0], B: names[len(names)-1], Then: sandbox.Win})
		})
	}
}
