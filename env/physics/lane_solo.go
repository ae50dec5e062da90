//go:build lanesource

package physics

import (
	"math/bits"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// A laneSolo solves for the free impulses of a single world, as World.refine does in the same order: its
// lanes are columns of the matrix. Where few worlds of a group have any left to solve for, that is
// faster than to keep the lanes of all others idle.
type laneSolo struct {
	matrix, factors [maxFree * maxFree]float32
	row             [maxFree]int32
	free            [maxFree]int32 // which of the group's each is
	x, sum          [maxFree]float32
	d, inverse      [maxFree]float32
	down, up        [maxFree]float32
	friction        [maxFree]float32
	slide, slip     [maxFree]float32
	least           [maxFree]float32 // pivots below are too small
	held            uint32           // a bit for each
	n, width        int              // free impulses, numbers between rows of the matrix
}

// refineAlone solves for the free impulses of some worlds, one world after the other.
func (g *laneGroup) refineAlone(worlds uint32) {
	for ; worlds != 0; worlds &= worlds - 1 {
		l := bits.TrailingZeros32(worlds)
		s := &g.solo
		g.takeFree(s, l)
		s.solve(g, l)
		for k, i := range s.free[:s.n] {
			*at(&g.free[i].sum, l), *at(&g.free[i].slip, l) = s.sum[k], s.slip[k]
		}
	}
}

// takeFree takes in the free impulses of world l.
func (g *laneGroup) takeFree(s *laneSolo, l int) {
	n := 0
	for i := range g.free {
		f := &g.free[i]
		if f.has>>l&1 == 0 {
			continue
		}
		s.free[n], s.row[n] = int32(i), f.row
		s.x[n], s.down[n], s.up[n] = *at(&f.x, l), *at(&f.down, l), *at(&f.up, l)
		s.friction[n], s.slide[n] = *at(&f.friction, l), *at(&f.slide, l)
		s.least[n] = 0.5 * *at(&g.rows[f.row].soft, l)
		s.sum[n], s.slip[n] = 0, 0
		n++
	}
	s.n, s.held = n, 0
	s.width = (n + laneCount - 1) / laneCount * laneCount
	rows := len(g.rows)
	for p, row := range s.row[:n] {
		from := g.dense[int(row)*rows:][:rows]
		to := s.matrix[p*s.width:]
		for k, other := range s.row[:p+1] {
			x := *at(&from[other], l)
			to[k], s.matrix[k*s.width+p] = x, x
		}
	}
	for k := range n {
		if s.slide[k] != 0 {
			g.takeColumn(s, k, l)
		}
	}
}

// takeColumn takes in the speeds that a unit of impulse k brings about in world l, as assembleColumn.
func (g *laneGroup) takeColumn(s *laneSolo, k, l int) {
	rows, own, slide := len(g.rows), int(s.row[k]), s.slide[k]
	normal := g.dense[own*rows:][:rows]
	if slide == 0 {
		for p, row := range s.row[:s.n] {
			s.matrix[p*s.width+k] = *at(&normal[row], l)
		}
		return
	}
	tangent := g.dense[(own+1)*rows:][:rows]
	for p, row := range s.row[:s.n] {
		s.matrix[p*s.width+k] = *at(&normal[row], l) + float32(slide**at(&tangent[row], l))
	}
}

// solve is the loop of World.refine.
func (s *laneSolo) solve(g *laneGroup, l int) {
	n := s.n
	for range maxHolds {
		if !s.factorise() {
			for k := range n {
				if s.slide[k] != 0 {
					s.slide[k] = 0
					g.takeColumn(s, k, l)
				}
			}
			continue
		}
		step, at, upper := s.longest()
		for i := range n {
			up, down := s.rates(i)
			d := float32(s.d[i] * step)
			s.sum[i] += d
			s.slip[i] += float32(s.slide[i] * d)
			s.up[i], s.down[i] = geom.Max(s.up[i]-float32(up*step), 0), geom.Max(s.down[i]-float32(down*step), 0)
			s.x[i] = float32(s.x[i] * (1 - step))
		}
		if at < 0 {
			return
		}
		s.hold(at, upper)
	}
}

func (s *laneSolo) rates(i int) (up, down float32) {
	widening := float32(0)
	if s.friction[i] != 0 {
		widening = float32(s.friction[i] * s.d[i-1])
	}
	return s.d[i] - widening, -s.d[i] - widening
}

func (s *laneSolo) longest() (step float32, at int, upper bool) {
	step, at = 1, -1
	for i := range s.n {
		if s.held>>i&1 != 0 {
			continue
		}
		up, down := s.rates(i)
		if up > 0 && up*step > s.up[i] {
			step, at, upper = s.up[i]/up, i, true
		}
		if down > 0 && down*step > s.down[i] {
			step, at, upper = s.down[i]/down, i, false
		}
	}
	return step, at, upper
}

func (s *laneSolo) hold(at int, upper bool) {
	s.held |= 1 << at
	if s.friction[at] == 0 {
		return
	}
	slide := -s.friction[at]
	if upper {
		slide = s.friction[at]
	}
	s.slide[at-1] = slide
	for i := range s.n {
		s.matrix[i*s.width+at-1] += float32(slide * s.matrix[i*s.width+at])
	}
}

// factorise is World.solveFree. All rows below a pivot take their part of its row at once, so that none waits for
// another; what is subtracted from each number, and in which order, is the same. What is left of a pivot and
// below is not needed any more.
func (s *laneSolo) factorise() bool {
	n, width := s.n, s.width
	a := s.factors[:n*width]
	copy(a, s.matrix[:n*width])
	copy(s.d[:n], s.x[:n])
	for i := range n {
		pivot, inverse := a[i*width+i], float32(0)
		switch {
		case s.held>>i&1 != 0:
		case pivot > s.least[i]:
			inverse = 1 / pivot
		case s.slides():
			return false
		}
		s.inverse[i] = inverse
		d, first := s.d[i], i/laneCount*laneCount
		for k := i + 1; k < n; k++ {
			l := a[k*width+i] * inverse
			if l == 0 {
				continue
			}
			s.d[k] -= float32(l * d)
			f := lanes(l)
			for p := first; p < width; p += laneCount {
				to := &a[k*width+p]
				put(to, take(to)-lanes(f*take(&a[i*width+p])))
			}
		}
	}
	for k := n - 1; k >= 0; k-- {
		x := float32(0) // for those dropped or held
		if inverse := s.inverse[k]; inverse != 0 {
			x = s.d[k]
			row := a[k*width : k*width+n]
			for i := k + 1; i < n; i++ {
				x -= float32(row[i] * s.d[i])
			}
			x = float32(x * inverse)
		}
		s.d[k] = x
	}
	return true
}

func (s *laneSolo) slides() bool {
	for _, x := range s.slide[:s.n] {
		if x != 0 {
			return true
		}
	}
	return false
}
