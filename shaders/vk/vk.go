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
// Without cgo, or where no Vulkan loader or driver is installed, Open returns ErrUnavailable
// with the reason. A Device and what belongs to it are for one goroutine at a time.
//
// The binding frees C copies of its arguments in finalizers that may run during the call
// (measured: 373 corrupted results in 693,737 submissions). Calls that only set things up
// therefore run with the garbage collector switched off for their duration, and everything a
// program does often goes through a few lines of C here. Programs that call runtime.GC or set
// GOMEMLIMIT must not do so while a device is being opened or a kernel made.
package vk

import "errors"

// ErrUnavailable is wrapped by Open when there is no usable Vulkan.
var ErrUnavailable = errors.New("vulkan unavailable")

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
	Range    uint64 // bytes of the largest buffer that a kernel can be bound to
}

// Memory says where a buffer lives.
type Memory uint8

const (
	HostVisible Memory = iota // mapped into the program for its whole life
	DeviceLocal               // fast for kernels, reached by the host through a staging buffer
)

// KernelOptions are the options of NewKernel.
type KernelOptions struct {
	Buffers   int      // storage buffers, bindings 0.. of set 0
	Push      int      // 32-bit words of push constants, at most 32
	Constants []uint32 // values of specialisation constants 0..
	Subgroup  int      // least subgroup size that the kernel works with; 0: any
}
