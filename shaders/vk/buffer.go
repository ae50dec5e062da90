//go:build cgo && (linux || darwin) && (amd64 || arm64)

package vk

import (
	"fmt"
	"slices"
	"unsafe"

	binding "github.com/vulkan-go/vulkan"

	"github.com/terrarium-rl/terrarium/shaders/vk/internal/fault"
)

// A Buffer is memory that kernels read and write.
type Buffer struct {
	d      *Device
	buf    binding.Buffer
	mem    binding.DeviceMemory
	size   int
	mapped unsafe.Pointer
}

// NewBuffer returns a buffer of at least 4 bytes. It belongs to the device and is released with
// it, or before by Free. Errors wrap ErrMemory where there is no room for it.
func (d *Device) NewBuffer(bytes int, m Memory) (*Buffer, error) {
	if bytes < 4 || bytes%4 != 0 {
		return nil, fmt.Errorf("vulkan: buffer of %d bytes, want a positive multiple of 4", bytes)
	}
	if d.dead != nil {
		return nil, d.dead
	}
	if most := d.info.Most(); uint64(bytes) > most {
		return nil, fmt.Errorf("vulkan: %w for %s in one buffer, of which %s allows %s", ErrMemory, size(uint64(bytes)), d.info.Name, size(most))
	}
	b := &Buffer{d: d, size: bytes}
	if err := quiet(func() error { return b.create(m) }); err != nil {
		b.Free()
		return nil, err
	}
	d.owned[b] = true
	return b, nil
}

func (b *Buffer) create(m Memory) error {
	d := b.d
	info := binding.BufferCreateInfo{
		SType: binding.StructureTypeBufferCreateInfo, Size: binding.DeviceSize(b.size),
		Usage: binding.BufferUsageFlags(binding.BufferUsageStorageBufferBit | binding.BufferUsageTransferSrcBit | binding.BufferUsageTransferDstBit),
	}
	var buf binding.Buffer
	what := "a buffer of " + size(uint64(b.size))
	err := d.do("vkCreateBuffer", what, func() binding.Result { return binding.CreateBuffer(d.dev, &info, nil, &buf) })
	info.Free()
	if err != nil {
		return err
	}
	b.buf = buf
	var need binding.MemoryRequirements
	binding.GetBufferMemoryRequirements(d.dev, buf, &need)
	need.Deref()
	defer need.Free()
	kinds := d.memoryTypes(need.MemoryTypeBits, m)
	if len(kinds) == 0 {
		return fmt.Errorf("vulkan: %s has no memory of the kind that is needed", d.info.Name)
	}
	var kind uint32
	for _, kind = range kinds {
		alloc := binding.MemoryAllocateInfo{SType: binding.StructureTypeMemoryAllocateInfo, AllocationSize: need.Size, MemoryTypeIndex: kind}
		var mem binding.DeviceMemory
		err = d.do("vkAllocateMemory", what, func() binding.Result { return binding.AllocateMemory(d.dev, &alloc, nil, &mem) })
		alloc.Free()
		if err == nil {
			b.mem = mem
			break
		}
	}
	if err != nil {
		return err
	}
	if err := d.do("vkBindBufferMemory", what, func() binding.Result { return binding.BindBufferMemory(d.dev, buf, b.mem, 0) }); err != nil {
		return err
	}
	if m == DeviceLocal && (fault.Staged || !d.has(kind, local|host|cached)) {
		return nil
	}
	var p unsafe.Pointer
	err = d.do("vkMapMemory", what, func() binding.Result {
		return binding.MapMemory(d.dev, b.mem, 0, binding.DeviceSize(binding.WholeSize), 0, &p)
	})
	b.mapped = p
	return err
}

const (
	local  = binding.MemoryPropertyFlags(binding.MemoryPropertyDeviceLocalBit)
	host   = binding.MemoryPropertyFlags(binding.MemoryPropertyHostVisibleBit | binding.MemoryPropertyHostCoherentBit)
	cached = binding.MemoryPropertyFlags(binding.MemoryPropertyHostCachedBit)
)

// has reports whether memory type i has all of want.
func (d *Device) has(i uint32, want binding.MemoryPropertyFlags) bool {
	return i < d.memory.MemoryTypeCount && d.memory.MemoryTypes[i].PropertyFlags&want == want
}

// memoryTypes returns the memory types among those that bits allow that m is to be tried in, in order.
//
// Memory of the device is mapped where the host caches it, as it does if it is the host's own (integrated
// GPUs, software). What discrete GPUs let the host see of theirs ("resizable BAR") is good to write to, so
// Upload is there if there is room, but reading it takes a bus transfer a word: results are copied.
func (d *Device) memoryTypes(bits uint32, m Memory) (types []uint32) {
	wishes := []binding.MemoryPropertyFlags{host | cached, host}
	switch m {
	case DeviceLocal:
		wishes = []binding.MemoryPropertyFlags{local | host | cached, local, 0}
	case Upload:
		wishes = []binding.MemoryPropertyFlags{local | host, host}
	}
	for _, want := range wishes {
		for i := range d.memory.MemoryTypeCount {
			if bits&(1<<i) == 0 || !d.has(i, want) || slices.Contains(types, i) {
				continue
			}
			types = append(types, i)
			if m != Upload { // which is somewhere else if the first is full
				return types
			}
			break
		}
	}
	return types
}

// Len returns the size in bytes.
func (b *Buffer) Len() int { return b.size }

// Words returns the memory of a buffer that is mapped, nil for others. It must not be used while
// a submission runs, nor after Free.
func (b *Buffer) Words() []uint32 {
	if b.mapped == nil {
		return nil
	}
	return unsafe.Slice((*uint32)(b.mapped), b.size/4)
}

// Floats is Words, as numbers.
func (b *Buffer) Floats() []float32 {
	if b.mapped == nil {
		return nil
	}
	return unsafe.Slice((*float32)(b.mapped), b.size/4)
}

// Free releases the buffer, if that has not been done.
func (b *Buffer) Free() {
	if b == nil || b.d.hung { // its kernels may still write to it
		return
	}
	if b.buf != nil {
		binding.DestroyBuffer(b.d.dev, b.buf, nil)
	}
	if b.mem != nil {
		binding.FreeMemory(b.d.dev, b.mem, nil)
	}
	b.buf, b.mem, b.mapped = nil, nil, nil
	delete(b.d.owned, b)
}

// mostStaged is how many words are copied at a time.
const mostStaged = 4 << 20

// Upload copies src to the beginning of b.
func (b *Buffer) Upload(src []float32) error {
	if b.buf == nil {
		return errFreed
	}
	if 4*len(src) > b.size {
		return fmt.Errorf("vulkan: %d numbers do not fit a buffer of %d bytes", len(src), b.size)
	}
	if b.mapped != nil {
		copy(b.Floats(), src)
		return nil
	}
	for at := 0; at < len(src); at += mostStaged {
		part := src[at:min(at+mostStaged, len(src))]
		s, err := b.d.staging(len(part))
		if err != nil {
			return err
		}
		copy(s.Floats(), part)
		if err := b.d.transfer(s, 0, b, at, len(part)); err != nil {
			return err
		}
	}
	return nil
}

// Download copies the beginning of b to dst.
func (b *Buffer) Download(dst []float32) error {
	if 4*len(dst) > b.size {
		return fmt.Errorf("vulkan: %d numbers wanted from a buffer of %d bytes", len(dst), b.size)
	}
	for at := 0; at < len(dst); at += mostStaged {
		part := dst[at:min(at+mostStaged, len(dst))]
		w, err := b.View(at, len(part))
		if err != nil {
			return err
		}
		copy(part, unsafe.Slice((*float32)(unsafe.Pointer(&w[0])), len(w)))
	}
	return nil
}

// View returns n words of b from a word on: those themselves if b is mapped, otherwise a copy, which
// holds until the next View, Upload or Download on the device.
func (b *Buffer) View(at, n int) ([]uint32, error) {
	switch {
	case b.buf == nil:
		return nil, errFreed
	case at < 0 || n < 1 || 4*(at+n) > b.size:
		return nil, fmt.Errorf("vulkan: %d words from word %d on of a buffer of %d", n, at, b.size/4)
	case b.mapped != nil:
		return b.Words()[at : at+n], nil
	}
	s, err := b.d.staging(n)
	if err != nil {
		return nil, err
	}
	return s.Words()[:n], b.d.transfer(b, at, s, 0, n)
}

// staging returns memory for n words on their way.
func (d *Device) staging(n int) (*Buffer, error) {
	if d.stage != nil && d.stage.size >= 4*n {
		return d.stage, nil
	}
	if d.stage != nil {
		d.stage.Free()
		d.stage = nil
	}
	s, err := d.NewBuffer(4*n, HostVisible)
	d.stage = s
	return s, err
}

func (d *Device) transfer(src *Buffer, from int, dst *Buffer, to, n int) error {
	c, err := d.Record(func(r *Recorder) { r.CopyPart(src, from, dst, to, n) })
	if err != nil {
		return err
	}
	defer c.Free()
	return c.Run()
}

// A Window is a part of a buffer that the host reads and writes between submissions. It is memory of its
// own, which Load and Save copy, unless the buffer is mapped: then it is the part itself, and there is nothing
// to copy.
type Window struct {
	buf   *Buffer
	at    int
	words int
	stage *Buffer // nil if buf is mapped
}

// NewWindow returns a window on a number of words of b from word at on. Its own memory, if it needs any, is
// of kind m: HostVisible, or Upload for what the host never reads.
func (d *Device) NewWindow(b *Buffer, at, words int, m Memory) (*Window, error) {
	if at < 0 || words < 1 || 4*(at+words) > b.size {
		return nil, fmt.Errorf("vulkan: a window on %d words from word %d on of a buffer of %d", words, at, b.size/4)
	}
	w := &Window{buf: b, at: at, words: words}
	if b.mapped != nil {
		return w, nil
	}
	var err error
	w.stage, err = d.NewBuffer(4*words, m)
	return w, err
}

// Words returns what the host sees.
func (w *Window) Words() []uint32 {
	if w.stage != nil {
		return w.stage.Words()[:w.words]
	}
	return w.buf.Words()[w.at : w.at+w.words]
}

// Floats is Words, as numbers.
func (w *Window) Floats() []float32 {
	if w.stage != nil {
		return w.stage.Floats()[:w.words]
	}
	return w.buf.Floats()[w.at : w.at+w.words]
}

// Free releases the window's own memory.
func (w *Window) Free() {
	if w.stage != nil {
		w.stage.Free()
	}
}

// Load brings what the host wrote to the device, followed by a Barrier.
func (r *Recorder) Load(windows ...*Window) {
	for _, w := range windows {
		if w.stage != nil {
			r.d.copy(r.cmd, w.stage, 0, w.buf, w.at, w.words)
		}
	}
	r.Barrier()
}

// Save brings what kernels wrote, and a Barrier followed, to the host.
func (r *Recorder) Save(windows ...*Window) {
	for _, w := range windows {
		if w.stage != nil {
			r.d.copy(r.cmd, w.buf, w.at, w.stage, 0, w.words)
		}
	}
	r.Barrier()
}
