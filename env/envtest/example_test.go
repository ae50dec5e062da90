package envtest_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
)

// Two vectors of the same worlds have the same fingerprint for any number of workers, and another
// one for another seed. Run, called from a test, checks this and much more.
func ExampleHash() {
	fingerprint := func(workers int, seed uint64) uint64 {
		v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: 5, Workers: workers})
		if err != nil {
			panic(err)
		}
		defer v.Close()
		h, err := envtest.Hash(v, seed, 100)
		if err != nil {
			panic(err)
		}
		return h
	}
	fmt.Println(fingerprint(1, 7) == fingerprint(3, 7), fingerprint(1, 7) == fingerprint(1, 8))
	// Output: true false
}
