package nn

import (
	"fmt"
	"os"
	"strings"
)

// gemm is the one function type that all heavy arithmetic goes through. It computes
//
//	C[i,j] = C0[i,j] + sum over p of A[i,p] * B[p,j],   i < m, j < n, p < k
//
// with A[i,p] at a[i*ar+p*ac] (so that a transposed A needs no copy; one of ar, ac is 1), B[p,j]
// at b[p*ldb+j] and C[i,j] at c[i*ldc+j]. C0[i,j] is at c0[i*ld0+j]; ld0 of 0 repeats one row, as
// a bias; a nil c0 is zero; c0 may be c itself.
//
// Every kernel adds the products of an element in the order of p, whatever m and n are: a row of
// the result does not depend on the rows beside it.
type gemm func(m, n, k int, a []float32, ar, ac int, b []float32, ldb int, c0 []float32, ld0 int, c []float32, ldc int)

// A kernel is a set of inner loops. All work on the whole of their first slice; the others are
// at least as long.
type kernel struct {
	name     string
	gemm     gemm
	tanh     func(x []float32)    // x = tanh x
	tanhGrad func(g, y []float32) // g *= 1 - y*y
	exp      func(x []float32)    // x = e^x
	relu     func(x []float32)    // x = max(x, 0)
	reluGrad func(g, y []float32) // g = 0 where y is not above 0
	add      func(dst, x []float32)
	adam     func(p, g, m, v []float32, c adamCoef)
}

// blasKernel works on every platform.
var blasKernel = kernel{
	name: "blas", gemm: blasGemm, tanh: tanhGo, tanhGrad: tanhGradGo, exp: expGo,
	relu: reluGo, reluGrad: reluGradGo, add: addGo, adam: adamGo,
}

var (
	kernels           = append(simdKernels(), blasKernel) // what this build and this machine can run, best first
	active, kernelErr = chooseKernel(os.Getenv(kernelVariable))
)

const kernelVariable = "TERRARIUM_KERNEL"

// chooseKernel returns the kernel called name, or the best one and, unless name is empty, an error.
func chooseKernel(name string) (*kernel, error) {
	for i := range kernels {
		if kernels[i].name == name {
			return &kernels[i], nil
		}
	}
	if name == "" {
		return &kernels[0], nil
	}
	return &kernels[0], fmt.Errorf("nn: no kernel %q in this build on this machine; there are %s", name, strings.Join(Kernels(), ", "))
}

// Kernel returns the name of the kernel that networks and optimisers made from now on use:
// "simd512" (AVX-512), "simd256" (AVX2 with FMA) or "blas" (gonum, any platform).
//
// It is the best that the build and the processor offer, unless the environment variable
// TERRARIUM_KERNEL names another of Kernels. The two SIMD kernels are in builds with
// GOEXPERIMENT=simd for amd64 only. They give the same bits as each other. The blas kernel rounds
// differently, so a run repeats exactly only on the same kind: record this name with the run.
func Kernel() string { return active.name }

// Kernels returns the names of the kernels that this build can use on this machine, best first.
func Kernels() []string {
	var names []string
	for _, k := range kernels {
		names = append(names, k.name)
	}
	return names
}

// SetKernel chooses the kernel for networks and optimisers made from now on. It must not be
// called while any are being made.
func SetKernel(name string) error {
	k, err := chooseKernel(name)
	if err == nil {
		active, kernelErr = k, nil
	}
	return err
}

// KernelErr returns an error if the environment variable TERRARIUM_KERNEL names a kernel that is
// not there, so that the best one is used in its place.
func KernelErr() error {
	if kernelErr != nil {
		return fmt.Errorf("%s: %w", kernelVariable, kernelErr)
	}
	return nil
}
