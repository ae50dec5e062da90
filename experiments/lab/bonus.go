package lab

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/explore"
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

// scoreBonus scores the step just made, then lets the bonus learn from it. It notes where that was.
func (t *trainer) scoreBonus() error {
	if t.bonus == nil {
		if t.where != nil {
			t.where.Add(t.batch, t.bonuses) // of 0
		}
		return nil
	}
	t.bonus.Score(t.bonuses, t.batch)
	sum := 0.0
	for i, x := range t.bonuses {
		if x-x != 0 { // the bonus that it comes from knows more
			return cmp.Or(t.bonus.Update(t.batch, t.report), fmt.Errorf("the bonus of row %d is %v", i, x))
		}
		sum += float64(x)
	}
	if t.where != nil {
		t.where.Add(t.batch, t.bonuses)
	}
	t.report("bonus/mean", sum/float64(len(t.bonuses)))
	return t.bonus.Update(t.batch, t.report)
}

// record hands the step to the agent, with its bonus apart if the agent can take that.
func (t *trainer) record() {
	switch {
	case t.bonus == nil:
		t.agent.Record(t.batch, t.rew)
	case t.curious != nil:
		t.curious.RecordBonus(t.batch, t.rew, t.bonuses)
	default:
		for i, x := range t.bonuses {
			t.rew[i] += x
		}
		t.agent.Record(t.batch, t.rew)
	}
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
