package eval

import (
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// A Reading is a column of a batch that a reward depends on.
type Reading struct {
	Part   string  `json:"part"` // obs, act, next, fact or task
	Name   string  `json:"name"` // of the field
	Index  int     `json:"index"`
	Lo     float32 `json:"lo"` // seen in the rows
	Hi     float32 `json:"hi"`
	Finite bool    `json:"finite"` // the reward is, however large the column becomes within its bounds
	Growth float64 `json:"growth"` // factor by which the reward's size grows if the column does, a millionfold where there are no bounds
}

// Constant reports whether the column never varied in the rows.
func (r *Reading) Constant() bool { return r.Lo == r.Hi }

// Readings finds the columns that a reward depends on, by changing one at a time in the rows.
func Readings(f rewards.Func, s *env.Spec, b *env.Batch) (list []Reading) {
	base := make([]float32, b.N)
	f.Score(base, b)
	size := 0.0
	for _, x := range base {
		size = max(size, math.Abs(float64(x)))
	}
	p := &prober{f: f, base: base, size: max(size, 1e-6), b: copyOf(b), dst: make([]float32, b.N)}
	inf := float32(math.Inf(1))
	task := []env.Field{{Name: "reward", Len: 1, Lo: -inf, Hi: inf}}
	for _, part := range []struct {
		name   string
		fields []env.Field
		x      []float32
	}{{"obs", s.Obs, p.b.Obs}, {"act", s.Act, p.b.Act}, {"next", s.Obs, p.b.Next}, {"fact", s.Facts, p.b.Facts}, {"task", task, p.b.Reward}} {
		col, w := 0, env.Width(part.fields)
		for _, f := range part.fields {
			for i := range f.Len {
				if r, ok := p.column(f, part.x, col, w); ok {
					r.Part, r.Name, r.Index = part.name, f.Name, i
					list = append(list, r)
				}
				col++
			}
		}
	}
	return list
}

func copyOf(b *env.Batch) *env.Batch {
	c := *b
	for _, p := range []*[]float32{&c.Obs, &c.Act, &c.Next, &c.Facts, &c.Reward} {
		*p = slices.Clone(*p)
	}
	c.End, c.Level = slices.Clone(b.End), slices.Clone(b.Level)
	return &c
}

type prober struct {
	f         rewards.Func
	base, dst []float32
	size      float64
	b         *env.Batch
}

// column tells whether the reward depends on a column of x.
func (p *prober) column(f env.Field, x []float32, col, w int) (r Reading, reads bool) {
	was := make([]float32, p.b.N)
	for i := range was {
		was[i] = x[i*w+col]
	}
	r = Reading{Lo: slices.Min(was), Hi: slices.Max(was), Finite: true, Growth: 1}
	defer func() {
		for i, v := range was {
			x[i*w+col] = v
		}
	}()
	lo, hi := f.Lo, f.Hi
	if f.Choices > 0 {
		lo, hi = 0, float32(f.Choices-1)
	}
	s := rng.New(0).Stream(purpose, 3, uint32(col))
	for k := range 10 { // other values of the usual size, then larger and larger ones
		for i := range was {
			v := r.Lo + (r.Hi-r.Lo)*s.Float32() + (s.Float32()-0.5)*(1+r.Hi-r.Lo)
			if k >= 3 {
				v = float32(math.Pow(10, float64(k-3))) * max(1, max(r.Hi, -r.Lo)) * (2*s.Float32() - 1)
			}
			if v = min(max(v, lo), hi); f.Choices > 0 {
				v = float32(math.Round(float64(v)))
			}
			x[i*w+col] = v
		}
		p.f.Score(p.dst, p.b)
		for i, v := range p.dst {
			reads = reads || v != p.base[i]
			switch size := math.Abs(float64(v)); {
			case math.IsNaN(size) || math.IsInf(size, 0):
				r.Finite = false
			default:
				r.Growth = max(r.Growth, size/p.size)
			}
		}
	}
	return r, reads
}

// readsFacts reports whether a reward depends on facts.
func readsFacts(f rewards.Func, d *Data) bool {
	b := d.Rows.Rows(0, min(d.Rows.N, 256))
	return slices.ContainsFunc(Readings(f, d.Spec, &b), func(r Reading) bool { return r.Part == "fact" })
}
