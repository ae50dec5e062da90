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

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// File is the name of the file in the folder of a seed.
const File = "visits.map"

// Cells is the number of cells along each axis of a new map.
const Cells = 128

// A Map counts visits. Its cells are numbered row by row from the lower left corner.
type Map struct {
	XMin, XMax, YMin, YMax float32 // of the plane; what lies beyond counts to the edge
	Cols, Rows             int
	Visits                 []uint64
	Bonus                  []float64 // sums

	column, width int // where a row of observations has x and y
}

// New returns the map of the observation "position" of an environment, nil if it has none of two
// bounded numbers.
func New(s *env.Spec) *Map {
	at := 0
	for _, f := range s.Obs {
		if span := f.Hi - f.Lo; f.Name == "position" && f.Len == 2 && span > 0 && span-span == 0 {
			return &Map{
				XMin: f.Lo, XMax: f.Hi, YMin: f.Lo, YMax: f.Hi, Cols: Cells, Rows: Cells,
				Visits: make([]uint64, Cells*Cells), Bonus: make([]float64, Cells*Cells),
				column: at, width: env.Width(s.Obs),
			}
		}
		at += f.Len
	}
	return nil
}

// Add takes in the states that a step led to, with a bonus each. m must be from New.
func (m *Map) Add(b *env.Batch, bonuses []float32) {
	index := func(v, lo, hi float32, n int) int { return min(int(geom.Clamp((v-lo)/(hi-lo), 0, 1)*float32(n)), n-1) }
	for i, x := range bonuses {
		p := b.Next[i*m.width+m.column:]
		k := index(p[1], m.YMin, m.YMax, m.Rows)*m.Cols + index(p[0], m.XMin, m.XMax, m.Cols)
		m.Visits[k]++
		m.Bonus[k] += float64(x)
	}
}

// Mean returns the mean bonus of a cell, NaN where nobody was.
func (m *Map) Mean(cell int) float64 { return m.Bonus[cell] / float64(m.Visits[cell]) }

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
	if m.width > 0 {
		if read.Cols != m.Cols || read.Rows != m.Rows || read.bounds() != m.bounds() {
			return errors.New("map of visits: it is of another environment")
		}
		read.column, read.width = m.column, m.width
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
