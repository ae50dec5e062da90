// Package fault lets tests see what happens where a driver fails or offers less than the one at hand.
// Programs leave its variables as they are; asking costs them a comparison a call.
package fault

var (
	// Call, if not nil, is asked at each call of the driver that may fail, by its name, what it is to
	// return; 0 leaves that to the driver. Calls that wait are made before, others in place of that.
	Call func(name string) int32

	// Staged makes memory of the device as the host sees it on most discrete GPUs: not at all.
	Staged bool

	// Range, Allocation and Memory, if not 0, are limits of devices that are opened from now on: bytes of
	// a binding, of an allocation, and of the largest heap.
	Range, Allocation, Memory uint64

	// Discrete makes all devices discrete GPUs.
	Discrete bool
)

// At returns what a call is to return, 0 if that is up to the driver.
func At(name string) int32 {
	if Call == nil {
		return 0
	}
	return Call(name)
}
