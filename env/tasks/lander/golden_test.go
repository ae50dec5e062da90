package lander

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
)

// Another fingerprint means other results, and so another version of the environment.
func TestGolden(t *testing.T) {
	envtest.Golden(t, func() env.Config { return New() }, 0x3b5a68b5943d1ae6)
}
