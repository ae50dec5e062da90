package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"html/template"
	"math"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/render/plot"
)

// bonusMapCells is the number of cells of a bonus map along each axis.
const bonusMapCells = 128

// A bonusMap is how often training was in each cell of the plane, and the bonus it got there.
type bonusMap struct {
	column, width          int // where a row of observations has x and y
	xMin, xMax, yMin, yMax float32
	visits                 []uint64
	bonus                  []float64 // sums
}

// newBonusMap returns the map of the observation "position" of an environment, nil if it has
// none of two bounded numbers.
func newBonusMap(s *env.Spec) *bonusMap {
	at := 0
	for _, f := range s.Obs {
		if span := f.Hi - f.Lo; f.Name == "position" && f.Len == 2 && span > 0 && span-span == 0 {
			const n = bonusMapCells * bonusMapCells
			return &bonusMap{at, env.Width(s.Obs), f.Lo, f.Hi, f.Lo, f.Hi, make([]uint64, n), make([]float64, n)}
		}
		at += f.Len
	}
	return nil
}

// add takes in the states that a step led to. Positions beyond the bounds count to the edge.
func (m *bonusMap) add(b *env.Batch, bonuses []float32) {
	index := func(v, lo, hi float32) int {
		return min(max(int((v-lo)/(hi-lo)*bonusMapCells), 0), bonusMapCells-1)
	}
	for i, x := range bonuses {
		p := b.Next[i*m.width+m.column:]
		k := index(p[1], m.yMin, m.yMax)*bonusMapCells + index(p[0], m.xMin, m.xMax)
		m.visits[k]++
		m.bonus[k] += float64(x)
	}
}

// append appends the cells visited: u32 cell, u64 visits, float64 sum of bonuses.
func (m *bonusMap) append(dst []byte) []byte {
	for k, n := range m.visits {
		if n > 0 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(k))
			dst = binary.LittleEndian.AppendUint64(dst, n)
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(m.bonus[k]))
		}
	}
	return dst
}

// load sets m to what append wrote.
func (m *bonusMap) load(src []byte) error {
	clear(m.visits)
	clear(m.bonus)
	for ; len(src) >= 20; src = src[20:] {
		k := binary.LittleEndian.Uint32(src)
		if int(k) >= len(m.visits) {
			return fmt.Errorf("cell %d of %d", k, len(m.visits))
		}
		m.visits[k] = binary.LittleEndian.Uint64(src[4:])
		m.bonus[k] = math.Float64frombits(binary.LittleEndian.Uint64(src[12:]))
	}
	if len(src) > 0 {
		return errors.New("it is cut short")
	}
	return nil
}

// heats returns the visits, on a logarithmic scale, and the mean bonus, both cut to the cells
// visited. There are none without visits.
func (m *bonusMap) heats() (visits, bonus *plot.Heat) {
	const n = bonusMapCells
	x0, x1, y0, y1 := n, -1, n, -1
	for k, v := range m.visits {
		if v > 0 {
			x0, x1, y0, y1 = min(x0, k%n), max(x1, k%n), min(y0, k/n), max(y1, k/n)
		}
	}
	if x1 < 0 {
		return nil, nil
	}
	at := func(lo, hi float32, k int) float64 { return float64(lo) + float64(hi-lo)*float64(k)/n }
	empty := plot.Heat{
		Cols: x1 - x0 + 1, Rows: y1 - y0 + 1,
		XMin: at(m.xMin, m.xMax, x0), XMax: at(m.xMin, m.xMax, x1+1), YMin: at(m.yMin, m.yMax, y0), YMax: at(m.yMin, m.yMax, y1+1),
	}
	one, two := empty, empty
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			v, b := math.NaN(), math.NaN()
			if c := m.visits[y*n+x]; c > 0 {
				v, b = math.Log10(float64(c)), m.bonus[y*n+x]/float64(c)
			}
			one.Values, two.Values = append(one.Values, v), append(two.Values, b)
		}
	}
	return &one, &two
}

// bonusMaps draws, for each seed of a run with a bonus, where training was and what that paid.
// Seeds without a checkpoint are left out.
func (r *runRecord) bonusMaps() (out []mapView, err error) {
	m := newBonusMap(r.Plan.Spec)
	if r.Plan.Bonus == "" || m == nil {
		return nil, nil
	}
	for _, s := range r.Seeds {
		c, err := newestCheckpoint(filepath.Join(SeedDir(r.Dir, s.Seed), "checkpoints"))
		if err == nil && c != nil {
			err = m.load(c["bonus_map"])
		}
		if err != nil {
			r.warn(fmt.Errorf("bonus map of seed %d: %w", s.Seed, err))
			continue
		}
		visits, bonus := m.heats()
		if c == nil || visits == nil {
			continue
		}
		_, most := visits.Range()
		lo, hi := bonus.Range()
		for _, f := range []struct {
			heat       *plot.Heat
			label, say string
		}{
			{visits, "visits over position", fmt.Sprintf("where training was: visits of each cell on a logarithmic scale, from 1 (dark blue) to %.0f (yellow).", math.Pow(10, most))},
			{bonus, "bonus over position", fmt.Sprintf("the mean bonus of each cell over training, from %.3g (dark blue) to %.3g (yellow).", lo, hi)},
		} {
			figure := plot.Figure{X: "x", Y: "y", Heat: f.heat, Width: 620, Height: 520}
			html, err := figure.HTML(f.label)
			if err != nil {
				return nil, err
			}
			out = append(out, mapView{template.HTML(html), fmt.Sprintf("Seed %d: %s", s.Seed, f.say)})
		}
	}
	return out, nil
}
