package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// A trace is what training by PPO passes through: of each update, the divergence of an episode,
// and the mean returns of the episodes that ended in it.
type trace struct{ kl, proxy, gold []float64 }

// train trains the run's policy on the proxy, with all seeds, under a weight of the divergence.
func (x *overoptimizer) train(ctx context.Context, coef float64) (*overoptCurve, error) {
	var traces []trace
	for s := range x.seeds {
		fmt.Fprintf(x.log, "PPO, weight %v: seed %d of %d\n", coef, s+1, x.seeds)
		t, err := x.trainSeed(ctx, coef, x.seed+uint64(s))
		if err != nil {
			return nil, fmt.Errorf("PPO, weight %v, seed %d: %w", coef, x.seed+uint64(s), err)
		}
		traces = append(traces, *t)
	}
	return curveOf(fmt.Sprintf("PPO, KL weight %v", coef), traces)
}

// bins is the number of points of a curve of training.
const bins = 12

// curveOf puts what all seeds passed through in the order of divergence, and joins it in bins of
// equally many updates. Intervals are over the seeds that a bin has.
func curveOf(method string, traces []trace) (*overoptCurve, error) {
	type update struct{ seed, i int }
	var all []update
	for s := range traces {
		for i := range traces[s].kl {
			all = append(all, update{s, i})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no update of PPO ends an episode: give it more --steps")
	}
	slices.SortStableFunc(all, func(a, b update) int { return cmp.Compare(traces[a.seed].kl[a.i], traces[b.seed].kl[b.i]) })
	curve := &overoptCurve{Method: method}
	n := min(bins, len(traces[0].kl))
	for b := range n {
		kl, proxy, gold := make([][]float64, len(traces)), make([][]float64, len(traces)), make([][]float64, len(traces))
		for _, u := range all[b*len(all)/n : (b+1)*len(all)/n] {
			t := &traces[u.seed]
			kl[u.seed], proxy[u.seed], gold[u.seed] = append(kl[u.seed], t.kl[u.i]), append(proxy[u.seed], t.proxy[u.i]), append(gold[u.seed], t.gold[u.i])
		}
		p, err := pointOf(stat.Mean(meansOf(kl), nil), meansOf(proxy), meansOf(gold))
		if err != nil {
			return nil, err
		}
		curve.Points = append(curve.Points, p)
	}
	return curve, nil
}

// meansOf returns the mean of each list that is not empty.
func meansOf(lists [][]float64) (out []float64) {
	for _, x := range lists {
		if len(x) > 0 {
			out = append(out, stat.Mean(x, nil))
		}
	}
	return out
}

// trainSeed trains one seed.
func (x *overoptimizer) trainSeed(ctx context.Context, coef float64, seed uint64) (*trace, error) {
	p, key := x.plan, rng.New(seed)
	base, _, err := LoadPolicy(p, x.on, p.Seeds[0], 0)
	if err != nil {
		return nil, err
	}
	built, err := p.AgentConfig.Build(agents.Setup{
		Spec: p.Spec, Rows: p.Worlds * p.Spec.Agents, Steps: x.steps, Key: key.Fold(learnPurpose), Workers: runtime.GOMAXPROCS(0),
	})
	if err != nil {
		return nil, err
	}
	agent, ok := built.(agents.Anchored)
	if !ok {
		return nil, fmt.Errorf("agent %s cannot stay near another policy: leave --steps out", p.Agent.Name)
	}
	if err := agent.Anchor(base, coef); err != nil {
		return nil, err
	}
	proxy, gold, err := x.both()
	if err != nil {
		return nil, err
	}
	vec, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: p.Worlds, Levels: p.levels, Engine: p.ownEngine()})
	if err != nil {
		return nil, err
	}
	defer vec.Close()
	vec.Reset(key.Fold(worldPurpose).Uint64())
	b := env.NewBatch(p.Spec, p.Worlds)
	rew := [2][]float32{make([]float32, b.N), make([]float32, b.N)}
	sums := [2][]float64{make([]float64, b.N), make([]float64, b.N)}
	var t trace
	var ended struct{ n, steps, proxy, gold float64 }
	lengths, divergence := make([]float64, b.N), 0.0
	report := func(name string, v float64) {
		if name == "anchor/kl" {
			divergence = v
		}
	}
	for step := int64(0); step*int64(b.N) < x.steps; step++ {
		if ctx.Err() != nil {
			return nil, interrupted(errors.New("interrupted"))
		}
		if err := vec.Observe(b); err != nil {
			return nil, err
		}
		agent.Act(b, key.Fold(actPurpose).Fold(uint64(step)), true)
		if err := vec.Step(b); err != nil {
			return nil, err
		}
		if err := errors.Join(rewards.Follow(proxy, rew[0], b), rewards.Follow(gold, rew[1], b)); err != nil {
			return nil, err
		}
		for i := range b.N {
			sums[0][i] += float64(rew[0][i])
			sums[1][i] += float64(rew[1][i])
			lengths[i]++
			if b.End[i] == env.Running {
				continue
			}
			ended.n++
			ended.steps += lengths[i]
			ended.proxy += sums[0][i]
			ended.gold += sums[1][i]
			sums[0][i], sums[1][i], lengths[i] = 0, 0, 0
		}
		agent.Record(b, rew[0])
		learned, err := agent.Learn(report)
		if err != nil {
			return nil, err
		}
		if learned && ended.n > 0 {
			// The divergences of the steps of an episode add up to that of the whole.
			t.kl = append(t.kl, divergence*ended.steps/ended.n)
			t.proxy = append(t.proxy, float64(x.scale*ended.proxy/ended.n)+x.shift)
			t.gold = append(t.gold, ended.gold/ended.n)
			ended = struct{ n, steps, proxy, gold float64 }{}
		}
	}
	return &t, nil
}
