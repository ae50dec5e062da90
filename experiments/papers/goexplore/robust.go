package goexplore

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/explore/goexplore"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() {
	papers.Register(papers.Claim{
		Name: "goexplore-robust", Paper: "Ecoffet et al. 2021; Salimans and Chen 2018",
		Doc:  "Starts on ways that Go-Explore found make a policy that lands for the reward of landing alone, from starts that were disturbed.",
		Arms: []string{"backward", "start"}, Treatment: "backward", Control: "start",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 20},
		From:  2000, // seeds 1000 to 1009 were looked at with starts that move back along three ways
		Cell:  robust,
		Pass: []papers.Bound{
			papers.Greater("landed", "backward", "start", 0.5),
		},
		Also: []papers.Bound{
			papers.Greater("landed", "backward", "start", 0.8), papers.Above("gain", "backward", 0.5), papers.Above("return", "backward", 200),
		},
	})
}

const (
	ways      = 12  // searches of a seed, each of an episode of its own; one at smoke scale
	mostSteps = 3e5 // of a search
	tests     = 100 // episodes of an evaluation
	disturbed = 30  // most random actions that they begin with
)

var trained = map[papers.Scale]int64{papers.Smoke: 320_000, papers.Quick: 8_000_000, papers.Full: 16_000_000}

// landing is the reward of all arms: 1 for coming to rest, and nothing else.
var landing = &rewards.Fact{Fact: "landed"}

// A sparse is what a cell is about.
type sparse struct {
	papers.Training
	searched int64       // steps that searches made
	landings float64     // in training
	found    [][]float32 // actions of the ways
	traces   []*goexplore.Trace
}

// robust searches ways and trains a policy with them. "start" is not given ways, and trains for as
// many steps more as the searches may take. "practice" is the number of landings in a thousand steps of
// training. Beside the policy, "backward" tests what the first phase alone yields: the actions of the
// ways, whatever is seen.
func robust(c papers.Cell) (papers.Row, error) {
	s := &sparse{Training: papers.Training{
		Env: lander.New(), Levels: env.LevelSet{Preset: "classic"}, Reward: landing,
		Agent: agent(), Worlds: worlds, Steps: trained[c.Scale], Seed: c.Seed,
	}}
	searches := ways
	if c.Scale == papers.Smoke {
		searches = 1
	}
	s.Each = func(_ *env.Batch, reward []float32) error {
		s.practise(reward)
		return nil
	}
	row := papers.Row{"found": 0, "searched": 0, "gain": 0}
	var policy agents.Policy
	var err error
	if c.Arm == "backward" {
		policy, err = s.backward(c, row, searches)
	} else {
		if c.Scale != papers.Smoke { // where no one looks at what it reaches
			s.Steps += int64(searches) * mostSteps
		}
		policy, err = s.Run(c)
	}
	row["practice"] = s.landings / float64(s.Steps) * 1000
	if err == nil {
		row["landed"], row["return"], err = s.test(policy)
	}
	if err != nil || c.Arm != "backward" {
		return row, err
	}
	replayed, _, err := s.test(&repeater{acts: s.found})
	row["gain"] = row["landed"] - replayed
	return row, err
}

// practise counts the landings of a step.
func (s *sparse) practise(reward []float32) {
	for _, r := range reward {
		s.landings += float64(r)
	}
}

func agent() *ppo.Config {
	c := ppo.New()
	c.Schedule, c.Gamma, c.Shared, c.EntropyCoef = "linear", 0.995, true, 0.01
	return c
}

// search looks for a way that lands, in an episode of its own.
func (s *sparse) search(c papers.Cell, n uint64) error {
	vec, err := s.NewVec(worlds)
	if err != nil {
		return err
	}
	defer vec.Close()
	reward, err := landing.Build(vec.Spec())
	if err != nil {
		return err
	}
	key := rng.New(s.Seed).Fold(100 + n)
	vec.Reset(key.Uint64())
	search, err := goexplore.New(vec, goexplore.Config{
		Fields: []string{"y", "vx", "vy", "angle", "spin", "right_leg", "left_leg"}, Cell: 0.3, Steps: 60, Repeat: 0.9, Reward: reward,
	}, key)
	if err != nil {
		return err
	}
	for search.Best().Score < 1 && search.Steps() < mostSteps {
		if err := c.Context.Err(); err != nil {
			return err
		}
		if err := search.Step(); err != nil {
			return err
		}
	}
	s.searched += search.Steps()
	if search.Best().Score < 1 {
		return nil
	}
	best := search.Best()
	trace, err := goexplore.Follow(vec, search.Start(), best.Actions(), reward)
	if err != nil {
		return err
	}
	if trace.Score() != best.Score {
		return fmt.Errorf("a way scores %v when it is followed, and %v when it was found", trace.Score(), best.Score)
	}
	s.found, s.traces = append(s.found, best.Actions()), append(s.traces, trace)
	return nil
}

// backward searches, and trains with starts on what was found.
func (s *sparse) backward(c papers.Cell, row papers.Row, searches int) (agents.Policy, error) {
	for i := range searches {
		if err := s.search(c, uint64(i)); err != nil {
			return nil, err
		}
	}
	row["found"], row["searched"] = float64(len(s.found)), float64(s.searched)
	if len(s.found) == 0 {
		return s.Run(c)
	}
	var b *goexplore.Backward
	s.Open = func(v env.Vec) (err error) {
		b, err = goexplore.NewBackward(v, goexplore.DefaultBackward(), s.traces, rng.New(s.Seed).Fold(99))
		return err
	}
	s.Each = func(batch *env.Batch, reward []float32) error {
		s.practise(reward)
		return b.Stepped(batch, reward)
	}
	return s.Run(c)
}

// test plays episodes that begin with up to 30 random actions, and returns in how many the craft
// comes to rest, and the mean of the task's own return.
func (s *sparse) test(p agents.Policy) (landed, mean float64, err error) {
	vec, err := s.NewVec(tests)
	if err != nil {
		return 0, 0, err
	}
	defer vec.Close()
	key, b := rng.New(s.Seed).Fold(98), env.NewBatch(vec.Spec(), tests)
	vec.Reset(key.Uint64())
	reward, err := landing.Build(vec.Spec())
	if err != nil {
		return 0, 0, err
	}
	over, left, hit := make([]bool, tests), tests, make([]float32, tests)
	for step := uint32(0); left > 0; step++ {
		if err := vec.Observe(b); err != nil {
			return 0, 0, err
		}
		p.Act(b, key.Fold(uint64(step)), false)
		for i := range tests {
			begin, r := key.Stream(0x67, uint32(i), 0), key.Stream(0x68, uint32(i), step)
			if step < uint32(begin.IntN(disturbed+1)) {
				b.Act[i] = float32(r.IntN(4))
			}
		}
		if err := vec.Step(b); err != nil {
			return 0, 0, err
		}
		reward.Score(hit, b)
		for i, done := range over {
			if done {
				continue
			}
			mean += float64(b.Reward[i]) / tests
			landed += float64(hit[i]) / tests
			if b.End[i] != env.Running {
				over[i] = true
				left--
			}
		}
	}
	return landed, mean, nil
}

// A repeater plays the actions of ways, one after the other in time, whatever it sees: what is found
// without the second phase. World i repeats way i modulo their number.
type repeater struct {
	acts [][]float32
	step int
}

func (r *repeater) Act(b *env.Batch, _ rng.Key, _ bool) {
	clear(b.Act)
	for i := 0; i < b.N && len(r.acts) > 0; i++ {
		if act := r.acts[i%len(r.acts)]; r.step < len(act) {
			b.Act[i] = act[r.step]
		}
	}
	r.step++
}
