//go:build !cgo || !(linux || darwin) || !(amd64 || arm64)

package vk

import (
	"fmt"
	"runtime"
	"slices"
)

func unavailable() error {
	if !slices.Contains([]string{"linux", "darwin"}, runtime.GOOS) || !slices.Contains([]string{"amd64", "arm64"}, runtime.GOARCH) {
		return fmt.Errorf("%w: this build for %s/%s has no Vulkan, which takes linux or darwin, amd64 or arm64", ErrUnavailable, runtime.GOOS, runtime.GOARCH)
	}
	return fmt.Errorf("%w: this program was built without cgo (build it with make gpu, or CGO_ENABLED=1, which needs a C compiler)", ErrUnavailable)
}

// A Device is an opened GPU.
type Device struct{}

// Open returns ErrUnavailable in programs without Vulkan.
func Open(Options) (*Device, error) { return nil, unavailable() }

// Devices returns ErrUnavailable in programs without Vulkan.
func Devices() ([]Info, error) { return nil, unavailable() }

// Info describes the device.
func (*Device) Info() Info { return Info{} }

// Close releases the device.
func (*Device) Close() {}

// NewBuffer fails.
func (*Device) NewBuffer(int, Memory) (*Buffer, error) { return nil, unavailable() }

// NewKernel fails.
func (*Device) NewKernel([]byte, KernelOptions) (*Kernel, error) { return nil, unavailable() }

// Record fails.
func (*Device) Record(func(*Recorder)) (*Commands, error) { return nil, unavailable() }

// A Buffer is memory that kernels read and write.
type Buffer struct{}

// Len returns the size in bytes.
func (*Buffer) Len() int { return 0 }

// Words returns the mapped memory.
func (*Buffer) Words() []uint32 { return nil }

// Floats returns the mapped memory.
func (*Buffer) Floats() []float32 { return nil }

// View fails.
func (*Buffer) View(_, _ int) ([]uint32, error) { return nil, unavailable() }

// Upload fails.
func (*Buffer) Upload([]float32) error { return unavailable() }

// Download fails.
func (*Buffer) Download([]float32) error { return unavailable() }

// Free releases the memory.
func (*Buffer) Free() {}

// A Kernel is a compiled compute program.
type Kernel struct{}

// Bind fails.
func (*Kernel) Bind(...*Buffer) (*Binding, error) { return nil, unavailable() }

// A Binding is a kernel with the buffers it works on.
type Binding struct{}

// Free releases the binding.
func (*Binding) Free() {}

// A Window is a part of a buffer that the host reads and writes between submissions.
type Window struct{}

// NewWindow fails.
func (*Device) NewWindow(*Buffer, int, int, Memory) (*Window, error) { return nil, unavailable() }

// Words returns what the host sees.
func (*Window) Words() []uint32 { return nil }

// Floats returns what the host sees.
func (*Window) Floats() []float32 { return nil }

// Free releases the window.
func (*Window) Free() {}

// A Recorder collects the commands of a submission.
type Recorder struct{}

// Dispatch does nothing.
func (*Recorder) Dispatch(*Binding, int, ...uint32) {}

// Barrier does nothing.
func (*Recorder) Barrier() {}

// Copy does nothing.
func (*Recorder) Copy(_, _ *Buffer, _ int) {}

// CopyPart does nothing.
func (*Recorder) CopyPart(*Buffer, int, *Buffer, int, int) {}

// Fill does nothing.
func (*Recorder) Fill(*Buffer, int, int, uint32) {}

// Load does nothing.
func (*Recorder) Load(...*Window) {}

// Save does nothing.
func (*Recorder) Save(...*Window) {}

// Timestamp does nothing.
func (*Recorder) Timestamp() {}

// Commands are recorded once and run many times.
type Commands struct{}

// Submit fails.
func (*Commands) Submit() error { return unavailable() }

// Wait fails.
func (*Commands) Wait() error { return unavailable() }

// Run fails.
func (*Commands) Run() error { return unavailable() }

// Times fails.
func (*Commands) Times() ([]float64, error) { return nil, unavailable() }

// Free releases the commands.
func (*Commands) Free() {}
