package explore

import (
	"maps"
	"slices"
)

// ContextVariance measures how much structure episodes share, by what decides which bonus helps
// (Henaff, Jiang and Raileanu 2023, section 5): how much the value of visiting a state varies
// from context to context. Where a state is worth the same in every episode, what was learned
// about it in others helps, and global bonuses do; where it is worth something else each time,
// episodic ones do.
//
// A state is what a bonus knows of it: the key of its counts, such as a grid cell. The zero value
// is ready for use.
type ContextVariance struct {
	keys map[uint64]*moments
	all  moments
}

// Add takes in the value of the state with a key in one context: the return that follows a visit,
// or what a critic says of it.
func (v *ContextVariance) Add(key uint64, value float64) {
	if v.keys == nil {
		v.keys = map[uint64]*moments{}
	}
	m := v.keys[key]
	if m == nil {
		m = new(moments)
		v.keys[key] = m
	}
	m.add(value)
	v.all.add(value)
}

// Share returns which part of the variance of all values is found among values of the same key:
// 0 if a key tells the value, in whatever context; 1 if it tells nothing. It is 0 if all values
// are equal.
func (v *ContextVariance) Share() float64 {
	if v.all.sq <= 0 {
		return 0
	}
	within := 0.0
	for _, key := range slices.Sorted(maps.Keys(v.keys)) { // sums depend on their order
		within += v.keys[key].sq
	}
	return min(within/v.all.sq, 1)
}
