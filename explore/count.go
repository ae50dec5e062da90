package explore

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func init() {
	Register("count", func() Config { return &Count{Cell: 0.5, MaxKeys: 1 << 20, Hash: "grid", Bits: 32} })
	Register("episodic_count", func() Config { return &Count{Cell: 0.5, MaxKeys: 1 << 14, Episodic: true, Hash: "grid", Bits: 32} })
}

// Count rewards rarely visited cells of a grid over chosen fields with 1/sqrt(N), N being the
// number of visits before and including this one: the count-based bonus of Strehl and Littman
// (2008), as in Henaff et al. (2023), section 3. Episodic counts, one table a row, begin anew
// each episode; with FirstVisit they give 1 for the first visit of an episode and 0 after.
type Count struct {
	Fields     []string `json:"fields,omitempty" doc:"observation fields or facts that make up a state; default: the whole observation"`
	Cell       float32  `json:"cell" doc:"side of a grid cell, in the fields' own units"`
	MaxKeys    int      `json:"max_keys" doc:"slots of a table, rounded up to a power of two; when two thirds are taken, new states share counts"`
	Hash       string   `json:"hash" doc:"grid: of cells; or simhash: signs of random projections, for many fields"`
	Bits       int      `json:"bits" doc:"projections of simhash, 1 to 64"`
	FirstVisit bool     `json:"first_visit,omitempty" doc:"episodic counts only: 1 for the first visit, 0 after"`
	Episodic   bool     `json:"-"`
}

// Build returns the bonus.
func (c *Count) Build(s Setup) (Bonus, error) {
	v, err := newView(s.Spec, c.Fields)
	if err != nil {
		return nil, fmt.Errorf("bonus count: fields: %w", err)
	}
	if !(c.Cell > 0) || !geom.Finite(c.Cell) {
		return nil, fmt.Errorf("bonus count: cell is %v, want a positive length", c.Cell)
	}
	if c.MaxKeys < 64 || c.MaxKeys > 1<<28 {
		return nil, fmt.Errorf("bonus count: max_keys is %d, want 64 to 2^28", c.MaxKeys)
	}
	if c.FirstVisit && !c.Episodic {
		return nil, fmt.Errorf("bonus count: first_visit is for episodic_count")
	}
	if c.Hash != "grid" && c.Hash != "simhash" {
		return nil, fmt.Errorf("bonus count: hash is %q, want grid or simhash", c.Hash)
	}
	if c.Bits < 1 || c.Bits > 64 {
		return nil, fmt.Errorf("bonus count: bits is %d, want 1 to 64", c.Bits)
	}
	limit := 64
	for limit < c.MaxKeys {
		limit *= 2
	}
	b := &count{c: *c, view: v, keys: make([]uint64, s.Rows), x: make([]float32, v.width()), seen: newTable(limit)}
	if c.Hash == "simhash" {
		r := s.Key.Stream(simhashPurpose, 0, 0)
		b.planes = make([]float32, c.Bits*v.width())
		for i := range b.planes {
			b.planes[i] = r.Norm()
		}
	}
	if c.Episodic {
		for range s.Rows {
			b.rows = append(b.rows, newTable(limit))
		}
	}
	return b, nil
}

type count struct {
	c      Count
	view   *view
	x      []float32
	planes []float32 // normals of simhash, nil for a grid
	keys   []uint64  // of the batch scored last
	lost   int       // first row of it that has none, -1 if all have
	seen   *table    // global
	rows   []*table  // episodic
}

const simhashPurpose rng.Purpose = 0x73696d68

// key hashes the state that row i leads to: its grid cell (FNV-1a over cell coordinates), or
// the signs of its random projections (Charikar 2002; Tang et al., "#Exploration", NeurIPS
// 2017, eq. 2).
//
// A number that is not finite, or so large that its cell has no number on some machines, has no key.
func (c *count) key(b *env.Batch, i int) (key uint64, ok bool) {
	c.view.next(c.x, b, i)
	if c.planes != nil {
		h, w := uint64(0), len(c.x)
		for _, v := range c.x {
			if !geom.Finite(v) {
				return 0, false
			}
		}
		for k := range c.c.Bits {
			h <<= 1
			if loops.dot(c.x, c.planes[k*w:(k+1)*w]) > 0 {
				h |= 1
			}
		}
		return h, true
	}
	h := uint64(14695981039346656037)
	for _, v := range c.x {
		cell := geom.Floor(v / c.c.Cell)
		if !(cell > -mostCells && cell < mostCells) {
			return 0, false
		}
		h = (h ^ uint64(uint32(int32(cell)))) * 1099511628211
	}
	return h, true
}

// mostCells is the largest number of a cell, on both sides of 0.
const mostCells = 1 << 30

// Score writes the bonus of each row. Rows that visit one cell in one batch get the same.
func (c *count) Score(dst []float32, b *env.Batch) {
	c.lost = -1
	for i := range b.N {
		ok := false
		if c.keys[i], ok = c.key(b, i); !ok && c.lost < 0 {
			c.lost = i
		}
		n := uint32(0)
		if c.c.Episodic {
			n = c.rows[i].count(c.keys[i])
		} else {
			n = c.seen.count(c.keys[i])
		}
		switch {
		case !c.c.FirstVisit:
			dst[i] = 1 / geom.Sqrt(float32(n)+1)
		case n == 0:
			dst[i] = 1
		default:
			dst[i] = 0
		}
	}
}

// Update counts the states of b, and forgets those of episodes that ended.
func (c *count) Update(b *env.Batch, report func(string, float64)) error {
	if c.lost >= 0 {
		return c.misfit(b)
	}
	collisions := uint64(0)
	for i := range b.N {
		if !c.c.Episodic {
			c.seen.add(c.keys[i])
			continue
		}
		c.rows[i].add(c.keys[i])
		collisions += c.rows[i].collisions
		if b.End[i] != env.Running {
			c.rows[i].clear()
		}
	}
	if report != nil {
		if !c.c.Episodic {
			report("states", float64(len(c.seen.used)))
			collisions = c.seen.collisions
		}
		report("collisions", float64(collisions))
	}
	return nil
}

// misfit says which number of the row without a key is at fault.
func (c *count) misfit(b *env.Batch) error {
	c.view.next(c.x, b, c.lost)
	for j, v := range c.x {
		if cell := v / c.c.Cell; !(cell > -mostCells && cell < mostCells) {
			return fmt.Errorf("bonus count: number %d of the state of row %d is %v: not finite, or beyond 2^30 cells of %v", j, c.lost, v, c.c.Cell)
		}
	}
	return fmt.Errorf("bonus count: the state of row %d is not finite", c.lost)
}

// AppendBinary appends the number of tables and the tables.
func (c *count) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(c.rows)))
	dst = c.seen.append(dst)
	for _, t := range c.rows {
		dst = t.append(dst)
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote.
func (c *count) UnmarshalBinary(src []byte) error {
	if len(src) < 4 || int(binary.LittleEndian.Uint32(src)) != len(c.rows) {
		return fmt.Errorf("bonus count: the state is of another number of rows than %d", len(c.rows))
	}
	src, err := c.seen.cut(src[4:])
	for i := 0; err == nil && i < len(c.rows); i++ {
		src, err = c.rows[i].cut(src)
	}
	if err == nil && len(src) > 0 {
		err = fmt.Errorf("%d bytes too many", len(src))
	}
	if err != nil {
		return fmt.Errorf("bonus count: %w", err)
	}
	return nil
}
