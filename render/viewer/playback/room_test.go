package playback

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
)

// A drawer uses the level editor as a user does: by keys, and by the mouse on a painted picture.
type drawer struct {
	*State
	t   *testing.T
	pic *Picture
}

func newDrawer(t *testing.T, r *sandbox.Room) *drawer {
	t.Helper()
	d := &drawer{New(DefaultSettings(), nil), t, NewPicture(1280, 800)}
	t.Cleanup(func() { d.Close() })
	d.Folder = t.TempDir()
	d.Draw(r, "")
	d.paint()
	return d
}

func (d *drawer) paint() { d.Paint(d.pic, 1) }

// press clicks the button whose text begins so.
func (d *drawer) press(text string) {
	d.t.Helper()
	d.paint()
	for _, b := range d.RoomEditor.view.buttons {
		if strings.HasPrefix(b.text, text) {
			c := b.r.Min.Add(b.r.Max).Div(2)
			d.Release(d.Press(c.X, c.Y), c.X, c.Y, true)
			d.paint()
			return
		}
	}
	d.t.Fatalf("there is no button %q", text)
}

// drag presses at one point of the world, moves to others, and releases.
func (d *drawer) drag(x0, y0, x1, y1 float32) {
	d.paint()
	px := func(x, y float32) (int, int) {
		p := roomPainter{State: d.State, e: d.RoomEditor}
		v := p.pixel(geom.Vec{X: x, Y: y})
		return int(v.X + 0.5), int(v.Y + 0.5)
	}
	x, y := px(x0, y0)
	g := d.Press(x, y)
	for i := range 4 {
		f := float32(i+1) / 4
		x, y = px(x0+f*(x1-x0), y0+f*(y1-y0))
		d.Move(g, x, y)
		d.paint()
	}
	d.Release(g, x, y, x0 == x1 && y0 == y1)
	d.paint()
}

func (d *drawer) click(x, y float32) { d.drag(x, y, x, y) }

func (d *drawer) tap(keys ...string) {
	for _, k := range keys {
		d.Key(k, false)
	}
	d.paint()
}

// Everything that a user may want is done by hand: a car is drawn, equipped, played and saved.
func TestDrawCar(t *testing.T) {
	d := newDrawer(t, sandbox.Empty())
	if d.RoomEditor.Err == nil {
		t.Error("an empty room can be played")
	}
	begin := d.RoomEditor.Room.Clone()
	d.press("is: object") // what is drawn: agent
	d.press("box")
	d.drag(1, 0.6, 2, 0.85)
	d.press("is: agent")
	d.press("ball")
	d.drag(1.1, 0.5, 1.35, 0.5)
	d.drag(1.9, 0.5, 2.15, 0.5)
	r := d.RoomEditor.Room
	if n := len(r.Bodies); n != 7 || r.Bodies[4].Role != env.RoleAgent || r.Bodies[5].Role != env.RoleLimb ||
		r.Bodies[5].Position != (geom.Vec{X: 1.1, Y: 0.5}) || geom.Abs(r.Bodies[5].Shapes[0].Radius-0.25) > 1e-4 {
		t.Fatalf("%d bodies: %+v", n, r.Bodies[4:])
	}
	d.press("hinge")
	d.click(1.1, 0.7)
	d.press("no motor")
	d.click(1.9, 0.7)
	d.tap("O")
	if js := d.RoomEditor.Room.Joints; len(js) != 2 || js[0].Motor == nil || js[1].Motor == nil || js[0].A != r.Bodies[4].Name || js[0].B != r.Bodies[5].Name {
		t.Fatalf("joints %+v", js)
	}
	d.press("other way round")
	d.press("action column")
	for range 5 {
		d.tap("K")
	}
	if c := d.RoomEditor.Room.Columns(d.RoomEditor.Room.Joints[1].Name, ""); !reflect.DeepEqual(c, []int{1}) {
		t.Errorf("after going around the second motor has columns %v", c)
	}
	d.press("is: limb") // goal
	d.press("ball")
	d.drag(6.5, 0.6, 6.8, 0.6)
	d.press("select")
	d.press("the usual ones")
	if d.RoomEditor.Err != nil {
		t.Fatalf("the car cannot be played: %v", d.RoomEditor.Err)
	}
	if len(d.RoomEditor.Doubts) > 0 {
		t.Errorf("doubts: %q", d.RoomEditor.Doubts)
	}

	d.press("save")
	path := d.RoomEditor.Path
	saved, err := LoadRoom(path)
	if err != nil || !reflect.DeepEqual(saved, d.RoomEditor.Room) || d.RoomEditor.Dirty() {
		t.Errorf("saved another room, or none: %v", err)
	}

	drawn := d.RoomEditor.Room.Clone()
	steps := 0
	for d.RoomEditor.Undo() {
		steps++
	}
	if !reflect.DeepEqual(d.RoomEditor.Room, begin) || steps < 12 {
		t.Errorf("%d steps back it is not the room of the beginning", steps)
	}
	for d.RoomEditor.Redo() {
		steps--
	}
	if steps != 0 || !reflect.DeepEqual(d.RoomEditor.Room, drawn) {
		t.Errorf("redoing all leads elsewhere, %d steps off", steps)
	}

	// Play at once, by hand: time begins with the first key.
	d.tap("Enter")
	if d.RoomEditor != nil || len(d.Tracks) != 1 || d.Playing {
		t.Fatalf("playing: %d tracks", len(d.Tracks))
	}
	d.Hold([]string{"ArrowRight"}, Rest)
	for range 20 {
		d.Hold([]string{"ArrowRight"}, Rest)
		d.Advance(0.05)
		d.paint()
	}
	ep := d.selected().Episode()
	if ep.Len() < 20 || ep.Action(ep.Len() - 1)[0] != 1 {
		t.Errorf("%d steps were played, last action %v", ep.Len(), ep.Action(max(ep.Len()-1, 0)))
	}
	d.tap("L") // back, with its history
	if d.RoomEditor == nil || len(d.RoomEditor.undo) == 0 || !reflect.DeepEqual(d.RoomEditor.Room, drawn) {
		t.Fatal("back in the editor there is something else")
	}
	d.tap("Enter")
	if len(d.Tracks) != 1 {
		t.Errorf("played again there are %d tracks", len(d.Tracks))
	}
}

// What is picked is moved, turned, scaled, changed and removed, with what hangs on it.
func TestChangeRoom(t *testing.T) {
	car, err := sandbox.Named("car")
	if err != nil {
		t.Fatal(err)
	}
	d := newDrawer(t, car)
	hull, rear := car.Body("hull"), car.Body("rear")
	at := func(i int) geom.Vec { return d.RoomEditor.Room.Bodies[i].Position }
	close := func(a, b geom.Vec) bool { return a.Sub(b).Len() < 0.03 }
	h0, r0 := at(hull), at(rear)
	d.click(h0.X, h0.Y+0.05)
	if d.RoomEditor.Picked != (Pick{PickBody, hull}) || d.RoomEditor.Dirty() {
		t.Errorf("a click picks %v, changed %v", d.RoomEditor.Picked, d.RoomEditor.Dirty())
	}
	d.drag(h0.X, h0.Y+0.05, h0.X+0.5, h0.Y+0.55)
	if d.RoomEditor.Picked != (Pick{PickBody, hull}) || !close(at(hull), h0.Add(geom.Vec{X: 0.5, Y: 0.5})) || !close(at(rear), r0.Add(at(hull).Sub(h0))) {
		t.Errorf("the hull is at %v, the wheel at %v", at(hull), at(rear))
	}
	_, slack := d.RoomEditor.view.world(0, 0)
	turn, scale, _ := d.RoomEditor.handles(slack)
	about := at(hull)
	d.drag(turn.X, turn.Y, about.X+1, about.Y) // from above to the right: a quarter clockwise
	if a := d.RoomEditor.Room.Bodies[hull].Angle; geom.Abs(a+geom.Pi/2) > 0.05 {
		t.Errorf("turned by %v, want a quarter clockwise", a)
	}
	if up := at(rear).Sub(at(hull)); up.Y < 0.3 {
		t.Errorf("the rear wheel is %v from the hull, want above it", up)
	}
	d.tap("Z")
	mass := d.RoomEditor.Room.Bodies[hull].Mass().Mass
	_, scale, _ = d.RoomEditor.handles(slack)
	d.drag(scale.X, scale.Y, scale.X+0.3, scale.Y+0.1)
	if m := d.RoomEditor.Room.Bodies[hull].Mass().Mass; m < 1.5*mass {
		t.Errorf("scaled the mass is %v, was %v", m, mass)
	}
	for i := range d.RoomEditor.Room.Joints {
		if p, q := d.RoomEditor.Room.At(i); p.Sub(q).Len() > 1e-4 {
			t.Errorf("joint %d has come apart: %v, %v", i, p, q)
		}
	}
	d.tap("R")
	if role := d.RoomEditor.Room.Bodies[hull].Role; role != env.RoleLimb {
		t.Errorf("the next role is %v", role)
	}
	if len(d.RoomEditor.Room.Rules) != 0 || d.RoomEditor.Err == nil {
		t.Errorf("rules about @agent stay though nothing is one: %v", d.RoomEditor.Room.Rules)
	}
	d.tap("Z", "X")
	if d.RoomEditor.Room.Bodies[hull].Kind == "" {
		t.Error("x does not fix the hull")
	}
	d.tap("Z", "Delete")
	if r := d.RoomEditor.Room; r.Body("hull") >= 0 || len(r.Joints) != 0 || d.RoomEditor.Err == nil {
		t.Errorf("without its hull the car has %d joints", len(r.Joints))
	}
	d.tap("Z")
	d.click(at(hull).X, at(hull).Y)
	d.tap("D")
	if n := len(d.RoomEditor.Room.Bodies); n != len(car.Bodies)+1 {
		t.Errorf("duplicated: %d bodies of %d", n, len(car.Bodies))
	}
	d.tap("Z")

	d.press("thruster")
	d.drag(at(rear).X, at(rear).Y, at(rear).X, at(rear).Y+0.5)
	d.press("weld")
	d.click(0.5, 0.3) // the ground: there is nothing to join
	if d.RoomEditor.Miss == nil {
		t.Error("a weld joins the ground to the world")
	}
	d.press("goal region")
	d.drag(3, 3, 3.5, 3)
	d.press("ray")
	d.drag(at(rear).X, at(rear).Y, at(rear).X+1, at(rear).Y)
	d.press("rod")
	d.drag(at(hull).X, at(hull).Y, 3, 4)
	r := d.RoomEditor.Room
	if len(r.Thrusters) != 1 || len(r.Goals) != 1 || len(r.Rays) != 1 || len(r.Joints) != 3 {
		t.Errorf("%d thrusters, %d regions, %d rays, %d joints", len(r.Thrusters), len(r.Goals), len(r.Rays), len(r.Joints))
	}
	d.press("polygon")
	for _, p := range [][2]float32{{5, 3}, {6, 3}, {6, 3.5}, {5, 3}} {
		d.click(p[0], p[1])
	}
	if b := r.Bodies; len(d.RoomEditor.Room.Bodies) != len(car.Bodies)+1 || d.RoomEditor.Err != nil {
		t.Errorf("the triangle: %d bodies of %d, %v", len(d.RoomEditor.Room.Bodies), len(b), d.RoomEditor.Err)
	}
	before := len(d.RoomEditor.Room.Rules)
	d.press("+ rule")
	d.press("touch")
	if n := len(d.RoomEditor.Room.Rules); n != before+1 {
		t.Errorf("%d rules, want %d", n, before+1)
	}
	then := func() string { return string(d.RoomEditor.Room.Rules[0].Then) }
	for _, want := range []string{"lose", "", "win"} {
		d.press("then ")
		if then() != want {
			t.Errorf("the first rule then does %q, want %q", then(), want)
		}
	}
}

func TestMutateAndGenerateRooms(t *testing.T) {
	car, err := sandbox.Named("car")
	if err != nil {
		t.Fatal(err)
	}
	d := newDrawer(t, car)
	d.press("mutate")
	mutant := d.RoomEditor.Room.Clone()
	if reflect.DeepEqual(mutant, car) || d.RoomEditor.Err != nil {
		t.Errorf("the mutant is what it was, or cannot be played: %v", d.RoomEditor.Err)
	}
	d.press("generate")
	if reflect.DeepEqual(d.RoomEditor.Room, mutant) || d.RoomEditor.Err != nil {
		t.Errorf("nothing new, or it cannot be played: %v", d.RoomEditor.Err)
	}
	d.press("undo")
	d.press("undo")
	if !reflect.DeepEqual(d.RoomEditor.Room, car) {
		t.Error("two steps back it is not the car")
	}
	d.press("watch")
	if d.RoomEditor == nil || d.Message != "nobody else can play here" {
		t.Errorf("without drivers: %q", d.Message)
	}
}

// Files that hold no room are refused, and half-done rooms are not.
func TestLoadRoom(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, "x.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, err := LoadRoom(write(`{"bodies": [], "rules": []}`)); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"{": "the file ends", `{"bodys": []}`: `unknown key "bodys"`, `{"bodies": [{"name": "a", "joints": 3}]}`: `unknown key "bodies[0].joints"`,
		`{"bodies": [{"name": "a", "position": [1], "shapes": []}]}`: "not a point",
	} {
		if _, err := LoadRoom(write(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.json") {
			t.Errorf("%s: got error %v, want %s", text, err, want)
		}
	}
	d := newDrawer(t, sandbox.Empty())
	d.Drop(write(`{"name": "dropped", "bodies": [], "rules": []}`))
	if d.RoomEditor.Room.Name != "dropped" {
		t.Errorf("dropped: %q", d.Message)
	}
}
