package feedback

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
)

// A Recorder collects the rows of batches into trajectories of a store, one after each episode.
type Recorder struct {
	store *Store
	most  int
	rows  []Trajectory // one a row: the steps so far of its episode

	vec  env.Vec   // nil unless origins are wanted
	next []*Origin // of each row: of the trajectory that its next step begins
}

// Watch makes the trajectories from now on have an Origin. The worlds are those that the rows come
// from, before the next Observe. It fails if they cannot be saved, or have several agents.
func (r *Recorder) Watch(v env.Vec) error {
	if _, ok := v.(env.Snapshotter); !ok || v.Spec().Agents != 1 || v.Len() != len(r.rows) {
		return fmt.Errorf("feedback: %s has %d agents a world, or worlds that cannot be saved: its segments cannot be played again", v.Spec().ID, v.Spec().Agents)
	}
	if _, ok := v.(env.LevelSetter); !ok {
		return fmt.Errorf("feedback: %s does not tell its levels: its segments cannot be played again", v.Spec().ID)
	}
	r.vec = v
	if r.next == nil { // else the state of the recorder was loaded
		r.next = make([]*Origin, len(r.rows))
		for i := range r.next {
			r.begin(i)
		}
	}
	return nil
}

// begin notes the state of a world, whose next step begins a trajectory.
func (r *Recorder) begin(i int) {
	r.next[i] = &Origin{State: r.vec.(env.Snapshotter).AppendState(nil, i)}
}

// level completes the origin of the trajectory that row i has begun.
func (r *Recorder) level(i int) *Origin {
	o, l := r.next[i], r.vec.(env.LevelSetter).Level(i)
	o.Level = env.Level{Seed: l.Seed, Params: slices.Clone(l.Params)}
	r.next[i] = nil
	return o
}

// NewRecorder returns a recorder of batches of the given number of rows. Episodes longer than
// most steps are stored in parts of that length.
func NewRecorder(s *Store, rows, most int) *Recorder {
	r := &Recorder{store: s, most: max(most, 1), rows: make([]Trajectory, rows)}
	r.reserve()
	return r
}

// reserve makes room for the longest part of an episode, so that recording seldom allocates.
func (r *Recorder) reserve() {
	sh := r.store.shape
	for i := range r.rows {
		t := &r.rows[i]
		t.Obs = slices.Grow(t.Obs, (r.most+1)*sh.Obs)
		t.Act, t.Facts = slices.Grow(t.Act, r.most*sh.Act), slices.Grow(t.Facts, r.most*sh.Facts)
		t.Reward = slices.Grow(t.Reward, r.most)
	}
}

// Record copies the transitions of b. The batch must have the rows and widths the recorder is for.
func (r *Recorder) Record(b *env.Batch) error {
	sh := r.store.shape
	if b.N != len(r.rows) || len(b.Obs) != b.N*sh.Obs || len(b.Act) != b.N*sh.Act || len(b.Facts) != b.N*sh.Facts {
		return fmt.Errorf("feedback: batch of %d rows does not fit a recorder of %d rows of %+v", b.N, len(r.rows), sh)
	}
	for i := range r.rows {
		t := &r.rows[i]
		if t.Len() == 0 && r.vec != nil {
			t.Origin = r.level(i)
		}
		t.Append(b, i)
		if t.End == env.Running && t.Len() < r.most {
			continue
		}
		if _, err := r.store.Add(t); err != nil {
			return err
		}
		*t = Trajectory{Obs: t.Obs[:0], Act: t.Act[:0], Facts: t.Facts[:0], Reward: t.Reward[:0]}
		if r.vec != nil {
			r.begin(i)
		}
	}
	return nil
}

// Append adds the transition of a row of b, which has the widths of those before and follows them.
func (t *Trajectory) Append(b *env.Batch, row int) {
	part := func(x []float32) []float32 { w := len(x) / b.N; return x[row*w : (row+1)*w] }
	if t.Len() == 0 {
		t.Level, t.Obs = b.Level[row], append(t.Obs, part(b.Obs)...)
	}
	t.Obs, t.Act, t.Facts = append(t.Obs, part(b.Next)...), append(t.Act, part(b.Act)...), append(t.Facts, part(b.Facts)...)
	t.Reward, t.End = append(t.Reward, b.Reward[row]), b.End[row]
}

// AppendBinary appends the unfinished trajectories.
func (r *Recorder) AppendBinary(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(r.rows)))
	for i, t := range r.rows {
		b = le.AppendUint64(b, t.Level)
		b = le.AppendUint32(b, uint32(t.Len()))
		for _, x := range [][]float32{t.Obs, t.Act, t.Facts, t.Reward} {
			b = appendFloats(b, x)
		}
		b = appendOrigin(b, t.Origin)
		if r.next == nil {
			b = append(b, 0)
		} else {
			b = appendOrigin(b, r.next[i])
		}
	}
	return b, nil
}

// UnmarshalBinary restores what AppendBinary wrote for as many rows. If it fails, the recorder is
// as before.
func (r *Recorder) UnmarshalBinary(data []byte) error {
	d, sh := decoder{data: data}, r.store.shape
	if n := d.u32(); int(n) != len(r.rows) {
		return fmt.Errorf("feedback: state of a recorder of %d rows, want %d", n, len(r.rows))
	}
	rows, next := make([]Trajectory, len(r.rows)), make([]*Origin, len(r.rows))
	watched := false
	for i := range rows {
		t := &rows[i]
		t.Level = d.u64()
		n := int(d.u32())
		if n > 0 {
			t.Obs = d.floats((n + 1) * sh.Obs)
		}
		t.Act, t.Facts, t.Reward = d.floats(n*sh.Act), d.floats(n*sh.Facts), d.floats(n)
		t.Origin, next[i] = d.origin(), d.origin()
		watched = watched || t.Origin != nil || next[i] != nil
	}
	if d.bad || len(d.data) != 0 {
		return fmt.Errorf("feedback: state of a recorder of %d bytes is damaged", len(data))
	}
	r.rows, r.next = rows, nil
	if watched {
		r.next = next
	}
	r.reserve()
	return nil
}
