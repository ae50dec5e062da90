// Package vk runs compute kernels on any vendor's GPU through Vulkan: a thin host that opens a
// device, holds buffers and records dispatches. It is the only package that imports the binding
// github.com/vulkan-go/vulkan, none of whose types appear here, so that it can be replaced.
//
//	dev, err := vk.Open(vk.Options{})                 // errors.Is(err, vk.ErrUnavailable): no GPU
//	x, err := dev.NewBuffer(4*n, vk.HostVisible)
//	k, err := dev.NewKernel(spirv, vk.KernelOptions{Buffers: 1, Push: 2})
//	bound, err := k.Bind(x)
//	run, err := dev.Record(func(r *vk.Recorder) { r.Dispatch(bound, groups, uint32(n), 7) })
//	err = run.Run()
//
// Kernels are told to keep subnormal numbers, signed zeros, infinities and NaN, and to round to the nearest even
// number, each where the driver can promise it (Vulkan 1.2): Info.Floats lists what. Sums and products are then
// those of Go; divisions and square roots Vulkan leaves a few units of the last place.
//
// It is supported on Linux and, through MoltenVK, macOS, on amd64 and arm64, in programs built with cgo. In others,
// such as those for Windows, and where no Vulkan loader or driver is installed, Open returns ErrUnavailable
// with the reason. A Device and what belongs to it are for one goroutine at a time.
//
// The binding frees C copies of its arguments in finalizers that may run during the call
// (measured: 373 corrupted results in 693,737 submissions). Calls that only set things up
// therefore run with the garbage collector switched off for their duration, and everything a
// program does often goes through a few lines of C here. Programs that call runtime.GC or set
// GOMEMLIMIT must not do so while a device is being opened or a kernel made.
package vk

import (
	"errors"
	"fmt"
)

// ErrUnavailable is wrapped by Open when there is no usable Vulkan.
var ErrUnavailable = errors.New("vulkan unavailable")

// ErrLost is wrapped by what fails because the device is lost or does not come to an end. All that is
// done with it from then on fails, but for Close.
var ErrLost = errors.New("the device is lost")

// ErrMemory is wrapped by what fails for want of memory, or would go beyond a limit of the device.
var ErrMemory = errors.New("not enough memory")

// ErrNoLayer is wrapped by Open where Options.Validate asks for a layer that is not installed.
var ErrNoLayer = errors.New("vulkan: the validation layer is not installed (on Debian and Ubuntu: vulkan-validationlayers)")

// Kind says what a device is made of.
type Kind uint8

const (
	Other      Kind = iota
	Integrated      // a GPU that shares the memory of the CPU
	Discrete        // a GPU with memory of its own
	Virtual         // a GPU seen through a virtual machine
	Software        // a CPU that pretends
)

// String returns the name of k.
func (k Kind) String() string {
	return [...]string{"other", "integrated", "discrete", "virtual", "software"}[k]
}

// Options are the options of Open. The zero value opens the best GPU.
type Options struct {
	// Device chooses among several: a kind ("discrete", "integrated", "software") or a part of
	// a name. A software device is opened only if asked for in this way.
	Device string

	// CacheFile keeps compiled kernels between runs. The default is not to.
	CacheFile string

	// Validate switches the Khronos validation layer on, if it is installed; what it finds
	// is printed to standard output by the layer.
	Validate bool
}

// Info describes a device.
type Info struct {
	Name     string
	Driver   string // name and version, such as "llvmpipe Mesa 22.3.6 (LLVM 15.0.6)"
	Kind     Kind
	API      string // Vulkan version, such as "1.3.230"
	Subgroup int    // invocations a subgroup
	Memory   uint64 // bytes of the largest device-local heap

	Buffers int    // that a kernel can have
	Group   int    // invocations that a work group can have
	Floats  string // what kernels are promised of float32 arithmetic: sums and products are exact on all devices but for this

	Range      uint64 // bytes of the largest buffer that a kernel can be bound to
	Allocation uint64 // bytes of the largest allocation, 0 if the driver does not say
	Mapped     bool   // the host reads and writes the memory of the device as its own
}

// Most returns the bytes of the largest buffer.
func (i Info) Most() uint64 {
	if i.Allocation == 0 {
		return i.Range
	}
	return min(i.Range, i.Allocation)
}

// Memory says where a buffer lives.
type Memory uint8

const (
	HostVisible Memory = iota // mapped: the host reads and writes it, kernels reach it over a bus
	DeviceLocal               // fast for kernels; mapped only where the host reaches it as its own, see Info.Mapped
	Upload                    // mapped: the host writes it in order and never reads it, kernels read it once
)

// size returns a number of bytes in words.
func size(bytes uint64) string {
	switch {
	case bytes < 1<<14:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// KernelOptions are the options of NewKernel.
type KernelOptions struct {
	Buffers   int      // storage buffers, bindings 0.. of set 0
	Push      int      // 32-bit words of push constants, at most 32
	Constants []uint32 // values of specialisation constants 0..
	Subgroup  int      // least subgroup size that the kernel works with; 0: any
}
