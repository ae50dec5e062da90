package feedback

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Problem is something wrong with a data set.
type Problem struct {
	Kind      string // "empty", "invalid", "duplicate", "contradiction", "cycle" or "one-sided"
	Annotator uint32
	Records   []int // indices of the records concerned
	Text      string
}

// String says what is wrong, in a line.
func (p Problem) String() string { return p.Kind + ": " + p.Text }

// pairKey is a pair of segments in their canonical order, as judged by one annotator in one context.
type pairKey struct {
	annotator uint32
	context   string
	a, b      Segment
}

// key returns the canonical key of a Pair, and its label in that order.
func (r *Record) key() (pairKey, float32) {
	k := pairKey{r.Annotator, fmt.Sprint(r.Context), r.Segments[0], r.Segments[1]}
	if k.b.Less(k.a) {
		k.a, k.b = k.b, k.a
		return k, 1 - r.Label
	}
	return k, r.Label
}

// Latest keeps of each annotator the last answer about each pair in each context, in the order of
// the first ones. What was withdrawn, and records of other kinds but Pair and Declined, are dropped.
func Latest(rs []Record) (out []Record) {
	at := map[pairKey]int{}
	last := make([]*Record, 0, len(rs))
	for i := range rs {
		r := &rs[i]
		if r.Kind != Pair && r.Kind != Declined || len(r.Segments) != 2 {
			continue
		}
		k, _ := r.key()
		n, ok := at[k]
		if !ok {
			n = len(last)
			at[k] = n
			last = append(last, nil)
		}
		last[n] = r
	}
	for _, r := range last {
		if r.Kind != Declined || len(r.Tokens) == 0 || r.Tokens[0] != Withdrawn {
			out = append(out, *r)
		}
	}
	return out
}

// Marks returns the Marked records that count: those an annotator gave with an answer, just before it,
// that Latest keeps. What goes with an answer that was withdrawn, or given anew, goes with it. Of marks that
// were given twice for one answer, as after a crash between them and it, the last count.
func Marks(rs []Record) (out []Record) {
	open, standing := map[uint32][]Record{}, map[pairKey][]Record{}
	var order []pairKey
	for _, r := range rs {
		switch {
		case r.Kind == Marked:
			open[r.Annotator] = append(open[r.Annotator], r)
		case (r.Kind == Pair || r.Kind == Declined) && len(r.Segments) == 2:
			k, _ := r.key()
			if _, ok := standing[k]; !ok {
				order = append(order, k)
			}
			standing[k] = nil
			for _, seg := range r.Segments {
				for _, m := range slices.Backward(open[r.Annotator]) {
					if m.Segments[0] == seg {
						standing[k] = append(standing[k], m)
						break
					}
				}
			}
			delete(open, r.Annotator)
			if r.Kind == Declined && len(r.Tokens) > 0 && r.Tokens[0] == Withdrawn {
				standing[k] = nil
			}
		}
	}
	for _, k := range order {
		out = append(out, standing[k]...)
	}
	return out
}

// WithoutDuplicates drops each pair that the same annotator has answered alike before, in either
// order.
func WithoutDuplicates(rs []Record) []Record {
	type answer struct {
		key   pairKey
		label float32
	}
	seen := map[answer]bool{}
	return Filter(func(r *Record) bool {
		if r.Kind != Pair || len(r.Segments) != 2 {
			return true
		}
		k, label := r.key()
		a := answer{k, label}
		dup := seen[a]
		seen[a] = true
		return !dup
	})(rs)
}

// Check reports what is wrong with a data set: that it is empty; records that are not valid;
// pairs that one annotator answered twice, alike or not alike; cycles, in which one annotator
// prefers each segment to the next and the last to the first; and annotators who answer the same
// side so often that chance explains it once in a million. A cycle is named by all segments that
// lie on cycles with each other. Segments that different annotators rank differently are no problem.
func Check(rs []Record) (out []Problem) {
	if len(rs) == 0 {
		return []Problem{{Kind: "empty", Text: "there are no records"}}
	}
	pairs := make([]int, 0, len(rs))
	for i := range rs {
		if err := rs[i].Validate(); err != nil {
			out = append(out, Problem{"invalid", rs[i].Annotator, []int{i}, fmt.Sprintf("record %d: %v", i, err)})
		} else if rs[i].Kind == Pair {
			pairs = append(pairs, i)
		}
	}
	out = append(out, repeated(rs, pairs)...)
	out = append(out, cycles(rs, pairs)...)
	return append(out, oneSided(rs, pairs)...)
}

func repeated(rs []Record, pairs []int) (out []Problem) {
	first := map[pairKey]int{}
	for _, i := range pairs {
		k, label := rs[i].key()
		j, ok := first[k]
		if !ok {
			first[k] = i
			continue
		}
		p := Problem{Annotator: rs[i].Annotator, Records: []int{j, i}, Kind: "duplicate"}
		p.Text = fmt.Sprintf("records %d and %d are the same answer of annotator %d", j, i, p.Annotator)
		if _, before := rs[j].key(); before != label {
			p.Kind = "contradiction"
			p.Text = fmt.Sprintf("annotator %d answers the same pair %v in record %d and %v in record %d", p.Annotator, before, j, label, i)
		}
		out = append(out, p)
	}
	return out
}

// Again reports the pairs that an annotator answered again without withdrawing or declining between, as
// happens in two browsers at once. Records are numbered as in rs. Of such answers Latest keeps the last.
func Again(rs []Record) []Problem {
	var pairs []int
	standing := map[pairKey][]int{} // places in pairs
	for i := range rs {
		r := &rs[i]
		if r.Kind != Pair && r.Kind != Declined || len(r.Segments) != 2 {
			continue
		}
		k, _ := r.key()
		if r.Kind == Pair {
			standing[k], pairs = append(standing[k], len(pairs)), append(pairs, i)
			continue
		}
		for _, at := range standing[k] {
			pairs[at] = -1
		}
		delete(standing, k)
	}
	return repeated(rs, slices.DeleteFunc(pairs, func(i int) bool { return i < 0 }))
}

// edge is the preference in a record.
type edge struct{ to, record int }

// cycles finds the strongly connected components of each annotator's preferences that have more
// than two segments: two are a contradiction.
func cycles(rs []Record, pairs []int) (out []Problem) {
	type who struct {
		annotator uint32
		context   string
	}
	groups := map[who][]int{}
	for _, i := range pairs {
		if _, strict := rs[i].Prefers(); strict {
			w := who{rs[i].Annotator, fmt.Sprint(rs[i].Context)}
			groups[w] = append(groups[w], i)
		}
	}
	order := make([]who, 0, len(groups))
	for w := range groups {
		order = append(order, w)
	}
	slices.SortFunc(order, func(a, b who) int {
		return cmp.Or(cmp.Compare(a.annotator, b.annotator), strings.Compare(a.context, b.context))
	})
	for _, w := range order {
		number := map[Segment]int{}
		var graph [][]edge
		node := func(s Segment) int {
			n, ok := number[s]
			if !ok {
				n = len(graph)
				number[s] = n
				graph = append(graph, nil)
			}
			return n
		}
		for _, i := range groups[w] {
			win, _ := rs[i].Prefers()
			from, to := node(rs[i].Segments[win]), node(rs[i].Segments[1-win])
			graph[from] = append(graph[from], edge{to, i})
		}
		comp, size := components(graph)
		records := make([][]int, len(size))
		for from, edges := range graph {
			for _, e := range edges {
				if comp[from] == comp[e.to] {
					records[comp[from]] = append(records[comp[from]], e.record)
				}
			}
		}
		for c, n := range size {
			if n > 2 {
				slices.Sort(records[c])
				out = append(out, Problem{"cycle", w.annotator, records[c],
					fmt.Sprintf("annotator %d prefers %d segments in a circle, in records %v", w.annotator, n, records[c])})
			}
		}
	}
	return out
}

// components numbers the strongly connected components of a graph and counts their nodes
// (Tarjan, "Depth-first search and linear graph algorithms", 1972), without recursion.
func components(graph [][]edge) (comp, size []int) {
	n := len(graph)
	comp = make([]int, n)
	index, low, next := make([]int, n), make([]int, n), make([]int, n)
	onStack := make([]bool, n)
	var stack, path []int
	count := 0
	enter := func(v int) {
		count++
		index[v], low[v] = count, count
		stack, path = append(stack, v), append(path, v)
		onStack[v] = true
	}
	for root := range n {
		if index[root] != 0 {
			continue
		}
		enter(root)
		for len(path) > 0 {
			v := path[len(path)-1]
			if next[v] < len(graph[v]) {
				w := graph[v][next[v]].to
				next[v]++
				if index[w] == 0 {
					enter(w)
				} else if onStack[w] {
					low[v] = min(low[v], index[w])
				}
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				p := path[len(path)-1]
				low[p] = min(low[p], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			members := 0
			for {
				w := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				onStack[w] = false
				comp[w] = len(size)
				members++
				if w == v {
					break
				}
			}
			size = append(size, members)
		}
	}
	return comp, size
}

// oneSided finds annotators whose answers prefer one side: so many, or more, of either side happen
// by chance with a probability below 1e-6. Of answers that are all alike it takes 21.
func oneSided(rs []Record, pairs []int) (out []Problem) {
	left, right := map[uint32][]int{}, map[uint32][]int{}
	var who []uint32
	for _, i := range pairs {
		side, strict := rs[i].Prefers()
		if !strict {
			continue
		}
		a := rs[i].Annotator
		if len(left[a])+len(right[a]) == 0 {
			who = append(who, a)
		}
		if side == 0 {
			left[a] = append(left[a], i)
		} else {
			right[a] = append(right[a], i)
		}
	}
	slices.Sort(who)
	for _, a := range who {
		most, name := left[a], "first"
		if len(right[a]) > len(most) {
			most, name = right[a], "second"
		}
		n := len(left[a]) + len(right[a])
		if 2*tail(n, len(most)) < 1e-6 {
			out = append(out, Problem{"one-sided", a, most, fmt.Sprintf("annotator %d prefers the %s segment in %d of %d pairs", a, name, len(most), n)})
		}
	}
	return out
}

// tail returns the probability of k heads or more in n throws of a coin.
func tail(n, k int) (p float64) {
	logFactorial := func(n int) float64 {
		l, _ := math.Lgamma(float64(n) + 1)
		return l
	}
	for i := k; i <= n; i++ {
		p += math.Exp(logFactorial(n) - logFactorial(i) - logFactorial(n-i) - float64(n)*math.Ln2)
	}
	return p
}
