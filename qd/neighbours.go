package qd

import (
	"math"
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
	dist  [lanes]float32 // of one block of a leaf
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
