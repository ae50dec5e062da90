package maze

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// state is everything a world remembers within an episode: its level, from which the maze is
// built, and what happened since.
type state struct {
	Seed    uint64
	Params  [paramCount]float32
	P, V    geom.Vec
	Held    uint8 // a bit for each key
	Opened  uint8 // a bit for each door
	Visited [gen.MazeSize * gen.MazeSize / 32]uint32
}

type world struct {
	config Config
	spec   *env.Spec
	state
	tv
	grid  gen.Grid
	built env.Level // whose maze grid holds
	half  float32   // of the wall's thickness
	rays  []ray
	walls []gen.Wall // scratch of Draw
}

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, key rng.Key) {
	w.state, w.tv = state{Seed: l.Seed}, tv{Key: key}
	copy(w.Params[:], l.Params)
	w.restore()
	w.P = w.centre(w.grid.Start)
	w.visit(w.grid.Start)
}

// restore builds what follows from the level.
func (w *world) restore() {
	w.half = 0.5 * w.Params[wall]
	n := len(w.spec.Params)
	if len(w.built.Params) == n && w.built.Seed == w.Seed && [paramCount]float32(w.padded()) == w.Params {
		return
	}
	w.built.Seed = w.Seed
	w.built.Params = append(w.built.Params[:0], w.Params[:n]...)
	w.config.build(&w.grid, &w.built)
}

func (w *world) padded() (p [paramCount]float32) {
	copy(p[:], w.built.Params)
	return p
}

func (w *world) centre(c int32) geom.Vec {
	n := int32(w.grid.Size)
	return geom.Vec{X: float32(c%n) + 0.5, Y: float32(c/n) + 0.5}
}

// cell returns the cell that the disc's centre is in.
func (w *world) cell() int32 {
	n := int32(w.grid.Size)
	return min(int32(w.P.X), n-1) + n*min(int32(w.P.Y), n-1)
}

// visit marks a cell and reports whether it was not visited before.
func (w *world) visit(c int32) bool {
	word, bit := &w.Visited[c/32], uint32(1)<<(c%32)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

// left returns the cells to go from c on the shortest way.
func (w *world) left(c int32) float32 { return float32(w.grid.Distance(c, uint(w.Held))) }

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) {
	f := b.Facts
	clear(f)
	before := w.left(w.cell())
	push := w.push(b.Act)
	for range substeps {
		w.advance(push, f)
	}
	for i, k := range w.grid.Keys {
		if w.Held>>i&1 == 0 && w.near(k, w.Params[radius]+keyRadius) {
			w.Held |= 1 << i
			f[factKeys]++
		}
	}
	c := w.cell()
	if w.visit(c) {
		f[factNew] = 1
	}
	visited := 0
	for _, word := range w.Visited {
		visited += bits.OnesCount32(word)
	}
	f[factX], f[factY] = w.P.X, w.P.Y
	f[factCell], f[factVisited] = float32(c), float32(visited)
	f[factDistance] = w.left(c)
	f[factProgress] = before - f[factDistance]
	w.change(b.Act)
	b.End[0] = env.Running
	if w.near(w.grid.Goal, goalRadius) {
		f[factReached] = 1
		b.End[0] = env.Terminated
	}
}

func (w *world) near(c int32, d float32) bool {
	v := w.P.Sub(w.centre(c))
	return v.Dot(v) <= float32(d*d)
}

// push returns the force that an action asks for, in newtons.
func (w *world) push(act []float32) geom.Vec {
	most := w.Params[force]
	if w.config.Discrete {
		steps := [5]geom.Vec{{}, {X: 1}, {Y: 1}, {X: -1}, {Y: -1}}
		return steps[int(act[0])].Mul(most)
	}
	v := geom.Vec{X: act[0], Y: act[1]}
	return v.Mul(most / geom.Max(v.Len(), 1))
}

// advance moves the disc by a substep of the semi-implicit Euler method, with implicit drag,
// and then out of the walls.
func (w *world) advance(force geom.Vec, f []float32) {
	const h = dt / substeps
	w.V = w.V.Add(force.Mul(h)).Mul(1 / (1 + float32(h*w.Params[drag])))
	w.P = w.P.Add(w.V.Mul(h))
	for range 2 { // the second pass for what the first pushed into another wall
		w.collide(f)
	}
}

// collide takes the disc out of the walls and posts of its cell. Only those in the quadrant of
// the cell that its centre is in are near enough.
func (w *world) collide(f []float32) {
	r := w.Params[radius]
	c := w.cell()
	mid := w.centre(c)
	u := w.P.Sub(mid)
	sx, sideX := float32(1), gen.East
	if u.X < 0 {
		sx, sideX = -1, gen.West
	}
	sy, sideY := float32(1), gen.North
	if u.Y < 0 {
		sy, sideY = -1, gen.South
	}
	inner := 0.5 - w.half
	if gap := inner - geom.Abs(u.X); gap < r && w.closed(c, sideX) {
		w.touch(geom.Vec{X: -sx}, r-gap, c, sideX, f)
	}
	if gap := inner - geom.Abs(u.Y); gap < r && w.closed(c, sideY) {
		w.touch(geom.Vec{Y: -sy}, r-gap, c, sideY, f)
	}
	u = w.P.Sub(mid)
	post := geom.Vec{X: geom.Max(inner-float32(sx*u.X), 0), Y: geom.Max(inner-float32(sy*u.Y), 0)}
	if d2 := post.Dot(post); d2 < float32(r*r) && d2 > 0 {
		d := geom.Sqrt(d2)
		w.bounce(geom.Vec{X: -sx * post.X / d, Y: -sy * post.Y / d}, r-d, f)
	}
}

// touch bounces off a wall or a door, which opens if its key is held.
func (w *world) touch(normal geom.Vec, depth float32, c int32, s gen.Side, f []float32) {
	w.bounce(normal, depth, f)
	if d := w.grid.Door(c, s); d >= 0 && w.Held>>d&1 != 0 {
		w.Opened |= 1 << d
		f[factDoors]++
	}
}

// bounce moves the disc out of a surface by depth and changes its velocity by Newton's law of
// restitution and Coulomb's law of friction; the disc does not turn.
func (w *world) bounce(normal geom.Vec, depth float32, f []float32) {
	f[factContact] = 1
	w.P = w.P.Add(normal.Mul(depth))
	into := -w.V.Dot(normal)
	if into <= 0 {
		return
	}
	impulse := into + float32(w.Params[bounce]*into)
	w.V = w.V.Add(normal.Mul(impulse))
	along := geom.Vec{X: -normal.Y, Y: normal.X}
	slip, hold := w.V.Dot(along), w.Params[friction]*impulse
	w.V = w.V.Sub(along.Mul(geom.Clamp(slip, -hold, hold)))
}

// closed reports whether a wall or a closed door is on a side of a cell.
func (w *world) closed(c int32, s gen.Side) bool {
	if !w.grid.Open(c, s) {
		return true
	}
	d := w.grid.Door(c, s)
	return d >= 0 && w.Opened>>d&1 == 0
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	obs[0], obs[1], obs[2], obs[3] = w.P.X, w.P.Y, w.V.X, w.V.Y
	obs = w.look(obs[4:])
	for i := range w.config.MaxKeys {
		obs[i] = float32(w.Held >> i & 1)
	}
	obs = obs[w.config.MaxKeys:]
	if w.config.Goal {
		to := w.centre(w.grid.Goal).Sub(w.P)
		obs[0], obs[1] = to.X, to.Y
		obs = obs[2:]
	}
	if w.config.TV > 0 {
		at := len(obs) - w.config.TV
		w.show(obs[at:])
		obs = obs[:at]
	}
	clear(obs)
	if w.config.KeyPositions {
		for i, k := range w.grid.Keys {
			if w.Held>>i&1 == 0 {
				to := w.centre(k).Sub(w.P)
				obs[2*i], obs[2*i+1] = to.X, to.Y
			}
		}
	}
}

// AppendState appends the exact state.
func (w *world) AppendState(dst []byte) []byte {
	dst, _ = binary.Append(dst, binary.LittleEndian, &w.state) // it holds fixed-size numbers only
	if w.config.TV > 0 {
		dst, _ = binary.Append(dst, binary.LittleEndian, &w.tv)
	}
	return dst
}

// SetState continues from an appended state.
func (w *world) SetState(src []byte) error {
	n, more := binary.Size(&w.state), 0
	if w.config.TV > 0 {
		more = binary.Size(&w.tv)
	}
	if len(src) != n+more {
		return fmt.Errorf("malformed state of %d bytes, want %d", len(src), n+more)
	}
	if _, err := binary.Decode(src, binary.LittleEndian, &w.state); err != nil {
		return err
	}
	if more > 0 {
		if _, err := binary.Decode(src[n:], binary.LittleEndian, &w.tv); err != nil {
			return err
		}
	}
	if err := (&env.Level{Params: w.Params[:len(w.spec.Params)], Seed: w.Seed}).Validate(w.spec); err != nil {
		return fmt.Errorf("malformed state: %w", err)
	}
	if edge := w.Params[size] * float32(w.config.Room); !(w.P.X > 0 && w.P.X < edge && w.P.Y > 0 && w.P.Y < edge) {
		return errors.New("malformed state: the disc is outside the maze")
	}
	w.restore()
	return nil
}
