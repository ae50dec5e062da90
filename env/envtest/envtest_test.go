package envtest

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
)

func TestFast(t *testing.T) {
	for _, c := range []Fast{{Agents: 1}, {Agents: 3}, {Continuous: true, Agents: 2}} {
		Run(t, func() env.Config { c := c; return &c })
	}
}
