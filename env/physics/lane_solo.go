//go:build lanesource

package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// A laneSolo solves for the free impulses of a single world, as World.refine does in the same order: its
// lanes are columns of the matrix. Where few worlds have any left to solve for, that is faster than to keep other lanes idle.
type laneSolo struct {
	matrix, factors [maxFree * maxFree]float32
	row             [maxFree]int32
	x, sum          [maxFree]float32
	d, inverse      [maxFree]float32
	down, up        [maxFree]float32
	friction        [maxFree]float32
	slide, slip     [maxFree]float32
	least           [maxFree]float32 // pivots below are too small
	held            uint32           // a bit for each
	n, width        int              // free impulses, numbers between rows of the matrix
}

// refine solves for the n free impulses of the world in lane l of g.
func (s *laneSolo) refine(g *laneGroup, l, n int) {
	s.take(g, l, n)
	s.solve(g, l)
	for k, i := range g.unknown[l][:n] {
		*at(&g.free[i].sum, l), *at(&g.free[i].slip, l) = s.sum[k], s.slip[k]
	}
}

// take takes in the n free impulses of world l.
func (s *laneSolo) take(g *laneGroup, l, n int) {
	unknown := g.unknown[l][:n]
	for k, i := range unknown {
		f := &g.free[i]
		s.row[k] = f.row
		s.x[k], s.down[k], s.up[k] = *at(&f.x, l), *at(&f.down, l), *at(&f.up, l)
		s.friction[k], s.slide[k] = *at(&f.friction, l), *at(&f.slide, l)
		s.least[k] = *at(&f.least, l)
		s.sum[k], s.slip[k] = 0, 0
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
			s.takeColumn(g, k, l)
		}
	}
}

// takeColumn takes in the speeds that a unit of impulse k brings about in world l, as that of laneExact.
func (s *laneSolo) takeColumn(g *laneGroup, k, l int) {
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
					s.takeColumn(g, k, l)
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
