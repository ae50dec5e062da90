package rewards

import "github.com/terrarium-rl/terrarium/env/rng"

// A Seeder is a Func that draws random numbers or shares work out among goroutines. Runs call
// Seed once, before the first Score. Results do not depend on the number of workers, at least 1.
type Seeder interface {
	Seed(key rng.Key, workers int)
}

var _ Seeder = (*Sum)(nil)

// Seed seeds the terms that want it, each with a key of its own.
func (s *Sum) Seed(key rng.Key, workers int) {
	for i := range s.terms {
		if f, ok := s.terms[i].Func.(Seeder); ok {
			f.Seed(key.Fold(uint64(i)), workers)
		}
	}
}
