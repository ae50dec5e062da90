package visits

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func spec() *env.Spec {
	return &env.Spec{ID: "plane-v0", Agents: 1, Obs: []env.Field{
		{Name: "speed", Len: 1}, {Name: "position", Len: 2, Lo: 0, Hi: 4},
	}}
}

func batch(s *env.Spec, at ...float32) *env.Batch {
	b := env.NewBatch(s, len(at)/2)
	for i := range len(at) / 2 {
		b.Next[3*i+1], b.Next[3*i+2] = at[2*i], at[2*i+1]
	}
	return b
}

func TestMap(t *testing.T) {
	s := spec()
	m := New(s)
	m.Add(batch(s, 0.01, 0.01, 3.99, 0.01, -9, 9), []float32{0.5, 1, 2})
	m.Add(batch(s, 0.01, 0.01), []float32{0.1})
	lower, right, corner := 0, Cells-1, (Cells-1)*Cells
	if m.Visits[lower] != 2 || m.Visits[right] != 1 || m.Visits[corner] != 1 {
		t.Errorf("visits %d, %d, %d", m.Visits[lower], m.Visits[right], m.Visits[corner])
	}
	if d := m.Mean(lower) - 0.3; d > 1e-6 || d < -1e-6 || m.Mean(corner) != 2 || !math.IsNaN(m.Mean(1)) {
		t.Errorf("mean bonuses %v, %v, %v", m.Mean(lower), m.Mean(corner), m.Mean(1))
	}
	if New(&env.Spec{Obs: []env.Field{{Name: "position", Len: 1, Lo: 0, Hi: 4}, {Name: "x", Len: 1, Hi: 1}}}) != nil {
		t.Error("an environment without a place has a map")
	}
	if n := testing.AllocsPerRun(10, func() { m.Add(batchOf, bonusOf) }); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

// A plane without bounds grows, to the map that it would have been with those bounds from the beginning.
func TestEndless(t *testing.T) {
	inf := float32(math.Inf(1))
	of := func(lo, hi float32) *env.Spec {
		return &env.Spec{ID: "plane-v0", Agents: 1, Obs: []env.Field{{Name: "speed", Len: 1}},
			Facts: []env.Field{{Name: "x", Len: 1, Lo: -3, Hi: 5, Unit: "m"}, {Name: "won", Len: 1}, {Name: "y", Len: 1, Lo: lo, Hi: hi, Unit: "m"}}}
	}
	endless, bounded := of(-inf, inf), of(-64, 64)
	if x, y := Units(endless); x != "m" || y != "m" {
		t.Errorf("units %q and %q", x, y)
	}
	r, nan := rng.New(3).Stream(0, 0, 0), float32(math.NaN())
	m, want := New(endless), New(bounded)
	b := env.NewBatch(endless, 8)
	bonus := make([]float32, 8)
	for step := range 60 {
		for i := range 8 {
			b.Facts[3*i], b.Facts[3*i+2], bonus[i] = r.Range(-4, 6), r.Range(-1, 1)*float32(step+1), float32(r.IntN(8))
		}
		m.Add(b, bonus)
		want.Add(b, bonus)
		b.Facts[2] = nan // is left out
		m.Add(&env.Batch{N: 1, Facts: b.Facts[:3]}, bonus[:1])
	}
	if m.YMin != -64 || m.YMax != 64 || m.XMin != -3 || m.XMax != 5 {
		t.Fatalf("the plane is %v", m.bounds())
	}
	if !slices.Equal(m.Visits, want.Visits) || !slices.Equal(m.Bonus, want.Bonus) {
		t.Error("a plane that has grown holds something else than one of its size")
	}
	state, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	again := New(endless)
	if err := again.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	m.Add(b, bonus)
	again.Add(b, bonus)
	if !reflect.DeepEqual(m, again) {
		t.Error("a map that was loaded goes on otherwise")
	}
	if err := New(of(-9, 9)).UnmarshalBinary(state); err == nil {
		t.Error("a map of another plane is accepted")
	}
}

// A few cells do not make all others dark.
func TestBright(t *testing.T) {
	m := New(spec())
	if m.Bright() != 0 {
		t.Error("brightness without visits")
	}
	for i := range 200 {
		at := 0.01 + 4*float32(i%128)/128
		m.Add(batch(spec(), at, 0.01+float32(i/128)), []float32{float32(i)})
	}
	m.Add(batch(spec(), 3.9, 3.9), []float32{1e6})
	if got := m.Bright(); got != 198 {
		t.Errorf("all but a hundredth are at most %v, want 198", got)
	}
}

var batchOf, bonusOf = batch(spec(), 1, 1), []float32{1}

func TestFile(t *testing.T) {
	dir, s := t.TempDir(), spec()
	if _, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	m := New(s)
	m.Add(batch(s, 1, 1, 2, 3), []float32{0.5, 1})
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	read, err := Load(dir)
	if err != nil || !reflect.DeepEqual(read.Visits, m.Visits) || !reflect.DeepEqual(read.Bonus, m.Bonus) || read.bounds() != m.bounds() {
		t.Fatalf("read another map, %v", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		bad := append([]byte(nil), data...)
		bad[i] ^= 0x10
		if err := New(s).UnmarshalBinary(bad); err == nil {
			t.Fatalf("byte %d is changed unnoticed", i)
		}
		if err := New(s).UnmarshalBinary(data[:i]); err == nil {
			t.Fatalf("the first %d bytes are accepted", i)
		}
	}
	wide := spec()
	wide.Obs[1].Hi = 5
	if err := New(wide).UnmarshalBinary(data); err == nil {
		t.Error("the map of another plane is accepted")
	}
	again := New(s)
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	again.Add(batch(s, 1, 1), []float32{0.5}) // it goes on
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
}

func FuzzDecode(f *testing.F) {
	m := New(spec())
	m.Add(batchOf, bonusOf)
	data, _ := m.AppendBinary(nil)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := decode(data); err == nil && len(m.Visits) != m.Cols*m.Rows {
			t.Error("the map has another size than it says")
		}
	})
}

func ExampleMap() {
	s := spec()
	m := New(s)
	m.Add(batch(s, 0.5, 0.5), []float32{2})
	for cell, n := range m.Visits {
		if n > 0 {
			fmt.Printf("column %d, row %d: %d visit, bonus %g\n", cell%m.Cols, cell/m.Cols, n, m.Mean(cell))
		}
	}
	// Output: column 16, row 16: 1 visit, bonus 2
}
