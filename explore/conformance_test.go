package explore_test

import (
	"testing"

	"github.com/terrarium-rl/terrarium/explore"
	"github.com/terrarium-rl/terrarium/explore/exploretest"
)

// Every registered bonus keeps the contract with its default options.
func TestConformance(t *testing.T) {
	for _, name := range explore.Names() {
		t.Run(name, func(t *testing.T) {
			exploretest.Run(t, func() explore.Config {
				c, err := explore.Open(name, nil)
				if err != nil {
					t.Fatal(err)
				}
				return c
			})
		})
	}
}
