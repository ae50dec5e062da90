package pusher

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
)

// Another fingerprint means other results, and so another version of the environment.
func TestGolden(t *testing.T) {
	envtest.Golden(t, func() env.Config { return New() }, 0x2e0c31118a36fa8b)
}
