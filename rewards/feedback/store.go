package feedback

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A Shape is the widths of the rows of a trajectory.
type Shape struct{ Obs, Act, Facts int }

// ShapeOf returns the shape of trajectories of an environment.
func ShapeOf(s *env.Spec) Shape {
	return Shape{env.Width(s.Obs), env.Width(s.Act), env.Width(s.Facts)}
}

// A Segment names steps From to To, exclusive, of a trajectory.
type Segment struct {
	Traj     uint64 // ID of the trajectory
	From, To int32
}

// Len returns the number of steps.
func (s Segment) Len() int { return int(s.To - s.From) }

// Less orders segments, so that a pair has one canonical order.
func (s Segment) Less(o Segment) bool {
	if s.Traj != o.Traj {
		return s.Traj < o.Traj
	}
	if s.From != o.From {
		return s.From < o.From
	}
	return s.To < o.To
}

// A Trajectory is T consecutive steps of one agent.
type Trajectory struct {
	Level  uint64    // ID of the level it was played on
	End    env.End   // how its last step ended
	Obs    []float32 // (T+1) x observation: what was seen, and what followed the last step
	Act    []float32 // T x action
	Facts  []float32 // T x facts
	Reward []float32 // T: the task's own reward. For labellers and evaluation only
	Origin *Origin   // where it began, for it to be played again; nil if nobody asked for it. It must not be modified
}

// An Origin is what it takes to play a trajectory again: its actions do the rest.
type Origin struct {
	Level env.Level
	State []byte // of the world before the first observation, by env.Snapshotter
}

// Len returns the number of steps.
func (t *Trajectory) Len() int { return len(t.Reward) }

// A View is the rows of a segment, in the memory of its Store: it must not be modified.
type View struct {
	Trajectory         // the rows of the segment; Obs has one more than the others
	Shape      Shape   // their widths
	Segment    Segment // what it shows
	Final      bool    // its last step is the last of its trajectory, whose End then counts
}

// meta says where in the arrays of a Store a trajectory lies.
type meta struct {
	id, level uint64
	at, n     int // first step and number of steps; observations begin at row at + index
	end       env.End
	origin    *Origin
}

// A Store holds trajectories, each column kind in one flat array. It is safe for concurrent use
// as long as nobody adds or drops.
type Store struct {
	shape                   Shape
	obs, act, facts, reward []float32
	list                    []meta // in the order they were added
	index                   map[uint64]int
	numbered                bool
	added                   uint64 // ever
}

// NewStore returns an empty store. It panics if a width is negative or there are no observations.
func NewStore(s Shape) *Store {
	if s.Obs < 1 || s.Act < 0 || s.Facts < 0 {
		panic(fmt.Sprintf("feedback: store of shape %+v", s))
	}
	return &Store{shape: s, index: map[uint64]int{}}
}

// NewBuffer returns an empty store for trajectories that come and go. Their IDs are the numbers in
// which they were added, which is faster than a hash; what is added twice is stored twice.
func NewBuffer(s Shape) *Store {
	b := NewStore(s)
	b.numbered = true
	return b
}

// Shape returns the widths of its rows.
func (s *Store) Shape() Shape { return s.shape }

// Len returns the number of trajectories.
func (s *Store) Len() int { return len(s.list) }

// Steps returns the number of steps of all trajectories.
func (s *Store) Steps() int { return len(s.reward) }

// ID returns the ID of trajectory i, in the order they were added.
func (s *Store) ID(i int) uint64 { return s.list[i].id }

// Add copies a trajectory and returns its ID, which is a hash of its content: the same behaviour
// has the same ID in every program, and is stored once. See NewBuffer for stores of which that is
// not true. It fails if the rows do not fit.
func (s *Store) Add(t *Trajectory) (uint64, error) {
	n := t.Len()
	if n < 1 || len(t.Obs) != (n+1)*s.shape.Obs || len(t.Act) != n*s.shape.Act || len(t.Facts) != n*s.shape.Facts {
		return 0, fmt.Errorf("feedback: trajectory of %d rewards has %d observation, %d action and %d fact numbers; want at least 1 step of %d, %d, %d, and one more observation",
			n, len(t.Obs), len(t.Act), len(t.Facts), s.shape.Obs, s.shape.Act, s.shape.Facts)
	}
	if t.End > env.Truncated {
		return 0, fmt.Errorf("feedback: trajectory ends with %d, want 0 to 2", t.End)
	}
	id := s.added
	if !s.numbered {
		id = t.hash()
	}
	if _, ok := s.index[id]; ok {
		return id, nil
	}
	s.added++
	s.index[id] = len(s.list)
	s.list = append(s.list, meta{id, t.Level, len(s.reward), n, t.End, t.Origin})
	s.obs = append(s.obs, t.Obs...)
	s.act = append(s.act, t.Act...)
	s.facts = append(s.facts, t.Facts...)
	s.reward = append(s.reward, t.Reward...)
	return id, nil
}

// hash mixes all numbers of t, 64 bits at a time (the finaliser of MurmurHash3, Appleby 2011).
func (t *Trajectory) hash() uint64 {
	h := mix(t.Level ^ uint64(t.End)<<56)
	for _, x := range [][]float32{t.Obs, t.Act, t.Facts, t.Reward} {
		h = mix(h ^ uint64(len(x)))
		for _, v := range x {
			h = mix(h ^ uint64(math.Float32bits(v)))
		}
	}
	return h
}

func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Has reports whether the store holds all steps of a segment.
func (s *Store) Has(seg Segment) bool {
	i, ok := s.index[seg.Traj]
	return ok && seg.From >= 0 && seg.From < seg.To && int(seg.To) <= s.list[i].n
}

// View returns the rows of a segment. It fails if the store does not hold them.
func (s *Store) View(seg Segment) (View, error) {
	i, ok := s.index[seg.Traj]
	if !ok {
		return View{}, fmt.Errorf("feedback: trajectory %016x is not in the store", seg.Traj)
	}
	m := s.list[i]
	if seg.From < 0 || seg.From >= seg.To || int(seg.To) > m.n {
		return View{}, fmt.Errorf("feedback: steps %d to %d of trajectory %016x, which has %d", seg.From, seg.To, seg.Traj, m.n)
	}
	lo, hi := m.at+int(seg.From), m.at+int(seg.To)
	part := func(x []float32, w, lo, hi int) []float32 { return x[lo*w : hi*w : hi*w] }
	v := View{Shape: s.shape, Segment: seg, Final: int(seg.To) == m.n, Trajectory: Trajectory{
		Level: m.level,
		Obs:   part(s.obs, s.shape.Obs, lo+i, hi+i+1), // each trajectory before it has one row more
		Act:   part(s.act, s.shape.Act, lo, hi), Facts: part(s.facts, s.shape.Facts, lo, hi),
		Reward: s.reward[lo:hi:hi],
	}}
	if v.Final {
		v.End = m.end
	}
	if seg.From == 0 {
		v.Origin = m.origin
	}
	return v, nil
}

// Whole returns the rows of trajectory i, in the order they were added.
func (s *Store) Whole(i int) (View, error) {
	return s.View(Segment{s.list[i].id, 0, int32(s.list[i].n)})
}

// Trim drops the oldest trajectories until at most the given number of steps is left. Records of
// their segments become useless: filter them with Has. Views become invalid.
func (s *Store) Trim(steps int) {
	drop := 0
	for drop < len(s.list) && s.Steps()-s.at(drop) > steps {
		drop++
	}
	if drop == 0 {
		return
	}
	at := s.at(drop)
	s.obs = append(s.obs[:0], s.obs[(at+drop)*s.shape.Obs:]...)
	s.act = append(s.act[:0], s.act[at*s.shape.Act:]...)
	s.facts = append(s.facts[:0], s.facts[at*s.shape.Facts:]...)
	s.reward = append(s.reward[:0], s.reward[at:]...)
	s.list = append(s.list[:0], s.list[drop:]...)
	clear(s.index)
	for i := range s.list {
		s.list[i].at -= at
		s.index[s.list[i].id] = i
	}
}

// at returns the first step of trajectory i, or the number of steps.
func (s *Store) at(i int) int {
	if i == len(s.list) {
		return s.Steps()
	}
	return s.list[i].at
}

// Holds reports whether SampleEnds finds segments of the given length.
func (s *Store) Holds(length int) bool {
	return slices.ContainsFunc(s.list, func(m meta) bool { return m.n >= length || m.end == env.Terminated })
}

// Sample draws n segments of the given length, every possible one being equally likely, with
// replacement. It fails if no trajectory is long enough.
func (s *Store) Sample(r *rng.Stream, n, length int) ([]Segment, error) {
	return s.sample(r, n, length, func(m *meta) int { return max(0, m.n-length+1) })
}

// SampleEnds is Sample, and also draws the last steps, fewer than length, of trajectories that were
// terminated: what follows such an end is nothing, which judges of sums count as zeros.
func (s *Store) SampleEnds(r *rng.Stream, n, length int) ([]Segment, error) {
	return s.sample(r, n, length, func(m *meta) int {
		if m.end == env.Terminated {
			return m.n
		}
		return max(0, m.n-length+1)
	})
}

// sample draws segments, of which those of a trajectory have as many places to start as places says.
func (s *Store) sample(r *rng.Stream, n, length int, places func(*meta) int) ([]Segment, error) {
	total, starts := 0, make([]int, len(s.list)) // running number of places to start
	for i := range s.list {
		total += places(&s.list[i])
		starts[i] = total
	}
	if total == 0 || length < 1 {
		return nil, fmt.Errorf("feedback: none of %d trajectories has %d steps", len(s.list), length)
	}
	out := make([]Segment, n)
	for k := range out {
		x := r.IntN(total)
		i := sort.SearchInts(starts, x+1)
		m := &s.list[i]
		from := x - (starts[i] - places(m))
		out[k] = Segment{m.id, int32(from), int32(min(from+length, m.n))}
	}
	return out, nil
}

// Ends returns the last steps, at most length of them, of each trajectory that was terminated.
func (s *Store) Ends(length int) (out []Segment) {
	for _, m := range s.list {
		if m.end == env.Terminated {
			out = append(out, Segment{m.id, int32(max(0, m.n-length)), int32(m.n)})
		}
	}
	return out
}

// AppendBinary appends all trajectories: the number of them, then for each its level, end and
// steps as 8, 1 and 4 bytes, its numbers as float32, and its origin, little-endian. Before those of a
// buffer comes the ID of the first one, as 8 bytes.
func (s *Store) AppendBinary(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	b = slices.Grow(b, 4*(len(s.obs)+len(s.act)+len(s.facts)+len(s.reward))+32*len(s.list)) // origins come on top
	if s.numbered {
		b = le.AppendUint64(b, s.added-uint64(len(s.list)))
	}
	b = le.AppendUint32(b, uint32(len(s.list)))
	for _, m := range s.list {
		v, err := s.View(Segment{m.id, 0, int32(m.n)})
		if err != nil {
			return nil, err
		}
		b = le.AppendUint64(b, m.level)
		b = append(b, byte(m.end))
		b = le.AppendUint32(b, uint32(m.n))
		for _, x := range [][]float32{v.Obs, v.Act, v.Facts, v.Reward} {
			b = appendFloats(b, x)
		}
		b = appendOrigin(b, m.origin)
	}
	return b, nil
}

// UnmarshalBinary replaces the content by what AppendBinary wrote for the same shape. If it
// fails, the store is as before.
func (s *Store) UnmarshalBinary(data []byte) error {
	n, d := NewStore(s.shape), decoder{data: data}
	if n.numbered = s.numbered; n.numbered {
		n.added = d.u64()
	}
	for range d.u32() {
		t := Trajectory{Level: d.u64(), End: env.End(d.u8())}
		steps := int(d.u32())
		if d.bad || uint64(steps)*4 > uint64(len(d.data)) {
			d.bad = true
			break
		}
		t.Obs, t.Act = d.floats((steps+1)*s.shape.Obs), d.floats(steps*s.shape.Act)
		t.Facts, t.Reward = d.floats(steps*s.shape.Facts), d.floats(steps)
		t.Origin = d.origin()
		if d.bad {
			break
		}
		if _, err := n.Add(&t); err != nil {
			return err
		}
	}
	if d.bad || len(d.data) != 0 {
		return fmt.Errorf("feedback: state of a store of %d bytes is damaged, or of another shape than %+v", len(data), s.shape)
	}
	*s = *n
	return nil
}

// appendOrigin appends a byte that says whether there is an origin, and if so its level's seed and
// parameters and its state, each after their number.
func appendOrigin(b []byte, o *Origin) []byte {
	if o == nil {
		return append(b, 0)
	}
	le := binary.LittleEndian
	b = le.AppendUint64(append(b, 1), o.Level.Seed)
	b = appendFloats(le.AppendUint32(b, uint32(len(o.Level.Params))), o.Level.Params)
	return append(le.AppendUint32(b, uint32(len(o.State))), o.State...)
}

func (d *decoder) origin() *Origin {
	if d.u8() == 0 {
		return nil
	}
	o := &Origin{Level: env.Level{Seed: d.u64()}}
	o.Level.Params = d.floats(d.count(4))
	o.State = slices.Clone(d.bytes(d.count(1)))
	return o
}
