// Package fault lets tests see what happens where a driver fails or offers less than the one at hand.
// Programs leave its variables as they are; asking costs them a comparison a call.
package fault

// Call is asked, unless it is nil, at each call of the driver that may fail, by its name, what it is to
// return; 0 leaves that to the driver. Calls that wait are made before, others in place of that.
var Call func(name string) int32

// Staged makes memory of the device as the host sees it on most discrete GPUs: not at all.
var Staged bool

// Discrete makes all devices discrete GPUs.
var Discrete bool

// Rough makes divisions and square roots of kernels that are made from now on as inexact as Vulkan allows.
var Rough bool

// Limits of devices that are opened from now on, if not 0.
var (
	Range      uint64 // bytes of a binding
	Allocation uint64 // bytes of an allocation
	Memory     uint64 // bytes of the largest heap
)

// At returns what a call is to return, 0 if that is up to the driver.
func At(name string) int32 {
	if Call == nil {
		return 0
	}
	return Call(name)
}
