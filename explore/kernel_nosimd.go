//go:build !goexperiment.simd || !amd64

package explore

// kernels returns what the processor can run, the fastest last.
func kernels() []kernel { return []kernel{portable} }
