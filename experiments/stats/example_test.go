package stats_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/stats"
)

func ExampleBootstrap() {
	// Mean returns of ten runs, of which one failed.
	s := stats.Scores{{251, 262, 247, 270, 31, 259, 266, 244, 255, 261}}
	ci, err := stats.Bootstrap(s, stats.IQM, stats.Resampling{Key: rng.New(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean %.0f, IQM %.0f, interval from %.0f to %.0f\n", stats.Mean(s), ci.Value, ci.Lo, ci.Hi)
	// Output: mean 235, IQM 256, interval from 214 to 263
}

func ExampleImprovementProbability() {
	ours, theirs := stats.Scores{{5, 7, 9}}, stats.Scores{{4, 7, 8}}
	fmt.Printf("%.3f\n", stats.ImprovementProbability(ours, theirs))
	// Output: 0.611
}

func ExampleWilcoxon() {
	with, without := []float64{12, 15, 11, 14, 13, 16}, []float64{10, 12, 10, 10, 8, 10}
	p, err := stats.Wilcoxon(with, without)
	fmt.Println(p, err)
	// Output: 0.03125 <nil>
}
