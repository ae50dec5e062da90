package sparseqd

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/qd/describe"
	"github.com/terrarium-rl/terrarium/qd/stax"
)

// Paths that return: sums of five waves in x and y whose amplitudes are the parameters, so that each
// path begins and ends at the origin. What tells them apart is how they wind around six pillars: a
// class is the winding number around each, from -2 to 2.
const (
	waves  = 5
	points = 60 // of a path
	loop   = 4 * waves
)

var pillars = [][2]float64{{0.3, 0.2}, {-0.3, 0.25}, {0.1, -0.4}, {0.6, -0.3}, {-0.6, -0.35}, {0, 0.7}}

// path writes a path, scaled to lie within about -1 to 1.
func path(dst []float32, sol []float32) {
	for t := range points {
		phase := 2 * math.Pi * float64(t) / (points - 1)
		for c := range 2 {
			v := 0.0
			for k := range waves {
				s, co := math.Sincos(float64(k+1) * phase)
				a, b := float64(sol[4*k+2*c]), float64(sol[4*k+2*c+1])
				v += (a*s + b*(1-co)) / 25
			}
			dst[2*t+c] = float32(v)
		}
	}
}

// winding returns how often a closed path goes around a point, counter-clockwise.
func winding(path []float32, at [2]float64) int {
	angle := 0.0
	for t := range points {
		u := (t + 1) % points
		x, y := float64(path[2*t])-at[0], float64(path[2*t+1])-at[1]
		p, q := float64(path[2*u])-at[0], float64(path[2*u+1])-at[1]
		angle += math.Atan2(x*q-y*p, x*p+y*q)
	}
	return int(math.Round(angle / (2 * math.Pi)))
}

func class(path []float32) (c [6]int) {
	for i, p := range pillars {
		c[i] = max(-2, min(2, winding(path, p)))
	}
	return c
}

// loopCell counts the classes of all paths that novelty search tries.
func loopCell(c papers.Cell) (papers.Row, error) {
	budget := map[papers.Scale]uint64{papers.Smoke: 2000, papers.Quick: 10_000, papers.Full: 100_000}[c.Scale]
	classes, left := map[[6]int]bool{}, int(budget)
	evaluate := func(sol []float32, n int, obs, reward []float32) error {
		for i := range n {
			row := obs[i*2*points : (i+1)*2*points]
			path(row, sol[i*loop:(i+1)*loop])
			reward[i] = 0
			if left--; left >= 0 {
				classes[class(row)] = true
			}
		}
		return c.Context.Err()
	}
	key := rng.New(c.Seed)
	o := stax.Options{Dim: loop, Obs: 2 * points, Sigma: 0.2, Key: key, Evaluate: evaluate}
	switch c.Arm {
	case "signature", "log-signature":
		o.Describer = describe.Signature{Points: points, Dim: 2, Depth: 4, Log: c.Arm == "log-signature"}
	case "last":
		o.Describer = describe.Columns{Obs: 2 * points, Take: []int{2*points - 2, 2*points - 1}}
	case "random":
		return papers.Row{"classes": float64(randomClasses(key, int(budget)))}, nil
	default:
		return nil, fmt.Errorf("unknown arm %q", c.Arm)
	}
	s, err := stax.New(o)
	if err != nil {
		return nil, err
	}
	for s.Stats().Evaluations < budget {
		if err := s.Step(); err != nil {
			return nil, err
		}
	}
	return papers.Row{"classes": float64(len(classes))}, nil
}

func randomClasses(key rng.Key, n int) int {
	classes, r := map[[6]int]bool{}, key.Stream(1, 0, 0)
	sol, row := make([]float32, loop), make([]float32, 2*points)
	for range n {
		for j := range sol {
			sol[j] = r.Range(-5, 5)
		}
		path(row, sol)
		classes[class(row)] = true
	}
	return len(classes)
}
