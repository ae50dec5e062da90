package vktest

import (
	"testing"

	"github.com/terrarium-rl/terrarium/shaders/vk/internal/fault"
)

// The functions below make devices that are opened from now on, until the end of the test, other than they
// are. Tests that use them must not run beside others.

// Staged hides the memory of devices from the host, as most discrete GPUs do: it comes there by copies.
func Staged(t testing.TB) {
	fault.Staged = true
	t.Cleanup(func() { fault.Staged = false })
}

// Both runs a test with memory as the device has it and with memory that is hidden from the host.
func Both(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Run("mapped", f)
	t.Run("staged", func(t *testing.T) {
		Staged(t)
		f(t)
	})
}

// Rough makes divisions and square roots as inexact as Vulkan allows, up and down in turns.
func Rough(t testing.TB) {
	fault.Rough = true
	t.Cleanup(func() { fault.Rough = false })
}

// Limit lowers what devices allow: bytes that a kernel can be bound to, and of memory. 0 leaves that.
func Limit(t testing.TB, bound, memory uint64) {
	fault.Range, fault.Memory = bound, memory
	t.Cleanup(func() { fault.Range, fault.Memory = 0, 0 })
}

// Discrete makes all devices discrete GPUs.
func Discrete(t testing.TB) {
	fault.Discrete = true
	t.Cleanup(func() { fault.Discrete = false })
}

// Results of calls of the driver.
const (
	OutOfHostMemory   = -1
	OutOfDeviceMemory = -2
	Lost              = -4
	Timeout           = 2
)

// Fail makes a call of the driver, by its name such as "vkQueueSubmit", fail with a result after it has
// succeeded a number of times, once, and until the end of the test. It returns a function that tells whether
// that has come to pass.
func Fail(t testing.TB, call string, after int, result int32) (failed func() bool) {
	done := false
	fault.Call = func(name string) int32 {
		if name != call || done {
			return 0
		}
		if after--; after >= 0 {
			return 0
		}
		done = true
		return result
	}
	t.Cleanup(func() { fault.Call = nil })
	return func() bool { return done }
}
