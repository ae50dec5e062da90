package eval

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// This file optimises a reward without training: over a pool of behaviour that is there. Both
// ways are exact, so that what they show of over-optimisation is not noise of learning.

// BestOf returns the expected gold of what the proxy likes best among n draws without replacement
// from a pool: the unbiased estimator that Gao, Schulman and Hilton, "Scaling Laws for Reward Model
// Overoptimization" (ICML 2023), section 2.2 and appendix I, use,
//
//	sum over i from n to N of C(i-1, n-1)/C(N, n) gold of the i-th by proxy, the lowest first
//
// Behaviour with equal proxies counts alike. n is 1 to the size of the pool.
func BestOf(proxy, gold []float64, n int) (float64, error) {
	size := len(proxy)
	if len(gold) != size || n < 1 || n > size {
		return 0, fmt.Errorf("eval: best of %d of %d proxies and %d golds, want as many of both and 1 to that", n, size, len(gold))
	}
	order := make([]int, size)
	for i := range order {
		if math.IsNaN(proxy[i]) || math.IsNaN(gold[i]) {
			return 0, fmt.Errorf("eval: number %d of the pool has proxy %v and gold %v", i, proxy[i], gold[i])
		}
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return proxy[order[i]] < proxy[order[j]] })
	// below is the probability that all n are among the first i: C(i, n)/C(N, n).
	below := func(i int) float64 {
		if i < n {
			return 0
		}
		return math.Exp(logChoose(i, n) - logChoose(size, n))
	}
	sum := 0.0
	for i := 0; i < size; {
		j, mean := i, 0.0
		for ; j < size && proxy[order[j]] == proxy[order[i]]; j++ {
			mean += gold[order[j]]
		}
		sum += (below(j) - below(i)) * mean / float64(j-i)
		i = j
	}
	return sum, nil
}

func logChoose(n, k int) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	return lg(n) - lg(k) - lg(n-k)
}

// BestOfKL is the divergence of the best of n from a single draw, in nats: ln n - (n-1)/n, exact
// for a continuous proxy and a large pool (Stiennon et al., "Learning to summarize from human
// feedback", 2020, appendix G.3).
func BestOfKL(n int) float64 { return math.Log(float64(n)) - float64(n-1)/float64(n) }

// Tilted returns the distribution over a pool that optimises reward under a penalty g on the
// divergence from the uniform one: p_i proportional to exp(reward_i / g) (Korbak, Perez and Buckley,
// "RL with KL penalties is better viewed as Bayesian inference", 2022, eq. 4), and that divergence
// in nats. It panics unless g is above 0.
func Tilted(reward []float64, g float64) (p []float64, kl float64) {
	if !(g > 0) {
		panic(fmt.Sprintf("eval: Tilted with a penalty of %v, want above 0", g))
	}
	p = make([]float64, len(reward))
	most, z := slices.Max(reward), 0.0
	for i, u := range reward {
		p[i] = math.Exp((u - most) / g)
		z += p[i]
	}
	for i := range p {
		if p[i] /= z; p[i] > 0 {
			kl += p[i] * math.Log(p[i]*float64(len(p)))
		}
	}
	return p, max(kl, 0)
}

// TiltedTo returns the tilted distribution of the given divergence. It fails if none has it: with
// k of N of the largest reward the divergence stays below ln(N/k).
func TiltedTo(reward []float64, kl float64) ([]float64, error) {
	if len(reward) == 0 || !(kl >= 0) {
		return nil, fmt.Errorf("eval: tilting a pool of %d to a divergence of %v, want a pool and 0 or more", len(reward), kl)
	}
	most, least, ties := slices.Max(reward), slices.Min(reward), 0
	for _, u := range reward {
		if math.IsNaN(u) || math.IsInf(u, 0) {
			return nil, fmt.Errorf("eval: tilting by a reward of %v", u)
		}
		if u == most {
			ties++
		}
	}
	if end := math.Log(float64(len(reward)) / float64(ties)); kl >= end && kl > 0 {
		return nil, fmt.Errorf("eval: a divergence of %.3g is out of reach: with %d of %d behaviours of the largest reward it stays below %.3g",
			kl, ties, len(reward), end)
	}
	if most == least {
		p, _ := Tilted(reward, 1)
		return p, nil
	}
	lo, hi := math.Log((most-least)*1e-6), math.Log((most-least)*1e6) // the divergence falls with g
	for range 100 {
		mid := (lo + hi) / 2
		if _, d := Tilted(reward, math.Exp(mid)); d > kl {
			lo = mid
		} else {
			hi = mid
		}
	}
	p, _ := Tilted(reward, math.Exp(hi))
	return p, nil
}
