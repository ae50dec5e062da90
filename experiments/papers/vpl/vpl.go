// Package vpl checks what Poddar et al., "Personalizing Reinforcement Learning from Human Feedback
// with Variational Preference Learning" (NeurIPS 2024), claim: that a latent vector inferred from a few
// answers of a user predicts the other answers where one reward for all averages contraries, that
// policies for it reach what the user wants, and that few questions suffice if they are chosen. See the
// README beside it.
package vpl

import (
	"fmt"
	"math"
	"strings"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tabular"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() {
	papers.Register(papers.Claim{
		Name: "vpl", Paper: "Poddar et al. 2024",
		Doc:  "A latent inferred from eight answers tells what a user wants, where one reward for all fails.",
		Arms: []string{"vpl", "one-for-all", "oracle", "strangers"}, Treatment: "vpl", Control: "strangers",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 30},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Greater("accuracy", "vpl", "one-for-all", 0.1),
			papers.Above("accuracy", "vpl", 0.85),
			papers.Greater("success", "vpl", "one-for-all", 0.1),
			papers.MeanAtMost("chosen questions", "vpl", 4),
		},
		Also: []papers.Bound{
			papers.Above("nats", "vpl", 0.5),
			papers.Greater("accuracy", "oracle", "vpl", 0),
			papers.Greater("accuracy", "vpl", "strangers", 0.1),
		},
	})
}

const (
	answers = 8    // of a user, that the latent is inferred from
	more    = 20   // that are predicted
	sharp   = 10.0 // of users: the log-odds of preferring what is a whole room nearer
)

// The goals that a user may want, in the unit square.
var goals = [2][2]float32{{0.15, 0.5}, {0.85, 0.5}}

const (
	purposePlaces rng.Purpose = 0x76706c11 + iota
	purposeUser
	purposeStrangers
	purposeCandidates
)

// A crowd is places in a room, seen as their coordinates, and users who want one of two goals.
type crowd struct {
	key   rng.Key
	store *feedback.Store
	segs  []feedback.Segment
	at    map[uint64][2]float32
}

func newCrowd(seed uint64) (*crowd, error) {
	c := &crowd{key: rng.New(seed), store: feedback.NewStore(feedback.Shape{Obs: 2}), at: map[uint64][2]float32{}}
	r := c.key.Stream(purposePlaces, 0, 0)
	for range 4000 {
		if _, err := c.add(r.Float32(), r.Float32()); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *crowd) add(x, y float32) (feedback.Segment, error) {
	id, err := c.store.Add(&feedback.Trajectory{Obs: []float32{x, y, x, y}, Reward: []float32{0}})
	seg := feedback.Segment{Traj: id, To: 1}
	if _, ok := c.at[id]; !ok && err == nil {
		c.at[id] = [2]float32{x, y}
		c.segs = append(c.segs, seg)
	}
	return seg, err
}

// wants is the goal of a user: half of them the one, half the other.
func wants(user int) int { return user % 2 }

// answer is what a user says of two places: nearer to the goal is better, with some error.
func (c *crowd) answer(user int, a, b feedback.Segment, r *rng.Stream) feedback.Record {
	g := goals[wants(user)]
	far := func(s feedback.Segment) float64 {
		p := c.at[s.Traj]
		return math.Hypot(float64(p[0]-g[0]), float64(p[1]-g[1]))
	}
	if r.Float64() < 1/(1+math.Exp(-sharp*(far(b)-far(a)))) {
		return feedback.Better(a, b)
	}
	return feedback.Better(b, a)
}

// ask draws n answers of a user.
func (c *crowd) ask(user, n int, r *rng.Stream) (rs []feedback.Record) {
	for range n {
		a, b := c.segs[r.IntN(len(c.segs))], c.segs[r.IntN(len(c.segs))]
		if a == b {
			continue
		}
		rs = append(rs, c.answer(user, a, b, r))
	}
	return rs
}

// truth is which of the two places of a record is nearer to a user's goal.
func (c *crowd) truth(user int, r feedback.Record) float32 {
	g := goals[wants(user)]
	var d [2]float64
	for i, s := range r.Segments {
		p := c.at[s.Traj]
		d[i] = math.Hypot(float64(p[0]-g[0]), float64(p[1]-g[1]))
	}
	if d[0] < d[1] {
		return 1
	}
	return 0
}

// A reader turns a user's answers into a reward.
type reader func(user int, rs []feedback.Record) (model.Scorer, error)

func cell(c papers.Cell) (papers.Row, error) {
	users, tested, epochs := 600, 60, 100
	if c.Scale == papers.Smoke {
		users, tested, epochs = 200, 20, 60
	}
	crowd, err := newCrowd(c.Seed)
	if err != nil {
		return nil, err
	}
	sets := make([][]feedback.Record, users)
	for u := range sets {
		r := crowd.key.Stream(purposeUser, uint32(u), 0)
		sets[u] = crowd.ask(u, answers, &r)
	}
	row := papers.Row{}
	read, vpl, err := learn(c.Arm, crowd, sets, epochs, row)
	if err != nil {
		return nil, err
	}
	right, all, reached := 0.0, 0.0, 0.0
	for u := range tested {
		r := crowd.key.Stream(purposeUser, uint32(u), 1)
		m, err := read(u, crowd.ask(u, answers, &r))
		if err != nil {
			return nil, err
		}
		ok, n, err := crowd.right(u, m, &r)
		if err != nil {
			return nil, err
		}
		right, all = right+ok, all+n
		s, err := crowd.succeeds(u, m)
		if err != nil {
			return nil, err
		}
		reached += s / float64(tested)
	}
	row["accuracy"], row["success"] = right/all, reached
	if vpl != nil {
		row["chosen questions"], err = crowd.chosen(vpl, tested, row["accuracy"])
	}
	return row, err
}

// right counts the pairs of places that a scorer orders as a user does.
func (c *crowd) right(user int, m model.Scorer, r *rng.Stream) (right, all float64, err error) {
	for _, rec := range c.ask(user, more, r) {
		y, err := (&rmlab.Lab{Store: c.store}).Returns(m, rec.Segments)
		if err != nil {
			return 0, 0, err
		}
		all++
		switch {
		case y[0] == y[1]:
			right += 0.5
		case (y[0] > y[1]) == (c.truth(user, rec) == 1):
			right++
		}
	}
	return right, all, nil
}

// learn trains the model of an arm.
func learn(arm string, c *crowd, sets [][]feedback.Record, epochs int, row papers.Row) (reader, *model.Variational, error) {
	switch arm {
	case "vpl", "strangers":
		if arm == "strangers" { // sets whose answers are by different users
			sets = strangers(sets, c.key)
		}
		v, err := model.NewVariational(model.VariationalShape{Inputs: []string{"obs"}, Hidden: []int{64, 64}, Latent: 4}, c.store.Shape(), c.key)
		if err != nil {
			return nil, nil, err
		}
		if err := v.FitInputs(c.store); err != nil {
			return nil, nil, err
		}
		o := model.DefaultVariationalTraining()
		o.Epochs, o.Key = epochs, c.key
		if row["nats"], err = v.Fit(c.store, sets, o); err != nil {
			return nil, nil, err
		}
		return func(_ int, rs []feedback.Record) (model.Scorer, error) {
			mean, _, err := v.Infer(c.store, rs)
			return v.Scorer(mean), err
		}, v, nil
	case "one-for-all", "oracle":
		var models [2]model.Scorer
		for side := range models {
			var rs []feedback.Record
			for u, set := range sets {
				if arm == "one-for-all" || wants(u) == side {
					rs = append(rs, set...)
				}
			}
			shape := rmlab.Shape()
			shape.Inputs = []string{"obs"}
			o := rmlab.Fitting()
			o.Key = c.key
			e, err := (&rmlab.Lab{Store: c.store}).Train(shape, rs, o)
			if err != nil {
				return nil, nil, err
			}
			models[side] = e
		}
		return func(user int, _ []feedback.Record) (model.Scorer, error) { return models[wants(user)], nil }, nil, nil
	}
	return nil, nil, fmt.Errorf("unknown arm %q", arm)
}

func strangers(sets [][]feedback.Record, key rng.Key) [][]feedback.Record {
	r := key.Stream(purposeStrangers, 0, 0)
	out := make([][]feedback.Record, len(sets))
	for i := range out {
		for range answers {
			set := sets[r.IntN(len(sets))]
			out[i] = append(out[i], set[r.IntN(len(set))])
		}
	}
	return out
}

// succeeds plans in a grid of the room with the learned reward, exactly, and returns the share of
// starts from which the best policy comes to stay within reach of the user's goal.
func (c *crowd) succeeds(user int, m model.Scorer) (float64, error) {
	const side = 11
	plan := make([]string, side)
	for y := range plan {
		plan[y] = strings.Repeat(".", side)
	}
	g, err := tabular.NewGrid(plan, 0.95, 0)
	if err != nil {
		return 0, err
	}
	r := g.NewReward()
	reach := make([]bool, g.States)
	for s := range g.States {
		x, y := (float32(s%side)+0.5)/side, (float32(s/side)+0.5)/side
		seg, err := c.add(x, y)
		if err != nil {
			return 0, err
		}
		v, err := (&rmlab.Lab{Store: c.store}).Returns(m, []feedback.Segment{seg})
		if err != nil {
			return 0, err
		}
		goal := goals[wants(user)]
		reach[s] = math.Hypot(float64(x-goal[0]), float64(y-goal[1])) < 0.2
		for from := range g.States {
			for a := range g.Actions {
				r[g.At(from, a, s)] = v[0]
			}
		}
	}
	best, share := g.Optimal(r).Policy, 0.0
	for s := range g.States {
		at := s
		for range 4 * side {
			for a := range g.Actions {
				if best[at*g.Actions+a] == 1 {
					for n, p := range g.Row(at, a) {
						if p == 1 {
							at = n
						}
					}
					break
				}
			}
		}
		if reach[at] {
			share += 1 / float64(g.States)
		}
	}
	return share, nil
}
