package eval

import (
	"math"
	"testing"
)

func TestOneToMany(t *testing.T) {
	c := OneToMany([]float64{3, 2, 1, 1}, [][]float64{{1, 2}, {2, 0}, {5, 1}, {math.NaN(), 0}})
	want := Choice{Strict: 0.25, Tolerant: 0.5, Reciprocal: (1 + 0.5 + 1.0/3 + 0.5) / 4}
	if math.Abs(c.Reciprocal-want.Reciprocal) > 1e-12 || c.Strict != want.Strict || c.Tolerant != want.Tolerant {
		t.Errorf("%+v, want %+v", c, want)
	}
}

func TestAggregations(t *testing.T) {
	p := []float64{0.5, 0.8, 0.2}
	for name, want := range map[string]float64{
		"min": 0.2, "max": 0.8, "product": 0.08, "geometric mean": math.Cbrt(0.08), "mean": 0.5,
		"mean logit": 0, "mean odds": (1 + 4 + 0.25) / 3, "last": 0.2,
	} {
		if got := Aggregations[name](p); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if len(Aggregations) != 8 {
		t.Errorf("%d aggregations, want 8", len(Aggregations))
	}
}
