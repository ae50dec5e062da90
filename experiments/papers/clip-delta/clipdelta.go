// Package clipdelta checks what Gao et al., "On Designing Effective RL Reward at Training Time for
// LLM Reasoning" (2024), claim: that rewards of steps, added up as they are, teach an agent to repeat
// harmless steps, and that clipping them and taking their differences cures it. See the README beside it.
package clipdelta

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/rewards/combine"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// alphas are the weights of the rewards of steps beside that of success; the claim is about the
// second.
var alphas = []float64{0.02, 0.1}

func init() {
	papers.Register(papers.Claim{
		Name: "clip-delta", Paper: "Gao et al. 2024",
		Doc:  "Rewards of steps are hacked by repeating harmless ones, unless they are clipped and differenced.",
		Arms: []string{"both", "success", "raw", "clip", "delta"}, Treatment: "both", Control: "raw",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 10, papers.Full: 50},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Less("success@0.1", "raw", "success", -0.1),
			papers.Times("filler@0.1", "raw", "success", 2, false),
			papers.Greater("success@0.1", "both", "success", -0.02),
			papers.Times("steps@0.1", "both", "success", 1.2, true),
		},
		Also: []papers.Bound{
			papers.Greater("success@0.1", "both", "success", 0),
			papers.Greater("success@0.1", "clip", "success", -0.02),
			papers.Greater("success@0.1", "delta", "success", -0.02),
			papers.Greater("success@0.02", "both", "success", -0.02),
			papers.Less("success@0.02", "raw", "success", -0.1),
		},
	})
}

// The task is to open five doors in order, with the right keys, and to stop. What can be done in a
// step: try the next key, which is now and then the wrong one and jams the lock unseen; wait, which
// does nothing; check and repair; stop. Stopping succeeds behind the last door with no lock jammed.
const (
	try = iota
	wait
	check
	stop
	options

	doors   = 5
	horizon = 24
	jams    = 0.4 // probability that a key is the wrong one
	repairs = 0.6 // and that a check repairs
	places  = 2 * (doors + 1)
)

// A situation is how far one has come. The agent sees all but jammed.
type situation struct{ open, checked, jammed int }

func (s situation) seen() int { return 2*s.open + s.checked }

func (s situation) after(option int, r *rng.Stream) situation {
	u := r.Float64()
	switch option {
	case try:
		if s.open < doors {
			s.open++
			s.checked = 0
			if u < jams {
				s.jammed = 1
			}
		}
	case check:
		s.checked = 1
		if u < repairs {
			s.jammed = 0
		}
	}
	return s
}

// An episode is what was seen, done, and got.
type episode struct {
	path    []situation // before each step
	acts    []int
	idle    float64 // steps that changed nothing
	success float64
}

const (
	purposeBase rng.Purpose = 0x636c6401 + iota
	purposePlay
)

// play runs an episode of a policy: the probability of each option in each place.
func play(policy *[places][options]float64, r *rng.Stream) (e episode) {
	var s situation
	for range horizon {
		u, a := r.Float64(), 0
		for a < options-1 && u >= policy[s.seen()][a] {
			u -= policy[s.seen()][a]
			a++
		}
		e.path, e.acts = append(e.path, s), append(e.acts, a)
		if a == stop {
			if s.open == doors && s.jammed == 0 {
				e.success = 1
			}
			return e
		}
		next := s.after(a, r)
		if next == s {
			e.idle++
		}
		s = next
	}
	return e
}

// A judge is a process reward: the share of the base policy's episodes that succeeded after a step
// in a situation.
type judge [doors + 1][2][options]float64

// base is a policy that knows what to do, more or less, and waits now and then, but never for long.
func base() (p [places][options]float64) {
	for i := range p {
		p[i] = [options]float64{0.6, 0.1, 0.25, 0.05}
		if i/2 == doors {
			p[i] = [options]float64{0.05, 0.1, 0.35, 0.5}
		}
	}
	return p
}

// newJudge learns from episodes of the base policy in which nobody waited twice running, and
// returns the median of what it says of steps of those that succeeded.
func newJudge(key rng.Key) (*judge, float64) {
	policy := base()
	var sum, n judge
	var good []episode
	for i := range 20_000 {
		r := key.Stream(purposeBase, uint32(i), 0)
		e := play(&policy, &r)
		for t := 1; t < len(e.acts); t++ {
			if e.acts[t] == wait && e.acts[t-1] == wait {
				e.path = nil
			}
		}
		for t, s := range e.path {
			sum[s.open][s.jammed][e.acts[t]] += e.success
			n[s.open][s.jammed][e.acts[t]]++
		}
		if e.path != nil && e.success == 1 {
			good = append(good, e)
		}
	}
	for k := range sum {
		for j := range sum[k] {
			for a := range sum[k][j] {
				sum[k][j][a] /= max(n[k][j][a], 1)
			}
		}
	}
	var said []float64
	for _, e := range good {
		for t, s := range e.path {
			said = append(said, sum[s.open][s.jammed][e.acts[t]])
		}
	}
	slices.Sort(said)
	return &sum, said[len(said)/2]
}

// Score judges the steps of an episode seen as a trajectory: open doors and jam as observation.
func (j *judge) Score(o *model.Out, v feedback.View) {
	model.ScorerOf(func(step []float32, v feedback.View) {
		for t := range step {
			step[t] = float32(j[int(v.Obs[2*t])][int(v.Obs[2*t+1])][int(v.Act[t])])
		}
	}).Score(o, v)
}

// shaped returns what an arm makes of the judge, or nil for nothing.
func shaped(arm string, j *judge, eta float64) (model.Scorer, error) {
	switch arm {
	case "success":
		return nil, nil
	case "raw":
		return j, nil
	case "clip":
		return combine.Clip(j, float32(eta)), nil
	case "delta":
		return combine.Delta(j, true), nil
	case "both":
		return combine.Delta(combine.Clip(j, float32(eta)), true), nil
	}
	return nil, fmt.Errorf("unknown arm %q", arm)
}

func cell(c papers.Cell) (papers.Row, error) {
	key := rng.New(c.Seed)
	j, eta := newJudge(key)
	scorer, err := shaped(c.Arm, j, eta)
	if err != nil {
		return nil, err
	}
	row := papers.Row{"eta": eta}
	for _, alpha := range alphas {
		l := learner{scorer: scorer, alpha: alpha, key: key}
		success, steps, filler := l.run(map[papers.Scale]int{papers.Smoke: 150}[c.Scale])
		at := strings.TrimRight(fmt.Sprintf("@%.2f", alpha), "0")
		row["success"+at], row["steps"+at], row["filler"+at] = success, steps, filler
	}
	return row, c.Context.Err()
}

// A learner is REINFORCE (Williams, 1992) of a softmax policy, with the mean return to go of each
// place as baseline.
type learner struct {
	scorer model.Scorer
	alpha  float64
	key    rng.Key

	logits [places][options]float64
	base   [places]float64
	out    model.Out
}

const (
	iterations = 600
	batch      = 32
	rate       = 0.3
)

// run learns, and returns the mean success over all of it, and the mean number of steps and share
// of those that changed nothing over its last fifth. 0 rounds mean the default.
func (l *learner) run(rounds int) (success, steps, filler float64) {
	if rounds == 0 {
		rounds = iterations
	}
	for i := range l.logits { // it begins as the base policy
		for a, p := range base()[i] {
			l.logits[i][a] = math.Log(p)
		}
	}
	late, acts := 0.0, 0.0
	for it := range rounds {
		policy := l.policy()
		var grad [places][options]float64
		for k := range batch {
			r := l.key.Stream(purposePlay, uint32(k), uint32(it))
			e := play(&policy, &r)
			l.add(&grad, &policy, &e)
			success += e.success / float64(batch*rounds)
			if it >= rounds*4/5 {
				late++
				acts += float64(len(e.acts))
				filler += e.idle
			}
		}
		for i := range grad {
			for a := range grad[i] {
				l.logits[i][a] += rate * grad[i][a] / batch
			}
		}
	}
	return success, acts / late, filler / acts
}

func (l *learner) policy() (p [places][options]float64) {
	for i := range p {
		z := 0.0
		for a, x := range l.logits[i] {
			p[i][a] = math.Exp(min(max(x, -20), 20))
			z += p[i][a]
		}
		for a := range p[i] {
			p[i][a] /= z
		}
	}
	return p
}

// add adds the gradient of the expected return that an episode estimates.
func (l *learner) add(grad, policy *[places][options]float64, e *episode) {
	togo := make([]float64, len(e.acts))
	if l.scorer != nil {
		l.scorer.Score(&l.out, view(e))
	}
	sum := e.success
	for t := len(togo) - 1; t >= 0; t-- {
		if l.scorer != nil {
			sum += l.alpha * float64(l.out.Step[t])
		}
		togo[t] = sum
	}
	for t, s := range e.path {
		i := s.seen()
		advantage := togo[t] - l.base[i]
		l.base[i] += 0.02 * advantage
		for a := range grad[i] {
			on := 0.0
			if a == e.acts[t] {
				on = 1
			}
			grad[i][a] += advantage * (on - policy[i][a])
		}
	}
}

func view(e *episode) feedback.View {
	n := len(e.acts)
	t := feedback.Trajectory{Obs: make([]float32, 2*(n+1)), Act: make([]float32, n), Reward: make([]float32, n)}
	for i, s := range e.path {
		t.Obs[2*i], t.Obs[2*i+1], t.Act[i] = float32(s.open), float32(s.jammed), float32(e.acts[i])
	}
	return feedback.View{Trajectory: t, Shape: feedback.Shape{Obs: 2, Act: 1}, Segment: feedback.Segment{To: int32(n)}, Final: true}
}
