package visits

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
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
	if New(&env.Spec{Obs: []env.Field{{Name: "position", Len: 2, Lo: 0, Hi: float32(math.Inf(1))}}}) != nil {
		t.Error("a plane without bounds has a map")
	}
	if n := testing.AllocsPerRun(10, func() { m.Add(batchOf, bonusOf) }); n != 0 {
		t.Errorf("%v allocations a step", n)
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
