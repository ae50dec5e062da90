package lab

import (
	"fmt"
	"io"

	"github.com/terrarium-rl/terrarium/qd"
)

func listArchives() (items []Item, err error) {
	for _, name := range qd.ArchiveNames() {
		c, err := qd.OpenArchive(name, nil)
		if err != nil {
			return nil, err
		}
		items = append(items, Item{"archive", name, paper(c), firstSentence(docOf(c))})
	}
	return items, nil
}

func listEmitters() (items []Item, err error) {
	for _, name := range qd.EmitterNames() {
		c, err := qd.OpenEmitter(name, nil)
		if err != nil {
			return nil, err
		}
		items = append(items, Item{"emitter", name, paper(c), firstSentence(docOf(c))})
	}
	return items, nil
}

// stepName says what a step of a run is, in the plural.
func (p *Plan) stepName() string {
	if p.QD != nil {
		return "evaluations"
	}
	return "steps"
}

// printQD prints the results of a quality-diversity search, if r is one.
func (r *Result) printQD(w io.Writer) {
	if r.Plan.QD == nil {
		return
	}
	fmt.Fprintln(w)
	for _, s := range r.Seeds {
		if s.QD == nil {
			continue
		}
		fmt.Fprintf(w, "seed %-3d %d elites,%s, mean %.1f, best %.1f, %s transitions\n",
			s.Seed, s.QD.Elites, s.QD.note(), s.QD.Mean, s.QD.Best, count(s.QD.Transitions))
		if again := s.QD.Again; again != nil {
			fmt.Fprintf(w, "         in %d new episodes each: %d elites,%s, mean %.1f, best %.1f\n",
				r.Plan.QD.Reevaluate, again.Elites, again.note(), again.Mean, again.Best)
		}
	}
}
