package sandbox

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

const shovePurpose rng.Purpose = 0x73686f76 // the first velocities, under the level's seed

// own is what a world remembers within an episode beside the physics.
type own struct {
	Room     int32
	Strength float32
	Distance float32          // from winning
	Held     [MostRules]int32 // steps for which each rule's predicate has held
}

type world struct {
	rooms  []*compiled
	worlds []*physics.World
	own
	c    *compiled
	phys *physics.World
}

func newWorld(rooms []*compiled) *world {
	w := &world{rooms: rooms, worlds: make([]*physics.World, len(rooms))}
	for i, c := range rooms {
		w.worlds[i] = c.model.NewWorld()
	}
	w.SetScene(0)
	return w
}

// Scenes returns the number of rooms.
func (w *world) Scenes() int { return len(w.rooms) }

// Scene returns the number of the present room.
func (w *world) Scene() int { return int(w.Room) }

// SetScene makes a room the present one.
func (w *world) SetScene(room int) { w.Room, w.c, w.phys = int32(room), w.rooms[room], w.worlds[room] }

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	room := 0
	if len(l.Params) > which {
		room = int(l.Params[which])
	}
	w.own = own{Strength: l.Params[strength]}
	w.SetScene(room)
	w.phys.Reset()
	w.phys.SetGravity(w.c.room.Gravity.Mul(l.Params[gravity]))
	r := rng.New(l.Seed).Stream(shovePurpose, 0, 0)
	var push [MostBodies]geom.Vec
	for i := range push {
		push[i] = geom.Vec{X: r.Range(-l.Params[shove], l.Params[shove]), Y: r.Range(-l.Params[shove], l.Params[shove])}
	}
	for i, g := range w.c.groups {
		if g >= 0 {
			v, spin := w.phys.Velocity(i)
			w.phys.SetVelocity(i, v.Add(push[g]), spin)
		}
	}
	w.Distance = w.distance()
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) { env.StepSim(w, b) }

// Drive sets the motors and runs the thrusters.
func (w *world) Drive(b *env.Batch, substep int) (env.Sim, float32) {
	if substep == substeps {
		return nil, 0
	}
	for i := range w.c.drives {
		d := &w.c.drives[i]
		a := float32(d.sign * b.Act[d.column])
		if d.joint >= 0 && substep == 0 {
			w.phys.SetMotor(d.joint, float32(a*d.speed), float32(d.most*w.Strength))
		}
		if d.thruster >= 0 && a > 0 {
			w.phys.Thrust(d.thruster, float32(a*w.Strength))
		}
	}
	return w.phys, dt / substeps
}

// Judge looks at what the step led to.
func (w *world) Judge(b *env.Batch) { w.report(b) }

func (w *world) report(b *env.Batch) {
	f := b.Facts
	clear(f)
	won := true
	for i := range w.c.rules {
		u := &w.c.rules[i]
		if !w.holds(u) {
			w.Held[i] = 0
		} else if w.Held[i] <= u.hold {
			w.Held[i]++
		}
		if w.Held[i] > 0 && w.Held[i] >= u.hold {
			f[factRule+i] = 1
		}
		switch u.Then {
		case Win:
			won = won && f[factRule+i] == 1
		case Lose:
			f[factLost] = geom.Max(f[factLost], f[factRule+i])
		}
	}
	b.End[0] = env.Running
	if won && f[factLost] == 0 {
		f[factWon] = 1
	}
	if f[factWon] != f[factLost] {
		b.End[0] = env.Terminated
	}
	before := w.Distance
	w.Distance = w.distance()
	f[factDistance], f[factApproach] = w.Distance, before-w.Distance
	columns := float32(0)
	for i, bound := range w.c.bound {
		if bound {
			f[factEffort] += float32(b.Act[i] * b.Act[i])
			columns++
		}
	}
	f[factEffort] /= columns
	at := w.phys.Centre(w.c.subject)
	f[factX], f[factY] = at.X, at.Y
}

// holds reports whether the predicate of a rule holds now.
func (w *world) holds(u *rule) bool {
	for _, a := range u.a {
		at := w.phys.Centre(a)
		holds := false
		switch u.When {
		case Touch:
			for _, b := range u.b {
				holds = holds || a != b && w.phys.TouchingBodies(a, b)
			}
		case Inside:
			holds = at.Sub(u.region.Centre).Len() <= u.region.Radius
		case Outside:
			holds = at.X < w.c.lo.X || at.Y < w.c.lo.Y || at.X > w.c.hi.X || at.Y > w.c.hi.Y
		case Above:
			holds = at.Y > u.Value
		case Below:
			holds = at.Y < u.Value
		case Faster:
			v, _ := w.phys.Velocity(a)
			holds = v.Len() > u.Value
		}
		if holds {
			return true
		}
	}
	return false
}

// distance returns how far the world is from winning.
func (w *world) distance() (sum float32) {
	for i := range w.c.rules {
		if u := &w.c.rules[i]; u.Then == Win {
			sum += w.missing(u)
		}
	}
	return sum
}

// missing returns how far the nearest bodies are from making a rule hold, m.
func (w *world) missing(u *rule) float32 {
	least := float32(1e30)
	for _, a := range u.a {
		at := w.phys.Centre(a)
		switch u.When {
		case Touch:
			for _, b := range u.b {
				if a != b {
					least = geom.Min(least, geom.Max(w.gap(b, at)-w.c.bodies[a].inner, 0))
				}
			}
		case Inside:
			least = geom.Min(least, geom.Max(at.Sub(u.region.Centre).Len()-u.region.Radius, 0))
		case Outside:
			d := geom.Min(geom.Min(at.X-w.c.lo.X, w.c.hi.X-at.X), geom.Min(at.Y-w.c.lo.Y, w.c.hi.Y-at.Y))
			least = geom.Min(least, geom.Max(d, 0))
		case Above:
			least = geom.Min(least, geom.Max(u.Value-at.Y, 0))
		case Below:
			least = geom.Min(least, geom.Max(at.Y-u.Value, 0))
		case Faster:
			v, _ := w.phys.Velocity(a)
			least = geom.Min(least, geom.Max(u.Value-v.Len(), 0))
		}
	}
	if least == 1e30 { // a body and itself
		return 0
	}
	return least
}

// gap returns how far a point of the world is from a body.
func (w *world) gap(body int, p geom.Vec) float32 {
	b := &w.c.room.Bodies[body]
	if len(b.Shapes) == 0 {
		return p.Sub(w.phys.Centre(body)).Len()
	}
	return gap(b, w.phys.LocalPoint(body, p))
}

// Columns of the observation row.
const (
	colPresent  = 0
	colMobile   = colPresent + MostBodies
	colAgent    = colMobile + MostBodies
	colGoal     = colAgent + MostBodies
	colHazard   = colGoal + MostBodies
	colPosition = colHazard + MostBodies
	colAngle    = colPosition + 2*MostBodies
	colVelocity = colAngle + 2*MostBodies
	colSpin     = colVelocity + 2*MostBodies
	colSize     = colSpin + MostBodies
	colRound    = colSize + 2*MostBodies
	colTouching = colRound + MostBodies
	colBound    = colTouching + MostBodies
	colJoint    = colBound + MostControls
	colSpeed    = colJoint + MostControls
	colRegion   = colSpeed + MostControls
	colRadius   = colRegion + 2*MostGoals
	colRay      = colRadius + MostGoals
	colDistance = colRay + MostRays
)

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	clear(obs)
	for i := range w.c.bodies {
		t := &w.c.bodies[i]
		obs[colPresent+i], obs[colMobile+i], obs[colAgent+i] = 1, t.mobile, t.agent
		obs[colGoal+i], obs[colHazard+i], obs[colRound+i] = t.goal, t.hazard, t.round
		obs[colSize+2*i], obs[colSize+2*i+1] = t.width, t.height
		at, rot := w.phys.Centre(i).Sub(w.c.middle), w.phys.Rot(i)
		obs[colPosition+2*i], obs[colPosition+2*i+1] = at.X, at.Y
		obs[colAngle+2*i], obs[colAngle+2*i+1] = rot.C, rot.S
		v, spin := w.phys.Velocity(i)
		obs[colVelocity+2*i], obs[colVelocity+2*i+1], obs[colSpin+i] = v.X, v.Y, spin
		if w.phys.Touching(i) {
			obs[colTouching+i] = 1
		}
	}
	for i, is := range w.c.bound {
		if is {
			obs[colBound+i] = 1
		}
		if j := w.c.first[i]; j >= 0 {
			obs[colJoint+i], obs[colSpeed+i] = w.phys.JointPosition(j), w.phys.JointSpeed(j)
		}
	}
	for i := range w.c.room.Goals {
		g := &w.c.room.Goals[i]
		at := g.Centre.Sub(w.c.middle)
		obs[colRegion+2*i], obs[colRegion+2*i+1], obs[colRadius+i] = at.X, at.Y, g.Radius
	}
	rays := len(w.c.room.Rays)
	w.phys.CastRays(obs[colRay : colRay+rays])
	obs[colDistance] = w.Distance
}

// AppendState appends the exact state.
func (w *world) AppendState(dst []byte) []byte {
	dst, _ = binary.Append(dst, binary.LittleEndian, &w.own) // it holds fixed-size numbers only
	return w.phys.AppendState(dst)
}

// SetState continues from an appended state.
func (w *world) SetState(state []byte) error {
	var o own
	n := binary.Size(&o)
	if len(state) < n {
		return fmt.Errorf("malformed state of %d bytes, want at least %d", len(state), n)
	}
	if _, err := binary.Decode(state[:n], binary.LittleEndian, &o); err != nil {
		return err
	}
	if o.Room < 0 || int(o.Room) >= len(w.rooms) {
		return fmt.Errorf("malformed state: there is no room %d", o.Room)
	}
	if !(o.Strength >= 0 && o.Strength <= 1) || !geom.Finite(o.Distance) {
		return fmt.Errorf("malformed state: strength %v, distance %v", o.Strength, o.Distance)
	}
	if err := w.worlds[o.Room].SetState(state[n:]); err != nil {
		return err
	}
	w.own = o
	w.SetScene(int(o.Room))
	return nil
}

// Draw draws the room.
func (w *world) Draw(c env.Canvas) {
	c.View(w.c.lo, w.c.hi)
	w.phys.Draw(c)
	for i := range w.c.room.Rays {
		w.drawRay(c, &w.c.room.Rays[i])
	}
}

func (w *world) drawRay(c env.Canvas, r *scene.Ray) {
	body := w.c.room.Body(r.Body)
	from, along := w.phys.WorldPoint(body, r.From), r.Along
	if !r.Upright {
		along = w.phys.Rot(body).Apply(along)
	}
	c.Line(env.RoleSensor, 0, []geom.Vec{from, from.Add(along)})
}

// Inspect draws contacts, joints or forces.
func (w *world) Inspect(c env.Canvas, l env.Layer) { w.phys.Inspect(c, l, dt/substeps) }
