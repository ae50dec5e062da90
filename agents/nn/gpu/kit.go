package gpu

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/shaders"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

type (
	// Device is the device of package vk. It and the names below are here so that agents need not
	// know where they are from.
	Device = vk.Device
	// Buffer is memory of the device.
	Buffer = vk.Buffer
	// Binding is a kernel with its buffers.
	Binding = vk.Binding
	// Recorder collects dispatches.
	Recorder = vk.Recorder
	// Commands are recorded once and run many times.
	Commands = vk.Commands
)

// Words of the control buffer, which include/learn.glsl explains.
const (
	Stop   = 0
	Steps  = 1
	Epoch  = 2
	Scale  = 3
	Rows   = 4
	Left   = 5
	Drawn  = 6
	Spent  = 7
	Key    = 8
	Chunk  = 10
	Sums   = 12
	Metric = 6 // pairs of Sums

	ControlWords = Sums + 2*Metric
)

// Why a kernel has set word Stop.
const (
	Far = 1 + iota // the policy has moved as far as it may
	BadPolicy
	BadValue
	BadEntropy
	BadGradient
)

// None stands for no bias and no row of ones of a Product.
const None = math.MaxUint32

// A Kit makes kernels, bindings and buffers on a device. The first failure is kept, and makes all that
// follows do nothing: look at Err at the end.
type Kit struct {
	dev     *Device
	kernels map[string]*vk.Kernel
	buffers []*Buffer
	err     error
}

// NewKit returns a kit for a device.
func NewKit(d *Device) *Kit { return &Kit{dev: d, kernels: map[string]*vk.Kernel{}} }

// Err returns the first error.
func (k *Kit) Err() error { return k.err }

// Buffer returns memory of the device for a number of words, at least one, named in errors.
func (k *Kit) Buffer(name string, words int) *Buffer { return k.buffer(name, words, vk.DeviceLocal) }

// A Twin is memory of the device, Dev, with a mirror that the host sees, Host. They are one where the host
// sees the device's memory as its own.
type Twin struct{ Host, Dev *Buffer }

// Twin returns a twin for a number of words, zero at first on the host.
func (k *Kit) Twin(name string, words int) Twin {
	dev := k.Buffer(name, words)
	if dev != nil && dev.Words() != nil {
		clear(dev.Words())
		return Twin{dev, dev}
	}
	return Twin{k.Mapped(name, words), dev}
}

// Load records that what the host wrote comes to the device.
func (t Twin) Load(r *Recorder) {
	if t.Host != t.Dev {
		r.Copy(t.Host, t.Dev, t.Host.Len())
	}
}

// Save records that what kernels wrote comes to the host.
func (t Twin) Save(r *Recorder) {
	if t.Host != t.Dev {
		r.Copy(t.Dev, t.Host, t.Host.Len())
	}
}

// Mapped is Buffer for memory that the host sees, and that is zero at first.
func (k *Kit) Mapped(name string, words int) *Buffer {
	b := k.buffer(name, words, vk.HostVisible)
	if b != nil {
		clear(b.Words())
	}
	return b
}

func (k *Kit) buffer(name string, words int, m vk.Memory) *Buffer {
	if k.err != nil {
		return nil
	}
	words = max(words, 1)
	b, err := k.dev.NewBuffer(4*words, m)
	if err != nil {
		k.err = fmt.Errorf("the %s: %w", name, err)
		return nil
	}
	k.buffers = append(k.buffers, b)
	return b
}

// Bind gives buffers to a kernel of package shaders that takes the given number of push constants.
func (k *Kit) Bind(name string, push int, buffers ...*Buffer) *Binding {
	if k.err != nil {
		return nil
	}
	kernel := k.kernels[name]
	if kernel == nil {
		code, err := shaders.Load(name)
		if err == nil {
			kernel, err = k.dev.NewKernel(code, vk.KernelOptions{Buffers: len(buffers), Push: push})
		}
		if err != nil {
			k.err = fmt.Errorf("kernel %s: %w", name, err)
			return nil
		}
		k.kernels[name] = kernel
	}
	b, err := kernel.Bind(buffers...)
	if err != nil {
		k.err = fmt.Errorf("kernel %s: %w", name, err)
	}
	return b
}

// Record records commands.
func (k *Kit) Record(f func(r *Recorder)) *Commands {
	if k.err != nil {
		return nil
	}
	c, err := k.dev.Record(f)
	k.err = err
	return c
}

// Free releases the buffers. Kernels and commands go with the device.
func (k *Kit) Free() {
	for _, b := range k.buffers {
		b.Free()
	}
	k.buffers = nil
}

// Groups returns how many work groups of 64 invocations suit n pieces of work: kernels go on to further
// pieces by themselves, and every device takes this many.
func Groups(n int) int { return max(1, min((n+63)/64, 32768)) }

// Do dispatches a kernel for n pieces of work, and waits for it before what follows.
func Do(r *Recorder, b *Binding, n int, push ...uint32) {
	r.Dispatch(b, Groups(n), push...)
	r.Barrier()
}

// A Product is the push constants of learn_matmul.comp, which explains them.
type Product struct {
	M, N, K            int
	A, ARow, ACol      int
	B, BRow, BCol      int
	C                  int
	Bias, Ones         uint32
	Mode               int
	Y                  int
	Depth, BlockStride int // Depth 0 is K
}

const productWords = 16

// do dispatches a product.
func (p *Product) do(r *Recorder, b *Binding) {
	depth := p.Depth
	if depth == 0 {
		depth = p.K
	}
	tiles := (p.M + 7) / 8 * ((p.N + 3) / 4) * ((depth + p.K - 1) / p.K)
	u := func(n int) uint32 { return uint32(n) }
	Do(r, b, tiles, u(p.M), u(p.N), u(p.K), u(p.A), u(p.ARow), u(p.ACol), u(p.B), u(p.BRow), u(p.BCol), u(p.C),
		p.Bias, p.Ones, u(p.Mode), u(p.Y), u(depth), u(p.BlockStride))
}
