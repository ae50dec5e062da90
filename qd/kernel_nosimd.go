//go:build !goexperiment.simd || !amd64

package qd

// kernels returns what the processor can run, the fastest last.
func kernels() []func(*[lanes]float32, []float32, []float32, float32) uint8 {
	return []func(*[lanes]float32, []float32, []float32, float32) uint8{distancesGo}
}
