// Package starc checks what Skalse et al., "STARC: A General Framework For Quantifying Differences
// Between Reward Functions" (ICLR 2024), claim: that their distance of rewards is 0 where the order of
// policies is the same, and tells of regret what EPIC and DARD do not. See the README beside it.
package starc

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tabular"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/rewards/eval"
)

func init() {
	papers.Register(papers.Claim{
		Name: "starc", Paper: "Skalse et al. 2024",
		Doc:  "The STARC distance of two rewards ranks the regret between them better than EPIC and DARD do.",
		Arms: []string{"starc", "epic", "dard", "plain"}, Treatment: "starc", Control: "plain",
		Seeds: map[papers.Scale]int{papers.Smoke: 6, papers.Quick: 48, papers.Full: 200},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Under("equivalent", "starc", 1e-8),
			papers.Above("equivalent", "epic", 0.1),
			papers.Above("equivalent", "dard", 0.1),
			papers.Under("opposite less 2", "starc", 1e-9),
			ranksBetter("starc", "epic"),
			ranksBetter("starc", "dard"),
		},
		Also: []papers.Bound{ranksBetter("starc", "plain"), ranksWell("starc"), ranksWell("epic"), ranksWell("dard")},
	})
}

const (
	pairs  = 2
	points = 8    // on the way from one reward to another
	draws  = 2000 // of the bootstrap: rank correlations take their time
)

func at(i int) (distance, regret string) {
	return fmt.Sprintf("distance %d", i), fmt.Sprintf("regret %d", i)
}

// pooled returns the rank correlation of distance and regret over some worlds.
func pooled(rows []papers.Row, worlds []int) float64 {
	var x, y []float64
	for _, w := range worlds {
		for i := range pairs * points {
			d, r := at(i)
			x, y = append(x, rows[w][d]), append(y, rows[w][r])
		}
	}
	c, err := stats.Spearman(x, y)
	if err != nil {
		return 0 // a distance that never varies ranks nothing
	}
	return c
}

func ranksBetter(a, b string) papers.Bound {
	return papers.Bound{
		Text: fmt.Sprintf("rank correlation with regret: %s - %s > 0", a, b),
		Effect: func(t *papers.Table) (stats.Interval, error) {
			x, err := t.Arm(a)
			if err != nil {
				return stats.Interval{}, err
			}
			y, err := t.Arm(b)
			if err != nil {
				return stats.Interval{}, err
			}
			return papers.OverSeeds(len(x), draws, func(w []int) float64 { return pooled(x, w) - pooled(y, w) })
		},
	}
}

func ranksWell(a string) papers.Bound {
	return papers.Bound{
		Text: fmt.Sprintf("rank correlation with regret: %s > 0.8", a), Limit: 0.8,
		Effect: func(t *papers.Table) (stats.Interval, error) {
			x, err := t.Arm(a)
			if err != nil {
				return stats.Interval{}, err
			}
			return papers.OverSeeds(len(x), draws, func(w []int) float64 { return pooled(x, w) })
		},
	}
}

var distances = map[string]func(*tabular.MDP, tabular.Reward, tabular.Reward) float64{
	"starc": eval.ExactSTARC, "epic": eval.ExactEPIC, "dard": eval.ExactDARD, "plain": plain,
}

// plain is the distance of two rewards, scaled to length 1, as they are.
func plain(_ *tabular.MDP, a, b tabular.Reward) float64 {
	var aa, bb, ab float64
	for i := range a {
		aa += a[i] * a[i]
		bb += b[i] * b[i]
		ab += a[i] * b[i]
	}
	return math.Sqrt(max(0, 2-2*ab/math.Sqrt(aa*bb)))
}

// cell measures, in one random world, the distance and the regret between a reward and rewards on
// the way from it to another one. Each of these is scaled, shaped, and half of them redistributed.
func cell(c papers.Cell) (papers.Row, error) {
	distance, ok := distances[c.Arm]
	if !ok {
		return nil, fmt.Errorf("unknown arm %q", c.Arm)
	}
	key := rng.New(c.Seed)
	m := tabular.Random(tabular.Family{States: 32, Actions: 4, Gamma: 0.95, Branch: 4}, key)
	draw := func(i uint64) tabular.Reward { return m.RandomReward(key.Fold(i)) }
	disguise := func(r tabular.Reward, i uint64, redistribute bool) tabular.Reward {
		s := key.Stream(1, uint32(i), 0)
		phi := make([]float64, m.States)
		for k := range phi {
			phi[k] = 2 * float64(s.Norm())
		}
		r = m.Shaped(r, phi)
		if redistribute {
			r = m.Redistributed(r, 2, key.Fold(1000+i))
		}
		scale := math.Exp(float64(s.Norm()))
		for k := range r {
			r[k] *= scale
		}
		return r
	}
	row := papers.Row{}
	for p := range pairs {
		a, b := draw(uint64(2*p)), draw(uint64(2*p+1))
		for k := range points {
			i := p*points + k
			share := float64(k+1) / points
			mixed := m.NewReward()
			for j := range mixed {
				mixed[j] = (1-share)*a[j] + share*b[j]
			}
			mixed = disguise(mixed, uint64(i), k%2 == 1)
			d, r := at(i)
			row[d], row[r] = distance(m, a, mixed), eval.ExactRegret(m, a, mixed)
		}
		if p == 0 {
			same := disguise(a, 100, true)
			row["equivalent"] = distance(m, a, same)
			row["opposite less 2"] = math.Abs(distance(m, a, a.Negative()) - 2)
		}
	}
	return row, c.Context.Err()
}
