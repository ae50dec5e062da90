package eval

import (
	"math"
	"testing"
)

// Against all subsets of a small pool, with and without ties.
func TestBestOf(t *testing.T) {
	gold := []float64{3, -1, 4, 1, -5, 9, 2}
	for _, proxy := range [][]float64{{0.1, 0.5, 0.2, 0.9, 0.7, -1, 0.3}, {1, 1, 2, 2, 2, 0, 0}} {
		for n := 1; n <= len(gold); n++ {
			sum, count := 0.0, 0.0
			for set := range 1 << len(gold) {
				best, members := math.Inf(-1), 0
				for i := range gold {
					if set>>i&1 == 1 {
						members++
						best = max(best, proxy[i])
					}
				}
				if members != n {
					continue
				}
				// Of equal proxies any may be taken.
				mean, ties := 0.0, 0.0
				for i := range gold {
					if set>>i&1 == 1 && proxy[i] == best {
						mean += gold[i]
						ties++
					}
				}
				sum += mean / ties
				count++
			}
			if got, err := BestOf(proxy, gold, n); err != nil || math.Abs(got-sum/count) > 1e-9 {
				t.Errorf("proxies %v, best of %d: %v, %v, want %v", proxy, n, got, err, sum/count)
			}
		}
	}
	for _, n := range []int{0, 8} {
		if _, err := BestOf(gold, gold, n); err == nil {
			t.Errorf("best of %d of 7 is accepted", n)
		}
	}
	if _, err := BestOf([]float64{math.NaN()}, []float64{1}, 1); err == nil {
		t.Error("a proxy that is no number is accepted")
	}
}

// The divergence of the best of n, by the formula for a continuous proxy, from its ranks in a large
// pool.
func TestBestOfKL(t *testing.T) {
	const size = 200_000
	for _, n := range []int{1, 4, 64} {
		kl := 0.0
		for i := 1; i <= size; i++ { // drawn with replacement: the i-th has (i^n - (i-1)^n)/N^n
			p := math.Pow(float64(i)/size, float64(n)) - math.Pow(float64(i-1)/size, float64(n))
			if p > 0 {
				kl += p * math.Log(p*size)
			}
		}
		if want := BestOfKL(n); math.Abs(kl-want) > 1e-3 {
			t.Errorf("best of %d: %v nats, want %v", n, kl, want)
		}
	}
}

func TestTiltedTo(t *testing.T) {
	u := []float64{0.5, 1, -3, 2, 0.1, 1.9}
	for _, kl := range []float64{0, 0.1, 0.5, 1, 1.7} {
		p, err := TiltedTo(u, kl)
		if err != nil {
			t.Fatal(err)
		}
		sum, d := 0.0, 0.0
		for _, x := range p {
			sum += x
			d += x * math.Log(x*6)
		}
		if math.Abs(sum-1) > 1e-12 || math.Abs(d-kl) > 1e-6 {
			t.Errorf("divergence %v: %v, sum %v", kl, d, sum)
		}
		// The log ratios are linear in the reward.
		if kl > 0 {
			g := (u[3] - u[0]) / math.Log(p[3]/p[0])
			if h := (u[5] - u[2]) / math.Log(p[5]/p[2]); math.Abs(g-h) > 1e-6*g {
				t.Errorf("divergence %v: penalties %v and %v", kl, g, h)
			}
		}
	}
	if _, err := TiltedTo(u, math.Log(6)); err == nil {
		t.Error("a divergence that only a single behaviour has is reached")
	}
	if _, err := TiltedTo([]float64{1, 1}, 0.1); err == nil {
		t.Error("equal rewards are tilted")
	}
}
