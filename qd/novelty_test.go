package qd

import (
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// The index gives what looking at every point gives, while points come and move.
func TestIndexAgainstAllPoints(t *testing.T) {
	for _, dim := range []int{1, 2, 5, 10, 19} {
		r := rng.New(uint64(dim)).Stream(0, 0, 0)
		x := newIndex(dim)
		var points [][]float32
		draw := func() []float32 {
			p := make([]float32, dim)
			for j := range p {
				p[j] = float32(r.IntN(12)) / 12 // many ties
			}
			return p
		}
		var n nearestOf
		for step := range 3000 {
			if step > 10 && r.IntN(3) == 0 {
				id := r.IntN(len(points))
				points[id] = draw()
				x.put(int32(id), points[id])
			} else {
				points = append(points, draw())
				x.put(int32(len(points)-1), points[len(points)-1])
			}
			if step%7 != 0 {
				continue
			}
			k, within, q := 1+r.IntN(20), float32(math.Inf(1)), draw()
			if step%2 == 0 {
				within = 0.3
			}
			n.reset(k, within)
			x.nearest(q, &n)
			var want []neighbour
			for id, p := range points {
				if d := squared(p, q); d < within {
					want = append(want, neighbour{d, int32(id)})
				}
			}
			sort.Slice(want, func(i, j int) bool {
				return want[i].dist < want[j].dist || want[i].dist == want[j].dist && want[i].id < want[j].id
			})
			want = want[:min(k, len(want))]
			if !slices.Equal(n.list, want) {
				t.Fatalf("%d dimensions, step %d: the %d nearest are %v, want %v", dim, step, k, n.list, want)
			}
		}
	}
}

// Elites are farther apart than the threshold, and each solution was judged as by hand.
func TestUnstructuredAgainstAllElites(t *testing.T) {
	a, err := NewUnstructured(1, 2, UnstructuredOptions{Threshold: 0.15, Replace: true})
	if err != nil {
		t.Fatal(err)
	}
	dist := func(p, q []float32) float64 {
		return math.Hypot(float64(p[0]-q[0]), float64(p[1]-q[1]))
	}
	b, improved := NewBatch(50, 1, 2), 0
	for step := range 60 {
		randomBatch(b, rng.New(uint64(step)))
		var before []Elite
		for i := range a.Len() {
			e := a.Elite(i)
			before = append(before, Elite{Sol: slices.Clone(e.Sol), Objective: e.Objective, Measures: slices.Clone(e.Measures)})
		}
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
		for i := range b.N {
			near, worse := 0, false
			for _, e := range before {
				if dist(e.Measures, b.Measures[2*i:2*i+2]) <= 0.15 {
					near++
					worse = e.Objective < b.Objective[i]
				}
			}
			want := Rejected
			switch {
			case near == 0:
				want = New
			case near == 1 && worse:
				want, improved = Improved, improved+1
			}
			if b.Status[i] != want {
				t.Fatalf("step %d: solution %d is %v, want %v with %d near", step, i, b.Status[i], want, near)
			}
		}
		for i := range a.Len() {
			for j := range i {
				if d := dist(a.Elite(i).Measures, a.Elite(j).Measures); d <= 0.15 {
					t.Fatalf("step %d: elites %d and %d are %v apart", step, i, j, d)
				}
			}
		}
	}
	if a.Len() < 100 || improved < 50 {
		t.Errorf("%d elites and %d improvements are too few to tell", a.Len(), improved)
	}
}

func TestProximity(t *testing.T) {
	a, err := NewUnstructured(1, 1, UnstructuredOptions{Threshold: 1, Neighbours: 2})
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch(1, 1, 1)
	// Of 0, 3: 1 is at 1 and 2, mean 1.5; of 0, 1, 3 then 2 is at 1 and 1, mean 1, not more.
	for _, c := range []struct {
		at   float32
		want Status
	}{{0, New}, {3, New}, {1, New}, {2, Rejected}, {3.5, New}, {3.2, Rejected}} {
		b.Measures[0] = c.at
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
		if b.Status[0] != c.want {
			t.Errorf("%v is %v, want %v", c.at, b.Status[0], c.want)
		}
	}
	if got := a.Novelty([]float32{2}, 3); math.Abs(got-(1+1+1.5)/3) > 1e-6 {
		t.Errorf("novelty %v", got)
	}
}

// After a remap as many of the last solutions lie between any two boundaries.
func TestSliding(t *testing.T) {
	s, err := NewSliding(1, SlidingOptions{Cells: []int{4, 5}, Bounds: [][2]float32{{0, 1}, {0, 1}}, Remap: 100, Buffer: 200})
	if err != nil {
		t.Fatal(err)
	}
	r := rng.New(4).Stream(0, 0, 0)
	b := NewBatch(50, 1, 2)
	var all, last []Elite
	for range 12 {
		for i := range b.N {
			b.Sol[i], b.Objective[i] = r.Norm(), r.Norm()
			b.Measures[2*i], b.Measures[2*i+1] = r.Norm()*r.Norm(), 7+r.Float32()
			e := Elite{Sol: []float32{b.Sol[i]}, Objective: b.Objective[i], Measures: slices.Clone(b.Measures[2*i : 2*i+2])}
			all = append(all, e)
		}
		if err := s.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	last = all[len(all)-200:]
	for axis, cells := range []int{4, 5} {
		count := make([]int, cells)
		for _, e := range last {
			k := 0
			for k < cells-1 && e.Measures[axis] >= s.Boundaries(axis)[k] {
				k++
			}
			count[k]++
		}
		for _, n := range count {
			if n != 200/cells {
				t.Errorf("axis %d: %v solutions between boundaries, want %d each", axis, count, 200/cells)
				break
			}
		}
	}
	// Each cell has at least the best of the last solutions that fall into it.
	best := map[int]float32{}
	for i := range s.Len() {
		best[s.edges.Cell(s.Elite(i).Measures)] = s.Elite(i).Objective
	}
	for _, e := range last {
		if c := s.edges.Cell(e.Measures); !(best[c] >= e.Objective) {
			t.Errorf("cell %d has an elite of %v, although %v was offered", c, best[c], e.Objective)
		}
	}
}

// Survivors are those that a definition written without regard to speed selects.
func TestPopulationAgainstDefinition(t *testing.T) {
	for _, survival := range []Survival{ByNovelty, ByLocalCompetition, ByDominatedNovelty, ByFitness} {
		const size, n = 20, 15
		e := NewPopulation(PopulationOptions{X0: make([]float32, 3), Size: size, Survival: survival, Neighbours: 4, Keep: 2, First: 1, Iso: 0.3})
		b := NewBatch(n, 3, 2)
		var past [][]float32
		for step := range 12 {
			k := rng.New(uint64(step))
			e.Ask(b, nil, k)
			for i := range n {
				x := b.Sol[3*i : 3*i+3]
				b.Objective[i] = -x[2] * x[2]
				copy(b.Measures[2*i:], x[:2])
			}
			var all []Elite
			for i := range e.Len() {
				m := e.Member(i)
				all = append(all, Elite{Sol: slices.Clone(m.Sol), Objective: m.Objective, Measures: slices.Clone(m.Measures)})
			}
			for i := range n {
				all = append(all, Elite{Sol: slices.Clone(b.Sol[3*i : 3*i+3]), Objective: b.Objective[i], Measures: slices.Clone(b.Measures[2*i : 2*i+2])})
			}
			want := survivors(all, past, survival, 4)
			e.Tell(b, nil, k)
			if e.Len() != min(size, len(all)) {
				t.Fatalf("%d survivors", e.Len())
			}
			for i := range e.Len() {
				if !slices.Equal(e.Member(i).Sol, all[want[i]].Sol) {
					t.Fatalf("survival %d, step %d: survivor %d is %v, want %v", survival, step, i, e.Member(i), all[want[i]])
				}
			}
			past = past[:0]
			for i := 0; i*2 < len(e.past.points); i++ {
				past = append(past, e.past.at(int32(i)))
			}
		}
		if novelty := survival == ByNovelty || survival == ByLocalCompetition; novelty != (len(past) == 24) {
			t.Errorf("survival %d: %d remembered", survival, len(past))
		}
	}
}

// survivors orders all by the definition of a survival.
func survivors(all []Elite, past [][]float32, s Survival, k int) []int {
	dist := func(p, q []float32) float64 { return math.Sqrt(float64(squared(p, q))) }
	mean := func(d []float64) float64 {
		if len(d) == 0 {
			return math.Inf(1)
		}
		slices.Sort(d)
		d = d[:min(k, len(d))]
		sum := 0.0
		for _, v := range d {
			sum += v
		}
		return sum / float64(len(d))
	}
	n := len(all)
	novelty, local, order := make([]float64, n), make([]float64, n), make([]int, n)
	for i := range all {
		order[i] = i
		var d []float64
		type alike struct{ d, f float64 }
		var others []alike
		for j := range all {
			if j == i {
				continue
			}
			x := dist(all[i].Measures, all[j].Measures)
			others = append(others, alike{x, float64(all[j].Objective)})
			if s != ByDominatedNovelty || all[j].Objective > all[i].Objective {
				d = append(d, x)
			}
		}
		if s != ByDominatedNovelty {
			for _, p := range past {
				d = append(d, dist(p, all[i].Measures))
			}
		}
		novelty[i] = mean(d)
		if s == ByFitness {
			novelty[i] = float64(all[i].Objective)
		}
		sort.SliceStable(others, func(a, b int) bool { return others[a].d < others[b].d })
		for _, o := range others[:min(k, len(others))] {
			if o.f < float64(all[i].Objective) {
				local[i]++
			}
		}
	}
	if s != ByLocalCompetition {
		sort.SliceStable(order, func(a, b int) bool { return novelty[order[a]] > novelty[order[b]] })
		return order
	}
	// Fronts by peeling: the rank is the longest chain of solutions that dominate each other.
	rank := make([]int, n)
	better := func(a, b int) bool {
		return novelty[a] >= novelty[b] && local[a] >= local[b] && (novelty[a] > novelty[b] || local[a] > local[b])
	}
	for changed := true; changed; {
		changed = false
		for i := range n {
			for j := range n {
				if better(j, i) && rank[i] < rank[j]+1 {
					rank[i], changed = rank[j]+1, true
				}
			}
		}
	}
	crowd := make([]float64, n)
	for front := range n {
		var in []int
		for i := range n {
			if rank[i] == front {
				in = append(in, i)
			}
		}
		for _, goal := range [][]float64{novelty, local} {
			sort.SliceStable(in, func(a, b int) bool { return in[a] < in[b] })
			sort.SliceStable(in, func(a, b int) bool { return goal[in[a]] > goal[in[b]] })
			for p, i := range in {
				if p == 0 || p == len(in)-1 {
					crowd[i] = math.Inf(1)
				} else if extent := goal[in[0]] - goal[in[len(in)-1]]; extent > 0 {
					crowd[i] += (goal[in[p-1]] - goal[in[p+1]]) / extent
				}
			}
		}
	}
	sort.SliceStable(order, func(a, b int) bool {
		if rank[order[a]] != rank[order[b]] {
			return rank[order[a]] < rank[order[b]]
		}
		return crowd[order[a]] > crowd[order[b]]
	})
	return order
}

// The separable strategy solves a separable function of bad condition in fewer evaluations than
// the full one: Ros and Hansen report a factor that grows with the dimension. A function with one
// long axis that is along no coordinate it hardly solves; the limited one does.
func TestCovariances(t *testing.T) {
	const dim = 40
	evaluations := func(how Covariance, f func(x []float32) float64) int {
		e := NewEvolution(EvolutionOptions{X0: slices.Repeat([]float32{1}, dim), Sigma: 0.5, Batch: 15, Rank: ByObjective, Covariance: how})
		b := NewBatch(15, dim, 1)
		for n := 0; n < 200_000; n += b.N {
			e.Ask(b, nil, rng.New(uint64(n)))
			for i := range b.N {
				v := f(b.Sol[i*dim : (i+1)*dim])
				b.Objective[i] = float32(-v)
				if v < 1e-6 {
					return n
				}
			}
			e.Tell(b, nil, rng.New(1))
		}
		return math.MaxInt
	}
	ellipsoid := func(x []float32) (sum float64) {
		for j, v := range x {
			sum += math.Pow(1e6, float64(j)/(dim-1)) * float64(v) * float64(v)
		}
		return sum
	}
	cigar := func(x []float32) float64 {
		along, all := 0.0, 0.0
		for j, v := range x {
			all += float64(v) * float64(v)
			if j%2 == 0 {
				v = -v
			}
			along += float64(v) / math.Sqrt(dim)
		}
		return 1e4*all - (1e4-1)*along*along
	}
	fast, full := evaluations(Separable, ellipsoid), evaluations(Full, ellipsoid)
	t.Logf("ellipsoid: %d evaluations, the full covariance takes %d", fast, full)
	if fast > 15_000 || full < 2*fast {
		t.Errorf("%d evaluations, the full covariance takes %d: want at most 15000, and less than half", fast, full)
	}
	limited, separable := evaluations(Limited, cigar), evaluations(Separable, cigar)
	t.Logf("cigar: %d evaluations, the separable covariance takes %d, the full %d", limited, separable, evaluations(Full, cigar))
	if limited > separable/2 {
		t.Errorf("%d evaluations on the cigar, the separable covariance takes %d: want less than half", limited, separable)
	}
}

// fixedArm proposes points of which a known share is accepted.
type fixedArm struct{ share float32 }

func (f fixedArm) Ask(b *Batch, _ Archive, k rng.Key) {
	r := k.Stream(1, 0, 0)
	for i := range b.N {
		b.Status[i] = Rejected
		if r.Float32() < f.share {
			b.Status[i] = New
		}
	}
}

func (f fixedArm) Tell(*Batch, Archive, rng.Key) {}

func TestBandit(t *testing.T) {
	e := NewBandit(0.3, fixedArm{0.1}, fixedArm{0.5}, fixedArm{0.2})
	b := NewBatch(10, 1, 1)
	for i := range 1000 {
		k := rng.New(uint64(i))
		e.Ask(b, nil, k)
		e.Tell(b, nil, k)
	}
	if e.Tried(1) < 800 || e.Tried(0) < 3 || e.Tried(2) < 3 {
		t.Errorf("arms tried %d, %d and %d times, want the second most of the time", e.Tried(0), e.Tried(1), e.Tried(2))
	}
}

// BenchmarkUnstructured adds to an archive of 100,000 elites in 10 dimensions: "plane", measures
// of policies that in truth have three degrees of freedom, and "cube", which fill all ten.
func BenchmarkUnstructured(b *testing.B) {
	for _, c := range []struct {
		name      string
		freedom   int
		threshold float32
	}{{"plane", 3, 0.012}, {"cube", 10, 0.1}} {
		b.Run(c.name, func(b *testing.B) {
			a, err := NewUnstructured(1, 10, UnstructuredOptions{Threshold: c.threshold, Replace: true, Most: 100_000})
			if err != nil {
				b.Fatal(err)
			}
			mix := rng.New(1).Stream(0, 0, 0)
			var w [10][10]float32
			for i := range w {
				for j := range c.freedom {
					w[i][j] = mix.Norm() / 2
					if c.freedom == 10 {
						w[i][j] = 0
					}
				}
				if c.freedom == 10 {
					w[i][i] = 1
				}
			}
			batch := NewBatch(1000, 1, 10)
			fill := func(i int) {
				r := rng.New(uint64(i)).Stream(1, 0, 0)
				for row := range batch.N {
					var f [10]float32
					for j := range c.freedom {
						f[j] = r.Float32()
					}
					for m := range 10 {
						v := float32(0)
						for j := range c.freedom {
							v += w[m][j] * f[j]
						}
						batch.Measures[row*10+m] = v
					}
					batch.Objective[row] = r.Norm()
				}
			}
			n := 0
			for ; a.Len() < 100_000 && n < 3000; n++ {
				fill(n)
				if err := a.Add(batch); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				b.StopTimer()
				fill(n)
				n++
				b.StartTimer()
				if err := a.Add(batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(a.Len()), "elites")
			b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "solutions/s")
		})
	}
}
