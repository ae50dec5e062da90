package explore

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() {
	Register("re3", func() Config { return &Near{Features: NewFeatures("random"), K: 3, Memory: 1024, kind: re3} })
	Register("apt", func() Config { return &Near{Features: NewFeatures("inverse"), K: 12, Memory: 1024, kind: apt} })
	Register("ngu", func() Config { return &Near{Features: NewFeatures("inverse"), K: 10, Memory: 256, kind: ngu} })
}

// Near are the options of the bonuses that compare a state with the nearest of those in a
// memory, a ring of the last ones. A state is scored before it is remembered; as long as the
// memory holds fewer than K states, or none for ngu, the bonus is 0.
//
// "re3" is the state entropy bonus of Seo et al., "State entropy maximization with random
// encoders for efficient exploration" (ICML 2021), eq. 5, over all rows:
//
//	b = log(1 + |y - y_K|)      y_K the K-th nearest feature
//
// "apt" is that of Liu and Abbeel, "Behavior from the void: unsupervised active pre-training"
// (NeurIPS 2021), eq. 4-5, with features learned from actions in place of contrast:
//
//	b = log(1 + mean over the K nearest of |y - y_k|)
//
// "ngu" is the episodic bonus of Badia et al., "Never give up: learning directed exploration
// strategies" (ICLR 2020), eq. 2-3 and algorithm 1, each row with a memory of its own that is
// cleared at the end of an episode:
//
//	b = 1/(c + sqrt(sum over the K nearest of e/(max(|y - y_k|^2/m - x, 0) + e)))
//
// with m the running mean of the squared distance of the K-th, e = 1e-3, x = 0.008, c = 1e-3,
// and b = 0 where the root exceeds 8.
type Near struct {
	Features
	K      int `json:"k" doc:"neighbours"`
	Memory int `json:"memory" doc:"states remembered; of each row for ngu, of all for the others"`
	kind   nearKind
}

type nearKind int

const (
	re3 nearKind = iota
	apt
	ngu
)

var nearNames = [...]string{"re3", "apt", "ngu"}

// Constants of NGU, table 3 and algorithm 1 of the paper.
const (
	nguKernel     = 1e-3
	nguCluster    = 0.008
	nguConstant   = 1e-3
	nguSimilarity = 8
)

// Build returns the bonus.
func (c *Near) Build(s Setup) (Bonus, error) {
	name := nearNames[c.kind]
	if c.K < 1 || c.K > 64 || c.Memory < c.K || c.Memory > 1<<20 {
		return nil, fmt.Errorf("bonus %s: k is %d and memory %d, want 1 to 64 and at least k, at most 2^20", name, c.K, c.Memory)
	}
	f, err := newFeatures(name, &c.Features, s)
	if err != nil {
		return nil, err
	}
	n := &near{
		name: name, c: *c, f: f, pool: f.pool,
		phi: make([]float32, s.Rows*f.dim), kth: make([]float32, s.Rows), best: make([]float32, s.Rows*c.K),
	}
	n.on = n.chunk
	memories := 1
	if c.kind == ngu {
		memories = s.Rows
	}
	for range memories {
		n.rings = append(n.rings, ring{states: make([]float32, c.Memory*f.dim)})
	}
	return n, nil
}

// A ring holds the last states.
type ring struct {
	states []float32
	next   uint32 // where the next one goes
	n      uint32 // how many there are
}

func (r *ring) add(x []float32) {
	copy(r.states[int(r.next)*len(x):], x)
	slots := uint32(len(r.states) / len(x))
	r.next, r.n = (r.next+1)%slots, min(r.n+1, slots)
}

type near struct {
	name  string
	c     Near
	f     *features
	rings []ring
	dm    moments // of the squared distance of the K-th nearest, for ngu

	pool *nn.Pool
	n    int // rows of the call in progress
	dst  []float32
	on   func(worker, i int)
	phi  []float32
	best []float32 // the K smallest squared distances of each row, rising
	kth  []float32 // of each row; below 0 for none
}

// Score writes the bonus of each row.
func (n *near) Score(dst []float32, b *env.Batch) {
	n.f.after(n.phi, b)
	n.dst, n.n = dst, b.N
	n.pool.Do(chunks(b.N), n.on)
	n.dst = nil
}

func (n *near) chunk(_, c int) {
	d := n.f.dim
	for i := c * chunk; i < min((c+1)*chunk, n.n); i++ {
		r := &n.rings[i%len(n.rings)]
		best := nearest(n.best[i*n.c.K:i*n.c.K], r, n.phi[i*d:(i+1)*d], n.c.K)
		n.kth[i], n.dst[i] = -1, 0
		if k := len(best); k > 0 && (k == n.c.K || n.c.kind == ngu) {
			n.kth[i] = best[k-1]
			n.dst[i] = n.pay(best)
		}
	}
}

// nearest appends to best the k smallest squared distances of x from the states of r, rising.
func nearest(best []float32, r *ring, x []float32, k int) []float32 {
	d := len(x)
	for s := range int(r.n) {
		dist := loops.dist2(x, r.states[s*d:(s+1)*d])
		if len(best) == k && dist >= best[k-1] {
			continue
		}
		if len(best) < k {
			best = append(best, 0)
		}
		at := len(best) - 1
		for at > 0 && best[at-1] > dist {
			best[at] = best[at-1]
			at--
		}
		best[at] = dist
	}
	return best
}

// pay returns the bonus of a state whose nearest neighbours are at the squared distances best.
func (n *near) pay(best []float32) float32 {
	sum := float32(0)
	switch n.c.kind {
	case re3:
		return geom.Log(1 + geom.Sqrt(best[len(best)-1]))
	case apt:
		for _, x := range best {
			sum += geom.Sqrt(x)
		}
		return geom.Log(1 + sum/float32(len(best)))
	}
	m := float32(1)
	if n.dm.mean > 0 {
		m = float32(n.dm.mean)
	}
	for _, x := range best {
		sum += nguKernel / (geom.Max(x/m-nguCluster, 0) + nguKernel)
	}
	s := geom.Sqrt(sum) + nguConstant
	if s > nguSimilarity {
		return 0
	}
	return 1 / s
}

// Update remembers the states of b, forgets those of episodes that ended, and trains the
// features.
func (n *near) Update(b *env.Batch, report func(string, float64)) error {
	d := n.f.dim
	if err := finite(n.name, "the state", n.phi[:b.N*d], d); err != nil {
		return err
	}
	known := 0.0
	for i := range b.N {
		r := &n.rings[i%len(n.rings)]
		known = float64(r.n)
		if n.kth[i] >= 0 {
			n.dm.add(float64(n.kth[i]))
		}
		if n.c.kind == ngu && b.End[i] != env.Running {
			r.n, r.next = 0, 0
			continue
		}
		r.add(n.phi[i*d : (i+1)*d])
	}
	if report != nil {
		report("memory", known)
	}
	if err := n.f.em.learn(b, report); err != nil {
		return fmt.Errorf("bonus %s: %w", n.name, err)
	}
	return nil
}

// AppendBinary appends moments, features, and the states of each memory.
func (n *near) AppendBinary(dst []byte) ([]byte, error) {
	dst = n.f.em.append(n.dm.append(dst))
	for i := range n.rings {
		r := &n.rings[i]
		dst = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(dst, r.next), r.n)
		dst = nn.AppendFloats(dst, r.states[:int(r.n)*n.f.dim])
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote.
func (n *near) UnmarshalBinary(src []byte) error {
	fail := func() error {
		return fmt.Errorf("bonus %s: the state is of other dimensions or rows, or cut short", n.name)
	}
	if len(src) < momentsLen {
		return fail()
	}
	src, err := n.f.em.cut(n.dm.cut(src))
	if err != nil {
		return fmt.Errorf("bonus %s: %w", n.name, err)
	}
	for i := range n.rings {
		r := &n.rings[i]
		if len(src) < 8 {
			return fail()
		}
		next, count := binary.LittleEndian.Uint32(src), binary.LittleEndian.Uint32(src[4:])
		size := 4 * int(count) * n.f.dim
		if int(next) >= n.c.Memory || int(count) > n.c.Memory || len(src)-8 < size {
			return fail()
		}
		r.next, r.n = next, count
		nn.DecodeFloats(r.states[:int(count)*n.f.dim], src[8:])
		src = src[8+size:]
	}
	if len(src) > 0 {
		return fail()
	}
	return nil
}
