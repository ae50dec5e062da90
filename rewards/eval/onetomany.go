package eval

import "math"

// A Choice is how well a reward picks one good behaviour out of several bad ones (Kim et al.,
// "Evaluating Robustness of Reward Models for Mathematical Reasoning", 2024, section 3): a single
// pair is often got right by chance or by style, nine are not.
type Choice struct {
	Strict     float64 // share of the items in which the good one scores above all others
	Tolerant   float64 // the same, ties with it counting as won
	Reciprocal float64 // mean of 1/rank of the good one, ties counting against it
}

// OneToMany measures choices: good[i] is the score of the good behaviour of item i, bad[i] are those
// of the others. It panics if there is no item, or one without a bad behaviour.
func OneToMany(good []float64, bad [][]float64) (c Choice) {
	if len(good) == 0 || len(good) != len(bad) {
		panic("eval: OneToMany needs as many good behaviours as lists of bad ones, and at least one")
	}
	n := float64(len(good))
	for i, g := range good {
		if len(bad[i]) == 0 {
			panic("eval: OneToMany needs a bad behaviour in each item")
		}
		above, equal := 0, 0
		for _, b := range bad[i] {
			switch {
			case b > g || math.IsNaN(b) || math.IsNaN(g):
				above++
			case b == g:
				equal++
			}
		}
		if above == 0 {
			c.Tolerant++
			if equal == 0 {
				c.Strict++
			}
		}
		c.Reciprocal += 1 / float64(1+above+equal)
	}
	return Choice{Strict: c.Strict / n, Tolerant: c.Tolerant / n, Reciprocal: c.Reciprocal / n}
}

// Aggregations are ways to make one number of the probabilities that a process reward gives to the
// steps of a behaviour (the same paper, appendix). Each takes at least one probability.
var Aggregations = map[string]func(p []float64) float64{
	"min": func(p []float64) float64 { return fold(p, math.Inf(1), math.Min) },
	"max": func(p []float64) float64 { return fold(p, math.Inf(-1), math.Max) },
	"product": func(p []float64) float64 {
		return fold(p, 1, func(a, x float64) float64 { return a * x })
	},
	"geometric mean": func(p []float64) float64 {
		return math.Exp(meanOf(p, func(x float64) float64 { return math.Log(max(x, 1e-12)) }))
	},
	"mean": func(p []float64) float64 { return meanOf(p, func(x float64) float64 { return x }) },
	"mean logit": func(p []float64) float64 {
		return meanOf(p, func(x float64) float64 { return math.Log(odds(x)) })
	},
	"mean odds": func(p []float64) float64 { return meanOf(p, odds) },
	"last":      func(p []float64) float64 { return p[len(p)-1] },
}

func odds(x float64) float64 {
	x = min(max(x, 1e-12), 1-1e-12)
	return x / (1 - x)
}

func fold(p []float64, a float64, f func(a, x float64) float64) float64 {
	for _, x := range p {
		a = f(a, x)
	}
	return a
}

func meanOf(p []float64, f func(float64) float64) float64 {
	return fold(p, 0, func(a, x float64) float64 { return a + f(x) }) / float64(len(p))
}
