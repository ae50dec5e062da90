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

// A Bench is where a room of the sandbox is drawn: the level editor. It is a plain value: keys and
// the mouse change it, and paint shows it.
type Bench struct {
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
	view       benchView
}

// A Tool is what the mouse does on a Bench.
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

// A Pick is what is selected on a Bench.
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

var benchRoles = []env.Role{env.RoleObject, env.RoleAgent, env.RoleLimb, env.RoleGoal, env.RoleHazard, env.RoleGround}

const benchPurpose = 0x62656e63

// NewBench returns a bench with a copy of a room.
func NewBench(r *sandbox.Room) *Bench {
	b := &Bench{Room: r.Clone(), Role: env.RoleObject}
	b.saved = b.Room.Clone()
	b.check()
	return b
}

// Dirty reports whether the room has changed since it was saved.
func (b *Bench) Dirty() bool { return !reflect.DeepEqual(b.Room, b.saved) }

func (b *Bench) check() {
	b.Doubts = nil
	if b.Err = b.Room.Validate(); b.Err == nil {
		b.Doubts = b.Room.Doubts()
	}
	n := [...]int{PickNone: 0, PickBody: len(b.Room.Bodies), PickJoint: len(b.Room.Joints),
		PickThruster: len(b.Room.Thrusters), PickRegion: len(b.Room.Goals), PickRay: len(b.Room.Rays)}[b.Picked.Kind]
	if b.Picked.Index >= n {
		b.Picked = Pick{}
	}
}

// change makes a change that can be undone.
func (b *Bench) change(f func(r *sandbox.Room)) {
	before := b.Room.Clone()
	f(b.Room)
	b.changed(before)
}

// changed notes a change that has been made since the room was as before.
func (b *Bench) changed(before *sandbox.Room) {
	if !reflect.DeepEqual(before, b.Room) {
		b.undo = append(b.undo, before)
		if len(b.undo) > mostUndo {
			b.undo = b.undo[1:]
		}
		b.redo = nil
	}
	b.check()
}

// Undo takes the last change back. It reports whether there was one.
func (b *Bench) Undo() bool { return b.swap(&b.undo, &b.redo) }

// Redo makes a change again that was taken back.
func (b *Bench) Redo() bool { return b.swap(&b.redo, &b.undo) }

func (b *Bench) swap(from, to *[]*sandbox.Room) bool {
	n := len(*from)
	if n == 0 {
		return false
	}
	*to = append(*to, b.Room)
	b.Room = (*from)[n-1]
	*from = (*from)[:n-1]
	b.corners = nil
	b.check()
	return true
}

// snap moves a point to the grid.
func (b *Bench) snap(p geom.Vec) geom.Vec {
	if b.Free {
		return p
	}
	round := func(v float32) float32 { return geom.Floor(v/gridSize+0.5) * gridSize }
	return geom.Vec{X: round(p.X), Y: round(p.Y)}
}

// Press takes what lies at a point of the world, or begins to draw; slack is how far the mouse
// may miss, m. It reports false where there is nothing to do, so that the view may move.
func (b *Bench) Press(p geom.Vec, slack float32) bool {
	b.Miss = nil
	b.drag = drag{from: p, at: p, slack: slack / 3, before: b.Room.Clone()}
	switch b.Tool {
	case Pointer:
		return b.grab(p, slack)
	case Corners:
		b.corner(b.snap(p), slack)
		return true
	}
	b.drag.kind = dragDraw
	b.drag.from = b.snap(p)
	if b.Tool == Hinge || b.Tool == Glue || b.Tool == Slider || b.Tool == Jet || b.Tool == Eye || b.Tool == Rod {
		b.drag.from = p // where one body is, or another, should not change by rounding
	}
	return true
}

// grab picks what lies at a point and holds it.
func (b *Bench) grab(p geom.Vec, slack float32) bool {
	r := b.Room
	if turn, scale, ok := b.handles(slack); ok {
		switch {
		case p.Sub(turn).Len() < 1.5*slack:
			b.drag.kind = dragTurn
			return true
		case p.Sub(scale).Len() < 1.5*slack:
			b.drag.kind = dragScale
			return true
		}
	}
	b.Picked = b.find(p, slack)
	b.drag.kind = dragMove
	if b.Picked.Kind == PickBody && r.Bodies[b.Picked.Index].Role == env.RoleGround && r.Bodies[b.Picked.Index].Kind == scene.Static {
		return true
	}
	return b.Picked.Kind != PickNone
}

// find returns what lies at a point: small things first.
func (b *Bench) find(p geom.Vec, slack float32) Pick {
	r := b.Room
	for i := range r.Joints {
		if _, at := r.At(i); at.Sub(p).Len() < slack {
			return Pick{PickJoint, i}
		}
	}
	for i := range r.Thrusters {
		from, to := b.arrow(i)
		if near(p, from, to) < slack {
			return Pick{PickThruster, i}
		}
	}
	for i := range r.Rays {
		from, to := b.sight(i)
		if near(p, from, to) < slack/2 {
			return Pick{PickRay, i}
		}
	}
	if i := r.Find(p, slack/3); i != sandbox.World {
		return Pick{PickBody, i}
	}
	for i := range r.Goals {
		if r.Goals[i].Centre.Sub(p).Len() < r.Goals[i].Radius {
			return Pick{PickRegion, i}
		}
	}
	return Pick{}
}

// near returns the distance of p from the line between a and b.
func near(p, a, b geom.Vec) float32 {
	e := b.Sub(a)
	t := geom.Clamp(p.Sub(a).Dot(e)/max(e.Dot(e), 1e-9), 0, 1)
	return p.Sub(a.Add(e.Mul(t))).Len()
}

// arrow returns where the picture of a thruster begins and ends: against its force.
func (b *Bench) arrow(i int) (from, to geom.Vec) {
	t := &b.Room.Thrusters[i]
	body := b.Room.Body(t.Body)
	from = b.world(body, t.At)
	d := geom.Rotation(b.Room.Bodies[body].Angle).Apply(t.Direction)
	return from, from.Sub(d.Mul(0.35 / max(d.Len(), 1e-6)))
}

// sight returns where a ray begins and ends.
func (b *Bench) sight(i int) (from, to geom.Vec) {
	y := &b.Room.Rays[i]
	body := b.Room.Body(y.Body)
	along := y.Along
	if !y.Upright {
		along = geom.Rotation(b.Room.Bodies[body].Angle).Apply(along)
	}
	from = b.world(body, y.From)
	return from, from.Add(along)
}

// world returns where a local point of a body is.
func (b *Bench) world(body int, p geom.Vec) geom.Vec {
	o := &b.Room.Bodies[body]
	return o.Position.Add(geom.Rotation(o.Angle).Apply(p))
}

// handles returns where the handles of what is picked are, if it has some: for turning above it, for
// scaling at a corner.
func (b *Bench) handles(slack float32) (turn, scale geom.Vec, ok bool) {
	switch b.Picked.Kind {
	case PickBody:
		o := &b.Room.Bodies[b.Picked.Index]
		lo, hi := outline(o)
		return b.world(b.Picked.Index, geom.Vec{X: (lo.X + hi.X) / 2, Y: hi.Y + 3*slack}), b.world(b.Picked.Index, hi.Add(geom.Vec{X: slack, Y: slack}.Mul(0.7))), len(o.Shapes) > 0
	case PickRegion:
		g := &b.Room.Goals[b.Picked.Index]
		far := geom.Vec{X: 1e9, Y: 1e9}
		return far, g.Centre.Add(geom.Vec{X: g.Radius}), true
	}
	return turn, scale, false
}

// outline returns the box around the shapes of a body, in its coordinates.
func outline(o *scene.Body) (lo, hi geom.Vec) {
	for i := range o.Shapes {
		s := &o.Shapes[i]
		for k, p := range s.Points {
			a, z := p.Sub(geom.Vec{X: s.Radius, Y: s.Radius}), p.Add(geom.Vec{X: s.Radius, Y: s.Radius})
			if i == 0 && k == 0 {
				lo, hi = a, z
			}
			lo, hi = geom.Vec{X: min(lo.X, a.X), Y: min(lo.Y, a.Y)}, geom.Vec{X: max(hi.X, z.X), Y: max(hi.Y, z.Y)}
		}
	}
	return lo, hi
}

// Move does what the mouse does at a point while it holds something.
func (b *Bench) Move(p geom.Vec) {
	d := &b.drag
	d.at = p
	d.moved = d.moved || p.Sub(d.from).Len() > d.slack
	if !d.moved || d.kind != dragMove && d.kind != dragTurn && d.kind != dragScale {
		return // a click picks, and changes nothing
	}
	b.Room = d.before.Clone()
	r, i := b.Room, b.Picked.Index
	switch {
	case d.kind == dragMove:
		b.shift(p.Sub(d.from))
	case b.Picked.Kind == PickRegion:
		r.Goals[i].Radius = max(thinnest, b.snap(geom.Vec{X: p.Sub(r.Goals[i].Centre).Len()}).X)
	case b.Picked.Kind != PickBody:
	case d.kind == dragTurn:
		about := r.Bodies[i].Position
		a, z := d.from.Sub(about), p.Sub(about)
		angle := geom.Atan2(a.Cross(z), a.Dot(z))
		if !b.Free { // whole angles of 5 degrees
			const step = 5 * geom.Pi / 180
			angle = geom.Floor((r.Bodies[i].Angle+angle)/step+0.5)*step - r.Bodies[i].Angle
		}
		r.Rotate(i, angle)
	default:
		b.scale(i, p)
	}
}

// shift moves what is picked.
func (b *Bench) shift(by geom.Vec) {
	r, i := b.Room, b.Picked.Index
	switch b.Picked.Kind {
	case PickBody:
		at := r.Bodies[i].Position
		r.Move(i, b.snap(at.Add(by)).Sub(at))
	case PickRegion:
		r.Goals[i].Centre = b.snap(r.Goals[i].Centre.Add(by))
	case PickJoint:
		r.MoveJoint(i, by)
	case PickThruster:
		t := &r.Thrusters[i]
		body := r.Body(t.Body)
		t.At = r.Local(body, b.world(body, t.At).Add(by))
	case PickRay:
		y := &r.Rays[i]
		body := r.Body(y.Body)
		y.From = r.Local(body, b.world(body, y.From).Add(by))
	}
}

// scale makes body i so large that its corner is at p. Round things keep their form.
func (b *Bench) scale(i int, p geom.Vec) {
	r := b.Room
	_, hi := outline(&r.Bodies[i])
	was, now := b.snap(r.Local(i, b.drag.from)), b.snap(r.Local(i, p))
	x, y := (hi.X+now.X-was.X)/hi.X, (hi.Y+now.Y-was.Y)/hi.Y
	if round := r.Bodies[i].Shapes[0].Kind; round == scene.Circle || round == scene.Capsule {
		x = max(x, y)
		y = x
	}
	const least, most = 0.05, 20
	if geom.Finite(x) && geom.Finite(y) {
		r.Scale(i, geom.Clamp(x, least, most), geom.Clamp(y, least, most))
	}
}

// Release lets go of what is held, or finishes what is drawn.
func (b *Bench) Release(p geom.Vec) {
	d := b.drag
	b.drag = drag{}
	switch d.kind {
	case dragMove, dragTurn, dragScale:
		b.changed(d.before)
	case dragDraw:
		b.draw(d.from, p)
		b.changed(d.before)
	}
}

// draw adds what the tool makes of a drag.
func (b *Bench) draw(from, to geom.Vec) {
	end := b.snap(to)
	size := end.Sub(from)
	switch b.Tool {
	case Box:
		half := geom.Vec{X: geom.Abs(size.X) / 2, Y: geom.Abs(size.Y) / 2}
		if half.X < thinnest || half.Y < thinnest {
			half = geom.Vec{X: 0.2, Y: 0.2} // a click
			size = geom.Vec{}
		}
		b.add(from.Add(size.Mul(0.5)), scene.Shape{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, half.X, half.Y, 0)})
	case Ball:
		radius := size.Len()
		if radius < thinnest {
			radius = 0.2
		}
		b.add(from, scene.Shape{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: radius})
	case Bar:
		if size.Len() < 2*thinnest {
			size = geom.Vec{X: 0.6}
		}
		half := size.Mul(0.5)
		b.add(from.Add(half), scene.Shape{Kind: scene.Capsule, Points: []geom.Vec{half.Mul(-1), half}, Radius: barRadius})
	case Region:
		radius := size.Len()
		if radius < thinnest {
			radius = 0.4
		}
		b.Picked = Pick{PickRegion, b.Room.AddRegion(from, radius)}
	case Hinge:
		b.join(scene.Revolute, from, from)
	case Slider:
		b.join(scene.Prismatic, from, from)
	case Glue:
		b.join(scene.Weld, from, from)
	case Rod:
		b.join(scene.Distance, from, to)
	case Jet, Eye:
		b.attach(from, to)
	}
}

// add adds a body of one shape, and picks it.
func (b *Bench) add(at geom.Vec, s scene.Shape) {
	s.Density, s.Friction = 1, 0.8
	o := scene.Body{Position: at, Role: b.Role, Shapes: []scene.Shape{s}}
	if b.Static || b.Role == env.RoleGround {
		o.Kind = scene.Static
	}
	b.Picked = Pick{PickBody, b.Room.Add(o)}
}

// corner adds a corner of a polygon, or, at the first one, closes it.
func (b *Bench) corner(p geom.Vec, slack float32) {
	if n := len(b.corners); n > 0 && (p.Sub(b.corners[0]).Len() < 1.5*slack || n == scene.MaxCorners) {
		b.closePolygon()
		return
	}
	b.corners = append(b.corners, p)
}

// closePolygon adds the polygon of the corners that have been clicked, in whatever order they run.
func (b *Bench) closePolygon() {
	pts := hull(b.corners)
	b.corners = nil
	if len(pts) < 3 {
		b.Miss = errors.New("a polygon needs three corners that are not on one line")
		return
	}
	mid := scene.PolygonMass(pts, 1).Centre
	for i := range pts {
		pts[i] = pts[i].Sub(mid)
	}
	if b.Miss = scene.Convex(pts); b.Miss != nil {
		return
	}
	b.change(func(*sandbox.Room) { b.add(mid, scene.Shape{Kind: scene.Polygon, Points: pts}) })
}

// hull returns the convex hull of points, counter-clockwise (Andrew, "Another efficient algorithm
// for convex hulls in two dimensions", 1979).
func hull(pts []geom.Vec) []geom.Vec {
	p := slices.Clone(pts)
	slices.SortFunc(p, func(a, b geom.Vec) int {
		if a.X != b.X {
			return sign(a.X - b.X)
		}
		return sign(a.Y - b.Y)
	})
	var h []geom.Vec
	for range 2 {
		base := len(h)
		for _, v := range p {
			for len(h) >= base+2 && h[len(h)-1].Sub(h[len(h)-2]).Cross(v.Sub(h[len(h)-1])) <= 1e-6 {
				h = h[:len(h)-1]
			}
			h = append(h, v)
		}
		h = h[:len(h)-1]
		slices.Reverse(p)
	}
	return h
}

func sign(v float32) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}

// join connects what lies at two points: for all but rods the same one, where it connects the two
// topmost bodies, or one and the world.
func (b *Bench) join(kind scene.JointKind, from, to geom.Vec) {
	r := b.Room
	first := r.Find(to, 0)
	second := sandbox.World
	if kind == scene.Distance {
		second = r.Find(from, 0)
	} else if first != sandbox.World {
		for i := first - 1; i >= 0 && second == sandbox.World; i-- {
			below := r.Clone()
			below.Bodies = below.Bodies[:i+1]
			second = below.Find(to, 0)
			i = max(second, 0)
		}
	}
	if first == second || first == sandbox.World && second == sandbox.World {
		b.Miss = fmt.Errorf("there is nothing to join: use the %s on a body", b.Tool)
		return
	}
	if first == sandbox.World || r.Bodies[first].Kind == scene.Static && second != sandbox.World {
		first, second = second, first
		from, to = to, from
	}
	if r.Bodies[first].Kind == scene.Static {
		b.Miss = fmt.Errorf("the %s would join things that do not move", b.Tool)
		return
	}
	at := to
	k := r.Join(kind, second, first, at)
	if kind == scene.Distance {
		r.Joints[k].AnchorA = r.Local(second, from)
	}
	b.Picked = Pick{PickJoint, k}
}

// attach puts a thruster or a ray on the body at a point, directed by the drag.
func (b *Bench) attach(from, to geom.Vec) {
	r := b.Room
	body := r.Find(from, 0)
	if body == sandbox.World || b.Tool == Jet && r.Bodies[body].Kind != scene.Dynamic {
		b.Miss = fmt.Errorf("a %s belongs on a body that moves: press there, and drag where it points", b.Tool)
		return
	}
	along := to.Sub(from)
	if b.Tool == Jet {
		if along.Len() < thinnest {
			along = geom.Vec{Y: 1}
		}
		b.Picked = Pick{PickThruster, r.AddThruster(body, from, along)}
		return
	}
	if along.Len() < thinnest {
		along = geom.Vec{X: 2}
	}
	b.Picked = Pick{PickRay, r.AddRay(body, from, along)}
}

// Remove removes what is picked.
func (b *Bench) Remove() {
	if b.corners != nil {
		b.corners = nil
		return
	}
	p := b.Picked
	b.change(func(r *sandbox.Room) {
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
	b.Picked = Pick{}
}

// Nudge moves what is picked by steps of the grid.
func (b *Bench) Nudge(x, y float32) {
	b.change(func(*sandbox.Room) { b.shift(geom.Vec{X: x, Y: y}.Mul(gridSize)) })
}

// onBody makes a change to the body that is picked.
func (b *Bench) onBody(f func(r *sandbox.Room, i int)) {
	if b.Picked.Kind == PickBody {
		b.change(func(r *sandbox.Room) { f(r, b.Picked.Index) })
	}
}

// Duplicate copies the body that is picked, without its joints, beside it.
func (b *Bench) Duplicate() {
	b.onBody(func(r *sandbox.Room, i int) {
		o := r.Clone().Bodies[i]
		lo, hi := outline(&o)
		o.Position = b.snap(o.Position.Add(geom.Vec{X: hi.X - lo.X + gridSize}))
		o.Name = ""
		b.Picked.Index = r.Add(o)
	})
}

// NextRole gives the body that is picked, or else what is drawn next, another role.
func (b *Bench) NextRole() {
	if b.Picked.Kind != PickBody {
		b.Role = after(benchRoles, b.Role)
		return
	}
	b.onBody(func(r *sandbox.Room, i int) { r.SetRole(i, after(benchRoles, r.Bodies[i].Role)) })
}

// after returns the element behind v, counted around; the first if v is none.
func after[T comparable](list []T, v T) T { return list[(slices.Index(list, v)+1)%len(list)] }

// ToggleStatic fixes the body that is picked, or lets it go; or else what is drawn next.
func (b *Bench) ToggleStatic() {
	if b.Picked.Kind != PickBody {
		b.Static = !b.Static
		return
	}
	b.onBody(func(r *sandbox.Room, i int) {
		if !r.ToggleStatic(i) {
			b.Miss = errors.New("lines cannot move")
		}
	})
}

// ToggleMotor gives the joint that is picked a motor, or takes it away.
func (b *Bench) ToggleMotor() {
	if b.Picked.Kind != PickJoint {
		return
	}
	ok := true
	b.change(func(r *sandbox.Room) { ok = r.ToggleMotor(b.Picked.Index) })
	if !ok {
		b.Miss = errors.New("hinges and sliders have motors, welds and rods have not")
	}
}

// NextColumn binds the motor or thruster that is picked to another column of the action.
func (b *Bench) NextColumn() {
	joint, thruster := b.device()
	if joint+thruster != "" {
		b.change(func(r *sandbox.Room) { r.Column(joint, thruster) })
	}
}

// device returns the name of the joint with a motor or of the thruster that is picked.
func (b *Bench) device() (joint, thruster string) {
	switch b.Picked.Kind {
	case PickJoint:
		if j := &b.Room.Joints[b.Picked.Index]; j.Motor != nil {
			joint = j.Name
		}
	case PickThruster:
		thruster = b.Room.Thrusters[b.Picked.Index].Name
	}
	return joint, thruster
}

// Mutate changes the room by chance.
func (b *Bench) Mutate() {
	if b.Err != nil {
		b.Miss = errors.New("what cannot be played cannot be mutated")
		return
	}
	b.draws++
	b.replace(b.Room.Mutate(rng.New(benchPurpose).Fold(b.draws)))
}

// Generate draws another room.
func (b *Bench) Generate() {
	b.draws++
	b.replace(sandbox.Generate(rng.New(benchPurpose + 1).Fold(b.draws)))
}

func (b *Bench) replace(r *sandbox.Room) {
	b.Picked = Pick{}
	b.change(func(dst *sandbox.Room) { *dst = *r })
}

// Save writes the room to a file.
func (b *Bench) Save(path string) error {
	text, err := b.Room.Text()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	b.Path, b.saved = path, b.Room.Clone()
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
