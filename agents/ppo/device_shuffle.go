package ppo

import (
	"errors"

	"github.com/terrarium-rl/terrarium/agents/nn/gpu"
)

const (
	drawRounds  = 64               // rounds of 256 draws in a dispatch
	drawsPerRun = drawRounds * 256 // draws in a dispatch, but for those rejected
	swapRounds  = 16               // rounds of exchanges in a submission
)

// A shuffler makes the order of the rows in each epoch: that of rng.Stream.Shuffle, each epoch going on
// from the order of the one before. The key is in the control words.
type shuffler struct {
	rows                  int
	control               gpu.Twin
	begin, draw, exchange []*gpu.Commands // of each epoch
}

// newShuffler makes the commands for a number of rows; order has room for all epochs.
func newShuffler(k *gpu.Kit, control gpu.Twin, order *gpu.Buffer, rows, epochs int) *shuffler {
	s := &shuffler{rows: rows, control: control}
	partner, reserved := k.Buffer("exchanges of rows", rows), k.Buffer("reserved rows", rows)
	draw := k.Bind("learn_draw", 4, control.Dev, partner)
	shuffle := k.Bind("learn_shuffle", 3, control.Dev, partner, reserved, order)
	for e := range epochs {
		do := func(r *gpu.Recorder, mode int) { gpu.Do(r, shuffle, rows, words(mode, rows, e)...) }
		draws := func(r *gpu.Recorder) {
			for range (rows + drawsPerRun - 1) / drawsPerRun {
				r.Dispatch(draw, 1, uint32(rows), uint32(e), uint32(purposeShuffle), drawRounds)
				r.Barrier()
			}
			control.Save(r)
		}
		s.begin = append(s.begin, k.Record(func(r *gpu.Recorder) {
			do(r, 0)
			draws(r)
		}))
		s.draw = append(s.draw, k.Record(draws))
		s.exchange = append(s.exchange, k.Record(func(r *gpu.Recorder) {
			for range swapRounds {
				do(r, 1)
				do(r, 2)
				do(r, 3)
			}
			control.Save(r)
		}))
	}
	return s
}

// run makes the order of the rows in an epoch.
func (s *shuffler) run(epoch int) error {
	w := s.control.Host.Words()
	if err := s.begin[epoch].Run(); err != nil {
		return err
	}
	for int(w[gpu.Drawn]) < s.rows-1 {
		before := w[gpu.Drawn]
		if err := s.draw[epoch].Run(); err != nil {
			return err
		}
		if w[gpu.Drawn] == before {
			return errors.New("the device draws no random numbers")
		}
	}
	for round := 0; ; round++ {
		if err := s.exchange[epoch].Run(); err != nil {
			return err
		}
		if w[gpu.Left] == 0 {
			return nil
		}
		if round > s.rows { // each round carries out one exchange at least
			return errors.New("the device does not shuffle")
		}
	}
}
