//go:build cgo && (amd64 || arm64)

package vk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	binding "github.com/vulkan-go/vulkan"
)

// errFreed is the misuse of something that was freed, or whose device was closed.
var errFreed = errors.New("vulkan: used after it was freed or its device closed")

// A Buffer is memory that kernels read and write.
type Buffer struct {
	d      *Device
	buf    binding.Buffer
	mem    binding.DeviceMemory
	size   int
	mapped unsafe.Pointer
}

// NewBuffer returns a buffer of at least 4 bytes. It belongs to the device and is released with
// it, or before by Free.
func (d *Device) NewBuffer(bytes int, m Memory) (*Buffer, error) {
	if bytes < 4 || bytes%4 != 0 {
		return nil, fmt.Errorf("vulkan: buffer of %d bytes, want a positive multiple of 4", bytes)
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
	info := binding.BufferCreateInfo{
		SType: binding.StructureTypeBufferCreateInfo, Size: binding.DeviceSize(b.size),
		Usage: binding.BufferUsageFlags(binding.BufferUsageStorageBufferBit | binding.BufferUsageTransferSrcBit | binding.BufferUsageTransferDstBit),
	}
	var buf binding.Buffer
	r := binding.CreateBuffer(b.d.dev, &info, nil, &buf)
	info.Free()
	if err := check("making a buffer", r); err != nil {
		return err
	}
	b.buf = buf
	var need binding.MemoryRequirements
	binding.GetBufferMemoryRequirements(b.d.dev, buf, &need)
	need.Deref()
	defer need.Free()
	kind, ok := b.d.memoryType(need.MemoryTypeBits, m)
	if !ok {
		return fmt.Errorf("vulkan: %s has no memory of the kind that is needed", b.d.info.Name)
	}
	alloc := binding.MemoryAllocateInfo{SType: binding.StructureTypeMemoryAllocateInfo, AllocationSize: need.Size, MemoryTypeIndex: kind}
	var mem binding.DeviceMemory
	r = binding.AllocateMemory(b.d.dev, &alloc, nil, &mem)
	alloc.Free()
	if err := check(fmt.Sprintf("allocating %d bytes", b.size), r); err != nil {
		return err
	}
	b.mem = mem
	if err := check("binding memory", binding.BindBufferMemory(b.d.dev, buf, mem, 0)); err != nil {
		return err
	}
	if m == HostVisible {
		var p unsafe.Pointer
		if err := check("mapping memory", binding.MapMemory(b.d.dev, mem, 0, binding.DeviceSize(binding.WholeSize), 0, &p)); err != nil {
			return err
		}
		b.mapped = p
	}
	return nil
}

// memoryType finds the memory type that suits m best among those that bits allow.
func (d *Device) memoryType(bits uint32, m Memory) (uint32, bool) {
	const (
		local  = binding.MemoryPropertyFlags(binding.MemoryPropertyDeviceLocalBit)
		host   = binding.MemoryPropertyFlags(binding.MemoryPropertyHostVisibleBit | binding.MemoryPropertyHostCoherentBit)
		cached = binding.MemoryPropertyFlags(binding.MemoryPropertyHostCachedBit)
	)
	wishes := []binding.MemoryPropertyFlags{host | cached, host}
	if m == DeviceLocal {
		wishes = []binding.MemoryPropertyFlags{local, 0}
	}
	for _, want := range wishes {
		for i := range d.memory.MemoryTypeCount {
			if bits&(1<<i) != 0 && d.memory.MemoryTypes[i].PropertyFlags&want == want {
				return i, true
			}
		}
	}
	return 0, false
}

// Len returns the size in bytes.
func (b *Buffer) Len() int { return b.size }

// Words returns the memory of a HostVisible buffer, nil for others. It must not be used while
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
	if b.buf != nil {
		binding.DestroyBuffer(b.d.dev, b.buf, nil)
	}
	if b.mem != nil {
		binding.FreeMemory(b.d.dev, b.mem, nil)
	}
	b.buf, b.mem, b.mapped = nil, nil, nil
	delete(b.d.owned, b)
}

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
	s, err := b.d.staging(4 * len(src))
	if err != nil {
		return err
	}
	copy(s.Floats(), src)
	return b.d.transfer(s, b, 4*len(src))
}

// Download copies the beginning of b to dst.
func (b *Buffer) Download(dst []float32) error {
	if b.buf == nil {
		return errFreed
	}
	if 4*len(dst) > b.size {
		return fmt.Errorf("vulkan: %d numbers wanted from a buffer of %d bytes", len(dst), b.size)
	}
	if b.mapped != nil {
		copy(dst, b.Floats())
		return nil
	}
	s, err := b.d.staging(4 * len(dst))
	if err != nil {
		return err
	}
	if err := b.d.transfer(b, s, 4*len(dst)); err != nil {
		return err
	}
	copy(dst, s.Floats())
	return nil
}

func (d *Device) staging(n int) (*Buffer, error) {
	if d.stage != nil && d.stage.size >= n {
		return d.stage, nil
	}
	if d.stage != nil {
		d.stage.Free()
	}
	var err error
	d.stage, err = d.NewBuffer(n, HostVisible)
	return d.stage, err
}

func (d *Device) transfer(src, dst *Buffer, n int) error {
	c, err := d.Record(func(r *Recorder) { r.Copy(src, dst, n) })
	if err != nil {
		return err
	}
	defer c.Free()
	return c.Run()
}

// A Kernel is a compiled compute program.
type Kernel struct {
	d      *Device
	sets   binding.DescriptorSetLayout
	layout binding.PipelineLayout
	pipe   binding.Pipeline
	o      KernelOptions
}

// NewKernel compiles a SPIR-V module whose entry point is main.
func (d *Device) NewKernel(spirv []byte, o KernelOptions) (*Kernel, error) {
	switch {
	case len(spirv) < 20 || len(spirv)%4 != 0 || binary.LittleEndian.Uint32(spirv) != 0x07230203:
		return nil, fmt.Errorf("vulkan: %d bytes that are no SPIR-V module", len(spirv))
	case o.Buffers < 1 || o.Push < 0 || o.Push > 32 || len(o.Constants) > 32:
		return nil, fmt.Errorf("vulkan: kernel of %d buffers, %d push words and %d constants, want at least 1 and at most 32 and 32", o.Buffers, o.Push, len(o.Constants))
	case o.Subgroup > d.info.Subgroup:
		return nil, fmt.Errorf("vulkan: the kernel needs subgroups of %d, %s has %d", o.Subgroup, d.info.Name, d.info.Subgroup)
	}
	k := &Kernel{d: d, o: o}
	return k, quiet(func() error { return k.create(spirv) })
}

func (k *Kernel) create(spirv []byte) error {
	d := k.d
	code := make([]uint32, len(spirv)/4)
	for i := range code {
		code[i] = binary.LittleEndian.Uint32(spirv[4*i:])
	}
	info := binding.ShaderModuleCreateInfo{SType: binding.StructureTypeShaderModuleCreateInfo, CodeSize: uint(len(spirv)), PCode: code}
	var module binding.ShaderModule
	r := binding.CreateShaderModule(d.dev, &info, nil, &module)
	runtime.KeepAlive(code)
	info.Free()
	if err := check("loading a shader", r); err != nil {
		return err
	}
	defer binding.DestroyShaderModule(d.dev, module, nil)
	if err := k.createLayout(); err != nil {
		return err
	}
	pipe, r := d.pipeline(module, k.layout, k.o.Constants)
	if err := check("compiling a kernel", r); err != nil {
		return err
	}
	k.pipe = pipe
	dev := d.dev
	d.onClose(func() { binding.DestroyPipeline(dev, pipe, nil) })
	return nil
}

func (k *Kernel) createLayout() error {
	dev := k.d.dev
	slots := make([]binding.DescriptorSetLayoutBinding, k.o.Buffers)
	for i := range slots {
		slots[i] = binding.DescriptorSetLayoutBinding{
			Binding: uint32(i), DescriptorType: binding.DescriptorTypeStorageBuffer, DescriptorCount: 1,
			StageFlags: binding.ShaderStageFlags(binding.ShaderStageComputeBit),
		}
	}
	info := binding.DescriptorSetLayoutCreateInfo{
		SType: binding.StructureTypeDescriptorSetLayoutCreateInfo, BindingCount: uint32(len(slots)), PBindings: slots,
	}
	var sets binding.DescriptorSetLayout
	r := binding.CreateDescriptorSetLayout(dev, &info, nil, &sets)
	runtime.KeepAlive(&info)
	info.Free()
	if err := check("laying out buffers", r); err != nil {
		return err
	}
	k.sets = sets
	k.d.onClose(func() { binding.DestroyDescriptorSetLayout(dev, sets, nil) })

	layoutInfo := binding.PipelineLayoutCreateInfo{
		SType: binding.StructureTypePipelineLayoutCreateInfo, SetLayoutCount: 1, PSetLayouts: []binding.DescriptorSetLayout{sets},
	}
	if k.o.Push > 0 {
		layoutInfo.PushConstantRangeCount = 1
		layoutInfo.PPushConstantRanges = []binding.PushConstantRange{{
			StageFlags: binding.ShaderStageFlags(binding.ShaderStageComputeBit), Size: uint32(4 * k.o.Push),
		}}
	}
	var layout binding.PipelineLayout
	r = binding.CreatePipelineLayout(dev, &layoutInfo, nil, &layout)
	runtime.KeepAlive(&layoutInfo)
	layoutInfo.Free()
	if err := check("laying out a kernel", r); err != nil {
		return err
	}
	k.layout = layout
	k.d.onClose(func() { binding.DestroyPipelineLayout(dev, layout, nil) })
	return nil
}

// A Binding is a kernel with the buffers it works on.
type Binding struct {
	k   *Kernel
	set binding.DescriptorSet
}

// Bind gives the kernel its buffers, in the order of their bindings.
func (k *Kernel) Bind(buffers ...*Buffer) (*Binding, error) {
	if len(buffers) != k.o.Buffers {
		return nil, fmt.Errorf("vulkan: %d buffers for a kernel of %d", len(buffers), k.o.Buffers)
	}
	b := &Binding{k: k}
	return b, quiet(func() error { return b.create(buffers) })
}

func (b *Binding) create(buffers []*Buffer) error {
	dev := b.k.d.dev
	info := binding.DescriptorPoolCreateInfo{
		SType: binding.StructureTypeDescriptorPoolCreateInfo, MaxSets: 1, PoolSizeCount: 1,
		PPoolSizes: []binding.DescriptorPoolSize{{Type: binding.DescriptorTypeStorageBuffer, DescriptorCount: uint32(len(buffers))}},
	}
	var pool binding.DescriptorPool
	r := binding.CreateDescriptorPool(dev, &info, nil, &pool)
	runtime.KeepAlive(&info)
	info.Free()
	if err := check("making a descriptor pool", r); err != nil {
		return err
	}
	b.k.d.onClose(func() { binding.DestroyDescriptorPool(dev, pool, nil) })
	alloc := binding.DescriptorSetAllocateInfo{
		SType: binding.StructureTypeDescriptorSetAllocateInfo, DescriptorPool: pool, DescriptorSetCount: 1,
		PSetLayouts: []binding.DescriptorSetLayout{b.k.sets},
	}
	var set binding.DescriptorSet
	r = binding.AllocateDescriptorSets(dev, &alloc, &set)
	runtime.KeepAlive(&alloc)
	alloc.Free()
	if err := check("allocating a descriptor set", r); err != nil {
		return err
	}
	b.set = set
	for i, buf := range buffers {
		b.k.d.bind(set, i, buf)
	}
	return nil
}

// maxStamps is the number of time stamps that one recording can hold.
const maxStamps = 32

// A Recorder collects the commands of a submission.
type Recorder struct {
	d      *Device
	cmd    binding.CommandBuffer
	stamps binding.QueryPool
	n      int
	err    error
}

// Dispatch runs the kernel in the given number of work groups, with as many push constants as
// it was made for.
func (r *Recorder) Dispatch(b *Binding, groups int, push ...uint32) {
	if len(push) != b.k.o.Push || groups < 1 {
		r.err = fmt.Errorf("vulkan: dispatch of %d groups with %d push constants, want at least 1 with %d", groups, len(push), b.k.o.Push)
		return
	}
	binding.CmdBindPipeline(r.cmd, binding.PipelineBindPointCompute, b.k.pipe)
	binding.CmdBindDescriptorSets(r.cmd, binding.PipelineBindPointCompute, b.k.layout, 0, 1, []binding.DescriptorSet{b.set}, 0, nil)
	if len(push) > 0 {
		binding.CmdPushConstants(r.cmd, b.k.layout, binding.ShaderStageFlags(binding.ShaderStageComputeBit), 0, uint32(4*len(push)), unsafe.Pointer(&push[0]))
	}
	binding.CmdDispatch(r.cmd, uint32(groups), 1, 1)
}

// Barrier makes what was written before visible to what follows, and to the host.
func (r *Recorder) Barrier() { r.d.barrier(r.cmd) }

// Copy copies the first n bytes of src to dst, followed by a Barrier.
func (r *Recorder) Copy(src, dst *Buffer, n int) {
	if n > src.size || n > dst.size {
		r.err = fmt.Errorf("vulkan: copy of %d bytes between buffers of %d and %d", n, src.size, dst.size)
		return
	}
	r.d.copy(r.cmd, src, dst, n)
	r.Barrier()
}

// Timestamp notes the time at which everything before it is done.
func (r *Recorder) Timestamp() {
	if r.n == maxStamps {
		r.err = fmt.Errorf("vulkan: more than %d time stamps in one recording", maxStamps)
		return
	}
	binding.CmdWriteTimestamp(r.cmd, binding.PipelineStageBottomOfPipeBit, r.stamps, uint32(r.n))
	r.n++
}

// Commands are recorded once and run many times.
type Commands struct {
	d      *Device
	cmd    binding.CommandBuffer
	fence  binding.Fence
	stamps binding.QueryPool
	n      int
}

// Record calls f to record commands.
func (d *Device) Record(f func(*Recorder)) (*Commands, error) {
	c := &Commands{d: d}
	if err := quiet(func() error { return c.record(f) }); err != nil {
		c.Free()
		return nil, err
	}
	d.owned[c] = true
	return c, nil
}

func (c *Commands) record(f func(*Recorder)) error {
	dev := c.d.dev
	alloc := binding.CommandBufferAllocateInfo{
		SType: binding.StructureTypeCommandBufferAllocateInfo, CommandPool: c.d.pool, Level: binding.CommandBufferLevelPrimary, CommandBufferCount: 1,
	}
	buffers := make([]binding.CommandBuffer, 1)
	r := binding.AllocateCommandBuffers(dev, &alloc, buffers)
	alloc.Free()
	if err := check("allocating a command buffer", r); err != nil {
		return err
	}
	c.cmd = buffers[0]
	fenceInfo := binding.FenceCreateInfo{SType: binding.StructureTypeFenceCreateInfo}
	var fence binding.Fence
	r = binding.CreateFence(dev, &fenceInfo, nil, &fence)
	fenceInfo.Free()
	if err := check("making a fence", r); err != nil {
		return err
	}
	c.fence = fence
	queryInfo := binding.QueryPoolCreateInfo{SType: binding.StructureTypeQueryPoolCreateInfo, QueryType: binding.QueryTypeTimestamp, QueryCount: maxStamps}
	var stamps binding.QueryPool
	r = binding.CreateQueryPool(dev, &queryInfo, nil, &stamps)
	queryInfo.Free()
	if err := check("making time stamps", r); err != nil {
		return err
	}
	c.stamps = stamps
	begin := binding.CommandBufferBeginInfo{SType: binding.StructureTypeCommandBufferBeginInfo}
	r = binding.BeginCommandBuffer(c.cmd, &begin)
	begin.Free()
	if err := check("recording", r); err != nil {
		return err
	}
	binding.CmdResetQueryPool(c.cmd, stamps, 0, maxStamps)
	rec := &Recorder{d: c.d, cmd: c.cmd, stamps: stamps}
	f(rec)
	rec.Barrier() // for the host
	c.n = rec.n
	if rec.err != nil {
		return rec.err
	}
	return check("recording", binding.EndCommandBuffer(c.cmd))
}

// Submit starts the commands. Wait before anything else is done with them.
func (c *Commands) Submit() error {
	if c.cmd == nil {
		return errFreed
	}
	return check("submitting", c.d.submit(c.cmd, c.fence))
}

// Wait waits, at most ten minutes, until the last Submit is done.
func (c *Commands) Wait() error { return check("waiting", c.d.wait(c.fence, 600e9)) }

// Run is Submit and Wait.
func (c *Commands) Run() error {
	if err := c.Submit(); err != nil {
		return err
	}
	return c.Wait()
}

// Times returns the seconds between the time stamps of the last run.
func (c *Commands) Times() ([]float64, error) {
	if c.n < 2 {
		return nil, nil
	}
	t := make([]uint64, c.n)
	r := binding.GetQueryPoolResults(c.d.dev, c.stamps, 0, uint32(c.n), uint(8*c.n), unsafe.Pointer(&t[0]), 8,
		binding.QueryResultFlags(binding.QueryResult64Bit|binding.QueryResultWaitBit))
	if err := check("reading time stamps", r); err != nil {
		return nil, err
	}
	times := make([]float64, 0, c.n-1)
	for i := 1; i < c.n; i++ {
		times = append(times, float64(t[i]-t[i-1])*float64(c.d.period)*1e-9)
	}
	return times, nil
}

// Free releases the commands, if that has not been done.
func (c *Commands) Free() {
	if c.cmd != nil {
		binding.FreeCommandBuffers(c.d.dev, c.d.pool, 1, []binding.CommandBuffer{c.cmd})
	}
	if c.fence != nil {
		binding.DestroyFence(c.d.dev, c.fence, nil)
	}
	if c.stamps != nil {
		binding.DestroyQueryPool(c.d.dev, c.stamps, nil)
	}
	c.cmd, c.fence, c.stamps = nil, nil, nil
	delete(c.d.owned, c)
}
