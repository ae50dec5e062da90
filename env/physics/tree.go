package physics

import "github.com/terrarium-rl/terrarium/env/scene"

// A tree is a set of bodies that joints connect, which respond together to an impulse on any
// of them. A body without joints is a tree of its own.
//
// The joints of a tree impose equality constraints J v = 0, which are solved exactly with one
// factorisation L D L^T of the matrix K = J M^-1 J^T a step. Eliminating joints from the
// leaves inward creates no new entries in L if the joints form a tree (Baraff, "Linear-time
// dynamics using Lagrange multipliers", SIGGRAPH 1996), so the cost grows with the number of
// joints, for bodies of bounded degree. Loops merely add entries. All of that is known when the
// scene is compiled: the factorisation runs through precomputed positions.
type tree struct {
	dof     int32 // of its first velocity; size velocities follow, and then three zeros
	size    int32
	bodies  []int32
	row0    int32 // of its constraints among those of the world
	factor0 int32 // where its factorisation is kept
	rows    int32

	entries int32   // below the diagonal of L
	start   []int32 // rows+1: where each column of L begins
	row     []int32 // entries: the row of each
	terms   []term  // how K is assembled
	targets []int32 // for each column and pair of its entries, what the elimination changes
}

// term adds to an element of K: the product of two rows of J over the three velocities of one
// body that both act on.
type term struct {
	at     int32 // below rows: the diagonal; otherwise rows plus an entry
	i, k   int32 // rows
	si, sk int32 // side of the joint: 0 for body a, 3 for body b
}

// addTrees finds the trees and numbers velocities and constraint rows.
func (m *Model) addTrees() {
	root := make([]int32, len(m.bodies))
	for i := range root {
		root[i] = int32(i)
	}
	find := func(i int32) int32 {
		for root[i] != i {
			i = root[i]
		}
		return i
	}
	dynamic := func(b int32) bool { return m.bodies[b].kind == scene.Dynamic }
	for i := range m.joints {
		if j := &m.joints[i]; dynamic(j.a) && dynamic(j.b) {
			a, b := find(j.a), find(j.b)
			root[max(a, b)] = min(a, b)
		}
	}
	index := map[int32]int{}
	for _, b := range m.moving {
		r := find(b)
		t, ok := index[r]
		if !ok {
			t = len(m.trees)
			index[r] = t
			m.trees = append(m.trees, tree{})
		}
		m.trees[t].bodies = append(m.trees[t].bodies, b)
		if dynamic(b) {
			m.bodies[b].tree = int32(t)
		}
	}
	dof, row, factor := int32(0), int32(0), int32(0)
	for t := range m.trees {
		tr := &m.trees[t]
		tr.dof, tr.row0, tr.size = dof, row, 3*int32(len(tr.bodies))
		for i, b := range tr.bodies {
			m.bodies[b].dof = dof + 3*int32(i)
		}
		dof += tr.size + 3
		var joints []int32
		for j := range m.joints {
			if int32(t) == m.jointTree(j) {
				joints = append(joints, int32(j))
			}
		}
		m.order(tr, joints)
		row += tr.rows
		tr.factor0 = factor
		factor += tr.rows + tr.entries
	}
	m.dofs, m.rows = int(dof), int(row)
	m.addLinks()
	for b := range m.bodies {
		if m.bodies[b].kind == scene.Static {
			m.bodies[b].dof = dof // the three zeros at the very end
		}
	}
}

// A link is a constraint that acts on a body.
type link struct {
	row  int32 // in its tree
	side int32 // of the joint that the body is: 0 for body a, 3 for body b
}

// addLinks lists the constraints of each body that responds.
func (m *Model) addLinks() {
	for i := range m.joints {
		j := &m.joints[i]
		t := &m.trees[m.jointTree(i)]
		for side, b := range [2]int32{j.a, j.b} {
			if m.bodies[b].tree < 0 {
				continue
			}
			for r := range j.rows {
				m.bodies[b].links = append(m.bodies[b].links, link{j.row0 - t.row0 + r, 3 * int32(side)})
			}
		}
	}
}

// jointTree returns the tree that answers to a joint: that of the dynamic one of its bodies.
func (m *Model) jointTree(j int) int32 {
	return max(m.bodies[m.joints[j].a].tree, m.bodies[m.joints[j].b].tree)
}

// order chooses the order of elimination, greedily the joint with the fewest neighbours, and
// lays out L.
func (m *Model) order(t *tree, joints []int32) {
	near := make([]map[int32]bool, len(joints)) // joints that share a dynamic body, then also fill
	for i, p := range joints {
		near[i] = map[int32]bool{}
		for k, q := range joints {
			if i != k && m.share(p, q) {
				near[i][int32(k)] = true
			}
		}
	}
	done := make([]bool, len(joints))
	var sequence []int32
	later := make([][]int32, len(joints)) // neighbours that are eliminated later
	for range joints {
		best := -1
		for i := range joints {
			if !done[i] && (best < 0 || len(near[i]) < len(near[best])) {
				best = i
			}
		}
		done[best] = true
		sequence = append(sequence, int32(best))
		for a := range near[best] {
			later[best] = append(later[best], a)
			delete(near[a], int32(best))
			for b := range near[best] {
				if a != b {
					near[a][b] = true
				}
			}
		}
	}
	rank := make([]int32, len(joints))
	for _, i := range sequence {
		j := &m.joints[joints[i]]
		j.row0 = t.row0 + t.rows
		rank[i] = t.rows
		t.rows += j.rows
	}
	m.layL(t, joints, sequence, later, rank)
}

// share reports whether two joints act on a common dynamic body.
func (m *Model) share(p, q int32) bool {
	a, b := &m.joints[p], &m.joints[q]
	same := func(x, y int32) bool { return x == y && m.bodies[x].kind == scene.Dynamic }
	return same(a.a, b.a) || same(a.a, b.b) || same(a.b, b.a) || same(a.b, b.b)
}

func (m *Model) layL(t *tree, joints, sequence []int32, later [][]int32, rank []int32) {
	n := t.rows
	used := make([]bool, n*n) // used[i*n+k]: L has an entry in row i, column k
	for _, i := range sequence {
		r := m.joints[joints[i]].rows
		for x := range r {
			for y := range x {
				used[(rank[i]+x)*n+rank[i]+y] = true
			}
			for _, o := range later[i] {
				for y := range m.joints[joints[o]].rows {
					used[(rank[o]+y)*n+rank[i]+x] = true
				}
			}
		}
	}
	at := make([]int32, n*n) // where an element of the lower triangle of K is kept
	for k := range n {
		t.start = append(t.start, int32(len(t.row)))
		at[k*n+k] = k
		for i := k + 1; i < n; i++ {
			if used[i*n+k] {
				at[i*n+k] = n + int32(len(t.row))
				t.row = append(t.row, i)
			}
		}
	}
	t.entries = int32(len(t.row))
	t.start = append(t.start, t.entries)
	for k := range n {
		col := t.row[t.start[k]:t.start[k+1]]
		for p := range col {
			for q := p; q < len(col); q++ {
				t.targets = append(t.targets, at[col[q]*n+col[p]])
			}
		}
	}
	m.addTerms(t, joints, at, n)
}

// addTerms lists the products that make up the lower triangle of K.
func (m *Model) addTerms(t *tree, joints, at []int32, n int32) {
	sides := func(j *jointInfo) [2]int32 { return [2]int32{j.a, j.b} }
	for _, p := range joints {
		for _, q := range joints {
			jp, jq := &m.joints[p], &m.joints[q]
			for si, bp := range sides(jp) {
				for sk, bq := range sides(jq) {
					if bp != bq || m.bodies[bp].kind != scene.Dynamic {
						continue
					}
					for x := range jp.rows {
						for y := range jq.rows {
							if i, k := jp.row0-t.row0+x, jq.row0-t.row0+y; i >= k {
								t.terms = append(t.terms, term{at[i*n+k], i, k, 3 * int32(si), 3 * int32(sk)})
							}
						}
					}
				}
			}
		}
	}
}
