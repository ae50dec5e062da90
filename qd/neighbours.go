package qd

import (
	"math"
	"slices"
)

// A neighbour is a point and its squared distance from another.
type neighbour struct {
	dist float32
	id   int32
}

// nearestOf is the k nearest of the points it was offered, the nearest first; of equally near
// ones those of the least number.
type nearestOf struct {
	k     int
	bound float32 // squared; points at this distance or farther are of no interest
	list  []neighbour
}

func (n *nearestOf) reset(k int, within float32) {
	n.k, n.bound, n.list = k, within, n.list[:0]
}

func (n *nearestOf) offer(id int32, dist float32) {
	full := len(n.list) == n.k
	if full {
		if last := n.list[n.k-1]; dist > last.dist || dist == last.dist && id > last.id {
			return
		}
	} else if dist >= n.bound {
		return
	}
	if !full {
		n.list = append(n.list, neighbour{})
	}
	i := len(n.list) - 1
	for ; i > 0 && (n.list[i-1].dist > dist || n.list[i-1].dist == dist && n.list[i-1].id > id); i-- {
		n.list[i] = n.list[i-1]
	}
	n.list[i] = neighbour{dist, id}
}

// worst returns the squared distance beyond which offers are in vain.
func (n *nearestOf) worst() float32 {
	if len(n.list) == n.k {
		return n.list[n.k-1].dist
	}
	return n.bound
}

// meanDist returns the mean distance of the points found: novelty, by Lehman and Stanley,
// "Abandoning objectives" (2011), eq. 1. Without any it is infinite.
func (n *nearestOf) meanDist() float64 {
	sum := 0.0
	for _, x := range n.list {
		sum += math.Sqrt(float64(x.dist))
	}
	if len(n.list) == 0 {
		return math.Inf(1)
	}
	return sum / float64(len(n.list))
}

func squared(p, q []float32) (d float32) {
	q = q[:len(p)]
	for j, v := range p {
		d += float32((v - q[j]) * (v - q[j]))
	}
	return d
}

// within returns the squared distance of two points and whether it is at most a bound; it stops
// where the sum is above that already, mostly after one or two coordinates.
func within(p, q []float32, bound float32) (d float32, near bool) {
	q = q[:len(p)]
	for j, v := range p {
		d += float32((v - q[j]) * (v - q[j]))
		if d > bound {
			return d, false
		}
	}
	return d, true
}

// An index finds the nearest of points that come and go. It is the logarithmic method of Bentley
// and Saxe, "Decomposable searching problems I" (1980): static trees, each at least twice as
// large as the next, and a few points that are in no tree yet.
type index struct {
	dim    int
	points []float32 // of each number
	place  []int32   // of each number: how often it was moved; trees that knew it before are out of date
	trees  []bucketTree
	loose  []int32
}

// looseMost is the number of points that are searched one by one.
const looseMost = 64

func (x *index) at(id int32) []float32 { return x.points[int(id)*x.dim : (int(id)+1)*x.dim] }

// put adds the point of number id, which is the next new one, or moves it.
func (x *index) put(id int32, p []float32) {
	if int(id) == len(x.place) {
		x.points = append(x.points, p...)
		x.place = append(x.place, 0)
	} else {
		copy(x.at(id), p)
		x.place[id]++
		if slices.Contains(x.loose, id) {
			return
		}
	}
	x.loose = append(x.loose, id)
	if len(x.loose) < looseMost {
		return
	}
	ids := x.loose
	for len(x.trees) > 0 && len(x.trees[len(x.trees)-1].ids) < 2*len(ids) {
		last := &x.trees[len(x.trees)-1]
		for i, old := range last.ids {
			if x.place[old] == last.place[i] {
				ids = append(ids, old)
			}
		}
		x.trees = x.trees[:len(x.trees)-1]
	}
	x.trees = append(x.trees, newBucketTree(x, ids))
	x.loose = x.loose[:0]
}

// nearest fills n with the points nearest to q.
func (x *index) nearest(q []float32, n *nearestOf) {
	for _, id := range x.loose {
		n.offer(id, squared(x.at(id), q))
	}
	for i := range x.trees {
		x.trees[i].search(x, 0, len(x.trees[i].ids), q, n)
	}
}

// A bucketTree is a k-d tree whose ranges of few points are searched one by one. Its points lie
// in its own memory, in the order of the tree.
type bucketTree struct {
	ids    []int32
	place  []int32 // of each id when the tree was made
	points []float32
	axis   []uint16  // of the node in the middle of each range
	split  []float32 // its coordinate
}

const bucket = 12

func newBucketTree(x *index, ids []int32) bucketTree {
	t := bucketTree{ids: slices.Clone(ids), axis: make([]uint16, len(ids)), split: make([]float32, len(ids))}
	slices.Sort(t.ids)
	t.build(x, 0, len(ids))
	t.points = make([]float32, 0, len(ids)*x.dim)
	for _, id := range t.ids {
		t.points = append(t.points, x.at(id)...)
		t.place = append(t.place, x.place[id])
	}
	return t
}

// build arranges ids[lo:hi]: the left half is at most, the right half at least the split.
func (t *bucketTree) build(x *index, lo, hi int) {
	if hi-lo <= bucket {
		return
	}
	axis, widest := 0, float32(-1)
	for a := range x.dim {
		least, most := x.at(t.ids[lo])[a], x.at(t.ids[lo])[a]
		for _, id := range t.ids[lo:hi] {
			least, most = min(least, x.at(id)[a]), max(most, x.at(id)[a])
		}
		if most-least > widest {
			axis, widest = a, most-least
		}
	}
	mid := (lo + hi) / 2
	selectMiddle(t.ids[lo:hi], mid-lo, func(id int32) float32 { return x.points[int(id)*x.dim+axis] })
	t.axis[mid], t.split[mid] = uint16(axis), x.at(t.ids[mid])[axis]
	t.build(x, lo, mid)
	t.build(x, mid, hi)
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

func (t *bucketTree) search(x *index, lo, hi int, q []float32, n *nearestOf) {
	for hi-lo > bucket {
		mid := (lo + hi) / 2
		gap := q[t.axis[mid]] - t.split[mid]
		if gap > 0 {
			t.search(x, mid, hi, q, n)
			hi = mid
		} else {
			t.search(x, lo, mid, q, n)
			lo = mid
		}
		if float32(gap*gap) > n.worst() {
			return
		}
	}
	for i := lo; i < hi; i++ {
		if d, near := within(t.points[i*x.dim:(i+1)*x.dim], q, n.worst()); near && x.place[t.ids[i]] == t.place[i] {
			n.offer(t.ids[i], d)
		}
	}
}
