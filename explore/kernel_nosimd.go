//go:build !goexperiment.simd || !amd64

package explore

func bestKernel() kernel { return portable }
