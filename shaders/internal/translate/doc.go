// Package translate makes compute kernels of Go code: of the physics engine and of the tasks, so
// that a GPU steps worlds by the very code that steps them on a CPU, and a new task runs there
// without a line of GLSL. `make shaders` runs it; a test of package shaders/engine fails when code
// was changed and not translated again.
//
// # What can be translated
//
// Plain functions and methods on numbers of 32 bits, truth values, arrays, structs, pointers,
// slices and strings that are only compared; if, for, range, switch; several results; append to
// a slice that has room, copy, clear. A type uint64 is a pair of words that can be cut and shifted
// by 32. Not: closures, interfaces (but whether one is nil), maps, goroutines, allocation,
// recursion, labels. The math of package geom has twins in GLSL. What cannot be translated is an
// error with its place.
//
// # How
//
// Every world has a memory of words, in which each struct, array and slice has an address; package
// env/vulkan lays it out in the same way. A pointer is an address, and a slice address, length
// and capacity. What is one of a kind in a world, as its physics.World, has an address known here.
// Slices and pointers to types in physicsShared lead to a second memory, which all worlds share and
// no kernel writes. Variables whose address is taken live in the memory of the world, each at an
// address of its own, since nothing recurses. Others are variables of the shader.
//
// Kernels are compiled without optimisation and with every float operation decorated so that it
// may not be contracted. The order of operations is that of Go.
//
// Drivers inline all calls, and compile what results in a time that grows with its square. So a step of
// the physics is cut into kernels (stages); loops are not unrolled; what all worlds share and lies at a
// fixed address is read once, at the beginning of a kernel; and the solver's way for more rows than its
// dense matrix has room for is left out: worlds that need it are left to the host.
//
// Drivers may end a loop before its time: Mesa's software driver does after 65,535 rounds of all
// loops of a kernel together. So behind each loop its condition is checked once more.
package translate
