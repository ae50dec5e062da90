// Package vulkan steps the worlds of an environment on a GPU, or on any device that Vulkan offers.
// Programs that import it for its effect can use the engine "vulkan", or "vulkan:DEVICE", wherever
// an engine is named; DEVICE is a kind, such as "software", or a part of a name.
//
//	v, err := env.NewVec(c, env.VecOptions{Worlds: 4096, Engine: "vulkan"})
//
// It knows nothing of any environment. The kernels of package shaders/engine are translated from
// the Go code of the physics engine and of each task; this package lays the structs of a world out
// as that code expects them, copies them to the device when an episode begins, and runs the
// kernels. So an environment gives the same bits here as in Go, on devices that round as IEEE 754
// says: Mesa's software driver does, and tests compare 1000 steps of every environment there. GPUs may
// round divisions and square roots differently, by up to 2.5 units in the last place.
//
// # Rollouts
//
// The Vec is an env.Roller: acting, stepping and recording of many steps in one submission. Worlds
// keep their own time; the CPU prepares the next two beginnings of episodes of each, and a
// submission is repeated until all worlds are done. Policies are perceptrons as in package
// agents/nn, with the arithmetic of its kernel "blas". Methods Device and Keep are for those who work
// on on the device with what was recorded, as package agents/ppo does.
//
// # Memory
//
// Word a of world i is at a*worlds+i, so that neighbouring worlds, which neighbouring threads step,
// lie beside each other. One thread steps one world.
//
// # Limits
//
// All worlds lie in one buffer, whose size drivers limit: on Mesa's software driver, 128 MiB are
// about 3,700 worlds of lander-v0 and 2,400 of walker-v0. Drivers compile a kernel when it first
// runs, which for the physics takes Mesa's about a minute of one core, once; it keeps the result in
// ~/.cache/mesa_shader_cache. Software devices are for tests: they are slower than the engine "go".
package vulkan
