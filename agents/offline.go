package agents

import "github.com/terrarium-rl/terrarium/env/rng"

// A Likely policy tells how probable actions are.
type Likely interface {
	Policy

	// LogProb writes the logarithm of the probability, or of its density, of each action row under
	// the observation row beside it. Continuous actions count as they are, in units of half the
	// range of their bounds: one at a bound is not told from what was clipped to it.
	LogProb(dst, obs, act []float32)
}

// An Imitator learns from recorded actions.
type Imitator interface {
	Policy

	// Imitate makes recorded actions more probable under the observations they were taken in
	// (behaviour cloning: Pomerleau, "ALVINN", 1988). Rows of obs and act belong together. It reports
	// the mean log-probability of the last pass.
	Imitate(obs, act []float32, o Offline) (float64, error)
}

// A Chooser learns from comparisons of recorded behaviour, without a reward.
type Chooser interface {
	Likely

	// Choose makes the first of each pair more probable than the second, relative to what both
	// were before it began, by as much as beta says (direct preference optimisation: Rafailov et
	// al., "Direct Preference Optimization", 2023, eq. 7). It returns the share of pairs that the
	// policy orders right at the end.
	Choose(pairs []Comparison, beta float64, o Offline) (float64, error)
}

// A Comparison is two pieces of behaviour, observation and action rows, of which the first is
// better.
type Comparison struct{ BetterObs, BetterAct, WorseObs, WorseAct []float32 }

// Offline says how to learn from recordings.
type Offline struct {
	Epochs       int     // passes over the data, at least 1
	Minibatch    int     // rows, or comparisons, of a gradient step, at least 1
	LearningRate float64 // of Adam, above 0
	Key          rng.Key // of the order of the data
}
