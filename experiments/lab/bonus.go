package lab

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/explore"
	"github.com/terrarium-rl/terrarium/explore/visits"
)

// checkBonus reports what is wrong with the bonus, at its place within the expression.
func (p *Plan) checkBonus() error {
	if p.QD != nil && p.Bonus != "" {
		return p.at("bonus", errors.New("a quality-diversity search has no bonus: leave it out"))
	}
	_, err := p.buildBonus(0, 1, 1)
	return err
}

// buildBonus returns a new instance of the bonus for a seed, nil if the experiment has none.
func (p *Plan) buildBonus(seed uint64, rows, workers int) (explore.Bonus, error) {
	if p.Bonus == "" {
		return nil, nil
	}
	b, err := explore.Parse(p.Bonus, explore.Setup{
		Spec: p.Spec, Rows: rows, Key: rng.New(seed).Fold(bonusPurpose), Workers: workers,
	})
	var in *explore.SyntaxError
	if t, exact := p.source.lookup("bonus"); exact && errors.As(err, &in) && (t.plain || t.quoted) && t.place.line > 0 {
		at := t.place
		at.col += in.Column - 1
		if t.quoted {
			at.col++
		}
		return nil, at.errorf("bonus: %w", in.Err)
	}
	return b, p.at("bonus", err)
}

// blockSteps is the number of steps that bonuses are computed for at a time, where the agent can take
// them late. Any number gives the same bits. More than one spares e3b memory traffic, but keeps more batches
// at work: with 8, its overhead in maze-v0 was 1.23 to 1.26, with 1 it was 1.12 to 1.24 (processor time, three
// runs of each by turns, caches of 1 MB a core).
const blockSteps = 1

// A scorer computes the bonuses of training. The batches of steps that still lack theirs are kept, so each
// step is to be made in the batch that next returns.
type scorer struct {
	bonus   explore.Bonus        // nil without
	where   *visits.Map          // nil without a position
	late    agents.BonusRecorder // nil for agents that take no bonus, or a part of the reward only
	report  agents.Report
	batches []*env.Batch
	kept    int       // of batches
	scores  []float32 // of the batches, one after the other
}

// newScorer returns what scores the steps of an agent, nil for none that learns.
func newScorer(spec *env.Spec, worlds int, bonus explore.Bonus, policy agents.Policy) *scorer {
	s := &scorer{bonus: bonus, where: visits.New(spec)}
	s.late, _ = policy.(agents.BonusRecorder)
	steps := 1
	if s.late != nil && bonus != nil {
		steps = blockSteps
	}
	for range steps {
		s.batches = append(s.batches, env.NewBatch(spec, worlds))
	}
	s.scores = make([]float32, steps*s.batches[0].N)
	return s
}

// next returns the batch for the next step.
func (s *scorer) next() *env.Batch { return s.batches[s.kept] }

// score takes in the step just made in the batch of next. It returns its bonuses if they are to be
// part of the reward, else nil.
func (s *scorer) score() ([]float32, error) {
	s.kept++
	switch {
	case s.bonus == nil:
		return nil, s.flush()
	case s.late == nil:
		return s.scores, s.flush()
	}
	return nil, nil
}

// recorded hands bonuses to the agent, which has recorded the step just made: if there are enough of them, or
// the agent is about to learn.
func (s *scorer) recorded() error {
	if s.kept == 0 || s.kept < len(s.batches) && !s.late.Due() {
		return nil
	}
	steps, n := s.kept, s.batches[0].N
	if err := s.flush(); err != nil {
		return err
	}
	for k := range steps {
		s.late.RecordBonus(steps-1-k, s.scores[k*n:(k+1)*n])
	}
	return nil
}

// flush scores the steps that were kept, and notes where they were.
func (s *scorer) flush() error {
	steps, n := s.batches[:s.kept], s.batches[0].N
	s.kept = 0
	if s.bonus != nil {
		if err := explore.ScoreSteps(s.bonus, s.scores, steps, s.report); err != nil {
			return err
		}
	}
	for k, b := range steps {
		scores := s.scores[k*n : (k+1)*n]
		if err := s.check(scores); err != nil {
			return err
		}
		if s.where != nil {
			s.where.Add(b, scores)
		}
	}
	return nil
}

// check reports the mean bonus of a step.
func (s *scorer) check(scores []float32) error {
	if s.bonus == nil {
		return nil
	}
	sum := 0.0
	for i, x := range scores {
		if x-x != 0 {
			return fmt.Errorf("the bonus of row %d is %v", i, x)
		}
		sum += float64(x)
	}
	s.report("bonus/mean", sum/float64(len(scores)))
	return nil
}

func listBonuses() (items []Item, err error) {
	for _, name := range explore.Names() {
		c, err := explore.Open(name, nil)
		if err != nil {
			return nil, err
		}
		items = append(items, Item{"bonus", name, paper(c), firstSentence(docOf(c))})
	}
	return items, nil
}
