package qd

import (
	"math"
	"math/bits"
	"slices"
)

// An index finds the nearest of points that come and move. It is a k-d tree (Bentley,
// "Multidimensional binary search trees used for associative searching", 1975) whose leaves hold
// a few points each. A point goes into the leaf where it belongs; a leaf that is full is divided
// at the median of its widest axis; and a part of the tree that has become lopsided is built anew
// (Galperin and Rivest, "Scapegoat trees", 1993), which keeps it shallow whatever comes in whatever
// order. What it finds is exactly what looking at every point finds, ties included: nodes are
// passed over by bounds that are computed, and so rounded, like the distances themselves.
type index struct {
	dim    int
	most   int       // points of a leaf, unless they are all the same
	points []float32 // of each number
	leaf   []int32   // of each number: the leaf that holds it, and where there
	slot   []int32
	nodes  []node    // the root first
	bucket []bucket  // of each node; empty unless it is a leaf
	boxes  []float32 // of each node: the least coordinates of its points, then the greatest
	free   []int32   // nodes that are in no tree
	ids    []int32   // scratch
}

// A node is a leaf, or divides its points: those of its left child are at most, those of its right
// one at least split.
type node struct {
	left, right, parent int32 // left is -1 for a leaf, parent for the root
	axis                int32
	split               float32
	size                int32 // points below
}

// A bucket holds the points of a leaf.
type bucket struct {
	ids    []int32
	blocks []float32 // by eights, first all first coordinates; NaN where there is no point
}

const (
	lanes     = 8          // points of a block
	leafMost  = 4 * lanes  // points of a leaf; few, for points that stay
	leafLarge = 64 * lanes // the same for points that are looked at about once each: cheap to make
)

// newIndex returns an empty index of points that stay.
func newIndex(dim int) index { return index{dim: dim, most: leafMost} }

// len returns the number of points.
func (x *index) len() int { return len(x.leaf) }

func (x *index) at(id int32) []float32 { return x.points[int(id)*x.dim : (int(id)+1)*x.dim] }

// reset forgets all points. Leaves hold at most most points from now on, unless those are all the same.
func (x *index) reset(dim, most int) {
	x.most = most
	x.dim, x.points, x.leaf, x.slot, x.free = dim, x.points[:0], x.leaf[:0], x.slot[:0], x.free[:0]
	for i := len(x.nodes) - 1; i >= 0; i-- {
		x.free = append(x.free, int32(i))
	}
	x.boxes = slices.Grow(x.boxes[:0], 2*dim*len(x.nodes))[:2*dim*len(x.nodes)]
}

// put adds the point of number id, which is the next new one, or moves it.
func (x *index) put(id int32, p []float32) {
	if int(id) == x.len() {
		if id == 0 {
			x.make(nil, -1)
		}
		x.points = append(x.points, p...)
		x.leaf, x.slot = append(x.leaf, 0), append(x.slot, 0)
	} else {
		x.remove(id)
		copy(x.at(id), p)
	}
	x.insert(id, p)
}

// insert puts a point into the leaf where it belongs.
func (x *index) insert(id int32, p []float32) {
	at, lopsided := int32(0), int32(-1)
	for {
		n := &x.nodes[at]
		n.size++
		x.widen(at, p)
		if n.left < 0 {
			break
		}
		next := n.left
		if p[n.axis] > n.split {
			next = n.right
		}
		if lopsided < 0 && 4*(x.nodes[next].size+1) > 3*n.size+4*int32(x.most) {
			lopsided = at
		}
		at = next
	}
	x.append(at, id)
	switch n := x.nodes[at]; {
	case lopsided >= 0:
		x.ids = x.gather(x.ids[:0], lopsided)
		x.build(lopsided, x.ids)
	case n.size > int32(x.most):
		x.ids = append(x.ids[:0], x.bucket[at].ids...)
		x.build(at, x.ids)
	}
}

// remove takes a point out of its leaf.
func (x *index) remove(id int32) {
	b, at := &x.bucket[x.leaf[id]], x.slot[id]
	last := int32(len(b.ids) - 1)
	x.place(b, at, x.at(b.ids[last]))
	b.ids[at] = b.ids[last]
	x.slot[b.ids[at]] = at
	b.ids = b.ids[:last]
	for j := range x.dim {
		b.blocks[x.lane(last)+lanes*j] = float32(math.NaN())
	}
	for up := x.leaf[id]; up >= 0; up = x.nodes[up].parent {
		x.nodes[up].size--
	}
}

// lane returns where the first coordinate of a slot is among the blocks of a leaf.
func (x *index) lane(slot int32) int { return int(slot)/lanes*lanes*x.dim + int(slot)%lanes }

func (x *index) place(b *bucket, slot int32, p []float32) {
	at := x.lane(slot)
	for j, v := range p {
		b.blocks[at+lanes*j] = v
	}
}

// append adds a point to a leaf, whose size is told already.
func (x *index) append(at, id int32) {
	b := &x.bucket[at]
	slot := int32(len(b.ids))
	b.ids = append(b.ids, id)
	if slot%lanes == 0 {
		from := x.lane(slot)
		b.blocks = slices.Grow(b.blocks[:from], lanes*x.dim)[:from+lanes*x.dim]
		for j := range b.blocks[from:] {
			b.blocks[from+j] = float32(math.NaN())
		}
	}
	x.place(b, slot, x.at(id))
	x.leaf[id], x.slot[id] = at, slot
}

// box returns the least and the greatest coordinates of the points of a node. A box that points
// have left may be wider than need be.
func (x *index) box(at int32) (least, most []float32) {
	b := x.boxes[2*x.dim*int(at) : 2*x.dim*(int(at)+1)]
	return b[:x.dim:x.dim], b[x.dim:]
}

// widen makes the box of a node hold p.
func (x *index) widen(at int32, p []float32) {
	least, most := x.box(at)
	for j, v := range p {
		if v < least[j] {
			least[j] = v
		}
		if v > most[j] {
			most[j] = v
		}
	}
}

// make returns a node without children that holds the points ids, of which it has the box only.
func (x *index) make(ids []int32, parent int32) int32 {
	var at int32
	if last := len(x.free) - 1; last >= 0 {
		at, x.free = x.free[last], x.free[:last]
	} else {
		at = int32(len(x.nodes))
		x.nodes, x.bucket = append(x.nodes, node{}), append(x.bucket, bucket{})
		x.boxes = slices.Grow(x.boxes, 2*x.dim)[:2*x.dim*len(x.nodes)]
	}
	x.clear(at, ids, parent)
	return at
}

func (x *index) clear(at int32, ids []int32, parent int32) {
	x.nodes[at] = node{left: -1, parent: parent, size: int32(len(ids))}
	x.bucket[at].ids = x.bucket[at].ids[:0]
	least, most := x.box(at)
	for j := range least {
		least[j], most[j] = float32(math.Inf(1)), float32(math.Inf(-1))
	}
	for _, id := range ids {
		x.widen(at, x.at(id))
	}
}

// gather appends the points below a node and frees its children.
func (x *index) gather(ids []int32, at int32) []int32 {
	n := &x.nodes[at]
	if n.left < 0 {
		return append(ids, x.bucket[at].ids...)
	}
	ids = x.gather(x.gather(ids, n.left), n.right)
	x.free = append(x.free, n.right, n.left)
	return ids
}

// build makes node at a balanced tree of the points ids, which it reorders.
func (x *index) build(at int32, ids []int32) {
	x.clear(at, ids, x.nodes[at].parent)
	axis, widest := 0, float32(0)
	least, most := x.box(at)
	for j := range least {
		if w := most[j] - least[j]; w > widest {
			axis, widest = j, w
		}
	}
	if len(ids) <= x.most || widest == 0 {
		for _, id := range ids {
			x.append(at, id)
		}
		return
	}
	mid := len(ids) / 2
	selectMiddle(ids, mid, func(id int32) float32 { return x.points[int(id)*x.dim+axis] })
	left, right := x.make(nil, at), x.make(nil, at)
	n := &x.nodes[at]
	n.left, n.right, n.axis, n.split = left, right, int32(axis), x.at(ids[mid])[axis]
	x.build(left, ids[:mid])
	x.build(right, ids[mid:])
}

// selectMiddle puts the k-th smallest in its place, smaller ones before it: Hoare's quickselect,
// with the number of a point breaking ties.
func selectMiddle(ids []int32, k int, key func(int32) float32) {
	less := func(a, b int32) bool {
		ka, kb := key(a), key(b)
		return ka < kb || ka == kb && a < b
	}
	for lo, hi := 0, len(ids)-1; lo < hi; {
		pivot, i, j := ids[(lo+hi)/2], lo, hi
		for i <= j {
			for less(ids[i], pivot) {
				i++
			}
			for less(pivot, ids[j]) {
				j--
			}
			if i <= j {
				ids[i], ids[j] = ids[j], ids[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return
		}
	}
}

// nearest fills n with the points nearest to q.
func (x *index) nearest(q []float32, n *nearestOf) {
	if x.len() > 0 {
		x.search(0, q, n)
	}
}

func (x *index) search(at int32, q []float32, n *nearestOf) {
	for {
		d := &x.nodes[at]
		if d.left < 0 {
			x.scan(&x.bucket[at], q, n)
			return
		}
		gap, near, far := q[d.axis]-d.split, d.left, d.right
		if gap > 0 {
			near, far = far, near
		}
		x.search(near, q, n)
		if worst := n.worst(); float32(gap*gap) > worst || !x.reaches(far, q, worst) {
			return
		}
		at = far
	}
}

// reaches reports whether the box of a node comes as near to q as bound, a squared distance. Each
// rounding of the sum is monotone, so that no point of the box is nearer than what it finds.
func (x *index) reaches(at int32, q []float32, bound float32) bool {
	least, most := x.box(at)
	d := float32(0)
	for j, v := range q {
		gap := float32(0)
		switch {
		case v < least[j]:
			gap = least[j] - v
		case v > most[j]:
			gap = v - most[j]
		}
		if d += float32(gap * gap); d > bound {
			return false
		}
	}
	return true
}

// scan offers the points of a leaf that are near enough.
func (x *index) scan(b *bucket, q []float32, n *nearestOf) {
	size := lanes * x.dim
	for from := 0; from < len(b.ids); from += lanes {
		for near := distances(&n.dist, b.blocks[from*x.dim:from*x.dim+size], q, n.worst()); near != 0; near &= near - 1 {
			lane := bits.TrailingZeros8(near)
			n.offer(b.ids[from+lane], n.dist[lane])
		}
	}
}
