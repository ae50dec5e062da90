// Package gpu learns where the worlds are: it runs networks and their optimiser on a device, with
// the kernels learn_*.comp of package shaders.
//
// A [Kit] makes kernels and buffers. A [Net] is a multi-layer perceptron whose parameters, rows and
// gradients lie in buffers of the device; an [Optimizer] adds up the gradients of the blocks of a
// minibatch, limits their length and takes steps of Adam. Both record dispatches, which are submitted
// as often as wanted; nothing passes through the CPU in between.
//
// # Exactness
//
// Every sum has a fixed order, that of the kernel "blas" of package nn. So results are the same from
// run to run on one device, and on a device that rounds as IEEE 754 says, as Mesa's software driver
// does, they have the bits of nn.MLP and nn.Adam with that kernel. Where nn computes in float64 (the
// length of a gradient and what metrics are means of), kernels use pairs of float32, good to about 1 in
// 10^14, for numbers whose squares a float32 can hold.
package gpu
