package feedback

import (
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// An Op makes a data set of another. It leaves the records it is given as they are.
type Op func([]Record) []Record

// Chain applies ops one after another.
func Chain(ops ...Op) Op {
	return func(rs []Record) []Record {
		for _, op := range ops {
			rs = op(rs)
		}
		return rs
	}
}

// Filter keeps the records for which keep is true.
func Filter(keep func(*Record) bool) Op {
	return func(rs []Record) (out []Record) {
		for i := range rs {
			if keep(&rs[i]) {
				out = append(out, rs[i])
			}
		}
		return out
	}
}

// Map changes a copy of each record. change must not write to the slices of a record, but may
// replace them.
func Map(change func(*Record)) Op {
	return func(rs []Record) []Record {
		out := slices.Clone(rs)
		for i := range out {
			change(&out[i])
		}
		return out
	}
}

// Within keeps the records all of whose segments are in the store.
func Within(s *Store) Op {
	return Filter(func(r *Record) bool {
		for _, seg := range r.Segments {
			if !s.Has(seg) {
				return false
			}
		}
		return true
	})
}

// Smooth moves the labels of pairs towards a tie: an annotator errs with probability eps.
func Smooth(eps float32) Op {
	return Map(func(r *Record) {
		if r.Kind == Pair {
			r.Label = float32(r.Label*(1-eps)) + float32((1-r.Label)*eps)
		}
	})
}

// Flip turns the labels of the pairs for which which is true.
func Flip(which func(*Record) bool) Op {
	return Map(func(r *Record) {
		if r.Kind == Pair && which(r) {
			r.Label = 1 - r.Label
		}
	})
}

// Reweigh multiplies the weight of each record by what f returns.
func Reweigh(f func(*Record) float32) Op { return Map(func(r *Record) { r.Weight *= f(r) }) }

// BothOrders follows each pair by its swapped twin, so that a learner sees no order.
func BothOrders(rs []Record) (out []Record) {
	for _, r := range rs {
		out = append(out, r)
		if r.Kind == Pair {
			out = append(out, r.Swapped())
		}
	}
	return out
}

// Pairs replaces ranked and rated records by the pairs that follow from them: each segment is
// better than those behind it, or rated lower; equal ratings make ties. Each record's weight is
// shared out among its pairs. Other records stay.
func Pairs(rs []Record) (out []Record) {
	for _, r := range rs {
		if r.Kind != Ranked && r.Kind != Rated {
			out = append(out, r)
			continue
		}
		n := len(r.Segments)
		for i := range n {
			for j := i + 1; j < n; j++ {
				p := r
				p.Kind, p.Ratings, p.Segments = Pair, nil, []Segment{r.Segments[i], r.Segments[j]}
				p.Label, p.Weight = 1, r.Weight/float32(n*(n-1)/2)
				if r.Kind == Rated {
					p.Strength = r.Ratings[i] - r.Ratings[j]
					p.Label = 0.5
					if p.Strength != 0 {
						p.Label = 0
					}
					if p.Strength > 0 {
						p.Label = 1
					}
				}
				out = append(out, p)
			}
		}
	}
	return out
}

// AgainstDemos returns an Op that follows each demonstration by n pairs in which it is better than a
// segment drawn from others, the weight of the demonstration shared out among them (Ibarz et al.,
// "Reward learning from human preferences and demonstrations in Atari", 2018, section 2.2): what a
// loss of pairs needs to learn from demonstrations. Demonstrations without others stay alone.
func AgainstDemos(others []Segment, n int, r *rng.Stream) Op {
	return func(rs []Record) (out []Record) {
		for _, d := range rs {
			out = append(out, d)
			if d.Kind != Demo || len(d.Segments) != 1 || len(others) == 0 {
				continue
			}
			for range n {
				p := d
				p.Kind, p.Label, p.Weight = Pair, 1, d.Weight/float32(n)
				p.Segments = []Segment{d.Segments[0], others[r.IntN(len(others))]}
				if p.Segments[0] != p.Segments[1] {
					out = append(out, p)
				}
			}
		}
		return out
	}
}

// BalanceAnnotators weighs the records such that every annotator counts alike in sum and the
// sum of all weights stays the same.
func BalanceAnnotators(rs []Record) []Record {
	sum, all := map[uint32]float64{}, 0.0
	for _, r := range rs {
		sum[r.Annotator] += float64(r.Weight)
		all += float64(r.Weight)
	}
	return Reweigh(func(r *Record) float32 {
		return float32(all / float64(len(sum)) / sum[r.Annotator])
	})(rs)
}
