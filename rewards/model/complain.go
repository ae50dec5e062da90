package model

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

var _ rewards.Complainer = (*Learner)(nil)

// enough is the number of questions from which shares of the levels of an order mean something.
const enough = 50

// Complaints says that nothing, or little, was learned, and why; that the first level of an order of
// importance decides all or nothing; and what is wrong with the answers of people and language models:
// teachers are told to err.
func (f *Learner) Complaints() (lines []string) {
	answered := len(f.records) - f.marked()
	switch {
	case f.asked > 0 && answered == 0 && len(f.pending) > 0:
		lines = append(lines, fmt.Sprintf("none of %d questions has been answered: nothing was learned from answers", f.asked))
	case f.asked > 0 && answered == 0:
		lines = append(lines, fmt.Sprintf("none of %d questions had an answer: all were skipped or undecided, nothing was learned, all rewards were 0", f.asked))
	}
	switch l := f.labeler.(type) {
	case *label.Heron:
		first := 0
		for i := range f.records {
			if f.records[i].Level == 1 {
				first++
			}
		}
		if share := float64(first) / float64(f.asked); len(l.Levels) > 1 && f.asked >= enough && answered > 0 && (share > 0.99 || share < 0.01) {
			lines = append(lines, fmt.Sprintf("the first of %d levels decided %.1f %% of %d questions, want 1 to 99: change its margin or the order", len(l.Levels), 100*share, f.asked))
		}
	case *label.Human, *label.Remote:
		if len(f.records) == 0 {
			break
		}
		if problems := feedback.Check(f.records); len(problems) > 0 {
			lines = append(lines, fmt.Sprintf("%d problems of the answers, the first is %s", len(problems), problems[0]))
		}
	}
	return lines
}
