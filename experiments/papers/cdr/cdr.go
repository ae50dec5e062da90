// Package cdr checks what Xu et al., "CDR: Customizable Density Ratios of Strong-over-weak LLMs for
// Preference Annotation" (2024), claim: that how much more probable a strong policy finds a behaviour
// than a weak one is a reward, the better the farther the two are apart; that it can be made to a
// criterion; and that what it annotates improves a policy. See the README beside it.
package cdr

import (
	"cmp"
	"encoding"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() {
	papers.Register(papers.Claim{
		Name: "cdr", Paper: "Xu et al. 2024",
		Doc:  "Log-ratios of a strong and a weak policy order behaviour, the better the farther apart the two are.",
		Arms: []string{"ratio", "strong", "swapped"}, Treatment: "ratio", Control: "swapped",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 20},
		From:  3000, // policies spread by return and episodes are whole since 2000 to 2009 were looked at
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Above("gap and accuracy", "ratio", 0.6),
			papers.Above("accuracy of the widest", "ratio", 0.6),
			papers.Above("gain of choosing", "ratio", 0),
			papers.Above("matching criterion", "ratio", 0.05),
		},
		Also: []papers.Bound{papers.Greater("accuracy of the widest", "ratio", "strong", 0)},
	})
}

const (
	checkpoints = 8
	copied      = 40 // policies of a run, of which those are chosen
	halfway     = checkpoints/2 - 1
	horizon     = 1000 // steps of an episode that are recorded, at most: all
	evaluated   = 200  // episodes
	limit       = 5    // of a step's log-ratio
)

type size struct {
	steps, special int64 // of training, and of that for a criterion
	pairs, chosen  int
	worlds         int // recorded, of each checkpoint
	levels         uint64
}

var sizes = map[papers.Scale]size{
	papers.Smoke: {40_000, 20_000, 100, 40, 16, 8},
	papers.Quick: {300_000, 100_000, 500, 500, 64, 32},
	papers.Full:  {1_000_000, 300_000, 2000, 2000, 128, 64},
}

const purposePairs rng.Purpose = 0x63647201

// criteria are rewards that a strong policy may be asked for in particular.
var criteria = []map[string]float32{
	{"offset": -0.1, "speed": -0.02}, // above the pad
	{"main_engine": -1, "crashed": -20, "turning": -0.02},
}

// A study is policies of one run and what they did.
type study struct {
	papers.Training
	policies []agents.Likely
	special  []agents.Likely // those made for the criteria
	returns  []float64       // of each
	store    *feedback.Store
	levels   [][]feedback.Segment // what was done on each level: scores of different levels do not compare
	place    map[uint64]int       // of a level in these
	spec     *env.Spec
}

func newStudy(c papers.Cell) (*study, error) {
	sz, agent := sizes[c.Scale], ppo.New()
	agent.Schedule, agent.Gamma, agent.Shared = "linear", 0.995, true
	s := &study{Training: papers.Training{Env: lander.New(), Levels: env.LevelSet{Preset: "classic"}, Agent: agent, Worlds: 32, Steps: sz.steps, Seed: c.Seed}}
	var err error
	if s.spec, err = s.Env.Spec(); err != nil {
		return nil, err
	}
	s.store, s.place = feedback.NewStore(feedback.ShapeOf(s.spec)), map[uint64]int{}
	states, err := papers.Fixture(c, "cdr policies", []any{c.Seed, c.Scale}, func() ([][]byte, error) { return s.train(c, sz) })
	if err != nil {
		return nil, err
	}
	for i, state := range states {
		p, err := s.build()
		if err != nil {
			return nil, err
		}
		if err := p.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			return nil, err
		}
		twin, err := s.twin(p)
		if err != nil {
			return nil, err
		}
		if i >= checkpoints {
			s.special = append(s.special, twin)
			continue
		}
		s.policies = append(s.policies, twin)
		r, err := s.record(twin, sz.worlds, sz.levels, uint64(i))
		if err != nil {
			return nil, err
		}
		s.returns = append(s.returns, r)
	}
	return s, nil
}

// train returns the states of policies of a run, whose returns spread evenly, and of those made from the one
// half-way for the criteria.
func (s *study) train(c papers.Cell, sz size) (states [][]byte, err error) {
	t := s.Training
	var learning agents.Policy
	t.Begin = func(p agents.Policy) error { learning = p; return nil }
	var copies []agents.Policy // of those amid a rollout, which cannot be saved themselves
	var returns []float64
	done, every, tally := int64(0), sz.steps/copied, tally{}
	t.Each = func(b *env.Batch, _ []float32) error {
		tally.add(b)
		if done += int64(b.N); done/every <= int64(len(copies)) || len(copies) == copied {
			return nil
		}
		twin, err := s.twin(learning)
		copies, returns = append(copies, twin), append(returns, tally.mean())
		return err
	}
	if _, err := t.Run(c); err != nil {
		return nil, err
	}
	keep := func(p agents.Policy) error {
		state, err := p.(encoding.BinaryAppender).AppendBinary(nil)
		states = append(states, state)
		return err
	}
	chosen := spread(returns, checkpoints)
	for _, i := range chosen {
		if err := keep(copies[i]); err != nil {
			return nil, err
		}
	}
	for _, weights := range criteria {
		t := s.Training
		t.Steps, t.Reward = sz.special, criterion{weights}
		t.Begin = func(p agents.Policy) error { return p.(agents.Anchored).Anchor(copies[chosen[halfway]], 0) }
		p, err := t.Run(c)
		if err != nil {
			return nil, err
		}
		twin, err := s.twin(p)
		if err != nil {
			return nil, err
		}
		if err := keep(twin); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// A tally is of the returns of episodes that ended since it was last asked for their mean.
type tally struct {
	running    []float64 // of each row, so far
	sum, ended float64
	last       float64
}

func (t *tally) add(b *env.Batch) {
	if t.running == nil {
		t.running = make([]float64, b.N)
	}
	for i := range t.running {
		t.running[i] += float64(b.Reward[i])
		if b.End[i] != env.Running {
			t.sum, t.ended, t.running[i] = t.sum+t.running[i], t.ended+1, 0
		}
	}
}

// mean is the last one if no episode ended.
func (t *tally) mean() float64 {
	if t.ended > 0 {
		t.last = t.sum / t.ended
	}
	t.sum, t.ended = 0, 0
	return t.last
}

// spread chooses n of x, from the least to the greatest: those nearest to numbers that are evenly apart.
func spread(x []float64, n int) (chosen []int) {
	low, high := slices.Min(x), slices.Max(x)
	for k := range n {
		want, best := low+(high-low)*float64(k)/float64(n-1), -1
		for i := range x {
			if !slices.Contains(chosen, i) && (best < 0 || math.Abs(x[i]-want) < math.Abs(x[best]-want)) {
				best = i
			}
		}
		chosen = append(chosen, best)
	}
	slices.SortFunc(chosen, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	return chosen
}

func (s *study) build() (agents.Policy, error) {
	return s.Agent.Build(agents.Setup{Spec: s.spec, Rows: s.Worlds, Steps: s.Steps, Key: rng.New(s.Seed), Workers: 1})
}

// twin returns a copy of a policy that learns no more.
func (s *study) twin(p agents.Policy) (agents.Likely, error) {
	twin, err := s.build()
	if err != nil {
		return nil, err
	}
	return twin.(agents.Likely), twin.(agents.Anchored).Anchor(p, 0)
}

// record lets a policy play some levels, exploring, and keeps the first steps of each world's first
// episode. It returns their mean reward.
func (s *study) record(p agents.Policy, worlds int, levels, key uint64) (mean float64, err error) {
	there := s.Training
	there.Levels.Count, there.Levels.First = levels, 1_000_000
	segs, err := there.Record(p, s.store, worlds, horizon, rng.New(s.Seed).Fold(1000+key))
	if err != nil {
		return 0, err
	}
	for _, seg := range segs {
		v, err := s.store.View(seg)
		if err != nil {
			return 0, err
		}
		at, ok := s.place[v.Level]
		if !ok {
			at = len(s.levels)
			s.place[v.Level], s.levels = at, append(s.levels, nil)
		}
		s.levels[at] = append(s.levels[at], seg)
		mean += sum(v) / float64(len(segs))
	}
	return mean, nil
}

// pairs draws pairs of pieces of behaviour, each of one level, with which is better by a score.
func (s *study) pairs(n int, gold func(feedback.View) float64, stream uint32) ([]feedback.Record, error) {
	r := rng.New(s.Seed).Stream(purposePairs, stream, 0)
	var out []feedback.Record
	for len(out) < n {
		segs := s.levels[r.IntN(len(s.levels))]
		a, b := segs[r.IntN(len(segs))], segs[r.IntN(len(segs))]
		va, err := s.store.View(a)
		if err != nil {
			return nil, err
		}
		vb, err := s.store.View(b)
		if err != nil {
			return nil, err
		}
		switch x, y := gold(va), gold(vb); {
		case x > y:
			out = append(out, feedback.Better(a, b))
		case x < y:
			rec := feedback.Better(a, b)
			rec.Label = 0
			out = append(out, rec)
		}
	}
	return out, nil
}

// widest draws n questions: of five pieces of behaviour of a level each, the two whose scores lie
// farthest apart.
func (s *study) widest(n int, scorer model.Scorer) (out []feedback.Record, err error) {
	r := rng.New(s.Seed).Stream(purposePairs, 2, 0)
	lab := rmlab.Lab{Store: s.store}
	var score [][]float64
	for _, segs := range s.levels {
		y, err := lab.Returns(scorer, segs)
		if err != nil {
			return nil, err
		}
		score = append(score, y)
	}
	for range n {
		l := r.IntN(len(s.levels))
		segs, y := s.levels[l], score[l]
		low := r.IntN(len(segs))
		high := low
		for range 4 {
			k := r.IntN(len(segs))
			if y[k] < y[low] {
				low = k
			}
			if y[k] > y[high] {
				high = k
			}
		}
		if low != high {
			out = append(out, feedback.Better(segs[high], segs[low]))
		}
	}
	return out, nil
}

func sum(v feedback.View) (sum float64) {
	for _, r := range v.Reward {
		sum += float64(r)
	}
	return sum
}

func cell(c papers.Cell) (papers.Row, error) {
	s, err := newStudy(c)
	if err != nil {
		return nil, err
	}
	sz, row := sizes[c.Scale], papers.Row{}
	test, err := s.pairs(sz.pairs, sum, 1)
	if err != nil {
		return nil, err
	}
	var gap, acc []float64
	widest := math.Inf(-1)
	policies := make([]model.Likely, len(s.policies))
	for i, p := range s.policies {
		policies[i] = &remembered{p, map[*float32][]float32{}}
	}
	for i, strong := range policies {
		for j, weak := range policies {
			if i == j {
				continue
			}
			q, err := model.Measure(s.scorer(c.Arm, strong, weak), s.store, test)
			if err != nil {
				return nil, err
			}
			g := s.returns[i] - s.returns[j]
			gap, acc = append(gap, g), append(acc, q.Accuracy)
			if g > widest {
				widest, row["accuracy of the widest"] = g, q.Accuracy
			}
		}
	}
	if row["gap and accuracy"], err = stats.Spearman(gap, acc); err != nil {
		return nil, err
	}
	if row["gain of choosing"], err = s.choose(c.Arm, sz); err != nil {
		return nil, err
	}
	row["matching criterion"], err = s.matching(c, sz)
	return row, err
}

// scorer is what an arm makes of a strong and a weak policy.
func (s *study) scorer(arm string, strong, weak model.Likely) *model.Ratio {
	switch arm {
	case "strong":
		return &model.Ratio{Strong: strong, Limit: limit, Mean: true}
	case "swapped":
		strong, weak = weak, strong
	}
	return &model.Ratio{Strong: strong, Weak: weak, Limit: limit, Mean: true}
}

// remembered is a policy that looks at each piece of behaviour once, however many it is compared with.
type remembered struct {
	model.Likely
	known map[*float32][]float32 // by where the observations lie
}

// LogProb is that of the policy.
func (r *remembered) LogProb(dst, obs, act []float32) {
	known, ok := r.known[&obs[0]]
	if !ok || len(known) != len(dst) {
		r.Likely.LogProb(dst, obs, act)
		r.known[&obs[0]] = slices.Clone(dst)
		return
	}
	copy(dst, known)
}

// extremes are the policies of the lowest and the highest return.
func (s *study) extremes() (low, high int) {
	for i, r := range s.returns {
		if r < s.returns[low] {
			low = i
		}
		if r > s.returns[high] {
			high = i
		}
	}
	return low, high
}

// choose annotates pairs of what a policy half-way does, by the widest pair of policies, lets it
// learn from them, and returns what its return gains.
func (s *study) choose(arm string, sz size) (float64, error) {
	low, high := s.extremes()
	scorer := s.scorer(arm, s.policies[high], s.policies[low])
	start := s.policies[halfway]
	own := &study{Training: s.Training, spec: s.spec, store: feedback.NewStore(feedback.ShapeOf(s.spec)), place: map[uint64]int{}}
	if _, err := own.record(start, 8*sz.worlds, sz.levels, 50); err != nil {
		return 0, err
	}
	asked, err := own.widest(sz.chosen, scorer)
	if err != nil {
		return 0, err
	}
	var pairs []agents.Comparison
	for i := range asked {
		win, _ := asked[i].Prefers()
		var v [2]feedback.View
		for k, side := range []int{win, 1 - win} {
			if v[k], err = own.store.View(asked[i].Segments[side]); err != nil {
				return 0, err
			}
		}
		width := v[0].Shape.Obs
		pairs = append(pairs, agents.Comparison{
			BetterObs: v[0].Obs[:v[0].Len()*width], BetterAct: v[0].Act, WorseObs: v[1].Obs[:v[1].Len()*width], WorseAct: v[1].Act,
		})
	}
	twin, err := s.twin(start)
	if err != nil {
		return 0, err
	}
	if _, err := twin.(agents.Chooser).Choose(pairs, 0.1, agents.Offline{
		Epochs: 2, Minibatch: 16, LearningRate: 1e-3, Key: rng.New(s.Seed),
	}); err != nil {
		return 0, err
	}
	before, err := s.played(start)
	if err != nil {
		return 0, err
	}
	after, err := s.played(twin)
	return after - before, err
}

// played returns the mean return of a policy as it acts, drawing its actions, like those that all else is about.
func (s *study) played(p agents.Policy) (mean float64, err error) {
	store := feedback.NewStore(feedback.ShapeOf(s.spec))
	segs, err := s.Record(p, store, evaluated, horizon, rng.New(s.Seed).Fold(2000))
	if err != nil {
		return 0, err
	}
	for _, seg := range segs {
		v, err := store.View(seg)
		if err != nil {
			return 0, err
		}
		mean += sum(v) / float64(len(segs))
	}
	return mean, nil
}

// matching returns how much better the ratio with the policy made for a criterion orders pairs by it than
// that with the one made for the other.
func (s *study) matching(c papers.Cell, sz size) (float64, error) {
	start := s.policies[halfway]
	for i, p := range s.special {
		if _, err := s.record(p, sz.worlds, sz.levels, 101+uint64(i)); err != nil {
			return 0, err
		}
	}
	lead := 0.0
	for k, weights := range criteria {
		f, err := criterion{weights}.gold(s.spec)
		if err != nil {
			return 0, err
		}
		test, err := s.pairs(sz.pairs, f, uint32(10+k))
		if err != nil {
			return 0, err
		}
		for i := range criteria {
			q, err := model.Measure(s.scorer(c.Arm, s.special[i], start), s.store, test)
			if err != nil {
				return 0, err
			}
			if i == k {
				lead += q.Accuracy / float64(len(criteria))
			} else {
				lead -= q.Accuracy / float64(len(criteria))
			}
		}
	}
	return lead, nil
}

// A criterion is the config of a weighted sum of facts.
type criterion struct{ weights map[string]float32 }

func (c criterion) columns(s *env.Spec) (cols []int, w []float32, err error) {
	for _, f := range s.Facts {
		if x, ok := c.weights[f.Name]; ok {
			at, err := env.Column(s.Facts, f.Name)
			if err != nil {
				return nil, nil, err
			}
			cols, w = append(cols, at), append(w, x)
		}
	}
	if len(cols) != len(c.weights) {
		return nil, nil, fmt.Errorf("cdr: %s lacks some of the facts %v", s.ID, c.weights)
	}
	return cols, w, nil
}

func weigh(facts []float32, cols []int, w []float32) (sum float32) {
	for i, at := range cols {
		sum += float32(w[i] * max(facts[at], -facts[at]))
	}
	return sum
}

// Build returns the reward. Sizes of facts count, not their signs.
func (c criterion) Build(s *env.Spec) (rewards.Func, error) {
	cols, w, err := c.columns(s)
	if err != nil {
		return nil, err
	}
	width := env.Width(s.Facts)
	return rewards.FuncOf(func(dst []float32, b *env.Batch) {
		for i := range dst {
			dst[i] = weigh(b.Facts[i*width:(i+1)*width], cols, w)
		}
	}), nil
}

func (c criterion) gold(s *env.Spec) (func(feedback.View) float64, error) {
	cols, w, err := c.columns(s)
	if err != nil {
		return nil, err
	}
	width := env.Width(s.Facts)
	return func(v feedback.View) (sum float64) {
		for i := range v.Len() {
			sum += float64(weigh(v.Facts[i*width:(i+1)*width], cols, w)) / float64(v.Len())
		}
		return sum
	}, nil
}
