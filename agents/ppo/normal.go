package ppo

import (
	"encoding/binary"
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// moments holds the mean and variance of all numbers seen, for each of several columns.
type moments struct {
	n        float64
	mean, m2 []float64 // m2: sum of squared deviations from the mean
	s1, s2   []float64 // sums of the deviations from mean, and of their squares, since the last merge
	added    float64   // rows since the last merge
}

func newMoments(columns int) *moments {
	f := func() []float64 { return make([]float64, columns) }
	return &moments{mean: f(), m2: f(), s1: f(), s2: f()}
}

// add takes in rows of x. They change mean and variance at the next merge.
func (m *moments) add(x []float32) {
	w := len(m.mean)
	m.added += float64(len(x) / w)
	for ; len(x) > 0; x = x[w:] {
		for j, v := range x[:w] {
			d := float64(v) - m.mean[j]
			m.s1[j] += d
			m.s2[j] += float64(d * d)
		}
	}
}

// merge unites the rows added with those of before: Chan, Golub and LeVeque, "Updating Formulae
// and a Pairwise Algorithm for Computing Sample Variances" (1979), equation 2.1.
func (m *moments) merge() {
	total := m.n + m.added
	for j := range m.mean {
		delta := m.s1[j] / m.added // of the new rows' mean from the old mean
		m2 := max(m.s2[j]-float64(delta*m.s1[j]), 0)
		m.m2[j] += m2 + float64(float64(delta*delta)*(m.n*m.added/total))
		m.mean[j] += float64(delta * (m.added / total))
		m.s1[j], m.s2[j] = 0, 0
	}
	m.n, m.added = total, 0
}

// variance returns the variance of column j; 1 before the first merge.
func (m *moments) variance(j int) float64 {
	if m.n == 0 {
		return 1
	}
	return m.m2[j] / m.n
}

// size returns the length of what append appends.
func (m *moments) size() int { return 8 + 16*len(m.mean) }

// append appends the state after a merge: count, means, sums of squares.
func (m *moments) append(b []byte) []byte {
	return appendFloat64s(appendFloat64s(appendFloat64s(b, []float64{m.n}), m.mean), m.m2)
}

// cut restores what append wrote at the front of b, and returns the rest.
func (m *moments) cut(b []byte) []byte {
	n := []float64{0}
	b = cutFloat64s(cutFloat64s(cutFloat64s(b, n), m.mean), m.m2)
	m.n, m.added = n[0], 0
	clear(m.s1)
	clear(m.s2)
	return b
}

func appendFloat64s(b []byte, x []float64) []byte {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func cutFloat64s(b []byte, x []float64) []byte {
	for i := range x {
		x[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return b[8*len(x):]
}

// varEps keeps constant columns from being divided by zero.
const varEps = 1e-8

// A scaler shifts and scales observations by moments that it holds fixed between updates.
type scaler struct {
	*moments
	shift, scale []float32
	limit        float32
}

func newScaler(columns int, limit float64) *scaler {
	s := &scaler{moments: newMoments(columns), limit: float32(limit)}
	s.shift, s.scale = make([]float32, columns), make([]float32, columns)
	s.freeze()
	return s
}

// freeze makes the merged moments those that apply uses.
func (s *scaler) freeze() {
	for j := range s.shift {
		s.shift[j] = float32(s.mean[j])
		s.scale[j] = 1
		if s.n > 0 {
			s.scale[j] = float32(1 / math.Sqrt(s.variance(j)+varEps))
		}
	}
}

// apply sets the rows of dst to those of x, normalised and limited.
func (s *scaler) apply(dst, x []float32) {
	for w := len(s.shift); len(x) > 0; x, dst = x[w:], dst[w:] {
		for j, v := range x[:w] {
			dst[j] = geom.Clamp(float32((v-s.shift[j])*s.scale[j]), -s.limit, s.limit)
		}
	}
}
