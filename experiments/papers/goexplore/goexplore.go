// Package goexplore checks what Ecoffet, Huizinga, Lehman, Stanley and Clune, "First return, then
// explore" (Nature 590, 2021), say: where rewards are rare, who returns to what was found before
// exploring finds more than who always explores from the start. The search is that of package
// explore/goexplore.
package goexplore

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/explore/goexplore"
)

func init() {
	papers.Register(papers.Claim{
		Name: "goexplore", Paper: "Ecoffet et al. 2021",
		Doc:  "In large mazes with keys and doors, returning to states before exploring finds goals that exploring from the start does not.",
		Arms: []string{"return", "restart"}, Treatment: "return", Control: "restart",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 10, papers.Full: 20},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Greater("cells", "return", "restart", 0),
			papers.Greater("solved", "return", "restart", 0.5),
		},
		Also: []papers.Bound{papers.Above("solved", "return", 0), papers.Above("repeats", "return", 0.99)},
	})
}

const worlds = 32

var steps = map[papers.Scale]int64{papers.Smoke: 100_000, papers.Quick: 1_000_000, papers.Full: 4_000_000}

// cell searches one maze of 8 x 8 cells without loops, with two keys and the farthest goal. Cells
// of the archive are cells of the maze, by keys held.
func cell(c papers.Cell) (papers.Row, error) {
	config := maze.New()
	spec, err := config.Spec()
	if err != nil {
		return nil, err
	}
	levels, err := (&env.LevelSet{Preset: "hard", HeldOut: true}).Compile(spec)
	if err != nil {
		return nil, err
	}
	vec, err := env.NewVec(config, env.VecOptions{Worlds: worlds, Workers: 1, Levels: levels})
	if err != nil {
		return nil, err
	}
	defer vec.Close()
	key := rng.New(c.Seed)
	vec.Reset(key.Uint64())
	s, err := goexplore.New(vec, goexplore.Config{Fields: []string{"cell", "held"}, Restart: c.Arm == "restart"}, key)
	if err != nil {
		return nil, err
	}
	row := papers.Row{"solved": 0, "repeats": 1, "steps": float64(steps[c.Scale])}
	for s.Steps() < steps[c.Scale] {
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		if err := s.Step(); err != nil {
			return nil, err
		}
		if s.Best().Score > 0 && row["solved"] == 0 {
			row["solved"], row["steps"] = 1, float64(s.Steps())
		}
	}
	row["cells"] = float64(s.Cells())
	if ok, err := repeats(s, vec); err != nil {
		return nil, err
	} else if !ok {
		row["repeats"] = 0
	}
	return row, nil
}

// repeats plays the best way from the start and reports whether it leads to the same return.
func repeats(s *goexplore.Search, vec env.Vec) (bool, error) {
	if err := vec.(env.Snapshotter).SetState(0, s.Start()); err != nil {
		return false, err
	}
	best := s.Best()
	b, act, sum := env.NewBatch(vec.Spec(), vec.Len()), best.Actions(), 0.0
	width := env.Width(vec.Spec().Act)
	for ; len(act) > 0; act = act[width:] {
		if err := vec.Observe(b); err != nil {
			return false, err
		}
		clear(b.Act)
		copy(b.Act, act[:width])
		if err := vec.Step(b); err != nil {
			return false, err
		}
		sum += float64(b.Reward[0])
	}
	return sum == best.Score, nil
}
