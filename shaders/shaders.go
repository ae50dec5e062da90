// Package shaders holds the compute kernels: GLSL sources beside this file, what they share in
// include/, and the SPIR-V compiled from them in spv/, which is embedded, so that building
// Terrarium needs no shader compiler.
//
// Kernels are exact: every float operation is decorated NoContraction and no optimiser has
// touched them, so that a driver may neither fuse nor reorder. On Mesa's software driver they
// give the same bits as their twins in Go; real GPUs may differ in the last places of division
// and square root. What that makes of a step is tested (TestTolerance of package env/vulkan), with
// divisions and roots as inexact as Vulkan allows; README.md says what else kernels need of a device.
//
// Kernels learn_*.comp are those of a learner, which packages agents/nn/gpu and agents/ppo run: products
// of matrices in tiles of registers, advantages, losses, Adam, shuffling. All their sums have a fixed order;
// what Go adds up in float64 they add up in pairs of floats (include/double.glsl). The first dispatch of
// the slowest of them takes Mesa's software driver 0.16 s, without its cache.
//
// Kernels that step worlds are in engine/. Nobody writes them: internal/translate makes them of the
// Go code of the physics engine and the tasks.
//
// `make shaders` translates and compiles all of them again and brings the manifests up to date. It
// needs glslc and spirv-val. It is due whenever a source here or code that worlds are stepped by was
// changed; tests say so.
package shaders

import (
	"embed"
	"fmt"
)

//go:embed spv/*.spv manifest.json *.comp include/*.glsl
var files embed.FS

// Load returns the SPIR-V of a kernel, such as "philox".
func Load(name string) ([]byte, error) {
	b, err := files.ReadFile("spv/" + name + ".spv")
	if err != nil {
		return nil, fmt.Errorf("shaders: there is no kernel %q", name)
	}
	return b, nil
}
