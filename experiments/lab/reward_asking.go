package lab

import "fmt"

// An asker is the options of a reward that learns from questions, asked in rounds while the agent trains:
// a run may be too short for all of them.
type asker interface {
	Budget() int
	Within(transitions int64) (asked int, last int64)
}

// checkQuestions reports a reward that would ask nothing in the run, and so never be anything but 0.
func (p *Plan) checkQuestions() error {
	for i, c := range p.rewards {
		a, ok := c.(asker)
		if !ok {
			continue
		}
		if asked, last := a.Within(p.Steps); asked == 0 {
			return p.at(fmt.Sprintf("reward.%d.options", i), fmt.Errorf("of the %d questions, the last of them due after transition %d, none is asked in the %d transitions of this run: "+
				"nothing would be learned; want a smaller value of every, or more steps", a.Budget(), last, p.Steps))
		}
	}
	return nil
}

// unasked says of which rewards the run is too short for all questions.
func (p *Plan) unasked() (lines []string) {
	for i, c := range p.rewards {
		a, ok := c.(asker)
		if !ok {
			continue
		}
		if asked, last := a.Within(p.Steps); asked < a.Budget() {
			lines = append(lines, fmt.Sprintf("reward %s asks %d of its %d questions: its rounds need %d transitions, the run has %d; lower every, or rounds",
				p.Reward[i].As, asked, a.Budget(), last, p.Steps))
		}
	}
	return lines
}
