// Package visits keeps where training was: how often each cell of the plane was visited, and the
// bonus that was paid there. A run draws it in its report, and keeps it for viewers in the file
// [File] of the folder of each seed, anew with each checkpoint.
//
// # File
//
// Numbers are little-endian, floats of 32 bits.
//
//	0        4  "TRVM"
//	4        4  version, 1
//	8       16  x from, x to, y from, y to: bounds of the plane, float32
//	24       8  columns and rows, uint32
//	32      20  for each cell visited: number (uint32, row by row from the lower left corner),
//	...         visits (uint64), sum of the bonuses (float64)
//	end-4    4  CRC-32 (Castagnoli) of all before
package visits

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// File is the name of the file in the folder of a seed.
const File = "visits.map"

// Cells is the number of cells along each axis of a new map.
const Cells = 128

// A Map counts visits. Its cells are numbered row by row from the lower left corner. Where a coordinate
// has no bounds, the plane reaches from -1 to 1 at first, and twice as far whenever that is not enough.
type Map struct {
	XMin, XMax, YMin, YMax float32 // of the plane; what lies beyond counts to the edge
	Cols, Rows             int
	Visits                 []uint64
	Bonus                  []float64 // sums

	x, y axis // of a map from New
}

// An axis is where a batch has a coordinate.
type axis struct {
	field         env.Field
	fact          bool // a fact, else an observation
	column, width int
}

// New returns the map of where an environment's agents are: of the observation "position", if it has two
// numbers, else of the facts "x" and "y", else of the observations of these names. It is nil if there
// are none.
func New(s *env.Spec) *Map {
	x, y, ok := axes(s)
	if !ok {
		return nil
	}
	m := &Map{
		XMin: -1, XMax: 1, YMin: -1, YMax: 1, Cols: Cells, Rows: Cells,
		Visits: make([]uint64, Cells*Cells), Bonus: make([]float64, Cells*Cells), x: x, y: y,
	}
	if !x.endless() {
		m.XMin, m.XMax = x.field.Lo, x.field.Hi
	}
	if !y.endless() {
		m.YMin, m.YMax = y.field.Lo, y.field.Hi
	}
	return m
}

func axes(s *env.Spec) (x, y axis, ok bool) {
	find := func(name string, n int, facts bool) (axis, bool) {
		fields := s.Obs
		if facts {
			fields = s.Facts
		}
		at := 0
		for _, f := range fields {
			if f.Name == name && f.Len == n && f.Choices == 0 && f.Hi > f.Lo {
				return axis{f, facts, at, env.Width(fields)}, true
			}
			at += f.Len
		}
		return axis{}, false
	}
	if x, ok = find("position", 2, false); ok {
		y = x
		y.column++
		return x, y, true
	}
	for _, facts := range []bool{true, false} {
		x, ok = find("x", 1, facts)
		if y, both := find("y", 1, facts); ok && both {
			return x, y, true
		}
	}
	return x, y, false
}

// Units returns the units of x and y in an environment that has a map. Where both are m, the plane is
// that of the world.
func Units(s *env.Spec) (x, y string) {
	a, b, _ := axes(s)
	return a.field.Unit, b.field.Unit
}

// endless reports that the axis has no bounds.
func (a *axis) endless() bool {
	span := a.field.Hi - a.field.Lo
	return span-span != 0
}

// of returns the coordinate of row i of a batch.
func (a *axis) of(b *env.Batch, i int) float32 {
	if a.fact {
		return b.Facts[i*a.width+a.column]
	}
	return b.Next[i*a.width+a.column]
}

// Add takes in the states that a step led to, with a bonus each. m must be from New.
func (m *Map) Add(b *env.Batch, bonuses []float32) {
	index := func(v, lo, hi float32, n int) int { return min(int(geom.Clamp((v-lo)/(hi-lo), 0, 1)*float32(n)), n-1) }
	for i, bonus := range bonuses {
		x, y := m.x.of(b, i), m.y.of(b, i)
		if !geom.Finite(x) || !geom.Finite(y) {
			continue
		}
		for m.x.endless() && geom.Abs(x) > m.XMax && m.XMax < farthest {
			m.XMin, m.XMax = 2*m.XMin, 2*m.XMax
			m.merge(func(k int) int { return k/m.Cols*m.Cols + m.Cols/4 + k%m.Cols/2 })
		}
		for m.y.endless() && geom.Abs(y) > m.YMax && m.YMax < farthest {
			m.YMin, m.YMax = 2*m.YMin, 2*m.YMax
			m.merge(func(k int) int { return (m.Rows/4+k/m.Cols/2)*m.Cols + k%m.Cols })
		}
		k := index(y, m.YMin, m.YMax, m.Rows)*m.Cols + index(x, m.XMin, m.XMax, m.Cols)
		m.Visits[k]++
		m.Bonus[k] += float64(bonus)
	}
}

// farthest is how far a plane without bounds reaches at most.
const farthest = 1 << 20

// merge moves what cells hold to other ones.
func (m *Map) merge(to func(cell int) int) {
	visits, bonus := make([]uint64, len(m.Visits)), make([]float64, len(m.Bonus))
	for k, n := range m.Visits {
		visits[to(k)] += n
		bonus[to(k)] += m.Bonus[k]
	}
	m.Visits, m.Bonus = visits, bonus
}

// Mean returns the mean bonus of a cell, NaN where nobody was.
func (m *Map) Mean(cell int) float64 { return m.Bonus[cell] / float64(m.Visits[cell]) }

// Bright returns the mean bonus that a hundredth of the cells visited exceed, 0 without visits. A few
// cells where bonuses were seldom and large would else leave all others dark.
func (m *Map) Bright() float64 {
	var means []float64
	for k, n := range m.Visits {
		if n > 0 {
			means = append(means, m.Mean(k))
		}
	}
	if len(means) == 0 {
		return 0
	}
	slices.Sort(means)
	return means[(len(means)-1)*99/100]
}

const (
	magic   = "TRVM"
	version = 1
	header  = 32
	perCell = 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendBinary appends the map in the form of the file.
func (m *Map) AppendBinary(dst []byte) ([]byte, error) {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(append(dst, magic...), version)
	for _, x := range [...]float32{m.XMin, m.XMax, m.YMin, m.YMax} {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(x))
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(m.Cols))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(m.Rows))
	for k, n := range m.Visits {
		if n > 0 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(k))
			dst = binary.LittleEndian.AppendUint64(dst, n)
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(m.Bonus[k]))
		}
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli)), nil
}

// UnmarshalBinary sets the map to what AppendBinary wrote. A map from New goes on counting; it
// fails if that is of another plane or number of cells.
func (m *Map) UnmarshalBinary(src []byte) error {
	read, err := decode(src)
	if err != nil {
		return fmt.Errorf("map of visits: %w", err)
	}
	if m.x.width > 0 {
		fits := func(a *axis, lo, hi, readLo, readHi float32) bool {
			return lo == readLo && hi == readHi || a.endless() && readLo == -readHi && readHi >= 1
		}
		if read.Cols != m.Cols || read.Rows != m.Rows ||
			!fits(&m.x, m.XMin, m.XMax, read.XMin, read.XMax) || !fits(&m.y, m.YMin, m.YMax, read.YMin, read.YMax) {
			return errors.New("map of visits: it is of another environment")
		}
		read.x, read.y = m.x, m.y
	}
	*m = *read
	return nil
}

func (m *Map) bounds() [4]float32 { return [4]float32{m.XMin, m.XMax, m.YMin, m.YMax} }

func decode(src []byte) (*Map, error) {
	if len(src) < header+4 || string(src[:4]) != magic {
		return nil, errors.New("this is none")
	}
	if v := binary.LittleEndian.Uint32(src[4:]); v != version {
		return nil, fmt.Errorf("version %d, want %d", v, version)
	}
	body := src[:len(src)-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(src[len(body):]) || (len(body)-header)%perCell != 0 {
		return nil, errors.New("it is damaged or cut short")
	}
	m := &Map{Cols: int(binary.LittleEndian.Uint32(src[24:])), Rows: int(binary.LittleEndian.Uint32(src[28:]))}
	for i, x := range [...]*float32{&m.XMin, &m.XMax, &m.YMin, &m.YMax} {
		*x = math.Float32frombits(binary.LittleEndian.Uint32(src[8+4*i:]))
	}
	if m.Cols < 1 || m.Rows < 1 || m.Cols > 1<<12 || m.Rows > 1<<12 || !(m.XMax > m.XMin) || !(m.YMax > m.YMin) {
		return nil, fmt.Errorf("%d x %d cells of %v is no plane", m.Cols, m.Rows, m.bounds())
	}
	m.Visits, m.Bonus = make([]uint64, m.Cols*m.Rows), make([]float64, m.Cols*m.Rows)
	for body = body[header:]; len(body) > 0; body = body[perCell:] {
		k := binary.LittleEndian.Uint32(body)
		if int(k) >= len(m.Visits) {
			return nil, fmt.Errorf("cell %d of %d", k, len(m.Visits))
		}
		m.Visits[k] = binary.LittleEndian.Uint64(body[4:])
		m.Bonus[k] = math.Float64frombits(binary.LittleEndian.Uint64(body[12:]))
	}
	return m, nil
}

// Save writes the file into a folder, whole or not at all.
func (m *Map) Save(dir string) error {
	data, err := m.AppendBinary(nil)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dir, File))
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// Load reads the file of a folder. Its error wraps fs.ErrNotExist if there is none.
func Load(dir string) (*Map, error) {
	path := filepath.Join(dir, File)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: map of visits: %w", path, err)
	}
	return m, nil
}
