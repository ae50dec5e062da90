package qd_test

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/qdtest"
)

func TestConformance(t *testing.T) {
	const dim = 5
	for _, name := range qd.ArchiveNames() {
		if name == "mome" {
			continue // it wants several objectives, see TestFronts
		}
		t.Run(name, func(t *testing.T) {
			qdtest.Archive(t, dim, 2, func() qd.Archive {
				c, err := qd.OpenArchive(name, nil)
				if err != nil {
					t.Fatal(err)
				}
				a, err := c.Build(qd.ArchiveSetup{Dim: dim, Bounds: [][2]float32{{-1, 1}, {-1, 1}}, Key: rng.New(1)})
				if err != nil {
					t.Fatal(err)
				}
				return a
			})
		})
	}
	build := func(name string, options func(any) error) qd.Emitter {
		c, err := qd.OpenEmitter(name, options)
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Build(qd.EmitterSetup{X0: make([]float32, dim), Batch: 24})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, name := range qd.EmitterNames() {
		t.Run(name, func(t *testing.T) {
			qdtest.Emitter(t, dim, func() qd.Emitter { return build(name, nil) })
		})
	}
	for _, how := range []qd.Covariance{qd.Separable, qd.Limited} {
		t.Run(how.String(), func(t *testing.T) {
			qdtest.Emitter(t, dim, func() qd.Emitter {
				return build("cma-me", func(o any) error { o.(*qd.CMAMEConfig).Covariance = how; return nil })
			})
		})
	}
	t.Run("halving", func(t *testing.T) {
		qdtest.Emitter(t, dim, func() qd.Emitter {
			return qd.NewHalving(12, build("isoline", nil), build("cma-me", nil), build("dns", nil))
		})
	})
	t.Run("bandit", func(t *testing.T) {
		qdtest.Emitter(t, dim, func() qd.Emitter {
			return qd.NewBandit(0.05, build("isoline", nil), build("cma-me", nil), build("dns", nil))
		})
	})
	t.Run("threshold", func(t *testing.T) {
		qdtest.Archive(t, dim, 2, func() qd.Archive {
			grid, err := qd.NewGrid([]int{5, 5}, [][2]float32{{-1, 1}, {-1, 1}})
			if err != nil {
				t.Fatal(err)
			}
			least := -100.0
			a, err := qd.NewCells(grid, dim, qd.CellOptions{LearningRate: 0.1, Threshold: &least})
			if err != nil {
				t.Fatal(err)
			}
			return a
		})
	})
}
