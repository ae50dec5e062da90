package bonuses

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/experiments/papers"
)

// sparseSettings are what a family is learned in, and the mean of both: who does not know which
// it will be is paid that.
var sparseSettings = []string{"fixed", "new", "mixed"}

func init() {
	single := []string{"global", "episodic"}
	c := papers.Claim{
		Name: "bonuses-sparse", Paper: paper,
		Doc:  "In 16 families of sparse mazes, the product of bonuses equals the better of both, and beats both where fixed and new mazes mix.",
		Arms: []string{"none", "global", "episodic", "product"}, Treatment: "product", Control: "none",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 20},
		Cell:  sparseCell,
		Also: []papers.Bound{
			greaterIQM("fixed", "global", "episodic", 0),
			greaterIQM("new", "episodic", "global", 0),
			greaterIQM("mixed", "product", "none", 0),
		},
	}
	for _, setting := range sparseSettings {
		margin := -0.05 // at least equal
		if setting == "mixed" {
			margin = 0
		}
		for _, arm := range single {
			c.Pass = append(c.Pass, greaterIQM(setting, "product", arm, margin))
		}
	}
	papers.Register(c)
}

func sparseCell(c papers.Cell) (papers.Row, error) {
	row := papers.Row{}
	for i := range families {
		f, sum := newFamily(papers.FirstSeed+uint64(i)), 0.0
		for k, setting := range sparseSettings[:2] {
			success, err := seek(c, f, k == 1)
			if err != nil {
				return nil, err
			}
			row[familyMetric(setting, i)] = success
			sum += success
		}
		row[familyMetric("mixed", i)] = sum / 2
	}
	return row, nil
}

func familyMetric(setting string, i int) string { return fmt.Sprintf("%s_%d", setting, i) }

// greaterIQM is about a setting in all families together.
func greaterIQM(setting, a, b string, by float64) papers.Bound {
	var metrics []string
	for i := range families {
		metrics = append(metrics, familyMetric(setting, i))
	}
	return papers.GreaterIQMOver(setting, metrics, a, b, by)
}
