//go:build !goexperiment.simd || !amd64

package nn

// simdKernels returns nothing: this build has no SIMD.
func simdKernels() []kernel { return nil }
