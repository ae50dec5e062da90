package rewardtest_test

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

// This is the whole test of a reward: whether it is finite, does not depend on the rows beside a
// row, and neither keeps nor changes the batch nor allocates.
func ExampleRun() {
	TestConformance := func(t *testing.T) {
		rewardtest.Run(t, &rewards.Fact{Fact: "distance"}, envtest.NewFast())
	}
	_ = TestConformance
}
