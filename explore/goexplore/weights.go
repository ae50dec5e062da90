package goexplore

// weights are a Fenwick tree (1994) of whole numbers, so that drawing one of many cells costs the
// logarithm of how many there are, and sums do not depend on how they came about. Item 0 is
// unused.
type weights []uint64

// add appends an item.
func (t *weights) add(w uint64) {
	if len(*t) == 0 {
		*t = append(*t, 0)
	}
	i := len(*t)
	for j := i - 1; j > i-i&-i; j -= j & -j {
		w += (*t)[j]
	}
	*t = append(*t, w)
}

// lower makes an item less.
func (t weights) lower(item int, by uint64) {
	for i := item + 1; i < len(t); i += i & -i {
		t[i] -= by
	}
}

// sum returns that of all items.
func (t weights) sum() (n uint64) {
	for i := len(t) - 1; i > 0; i -= i & -i {
		n += t[i]
	}
	return n
}

// find returns the item that x falls on, from 0 to below the sum.
func (t weights) find(x uint64) (item int) {
	step := 1
	for 2*step < len(t) {
		step *= 2
	}
	for ; step > 0; step /= 2 {
		if i := item + step; i < len(t) && t[i] <= x {
			item, x = i, x-t[i]
		}
	}
	return item
}
