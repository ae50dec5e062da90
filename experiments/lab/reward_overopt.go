package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/render/plot"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/eval"
)

func init() { rewardCommands = append(rewardCommands, rewardOveroptCommand) }

// overoptOptions are those of reward overopt.
type overoptOptions struct {
	on, gold, out string
	levels, pool  int
	wild          float64
	steps         int64
	coefs         []float64
	seeds         int
	seed          uint64
	json          bool
}

func rewardOveroptCommand() *cobra.Command {
	o := overoptOptions{gold: "task", out: "overopt.svg", levels: 16, pool: 128, wild: 0.15, coefs: []float64{0, 0.05}, seeds: 5, seed: 1001}
	c := &cobra.Command{
		Use:   "overopt PROXY --on RUN",
		Short: "See what is lost when a reward is optimised too far",
		Long: `Optimise a reward, the proxy, ever further, and draw what becomes of the reward that is meant, the
gold: by taking the best of n episodes (the unbiased estimator of Gao et al., ICML 2023), by the
exact optimum under a penalty on the divergence, both over a pool of episodes that the policy of a
run plays on held-out levels, and, with --steps, by training that policy on the proxy with PPO and
a penalty on the divergence from where it began. Bands are 95 % intervals, over levels or seeds.

Part of the pool is wild: random play in place of the policy's, where learned rewards err most.
The proxy is drawn at the gold's scale. A RUN as PROXY is the reward as far as the run has learned it.

` + rewardHelp,
		Example: `  terrarium reward overopt runs/preference --on runs/lander
  terrarium reward overopt "(-speed - abs(offset))" --on runs/lander --steps 300000 -o speed.svg`,
		Args: exactlyOne("the reward to optimise"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&o.on, "on", "", "run whose policy plays, and is trained on")
	f.StringVar(&o.gold, "gold", o.gold, "reward that is meant")
	f.StringVarP(&o.out, "out", "o", o.out, "figure to write, .svg or .png")
	f.IntVar(&o.levels, "levels", o.levels, "held-out levels")
	f.IntVar(&o.pool, "pool", o.pool, "episodes on each of them")
	f.Float64Var(&o.wild, "wild", o.wild, "share of the episodes that are random play")
	f.Int64Var(&o.steps, "steps", o.steps, "transitions of training by PPO for each weight and seed; 0 for none")
	f.Float64SliceVar(&o.coefs, "kl", o.coefs, "weights of the divergence from the run's policy")
	f.IntVar(&o.seeds, "seeds", o.seeds, "seeds of training")
	f.Uint64Var(&o.seed, "seed", o.seed, "of levels and play, and the first one of training")
	f.BoolVar(&o.json, "json", false, "print a JSON object a line, the last one a summary")
	return c
}

func (o *overoptOptions) check() error {
	switch ext := filepath.Ext(o.out); {
	case o.on == "":
		return errors.New("overopt needs --on, a run whose policy plays")
	case o.levels < 2 || o.levels > 4096 || o.pool < 2 || o.pool > 65536:
		return fmt.Errorf("--levels is %d and --pool %d: want 2 to 4096, and 2 to 65536", o.levels, o.pool)
	case !(o.wild >= 0 && o.wild <= 1):
		return fmt.Errorf("--wild is %v: want 0 to 1", o.wild)
	case o.steps < 0 || o.seeds < 1 || o.seeds > 1000:
		return fmt.Errorf("--steps is %d and --seeds %d: want 0 or more, and 1 to 1000", o.steps, o.seeds)
	case ext != ".svg" && ext != ".png":
		return fmt.Errorf("--out is %s: want a file that ends with .svg or .png", o.out)
	}
	for _, c := range o.coefs {
		if !(c >= 0) || math.IsInf(c, 0) {
			return fmt.Errorf("--kl has %v: want 0 or more", c)
		}
	}
	return nil
}

// An overoptCurve is what one way of optimising gives.
type overoptCurve struct {
	Method string         `json:"method"`
	Points []overoptPoint `json:"points"`
}

// An overoptPoint is gold and proxy at a divergence.
type overoptPoint struct {
	KL    float64        `json:"kl"` // in nats, of whole episodes
	N     int            `json:"n,omitempty"`
	Proxy stats.Interval `json:"proxy"` // at gold's scale
	Gold  stats.Interval `json:"gold"`
}

// MarshalJSON writes the bounds that one seed alone does not give as null.
func (p overoptPoint) MarshalJSON() ([]byte, error) {
	type bounds struct {
		Value jsonFloat `json:"value"`
		Lo    jsonFloat `json:"lo"`
		Hi    jsonFloat `json:"hi"`
	}
	of := func(i stats.Interval) bounds { return bounds{jsonFloat(i.Value), jsonFloat(i.Lo), jsonFloat(i.Hi)} }
	return json.Marshal(struct {
		KL    float64 `json:"kl"`
		N     int     `json:"n,omitempty"`
		Proxy bounds  `json:"proxy"`
		Gold  bounds  `json:"gold"`
	}{p.KL, p.N, of(p.Proxy), of(p.Gold)})
}

// An overoptimizer holds what all ways of optimising share.
type overoptimizer struct {
	overoptOptions
	plan         *Plan
	proxyName    string
	scale, shift float64 // of the proxy to gold's scale
	log          io.Writer
}

func (o *overoptOptions) run(ctx context.Context, w, log io.Writer, proxy string) error {
	p, err := OpenRun(o.on)
	if err != nil {
		return err
	}
	x := &overoptimizer{overoptOptions: *o, plan: p, proxyName: proxy, log: log}
	curves, err := x.fromPool(ctx)
	if err != nil {
		return err
	}
	if o.steps > 0 {
		for _, c := range o.coefs {
			curve, err := x.train(ctx, c)
			if err != nil {
				return err
			}
			curves = append(curves, *curve)
		}
	}
	if err := x.draw(curves); err != nil {
		return err
	}
	return x.print(w, curves)
}

// both returns new instances of proxy and gold.
func (x *overoptimizer) both() (proxy, gold rewards.Func, err error) {
	if proxy, err = openReward(x.proxyName, x.plan.Spec); err != nil {
		return nil, nil, err
	}
	gold, err = openReward(x.gold, x.plan.Spec)
	return proxy, gold, err
}

// fromPool plays the pool and optimises over it.
func (x *overoptimizer) fromPool(ctx context.Context) ([]overoptCurve, error) {
	pool, err := x.play(ctx)
	if err != nil {
		return nil, err
	}
	if err := pool.Validate(); err != nil {
		return nil, err
	}
	x.scale, x.shift = pool.Rescale()
	best, err := pool.BestOfN()
	if err != nil {
		return nil, err
	}
	tilts, err := pool.Tilts(24)
	if err != nil {
		return nil, err
	}
	var curves []overoptCurve
	for _, c := range []struct {
		name   string
		optima []eval.Optimum
	}{{"best of n", best}, {"exact tilt", tilts}} {
		curve := overoptCurve{Method: c.name}
		for _, o := range c.optima {
			p, err := pointOf(o.KL, o.Proxy, o.Gold)
			if err != nil {
				return nil, err
			}
			p.N = o.N
			curve.Points = append(curve.Points, p)
		}
		curves = append(curves, curve)
	}
	return curves, nil
}

func pointOf(kl float64, proxy, gold []float64) (p overoptPoint, err error) {
	p.KL = kl
	if p.Proxy, err = stats.TInterval(proxy, 0.95); err != nil {
		return p, err
	}
	p.Gold, err = stats.TInterval(gold, 0.95)
	return p, err
}

// mixed acts by the policy of a run, and at random in some worlds.
type mixed struct {
	policy, random agents.Policy
	wild           []bool // worlds
	other          *env.Batch
}

// Act lets both act, each for all worlds, and takes for each the actions that are due.
func (m *mixed) Act(b *env.Batch, k rng.Key, explore bool) {
	act := slices.Grow(m.other.Act[:0], len(b.Act))[:len(b.Act)]
	*m.other = *b
	m.other.Act = act
	m.random.Act(m.other, k, true)
	m.policy.Act(b, k, explore)
	rows, w := b.N/len(m.wild), len(b.Act)/b.N
	for i, wild := range m.wild {
		if wild {
			lo, hi := i*rows*w, (i+1)*rows*w
			copy(b.Act[lo:hi], m.other.Act[lo:hi])
		}
	}
}

// play lets the run's policy, exploring, play the pool: world i of a round plays level i.
func (x *overoptimizer) play(ctx context.Context) (*eval.Pool, error) {
	p := x.plan
	policy, _, err := LoadPolicy(p, x.on, p.Seeds[0], 0)
	if err != nil {
		return nil, err
	}
	random, err := playerFor(p.Spec, "random", x.seed, x.levels)
	if err != nil {
		return nil, err
	}
	proxy, gold, err := x.both()
	if err != nil {
		return nil, err
	}
	levels, key := make(env.FixedLevels, x.levels), rng.New(x.seed)
	for i := range levels {
		levels[i].Params = make([]float32, len(p.Spec.Params))
		p.evalLevels.Next(&levels[i], i, key.Fold(1).Fold(uint64(i)))
	}
	pool := &eval.Pool{Proxy: make([][]float64, x.levels), Gold: make([][]float64, x.levels)}
	vec, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: x.levels, Levels: levels, Engine: p.ownEngine()})
	if err != nil {
		return nil, err
	}
	defer vec.Close()
	act := &mixed{policy: policy, random: random, wild: make([]bool, x.levels), other: new(env.Batch)}
	told, wild := time.Now(), int(math.Round(x.wild*float64(x.pool)))
	for round := range x.pool {
		for i := range act.wild {
			act.wild[i] = round < wild
		}
		vec.Reset(key.Fold(2).Fold(uint64(round)).Uint64())
		if err := x.round(ctx, vec, act, proxy, gold, key.Fold(3).Fold(uint64(round)), pool); err != nil {
			return nil, err
		}
		if time.Since(told) > plainPause {
			told = time.Now()
			fmt.Fprintf(x.log, "pool: %d of %d episodes\n", (round+1)*x.levels, x.pool*x.levels)
		}
	}
	return pool, nil
}

// round plays one episode in every world, and adds its returns to the pool.
func (x *overoptimizer) round(ctx context.Context, vec env.Vec, act agents.Policy, proxy, gold rewards.Func, key rng.Key, pool *eval.Pool) error {
	b := env.NewBatch(vec.Spec(), vec.Len())
	rew := [2][]float32{make([]float32, b.N), make([]float32, b.N)}
	sums, open, each := [2][]float64{make([]float64, vec.Len()), make([]float64, vec.Len())}, vec.Len(), vec.Spec().Agents
	ended := make([]bool, vec.Len())
	for step := uint64(0); open > 0; step++ {
		if ctx.Err() != nil {
			return interrupted(errors.New("interrupted"))
		}
		if step > longestPlay {
			return fmt.Errorf("no episode of %s ends within %d steps", vec.Spec().ID, longestPlay)
		}
		if err := vec.Observe(b); err != nil {
			return err
		}
		act.Act(b, key.Fold(step), true)
		if err := vec.Step(b); err != nil {
			return err
		}
		if err := errors.Join(rewards.Follow(proxy, rew[0], b), rewards.Follow(gold, rew[1], b)); err != nil {
			return err
		}
		for w := range ended {
			if ended[w] {
				continue
			}
			for k := range sums {
				for _, r := range rew[k][w*each : (w+1)*each] {
					sums[k][w] += float64(r) / float64(each)
				}
			}
			if b.End[w*each] != env.Running {
				ended[w] = true
				open--
			}
		}
	}
	for w := range ended {
		pool.Proxy[w], pool.Gold[w] = append(pool.Proxy[w], sums[0][w]), append(pool.Gold[w], sums[1][w])
	}
	return nil
}

// draw writes the figure: the solid curves are gold, the pale ones the proxy.
func (x *overoptimizer) draw(curves []overoptCurve) error {
	f := plot.Figure{
		X: "square root of the divergence of an episode from the run's policy, in nats", Y: "return, " + x.gold,
		Title: fmt.Sprintf("%s optimised; pale: itself, at the scale of %s", x.proxyName, x.gold), Height: 300,
	}
	for _, c := range curves {
		gold, proxy := plot.Series{Name: c.Method}, plot.Series{Faint: true}
		for _, p := range c.Points {
			at := math.Sqrt(max(p.KL, 0))
			gold.X, gold.Y = append(gold.X, at), append(gold.Y, p.Gold.Value)
			gold.Lo, gold.Hi = append(gold.Lo, finiteOr(p.Gold.Lo, p.Gold.Value)), append(gold.Hi, finiteOr(p.Gold.Hi, p.Gold.Value))
			proxy.X, proxy.Y = append(proxy.X, at), append(proxy.Y, p.Proxy.Value)
		}
		f.Series = append(f.Series, gold, proxy)
	}
	return f.Save(x.out)
}

func finiteOr(v, or float64) float64 {
	if math.IsInf(v, 0) {
		return or
	}
	return v
}

// lost is how much gold a curve has at its end, less than at its best.
func (c *overoptCurve) lost() (peak, last overoptPoint) {
	peak = slices.MaxFunc(c.Points, func(a, b overoptPoint) int {
		if a.Gold.Value < b.Gold.Value {
			return -1
		}
		return 1
	})
	return peak, c.Points[len(c.Points)-1]
}

func (x *overoptimizer) print(w io.Writer, curves []overoptCurve) error {
	if x.json {
		for _, c := range curves {
			if err := printJSON(w, c); err != nil {
				return err
			}
		}
		return printJSON(w, map[string]any{"summary": map[string]any{
			"proxy": x.proxyName, "gold": x.gold, "on": x.on, "levels": x.levels, "pool": x.pool, "figure": x.out,
		}})
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "method\tKL, nats\tproxy\tgold, 95 %%\t\n")
	for _, c := range curves {
		peak, _ := c.lost()
		for i, p := range c.Points {
			if i%max(1, len(c.Points)/8) != 0 && i != len(c.Points)-1 {
				continue
			}
			note := ""
			if p == peak {
				note = "best"
			}
			bounds := "of one seed"
			if !math.IsInf(p.Gold.Hi, 0) {
				bounds = fmt.Sprintf("[%.4g, %.4g]", p.Gold.Lo, p.Gold.Hi)
			}
			fmt.Fprintf(t, "%s\t%.2f\t%.4g\t%.4g %s\t%s\n", c.Method, p.KL, p.Proxy.Value, p.Gold.Value, bounds, note)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range curves {
		if peak, last := c.lost(); peak.KL < last.KL {
			fmt.Fprintf(w, "%s: gold is best at %.2f nats, %.4g, and at the end %.4g\n", c.Method, peak.KL, peak.Gold.Value, last.Gold.Value)
		} else {
			fmt.Fprintf(w, "%s: gold is best at the end: no over-optimisation seen\n", c.Method)
		}
	}
	fmt.Fprintf(w, "drawn in %s\n", x.out)
	return nil
}
