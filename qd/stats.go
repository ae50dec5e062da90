package qd

import "math"

// Stats summarise an archive.
type Stats struct {
	Elites   int
	Coverage float64 // elites as a part of all niches; NaN where niches cannot be counted
	QDScore  float64 // sum over elites of objective less offset; of Fronts, the sum of their hypervolumes
	Best     float64 // greatest objective
	Mean     float64 // mean objective

	// Uniformity says how evenly all solutions offered, kept or not, fell on the niches: 1 less the
	// Jensen-Shannon distance of their shares from equal ones, to the base 2; 1 is even, 0 is as
	// uneven as it gets. NaN where niches do not count. Gomes, Mariano and Christensen, "Devising
	// effective novelty search algorithms" (GECCO 2015); the STAX papers call it so.
	Uniformity float64
}

// Summarize returns the statistics of a, which has the given number of niches, 0 if they cannot
// be counted. The offset is the least objective there can be, so that no elite lowers the score.
func Summarize(a Archive, niches int, offset float64) Stats {
	s := Stats{Elites: a.Len(), Best: math.Inf(-1), Coverage: math.NaN(), Uniformity: math.NaN()}
	sum := 0.0
	for i := range s.Elites {
		f := float64(a.Elite(i).Objective)
		sum += f
		s.Best = max(s.Best, f)
	}
	s.QDScore = sum - offset*float64(s.Elites)
	s.Mean = sum / float64(s.Elites)
	if niches > 0 {
		s.Coverage = float64(s.Elites) / float64(niches)
	}
	if f, ok := a.(*Fronts); ok { // several elites a niche
		s.Coverage, s.QDScore = float64(f.Occupied())/float64(f.Niches()), f.Hypervolumes()
	}
	if v, ok := a.(interface{ Visits() []uint32 }); ok {
		s.Uniformity = uniformity(v.Visits())
	}
	return s
}

// uniformity returns 1 less the Jensen-Shannon distance of the shares of counts from equal ones.
func uniformity(counts []uint32) float64 {
	total, sum, q := 0.0, 0.0, 1/float64(len(counts))
	for _, n := range counts {
		total += float64(n)
	}
	if total == 0 {
		return math.NaN()
	}
	for _, n := range counts {
		p := float64(n) / total
		m := (p + q) / 2
		sum += q * math.Log2(q/m) / 2
		if p > 0 {
			sum += p * math.Log2(p/m) / 2
		}
	}
	return 1 - math.Sqrt(max(sum, 0))
}
