package summarize

import (
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// likeness is the config of the hand-made metric in the place of ROUGE: at the end of an episode,
// minus the dynamic time warping distance (Sakoe and Chiba, "Dynamic programming algorithm optimization
// for spoken word recognition", 1978) of what was seen to the demonstration that began most alike,
// divided by the length of both.
type likeness struct{ b *bench }

// thinned is every how many steps are compared.
const thinned = 8

// Build returns the reward.
func (l likeness) Build(s *env.Spec) (rewards.Func, error) {
	f := &warped{width: env.Width(s.Obs)}
	for _, seg := range l.b.demos {
		v, err := l.b.store.View(seg)
		if err != nil {
			return nil, err
		}
		f.demos = append(f.demos, every(v, f.width))
	}
	return f, nil
}

// every returns each thinned observation row of a demonstration.
func every(v feedback.View, width int) (out []float32) {
	for i := 0; i < v.Len(); i += thinned {
		out = append(out, v.Obs[i*width:(i+1)*width]...)
	}
	return out
}

// A warped keeps what each row has seen in its episode.
type warped struct {
	width int
	demos [][]float32
	seen  [][]float32
	step  []int
	line  []float64
}

// Score writes 0, and at the ends of episodes the likeness to a demonstration. It is called once a
// step, in order.
func (f *warped) Score(dst []float32, b *env.Batch) {
	for len(f.seen) < b.N {
		f.seen, f.step = append(f.seen, nil), append(f.step, 0)
	}
	for i := range b.N {
		dst[i] = 0
		if f.step[i]%thinned == 0 {
			f.seen[i] = append(f.seen[i], b.Obs[i*f.width:(i+1)*f.width]...)
		}
		f.step[i]++
		if b.End[i] != env.Running {
			demo := f.nearest(f.seen[i][:f.width])
			dst[i] = -float32(f.distance(f.seen[i], demo))
			f.seen[i], f.step[i] = f.seen[i][:0], 0
		}
	}
}

func (f *warped) apart(a, b []float32) (sum float64) {
	for k := range f.width {
		d := float64(a[k] - b[k])
		sum += d * d
	}
	return math.Sqrt(sum)
}

func (f *warped) nearest(first []float32) []float32 {
	best, least := f.demos[0], math.Inf(1)
	for _, d := range f.demos {
		if x := f.apart(first, d); x < least {
			best, least = d, x
		}
	}
	return best
}

// distance is that of two sequences of rows: the least sum of distances of rows that are matched in
// order, each row at least once.
func (f *warped) distance(a, b []float32) float64 {
	n, m := len(a)/f.width, len(b)/f.width
	f.line = append(f.line[:0], make([]float64, m+1)...)
	for j := range f.line {
		f.line[j] = math.Inf(1)
	}
	f.line[0] = 0
	for i := range n {
		diagonal := f.line[0]
		f.line[0] = math.Inf(1)
		for j := 1; j <= m; j++ {
			d := f.apart(a[i*f.width:], b[(j-1)*f.width:])
			diagonal, f.line[j] = f.line[j], d+min(diagonal, f.line[j], f.line[j-1])
		}
	}
	return f.line[m] / float64(n+m)
}
