package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Whoever learns, a gradient that is not finite, late in the training, leaves the model as it was.
func TestGradientsThatAreNotFinite(t *testing.T) {
	s, segs := generalStore(t, 40)
	id, err := s.Add(&feedback.Trajectory{Obs: make([]float32, 8), Reward: make([]float32, 3)})
	if err != nil {
		t.Fatal(err)
	}
	bad := feedback.Segment{Traj: id, To: 3}
	v, err := s.View(bad)
	if err != nil {
		t.Fatal(err)
	}
	var rs []feedback.Record
	for i := 0; i < len(segs); i += 2 {
		rs = append(rs, feedback.Better(segs[i], segs[i+1]))
	}
	rs = append(rs, feedback.Better(bad, segs[0]))
	v.Obs[0] = float32(math.NaN()) // infinite inputs are clipped
	o := DefaultTraining()
	o.Minibatch, o.HeldOut, o.Key = 2, 0, rng.New(1)
	g, err := NewGeneral(GeneralShape{Inputs: []string{"obs"}, Hidden: []int{4}, Dim: 2, Tau: 0.5}, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRecurrent(RecurrentShape{Inputs: []string{"obs"}, Units: 4}, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEnsemble(oneLayer, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewVariational(VariationalShape{Inputs: []string{"obs"}, Hidden: []int{4}, Latent: 2}, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	pool := nn.NewPool(1)
	defer pool.Close()
	for name, c := range map[string]struct {
		params [][]float32
		fit    func() error
	}{
		"general":   {[][]float32{g.Params}, func() error { return g.Fit(s, rs, o) }},
		"recurrent": {[][]float32{r.Params}, func() error { return r.Fit(s, rs, o) }},
		"ensemble":  {e.Params, func() error { _, err := Fit(e, s, rs, o, pool); return err }},
		"meta":      {e.Params, func() error { return FitMeta(e, s, rs, rs[:5], 0.1, o, pool) }},
		"variational": {[][]float32{l.Encoder, l.Head, l.Decoder}, func() error {
			o := DefaultVariationalTraining()
			o.Sets = 2
			_, err := l.Fit(s, [][]feedback.Record{rs[:5], rs[5:10], rs[10:15], rs[15:]}, o)
			return err
		}},
	} {
		before := slices.Concat(c.params...)
		if err := c.fit(); err == nil || !strings.Contains(err.Error(), "not finite") {
			t.Errorf("%s: error %v, want one about the gradient", name, err)
		}
		if !slices.Equal(before, slices.Concat(c.params...)) {
			t.Errorf("%s: parameters have changed", name)
		}
	}
}
