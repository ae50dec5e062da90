package feedback_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	. "github.com/terrarium-rl/terrarium/rewards/feedback"
)

var shape = Shape{Obs: 2, Act: 1, Facts: 3}

// walk returns a trajectory whose numbers tell their place.
func walk(n int, offset float32) *Trajectory {
	t := &Trajectory{Level: 7, End: env.Terminated}
	fill := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = offset + float32(i)
		}
		return x
	}
	t.Obs, t.Act, t.Facts, t.Reward = fill((n+1)*2), fill(n), fill(n*3), fill(n)
	return t
}

func fullStore(t *testing.T, lengths ...int) (*Store, []uint64) {
	t.Helper()
	s := NewStore(shape)
	var ids []uint64
	for i, n := range lengths {
		id, err := s.Add(walk(n, float32(1000*i)))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return s, ids
}

func TestStore(t *testing.T) {
	s, ids := fullStore(t, 5, 1, 9)
	if again, err := s.Add(walk(5, 0)); err != nil || again != ids[0] || s.Len() != 3 || s.Steps() != 15 {
		t.Errorf("adding the same again: %x, %v; %d trajectories of %d steps", again, err, s.Len(), s.Steps())
	}
	check := func(s *Store) {
		t.Helper()
		v, err := s.View(Segment{ids[2], 2, 5})
		if err != nil {
			t.Fatal(err)
		}
		want := walk(9, 2000)
		if !slices.Equal(v.Obs, want.Obs[4:12]) || !slices.Equal(v.Act, want.Act[2:5]) || !slices.Equal(v.Facts, want.Facts[6:15]) || v.Final || v.End != env.Running || v.Level != 7 {
			t.Errorf("view %+v", v)
		}
		if v, _ = s.View(Segment{ids[2], 8, 9}); !v.Final || v.End != env.Terminated || v.Obs[3] != 2019 {
			t.Errorf("last step %+v", v)
		}
	}
	check(s)
	state, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	other := NewStore(shape)
	if err := other.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	check(other)
	for cut := range len(state) {
		if NewStore(shape).UnmarshalBinary(state[:cut]) == nil {
			t.Fatalf("%d of %d bytes are read as a whole", cut, len(state))
		}
	}
	s.Trim(10)
	check(s)
	if s.Len() != 2 || s.Has(Segment{ids[0], 0, 1}) || !s.Has(Segment{ids[1], 0, 1}) || s.Has(Segment{ids[1], 0, 2}) {
		t.Errorf("after Trim %d trajectories of %d steps", s.Len(), s.Steps())
	}
	for want, seg := range map[string]Segment{"not in the store": {1, 0, 1}, "steps 3 to 3": {ids[2], 3, 3}, "steps 8 to 10": {ids[2], 8, 10}} {
		if _, err := s.View(seg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("View = %v, want an error about %q", err, want)
		}
	}
	bad := walk(3, 0)
	bad.Act = bad.Act[1:]
	if _, err := s.Add(bad); err == nil {
		t.Error("a trajectory of wrong rows is added")
	}
}

// Every place to start must be as likely as any other.
func TestSample(t *testing.T) {
	s, ids := fullStore(t, 5, 2, 7)
	r := rng.New(1).Stream(1, 0, 0)
	count := map[Segment]int{}
	segs, err := s.Sample(&r, 8000, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, seg := range segs {
		if !s.Has(seg) || seg.Len() != 3 {
			t.Fatalf("segment %+v", seg)
		}
		count[seg]++
	}
	if len(count) != 3+5 || count[Segment{ids[1], 0, 3}] != 0 {
		t.Fatalf("%d places to start, want 8", len(count))
	}
	for seg, n := range count {
		if n < 850 || n > 1150 {
			t.Errorf("segment %+v came %d times in 8000", seg, n)
		}
	}
	if _, err := s.Sample(&r, 1, 8); err == nil {
		t.Error("a segment longer than all trajectories")
	}
}

func seg(i int) Segment { return Segment{uint64(i), 0, 5} }

// beats returns the record of annotator a that segment i is better than j.
func beats(a uint32, i, j int) Record {
	r := Better(seg(i), seg(j))
	r.Annotator = a
	return r
}

func problems(rs []Record) (kinds []string) {
	for _, p := range Check(rs) {
		kinds = append(kinds, fmt.Sprintf("%s%d%v", p.Kind, p.Annotator, p.Records))
	}
	return kinds
}

func TestCheck(t *testing.T) {
	invalid := beats(3, 1, 2)
	invalid.Label = float32(math.NaN())
	context := beats(1, 1, 2)
	context.Context = []float32{1}
	tie := beats(0, 3, 1)
	tie.Label = 0.5
	for _, c := range []struct {
		name string
		rs   []Record
		want []string
	}{
		{"empty", nil, []string{"empty0[]"}},
		{"clean", []Record{beats(0, 1, 2), beats(0, 2, 3), beats(1, 3, 1), beats(2, 2, 1)}, nil},
		{"invalid", []Record{invalid}, []string{"invalid3[0]"}},
		{"duplicate", []Record{beats(0, 1, 2), beats(0, 1, 2).Swapped()}, []string{"duplicate0[0 1]"}},
		{"contradiction", []Record{beats(0, 1, 2), beats(0, 2, 1)}, []string{"contradiction0[0 1]"}},
		{"contexts may differ", []Record{beats(1, 2, 1), context}, nil},
		{"cycle", []Record{beats(0, 1, 2), beats(0, 9, 1), beats(0, 2, 3), beats(0, 3, 1)}, []string{"cycle0[0 2 3]"}},
		{"a tie breaks it", []Record{beats(0, 1, 2), beats(0, 2, 3), tie}, nil},
	} {
		if got := problems(c.rs); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	var left, both []Record
	for i := range 60 {
		left = append(left, beats(4, 2*i, 2*i+1))
		r := beats(5, 2*i, 2*i+1)
		if i%3 == 0 {
			r.Label = 0
		}
		both = append(both, r)
	}
	if got := Check(append(left, both...)); len(got) != 1 || got[0].Kind != "one-sided" || got[0].Annotator != 4 || len(got[0].Records) != 60 {
		t.Errorf("an annotator who always answers left: %v", got)
	}
	// 2^-20 is above a millionth, 2 * 2^-21 below.
	if got := append(Check(left[:20]), Check(left[:21])...); len(got) != 1 || len(got[0].Records) != 21 {
		t.Errorf("an annotator who answers left 20 and 21 times: %v", got)
	}
}

// Answers that were given again without being withdrawn are named, by their numbers in the log.
func TestAgain(t *testing.T) {
	withdrawn := func(x, y int) Record {
		r := beats(0, x, y)
		return Record{Kind: Declined, Segments: r.Segments, Tokens: []uint16{Withdrawn}, Weight: 1}
	}
	var got []string
	for _, p := range Again([]Record{
		beats(0, 1, 2), withdrawn(2, 1), beats(0, 2, 1), beats(1, 1, 2), // undone, and another annotator
		beats(0, 3, 4), beats(0, 3, 4), beats(0, 4, 3),
		beats(0, 5, 6), beats(0, 6, 5), withdrawn(5, 6), beats(0, 5, 6),
	}) {
		got = append(got, fmt.Sprintf("%s%d%v", p.Kind, p.Annotator, p.Records))
	}
	if want := []string{"duplicate0[4 5]", "contradiction0[4 6]"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Cycles must be those that a search of all paths finds.
func TestCyclesAgainstReachability(t *testing.T) {
	for seed := range uint64(200) {
		r := rng.New(seed).Stream(2, 0, 0)
		const n = 7
		var reach [n][n]bool
		var rs []Record
		for range 9 {
			i, j := r.IntN(n), r.IntN(n)
			if i == j || reach[i][j] || reach[j][i] {
				continue
			}
			reach[i][j] = true
			rs = append(rs, beats(0, i, j))
		}
		for k := range n {
			for i := range n {
				for j := range n {
					reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
				}
			}
		}
		var want, got []int
		for i, rec := range rs {
			if reach[rec.Segments[1].Traj][rec.Segments[0].Traj] {
				want = append(want, i)
			}
		}
		for _, p := range Check(rs) {
			got = append(got, p.Records...)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: records on cycles %v, want %v", seed, got, want)
		}
	}
}

func TestOps(t *testing.T) {
	rs := []Record{beats(0, 1, 2), beats(0, 1, 2).Swapped(), beats(0, 2, 3), beats(1, 5, 6)}
	before := fmt.Sprint(rs)
	out := Chain(WithoutDuplicates, Smooth(0.1), BalanceAnnotators)(rs)
	if len(out) != 3 || out[0].Label != 0.9 || out[0].Weight != 0.75 || out[2].Weight != 1.5 {
		t.Errorf("chain: %+v", out)
	}
	if out = BothOrders(rs[:1]); len(out) != 2 || out[1].Segments[0] != seg(2) || out[1].Label != 0 {
		t.Errorf("both orders: %+v", out)
	}
	if out = Flip(func(r *Record) bool { return r.Annotator == 1 })(rs); out[3].Label != 0 || out[0].Label != 1 {
		t.Errorf("flip: %+v", out)
	}
	if fmt.Sprint(rs) != before {
		t.Error("an Op changes what it is given")
	}
	rated := Record{Kind: Rated, Segments: []Segment{seg(1), seg(2), seg(3)}, Ratings: []float32{2, 5, 2}, Weight: 3}
	out = Pairs([]Record{rated, {Kind: Ranked, Segments: []Segment{seg(1), seg(2)}, Weight: 1}})
	var labels []float32
	for _, r := range out {
		if err := r.Validate(); err != nil || r.Weight != 1 {
			t.Errorf("%+v: %v", r, err)
		}
		labels = append(labels, r.Label)
	}
	if !slices.Equal(labels, []float32{0, 0.5, 1, 1}) {
		t.Errorf("labels of ratings 2, 5, 2 and of a ranking: %v", labels)
	}
	s, ids := fullStore(t, 5)
	in := Better(Segment{ids[0], 0, 2}, Segment{ids[0], 2, 4})
	if out = Within(s)([]Record{in, beats(0, 1, 2)}); len(out) != 1 {
		t.Errorf("within: %+v", out)
	}
}

// samples holds a record of every kind, with every field in use.
func samples() []Record {
	pair := beats(3, 1, 2)
	pair.Strength, pair.Margin, pair.Level, pair.Seconds, pair.Source = 2, 0.5, 1, 3.5, "web"
	return []Record{
		pair,
		{Kind: Ranked, Segments: []Segment{seg(3), seg(1), seg(2)}, Weight: 2, Tokens: []uint16{1, 65535}},
		{Kind: Rated, Segments: []Segment{seg(1), seg(2)}, Ratings: []float32{0.5, -1}, Weight: 1, Context: []float32{1, 0}},
		{Kind: Marked, Segments: []Segment{seg(1)}, Steps: []Mark{{0, 1}, {4, -1}}, Weight: 1},
		{Kind: Demo, Segments: []Segment{seg(9)}, Weight: 1},
	}
}

func writeLog(t *testing.T, path string, rs []Record) {
	t.Helper()
	l, _, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range rs {
		if err := l.Append(&rs[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// A log cut anywhere must keep every whole record, and take new ones.
func TestLogSurvivesTearing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.log")
	rs := samples()
	writeLog(t, path, rs)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for cut := 0; cut <= len(whole); cut++ {
		for _, tail := range []int{0, 30} { // zeros that a file system leaves
			if err := os.WriteFile(path, append(whole[:cut:cut], make([]byte, tail)...), 0o644); err != nil {
				t.Fatal(err)
			}
			if cut < 12 && tail > 0 {
				continue
			}
			l, got, err := OpenLog(path)
			if err != nil {
				t.Fatalf("cut at %d of %d, %d zeros: %v", cut, len(whole), tail, err)
			}
			if len(got) < kept || !reflect.DeepEqual(got, append([]Record(nil), rs[:len(got)]...)) {
				t.Fatalf("cut at %d: %d records, had %d", cut, len(got), kept)
			}
			kept = len(got)
			if err := l.Append(&rs[0]); err != nil {
				t.Fatal(err)
			}
			l.Close()
			if l, got, err = OpenLog(path); err != nil || len(got) != kept+1 || l.Torn != 0 {
				t.Fatalf("cut at %d: after another record %d, %v", cut, len(got), err)
			}
			l.Close()
		}
	}
	if kept != len(rs) {
		t.Errorf("the whole log has %d records, want %d", kept, len(rs))
	}
}

// Damage before the last record is never taken for a torn end.
func TestLogNamesDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.log")
	rs := samples()
	writeLog(t, path, rs[:1])
	one, _ := os.ReadFile(path)
	writeLog(t, path, rs[1:])
	whole, _ := os.ReadFile(path)
	for at := range len(one) {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x10
		if got, _, err := ReadLog(bad); err == nil {
			t.Fatalf("byte %d of %d changed: %d records and no error", at, len(one), len(got))
		} else if at >= 12 && !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
	}
	l, _, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Append(&Record{Kind: Pair, Segments: []Segment{seg(1), seg(1)}, Weight: 1}); err == nil {
		t.Error("a segment compared with itself is written")
	}
}

func FuzzReadLog(f *testing.F) {
	path := filepath.Join(f.TempDir(), "labels.log")
	l, _, err := OpenLog(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range samples() {
		if err := l.Append(&r); err != nil {
			f.Fatal(err)
		}
	}
	l.Close()
	data, _ := os.ReadFile(path)
	f.Add(data)
	f.Add(data[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		rs, end, err := ReadLog(data)
		if err == nil && end > len(data) {
			t.Fatalf("end %d of %d bytes", end, len(data))
		}
		again, rest, err2 := DecodeRecords(AppendRecords(nil, rs))
		if err2 != nil || len(rest) != 0 || !reflect.DeepEqual(again, rs) {
			t.Fatalf("records do not survive: %v", err2)
		}
		_ = NewStore(shape).UnmarshalBinary(data)
		_ = NewRecorder(NewStore(shape), 2, 9).UnmarshalBinary(data)
	})
}

// The trajectories of a recorder are those of the batches, whether or not it was saved between.
func TestRecorder(t *testing.T) {
	v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	spec, b := v.Spec(), env.NewBatch(v.Spec(), 3)
	whole, parts := NewStore(ShapeOf(spec)), NewStore(ShapeOf(spec))
	r, p := NewRecorder(whole, 3, 1000), NewRecorder(parts, 3, 1000)
	v.Reset(1)
	sum := 0.0
	for step := range 400 {
		if err := errors.Join(v.Observe(b)); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(spec, b, rng.New(1), step)
		if err := errors.Join(v.Step(b), r.Record(b), p.Record(b)); err != nil {
			t.Fatal(err)
		}
		sum += float64(b.Reward[0])
		if b.End[0] != env.Running && whole.Len() <= 3 {
			last, err := whole.View(Segment{whole.ID(0), 0, 1})
			if err != nil || last.Level != b.Level[0] {
				t.Fatalf("%+v, %v", last, err)
			}
		}
		state, err := p.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		p = NewRecorder(parts, 3, 1000)
		if err := p.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := whole.AppendBinary(nil)
	c, _ := parts.AppendBinary(nil)
	if whole.Len() < 3 || !bytes.Equal(a, c) {
		t.Errorf("%d trajectories, and %d by a recorder that was saved each step", whole.Len(), parts.Len())
	}
}

func ExampleCheck() {
	run, stumble, fall := Segment{1, 0, 50}, Segment{2, 0, 50}, Segment{3, 0, 50}
	for _, p := range Check([]Record{Better(run, stumble), Better(stumble, fall), Better(fall, run)}) {
		fmt.Println(p)
	}
	// Output: cycle: annotator 0 prefers 3 segments in a circle, in records [0 1 2]
}
