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
// round divisions and square roots otherwise, by 2.5 units in the last place and more: their worlds are within
// a tolerance of Go's after a step, and the same from run to run; README.md says which, and how to check a device.
//
// # Rollouts
//
// The Vec is an env.Roller: acting, stepping and recording of many steps in one submission. Worlds
// keep their own time; the CPU prepares the next two beginnings of episodes of each, on all goroutines that
// env.VecOptions allows, and a submission is repeated until all worlds are done. Policies are perceptrons as in package
// agents/nn, with the arithmetic of its kernel "blas". Methods Device and Keep are for those who work
// on the device with what was recorded, as package agents/ppo does. Method Watch is for those who show how far rollouts
// are, or end them early.
//
// # Memory
//
// Word a of world i is at a*worlds+i, so that neighbouring worlds, which neighbouring threads step,
// lie beside each other.
//
// Worlds, recordings and what policies and learners hold lie in the device's own memory. What the host reads
// and writes are copies in memory that it sees: actions, observations, facts, ends and two words of each
// world a step; whole worlds when episodes begin or states are saved, many at a time, put where they belong by
// a kernel (shaders/columns.comp); rewards and ends of a rollout, and the rest of what Roll returns. Where the
// host sees the device's memory as its own (integrated GPUs, Mesa's software driver), which the driver tells,
// nothing is copied. With "resizable BAR", what the host writes in order lies on the device at once;
// what it reads is copied, because reading over the bus takes long.
//
// A state is a small part of what a world needs during a step: of a lander, 5 of 36 kB. If memory or the
// largest buffer do not hold all worlds as they are stepped, they are in slices, whose states take turns in
// the memory that kernels work in, by copies on the device. Results do not depend on that. Rollouts
// keep two beginnings of episodes a world beside its state; if they cannot be recorded whole, Roll takes them in parts.
//
// Worlds may have different scenes, as those of sandbox-v0 with several rooms do: an env.MultiScene. A table
// holds what is fixed, scene after scene; a world notes where that of its scene begins, and has room for the
// largest. So worlds of all scenes are stepped by the same dispatch, none waits for others of its scene,
// and which worlds there are beside it does not matter to one. On a GPU, neighbours of different scenes take turns
// where their loops differ in length. Where there is one scene only, a constant of the kernels says so, and
// what all worlds share is read once for all.
//
// One thread steps one world. README.md says what one thread a body or pair would gain, as measured.
//
// # Kernels
//
// A step of the physics is 13 kernels, so that none is large. Each world knows which kernel it needs next,
// and others leave it alone. Three of them, which solve for the impulses, take in contacts that turn out
// to be needed and solve again, are run twice; a world that needs them more often is finished by submitting
// the step once more.
//
// The host checks that every world comes to the end of its step, that no kernel came to where Go code
// panics, and that observations and facts are finite: errors name the world. It does a step of a world again
// on the CPU where a driver ended a loop before its time, and where there were more than 48 rows
// (a contact has two, a motor or limit one), for which kernels do not solve: right, but slow. Only rooms
// of the sandbox with many bodies in touch can come to that; those that come with it did not in tests.
//
// # Limits
//
// Memory limits the number of worlds: Fits tells it, and `terrarium doctor` for landers. What finds no room, or
// what Keep cannot record in one buffer, is an error that wraps vk.ErrMemory and says how much would do. Once the
// device is lost, or a submission has not ended after ten minutes, all methods return an error that wraps
// vk.ErrLost; the states that AppendState could not save are empty, and Err says why.
//
// Mesa's software driver compiles a kernel when
// it first runs, in less than 2 s of one core each (the benchmark FirstDispatch measures it), and keeps
// the result in ~/.cache/mesa_shader_cache. Software devices are for tests: they are slower than the
// engine "go". All environments of the program have kernels; those of other people are refused with
// ErrUnsupported.
package vulkan
