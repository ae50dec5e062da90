// Package vulkan steps the worlds of an environment on a GPU, or on any device that Vulkan offers.
//
// [NewVec] is to env.NewVec what a graphics card is to a processor: the same environments, seeds
// and states, and on devices that round as IEEE 754 says the same bits. It knows nothing of any
// environment. The kernels of package shaders/engine are translated from the Go code of the
// physics engine and of each task; this package lays the structs of a world out as that code
// expects them, copies them to the device when an episode begins, and runs the kernels.
package vulkan
