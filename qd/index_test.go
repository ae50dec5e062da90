package qd

import (
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Every kernel gives the bits of the portable one, near or not, padding included.
func TestKernels(t *testing.T) {
	r := rng.New(5).Stream(0, 0, 0)
	for _, dim := range []int{1, 3, 4, 5, 8, 10, 33} {
		block, q := make([]float32, lanes*dim), make([]float32, dim)
		for range 200 {
			for i := range block {
				block[i] = r.Range(-1, 1)
			}
			for j := range q {
				q[j] = r.Range(-1, 1)
			}
			for j, pad := 0, r.IntN(lanes); j < dim; j++ {
				block[lanes*j+pad] = float32(math.NaN())
			}
			bound := r.Float32() * float32(dim)
			if r.IntN(4) == 0 {
				bound = float32(math.Inf(1))
			}
			var want, got [lanes]float32
			near := distancesGo(&want, block, q, bound)
			for _, kernel := range kernels() {
				if n := kernel(&got, block, q, bound); n != near {
					t.Fatalf("%d coordinates: %08b are within %v, want %08b", dim, n, bound, near)
				}
				for i := range want {
					if near>>i&1 == 1 && got[i] != want[i] {
						t.Fatalf("%d coordinates: distance %d is %v, want %v", dim, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// depth returns the length of the longest way down, and checks what holds of every node.
func depth(t *testing.T, x *index, at int32) int {
	n := &x.nodes[at]
	least, most := x.box(at)
	for _, id := range x.gatherAll(at) {
		for j, v := range x.at(id) {
			if v < least[j] || v > most[j] {
				t.Fatalf("point %d is outside the box of its node", id)
			}
		}
	}
	if n.left < 0 {
		if ids := x.bucket[at].ids; int(n.size) != len(ids) {
			t.Fatalf("a leaf of %d points says it has %d", len(ids), n.size)
		}
		return 1
	}
	if x.nodes[n.left].size+x.nodes[n.right].size != n.size || x.nodes[n.left].parent != at || x.nodes[n.right].parent != at {
		t.Fatal("a node does not fit its children")
	}
	return 1 + max(depth(t, x, n.left), depth(t, x, n.right))
}

func (x *index) gatherAll(at int32) []int32 {
	n := &x.nodes[at]
	if n.left < 0 {
		return x.bucket[at].ids
	}
	return slices.Concat(x.gatherAll(n.left), x.gatherAll(n.right))
}

// Points that come in the worst order, or are all the same, or gather in one place, leave the tree
// shallow; a tree that is used again is like a new one.
func TestIndexStaysShallow(t *testing.T) {
	var x index
	for name, draw := range map[string]func(i int) float32{
		"rising":    func(i int) float32 { return float32(i) },
		"falling":   func(i int) float32 { return -float32(i) },
		"the same":  func(int) float32 { return 1 },
		"two":       func(i int) float32 { return float32(i % 2) },
		"narrowing": func(i int) float32 { return float32(math.Pow(0.99, float64(i))) },
	} {
		x.reset(2, leafMost)
		r := rng.New(1).Stream(0, 0, 0)
		const n = 5000
		for i := range n {
			x.put(int32(i), []float32{draw(i), draw(i)})
		}
		for range n { // half of the points move to the others
			x.put(int32(r.IntN(n/2)), x.at(int32(n/2+r.IntN(n/2))))
		}
		// A leaf holds at least a quarter of leafMost when it is made; the longest way down a
		// tree whose nodes have at most 3/4 below a child, and a leaf more.
		most := 2 + int(math.Log(n/(leafMost/4))/math.Log(4.0/3))
		if d := depth(t, &x, 0); d > most {
			t.Errorf("%s: %d nodes deep, want at most %d", name, d, most)
		}
		var near nearestOf
		near.reset(n, float32(math.Inf(1)))
		x.nearest([]float32{0.5, 0.5}, &near)
		for i, p := range near.list {
			if i > 0 && (p.dist < near.list[i-1].dist || p.dist == near.list[i-1].dist && p.id <= near.list[i-1].id) {
				t.Fatalf("%s: neighbour %d is out of order", name, i)
			}
		}
		if len(near.list) != n {
			t.Errorf("%s: found %d points of %d", name, len(near.list), n)
		}
	}
}
