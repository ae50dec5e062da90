package eval

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// The proxy is gold plus an error that is heavy where gold is low: optimising it helps at first and
// harms in the end, the more exactly the more.
func TestOveroptimization(t *testing.T) {
	r := rng.New(1).Stream(1, 0, 0)
	p := &Pool{}
	const levels, size = 8, 256
	for range levels {
		proxy, gold := make([]float64, size), make([]float64, size)
		for i := range size {
			gold[i] = float64(r.Norm())
			proxy[i] = gold[i] + 0.3*float64(r.Norm())
			if i < 1 { // a loophole
				gold[i], proxy[i] = -3, 4+float64(r.Norm())
			}
		}
		p.Proxy, p.Gold = append(p.Proxy, proxy), append(p.Gold, gold)
	}
	mean := func(x []float64) (s float64) {
		for _, v := range x {
			s += v / float64(len(x))
		}
		return s
	}
	pool := mean(flat(p.Gold))
	scale, shift := p.Rescale()
	if got := mean(flat(p.Proxy)); math.Abs(got-pool) > 1e-9 || scale <= 0 || shift == 0 {
		t.Errorf("rescaled proxies have mean %v, golds %v", got, pool)
	}
	best, err := p.BestOfN()
	if err != nil || len(best) != 9 || best[8].N != 256 {
		t.Fatal(best, err)
	}
	tilts, err := p.Tilts(40)
	if err != nil || len(tilts) != 41 {
		t.Fatal(tilts, err)
	}
	for _, curve := range [][]Optimum{best, tilts} {
		peak := math.Inf(-1)
		for i, o := range curve {
			if i > 0 && (mean(o.Proxy) < mean(curve[i-1].Proxy)-1e-9 || o.KL <= curve[i-1].KL) {
				t.Errorf("the proxy falls, or the divergence: %v after %v", o, curve[i-1])
			}
			peak = max(peak, mean(o.Gold))
		}
		first, last := mean(curve[0].Gold), mean(curve[len(curve)-1].Gold)
		if math.Abs(first-pool) > 1e-6 || peak < first+0.1 || last > first-1 {
			t.Errorf("gold begins at %v, pool %v, peaks at %v and ends at %v", first, pool, peak, last)
		}
	}
	for _, bad := range []*Pool{{}, {Proxy: [][]float64{{1, 2}}}, {Proxy: [][]float64{{1, 2}}, Gold: [][]float64{{1, math.NaN()}}}, {Proxy: [][]float64{{1}}, Gold: [][]float64{{1}}}} {
		if _, err := bad.BestOfN(); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func flat(x [][]float64) (out []float64) {
	for _, y := range x {
		out = append(out, y...)
	}
	return out
}
