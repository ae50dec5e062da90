package bonuses

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/stats"
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

// greaterIQM says that the interquartile mean over families and seeds in arm a less that in arm b
// is above by, by a percentile bootstrap of the seeds, which are the same in both arms (Agarwal et
// al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021).
func greaterIQM(setting, a, b string, by float64) papers.Bound {
	return papers.Bound{
		Text: fmt.Sprintf("%s: IQM(%s) - IQM(%s) > %g", setting, a, b, by), Limit: by,
		Effect: func(t *papers.Table) (stats.Interval, error) {
			var x, y stats.Scores
			for i := range families {
				one, err := t.Column(a, familyMetric(setting, i))
				if err != nil {
					return stats.Interval{}, err
				}
				other, err := t.Column(b, familyMetric(setting, i))
				if err != nil {
					return stats.Interval{}, err
				}
				x, y = append(x, one), append(y, other)
			}
			seeds := make([]float64, len(x[0])) // resampled as wholes: a score is the number of its seed
			for i := range seeds {
				seeds[i] = float64(i)
			}
			return stats.Bootstrap(stats.Scores{seeds}, func(s stats.Scores) float64 {
				return stats.IQM(chosen(x, s[0])) - stats.IQM(chosen(y, s[0]))
			}, stats.Resampling{Key: rng.New(papers.FirstSeed)})
		},
	}
}

// chosen returns the scores of some seeds.
func chosen(all stats.Scores, seeds []float64) stats.Scores {
	out := make(stats.Scores, len(all))
	for i, scores := range all {
		for _, k := range seeds {
			out[i] = append(out[i], scores[int(k)])
		}
	}
	return out
}
