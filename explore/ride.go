package explore

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() {
	Register("ride", func() Config { return &RIDE{NewFeatures("inverse"), 0.5} })
}

// RIDE is the impact-driven bonus of Raileanu and Rocktaeschel, "RIDE: rewarding impact-driven
// exploration for procedurally-generated environments" (ICLR 2020), section 3.1: how much an
// action changes the features of the state, less where the episode has been often,
//
//	b = |phi(s') - phi(s)| / sqrt(N_episode(s'))
//
// N being visits of a grid cell, this one included.
type RIDE struct {
	Features
	Cell float32 `json:"cell" doc:"side of a grid cell that visits are counted by"`
}

// Build returns the bonus.
func (c *RIDE) Build(s Setup) (Bonus, error) {
	f, err := newFeatures("ride", &c.Features, s)
	if err == nil {
		err = f.observed("ride")
	}
	if err != nil {
		return nil, err
	}
	visits := &Count{Fields: c.Fields, Cell: c.Cell, MaxKeys: 1 << 14, Episodic: true, Hash: "grid", Bits: 32}
	n, err := visits.Build(s)
	if err != nil {
		return nil, fmt.Errorf("bonus ride: %w", err)
	}
	alloc := func() []float32 { return make([]float32, s.Rows*f.dim) }
	return &ride{f: f, visits: n, phi: alloc(), next: alloc(), scale: make([]float32, s.Rows)}, nil
}

type ride struct {
	f                *features
	visits           Bonus
	phi, next, scale []float32
}

// Score writes the bonus of each row.
func (r *ride) Score(dst []float32, b *env.Batch) {
	r.f.beforehand(r.phi, b)
	r.f.after(r.next, b)
	r.visits.Score(r.scale, b)
	d := r.f.dim
	for i := range b.N {
		dst[i] = geom.Sqrt(loops.dist2(r.phi[i*d:(i+1)*d], r.next[i*d:(i+1)*d])) * r.scale[i]
	}
}

// Update counts the states of b and trains the features.
func (r *ride) Update(b *env.Batch, report func(string, float64)) error {
	if err := finite("ride", "the state", r.next[:b.N*r.f.dim], r.f.dim); err != nil {
		return err
	}
	if err := r.visits.Update(b, report); err != nil {
		return fmt.Errorf("bonus ride: %w", err)
	}
	if err := r.f.em.learn(b, report); err != nil {
		return fmt.Errorf("bonus ride: %w", err)
	}
	return nil
}

// AppendBinary appends the length of the features, the features and the visits.
func (r *ride) AppendBinary(dst []byte) ([]byte, error) {
	at := len(dst)
	dst = r.f.em.append(append(dst, 0, 0, 0, 0, 0, 0, 0, 0))
	binary.LittleEndian.PutUint64(dst[at:], uint64(len(dst)-at-8))
	return r.visits.AppendBinary(dst)
}

// UnmarshalBinary restores what AppendBinary wrote.
func (r *ride) UnmarshalBinary(src []byte) error {
	if len(src) < 8 || binary.LittleEndian.Uint64(src) > uint64(len(src)-8) {
		return fmt.Errorf("bonus ride: state cut short at %d bytes", len(src))
	}
	n := binary.LittleEndian.Uint64(src)
	rest, err := r.f.em.cut(src[8 : 8+n])
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes of features too many: the dimensions differ", len(rest))
	}
	if err == nil {
		err = r.visits.UnmarshalBinary(src[8+n:])
	}
	if err != nil {
		return fmt.Errorf("bonus ride: %w", err)
	}
	return nil
}
