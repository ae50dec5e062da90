package bonuses

import (
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
)

// The hub: 30 corridors of 12 cells begin at one cell, where every episode starts. The end of
// one of them is the goal, worth 1; an episode ends there or after 18 steps, so that it can see
// one corridor. It is the same world in each episode. The end after 18 steps is that of the task:
// were it taken for a truncation, the bonuses beyond it would be worth more than the goal.
const (
	corridors   = 30
	corridorLen = 12
	hubHorizon  = 18
	hubEpisodes = 2000
	hubMeasured = 300 // last episodes that success is the share of
)

// The learner: a softmax policy and values of states, moved by advantages as in GAE (Schulman et
// al. 2016, eq. 16) at the end of each episode.
const (
	actorRate   = 0.5
	criticRate  = 0.1
	entropyCoef = 0.01
	hubBonus    = 0.3
	hubDiscount = 0.99
	hubLambda   = 0.95
)

// hub is the world and the learner.
type hub struct {
	goal   int // corridor
	prefs  [][]float64
	values []float64
	pi     []float64
	r      rng.Stream
}

func newHub(key rng.Key) *hub {
	h := &hub{r: key.Stream(1, 0, 0), values: make([]float64, 1+corridors*corridorLen), pi: make([]float64, corridors)}
	h.goal = h.r.IntN(corridors)
	h.prefs = make([][]float64, len(h.values))
	for s := range h.prefs {
		h.prefs[s] = make([]float64, 2) // on, back
	}
	h.prefs[0] = make([]float64, corridors) // the hub: which corridor
	return h
}

// step returns where an action leads.
func (h *hub) step(state, action int) (next int, goal bool) {
	if state == 0 {
		return 1 + action*corridorLen, false
	}
	corridor, at := (state-1)/corridorLen, (state-1)%corridorLen
	switch {
	case action == 1 && at == 0:
		return 0, false
	case action == 1:
		return state - 1, false
	case at == corridorLen-1:
		return state, false // the end of a corridor ends no episode
	}
	return state + 1, at == corridorLen-2 && corridor == h.goal
}

// policy sets pi to the softmax of the preferences of a state, and draws from it.
func (h *hub) policy(state int) (action int) {
	prefs := h.prefs[state]
	h.pi = h.pi[:len(prefs)]
	top, sum := math.Inf(-1), 0.0
	for _, x := range prefs {
		top = max(top, x)
	}
	for a, x := range prefs {
		h.pi[a] = math.Exp(x - top)
		sum += h.pi[a]
	}
	u, action := float64(h.r.Float32()), len(prefs)-1
	for a := range h.pi {
		h.pi[a] /= sum
	}
	for a, p := range h.pi {
		if u -= p; u < 0 {
			action = a
			break
		}
	}
	return action
}

// A move is a step of an episode.
type move struct {
	state, action int
	reward        float64 // with the bonus
	value, next   float64 // of the state and of what follows, as of the step
	pi            [corridors]float64
}

// learn moves policy and values by the advantages of an episode.
func (h *hub) learn(ep []move) {
	advantage := 0.0
	for i := len(ep) - 1; i >= 0; i-- {
		m := &ep[i]
		advantage = m.reward + hubDiscount*m.next - m.value + hubDiscount*hubLambda*advantage
		h.improve(m, advantage)
	}
}

// improve takes a step of the policy gradient, with the bonus for entropy, and one of the value.
func (h *hub) improve(m *move, advantage float64) {
	h.values[m.state] += criticRate * advantage
	prefs, entropy := h.prefs[m.state], 0.0
	for _, p := range m.pi[:len(prefs)] {
		if p > 0 {
			entropy -= p * math.Log(p)
		}
	}
	for a, p := range m.pi[:len(prefs)] {
		gradient := -p * advantage
		if a == m.action {
			gradient += advantage
		}
		if p > 0 {
			gradient -= entropyCoef * p * (math.Log(p) + entropy)
		}
		prefs[a] += actorRate * gradient
	}
}

func hubCell(c papers.Cell) (papers.Row, error) {
	key := rng.New(c.Seed)
	cur, err := newCuriosity(hubArms, c.Arm, key)
	if err != nil {
		return nil, err
	}
	h, found := newHub(key), 0
	moves := make([]move, hubHorizon)
	for ep := range hubEpisodes {
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		n, goal, err := h.episode(moves, cur)
		if err != nil {
			return nil, err
		}
		h.learn(moves[:n])
		if goal && ep >= hubEpisodes-hubMeasured {
			found++
		}
	}
	return papers.Row{"success": float64(found) / hubMeasured}, nil
}

// episode plays one and returns its steps, and whether it reached the goal.
func (h *hub) episode(moves []move, cur *curiosity) (n int, goal bool, err error) {
	state := 0
	for n < hubHorizon && !goal {
		m := &moves[n]
		n++
		m.state, m.action, m.value = state, h.policy(state), h.values[state]
		copy(m.pi[:], h.pi)
		state, goal = h.step(state, m.action)
		end, reward := env.Running, 0.0
		if m.next = h.values[state]; goal || n == hubHorizon {
			end, m.next = env.Terminated, 0
		}
		if goal {
			reward = 1
		}
		bonus, err := cur.pay(state, end)
		if err != nil {
			return n, goal, err
		}
		m.reward = reward + hubBonus*bonus
	}
	return n, goal, nil
}
