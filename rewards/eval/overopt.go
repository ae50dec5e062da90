package eval

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// A Pool holds the returns of behaviour under a reward that is optimised, the proxy, and under the
// one that is meant, the gold: Proxy[l][i] and Gold[l][i] of behaviour i on level l. The behaviour
// of a level comes from one policy.
type Pool struct{ Proxy, Gold [][]float64 }

// Validate reports what makes p unusable.
func (p *Pool) Validate() error {
	if len(p.Proxy) == 0 || len(p.Proxy) != len(p.Gold) {
		return errors.New("eval: a pool needs levels, as many with proxies as with golds")
	}
	n := len(p.Proxy[0])
	for l := range p.Proxy {
		if len(p.Proxy[l]) != n || len(p.Gold[l]) != n || n < 2 {
			return fmt.Errorf("eval: level %d of a pool has %d proxies and %d golds, want %d, and at least 2", l, len(p.Proxy[l]), len(p.Gold[l]), n)
		}
		for i := range n {
			if x := p.Proxy[l][i] + p.Gold[l][i]; math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("eval: behaviour %d of level %d has proxy %v and gold %v", i, l, p.Proxy[l][i], p.Gold[l][i])
			}
		}
	}
	return nil
}

// Rescale shifts and scales all proxies to the mean and deviation of the golds over the pool, so
// that both curves begin at the same place. It returns what maps a proxy there: scale and shift.
func (p *Pool) Rescale() (scale, shift float64) {
	var x, y []float64
	for l := range p.Proxy {
		x, y = append(x, p.Proxy[l]...), append(y, p.Gold[l]...)
	}
	mx, sx := stat.MeanStdDev(x, nil)
	my, sy := stat.MeanStdDev(y, nil)
	scale = 1
	if sx > 0 && sy > 0 {
		scale = sy / sx
	}
	shift = my - scale*mx
	for l := range p.Proxy {
		for i := range p.Proxy[l] {
			p.Proxy[l][i] = float64(scale*p.Proxy[l][i]) + shift
		}
	}
	return scale, shift
}

// An Optimum is what optimising a proxy to some divergence gives: the expected proxy and gold of
// each level.
type Optimum struct {
	KL          float64 // from the policy of the pool, in nats
	N           int     // of best of n; 0 if tilted
	Proxy, Gold []float64
}

// BestOfN returns the optima of the best of 1, 2, 4 ... behaviours.
func (p *Pool) BestOfN() (out []Optimum, err error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	for n := 1; n <= len(p.Proxy[0]); n *= 2 {
		o := Optimum{KL: BestOfKL(n), N: n}
		for l := range p.Proxy {
			proxy, err := BestOf(p.Proxy[l], p.Proxy[l], n)
			if err != nil {
				return nil, err
			}
			gold, err := BestOf(p.Proxy[l], p.Gold[l], n)
			if err != nil {
				return nil, err
			}
			o.Proxy, o.Gold = append(o.Proxy, proxy), append(o.Gold, gold)
		}
		out = append(out, o)
	}
	return out, nil
}

// Tilts returns the exact optima under a penalty on the divergence, in the given number of steps
// from none to what every level's pool has room for.
func (p *Pool) Tilts(steps int) (out []Optimum, err error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	most := math.Inf(1)
	for l := range p.Proxy {
		most = min(most, room(p.Proxy[l]))
	}
	for k := range steps + 1 {
		o := Optimum{KL: most * float64(k) / float64(steps)}
		for l := range p.Proxy {
			w, err := TiltedTo(p.Proxy[l], o.KL)
			if err != nil {
				return nil, err
			}
			o.Proxy, o.Gold = append(o.Proxy, stat.Mean(p.Proxy[l], w)), append(o.Gold, stat.Mean(p.Gold[l], w))
		}
		out = append(out, o)
	}
	return out, nil
}

// room is a divergence that a pool can be tilted to: nearly that of its best alone.
func room(proxy []float64) float64 {
	best, ties := math.Inf(-1), 0
	for _, x := range proxy {
		switch {
		case x > best:
			best, ties = x, 1
		case x == best:
			ties++
		}
	}
	return 0.95 * math.Log(float64(len(proxy))/float64(ties))
}
