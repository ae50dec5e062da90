package vulkan

import (
	"testing"

	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// The validation layer must find nothing wrong with steps and rollouts, also of the physics.
func TestValidation(t *testing.T) {
	if vktest.Validating() {
		t.Skip("it is running")
	}
	for _, f := range vktest.Findings(t, "^(TestRedo|TestRedoRolled|TestPanic|TestNotFinite|TestSlices)$") {
		t.Error(f)
	}
}
