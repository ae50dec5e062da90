package program_test

import (
	"errors"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/rewards/program"
)

// Whatever is written as a program is compiled or refused with a place within it; what is compiled
// runs, gives the same bits for any batch, and is finite unless it was doubted.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"2*progress - 0.1*energy", "let a = rays[1]; a > 0 ? sqrt(a) : 1/a", "norm(act.push)^3 + (terminated and not truncated ? 1 : 0)",
		"sum(each(rays, 3), norm(#))", "min(map(0..2, rays[#] / (count(rays, # > 1) + 1)))", "one(rays, {let a = #; any(0..1, # < a)}) ? 1 : sum(9..1, #)",
		"dist(obs.position, next.position)", "min(rays, 2", "wrap(9*energy) | abs()", "if progress > 0 { 1 } else { log(energy) }", "1e39", "\"", "[1][0]", "\n\n progress ?? 1",
	} {
		f.Add(s)
	}
	rows, _ := batch(300)
	one, two := make([]float32, 300), make([]float32, 300)
	for i := range rows.N { // within the bounds that the fields state
		for k, x := range rows.Facts[5*i : 5*i+5] {
			hi := []float64{1, 4, 4, 4, 9}[k]
			lo := []float64{-1, 0, 0, 0, 0}[k]
			rows.Facts[5*i+k] = float32(min(max(float64(x), lo), hi))
		}
		for _, xs := range [][]float32{rows.Obs[3*i : 3*i+3], rows.Next[3*i : 3*i+3], rows.Act[2*i : 2*i+2]} {
			for k, x := range xs {
				xs[k] = min(max(x, -1), 1)
			}
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := program.Compile(source, spec)
		if err != nil {
			var e *program.Error
			if errors.As(err, &e) && (e.Line < 1 || e.Column < 1 || e.Column > len(source)+2) {
				t.Errorf("%q: line %d, column %d", source, e.Line, e.Column)
			}
			return
		}
		p.Score(one, rows)
		for i := range rows.N {
			row := rows.Rows(i, i+1)
			p.Score(two[i:], &row)
		}
		small := true
		for i := range one {
			if math.Float32bits(one[i]) != math.Float32bits(two[i]) && !(one[i] != one[i] && two[i] != two[i]) {
				t.Fatalf("%q: row %d is %v in a batch and %v alone", source, i, one[i], two[i])
			}
			small = small && one[i] == one[i]
		}
		if len(p.Doubts()) == 0 && !small {
			t.Errorf("%q: NaN without a doubt", source)
		}
		if len(p.Shader().SPIRV)%4 != 0 {
			t.Error("a shader of part of a word")
		}
	})
}

func TestDoubts(t *testing.T) {
	for source, columns := range map[string][]int{
		"progress/energy + 1":                    {9},
		"progress/(1 + energy)":                  nil,
		"sqrt(energy) + sqrt(progress)":          {16},
		"log(rays[0]) + log(1 + rays[0])":        {1},
		"exp(-energy^2) + exp(20*energy)":        {18},
		"energy > 1 ? 1/(energy + 0.1) : 0":      nil,
		"near(progress, 0.5) + tanh(1e6*energy)": nil,
		"hypot(progress, energy)":                nil,
		"1/(terminated ? 0 : 1)":                 {2},
	} {
		p, err := program.Compile(source, spec)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, d := range p.Doubts() {
			got = append(got, d.Column)
		}
		if len(got) != len(columns) || len(got) > 0 && got[0] != columns[0] {
			t.Errorf("%s: doubts at %v, want %v: %v", source, got, columns, p.Doubts())
		}
	}
}
