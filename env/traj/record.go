package traj

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
)

// maxSteps is the length beyond which an episode is not recorded.
const maxSteps = 1 << 16

// hashEvery is the number of steps between two state hashes of a recording. Observations and
// facts are recorded whole, so a hash need not catch every step, and hashing costs time.
const hashEvery = 16

// A Recorder records the episodes of one world of a Vec. It starts with the first episode that
// begins under its eyes.
type Recorder struct {
	vec       env.Vec
	snap      env.Snapshotter
	levels    env.LevelSetter
	world     int
	ep        Episode
	due       bool // the next Observe begins an episode
	recording bool
	count     uint64 // episodes begun
	scratch   []byte
}

// NewRecorder returns a Recorder of a world of v, which was just Reset.
func NewRecorder(v env.Vec, world int, o Origin) (*Recorder, error) {
	snap, ok := v.(env.Snapshotter)
	levels, ok2 := v.(env.LevelSetter)
	if !ok || !ok2 {
		return nil, fmt.Errorf("env %s: episodes cannot be recorded: its worlds cannot be saved", v.Spec().ID)
	}
	o.Engine = env.OwnEngine(v)
	ep := Episode{Origin: o, World: world, Agents: v.Spec().Agents, Every: hashEvery}
	return &Recorder{vec: v, snap: snap, levels: levels, world: world, ep: ep, due: true}, nil
}

// Begin is called before each Observe.
func (r *Recorder) Begin() {
	if !r.due {
		return
	}
	e := &r.ep
	e.Start = r.snap.AppendState(e.Start[:0], r.world)
	e.Obs, e.Act, e.Facts = e.Obs[:0], e.Act[:0], e.Facts[:0]
	e.Reward, e.Hashes, e.Last, e.Step = e.Reward[:0], e.Hashes[:0], env.Running, 0
}

// Observed is called after each Observe.
func (r *Recorder) Observed(b *env.Batch) {
	if !r.due {
		return
	}
	r.due, r.recording = false, true
	e, l := &r.ep, r.levels.Level(r.world)
	e.Number = r.count
	r.count++
	e.Level.Seed = l.Seed
	e.Level.Params = append(e.Level.Params[:0], l.Params...)
	rows := r.rows(b)
	e.Obs = append(e.Obs, rows.Obs...)
}

// Episode returns what has been recorded of the episode that goes on, or else of the last one. It
// grows with each Stepped and is valid until the Begin of the next episode.
func (r *Recorder) Episode() *Episode { return &r.ep }

// Recording reports whether the next Stepped will be recorded: an episode goes on.
func (r *Recorder) Recording() bool { return r.recording }

func (r *Recorder) rows(b *env.Batch) env.Batch {
	return b.Rows(r.world*r.ep.Agents, (r.world+1)*r.ep.Agents)
}

// Stepped is called after each Step. It returns the episode that ended with it, which is valid
// until the next Begin, or nil.
func (r *Recorder) Stepped(b *env.Batch) *Episode {
	rows, e := r.rows(b), &r.ep
	r.due = rows.End[0] != env.Running
	if !r.recording {
		return nil
	}
	e.Act = append(e.Act, rows.Act...)
	e.Obs = append(e.Obs, rows.Next...)
	e.Facts = append(e.Facts, rows.Facts...)
	e.Reward = append(e.Reward, rows.Reward...)
	if n := e.Len(); n%e.Every == 0 {
		r.scratch = r.snap.AppendState(r.scratch[:0], r.world)
		e.Hashes = append(e.Hashes, hash(r.scratch))
		if n >= maxSteps {
			r.recording = false
		}
	}
	if !r.due {
		return nil
	}
	e.Last = rows.End[0]
	r.recording = false
	return e
}

// hash is FNV-1a of 64 bits.
func hash(p []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range p {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// AppendBinary appends the state of r between two steps, the unfinished episode included.
func (r *Recorder) AppendBinary(dst []byte) ([]byte, error) {
	var flags byte
	if r.due {
		flags |= 1
	}
	if r.recording {
		flags |= 2
	}
	dst = append(dst, flags)
	for i := range 8 {
		dst = append(dst, byte(r.count>>(8*i)))
	}
	if !r.recording {
		return dst, nil
	}
	return r.ep.AppendBinary(dst)
}

// UnmarshalBinary makes r, new for the same Vec, continue from a state of AppendBinary.
func (r *Recorder) UnmarshalBinary(data []byte) error {
	if len(data) < 9 || data[0] > 2 {
		return fmt.Errorf("recorder: malformed state of %d bytes", len(data))
	}
	var count uint64
	for i := range 8 {
		count |= uint64(data[1+i]) << (8 * i)
	}
	recording := data[0]&2 != 0
	if recording {
		var ep Episode
		if err := ep.UnmarshalBinary(data[9:]); err != nil {
			return err
		}
		if err := ep.check(r.vec.Spec()); err != nil {
			return err
		}
		r.ep = ep
	}
	r.due, r.recording, r.count = data[0]&1 != 0, recording, count
	return nil
}
