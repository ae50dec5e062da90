//go:build cgo && (linux || darwin) && (amd64 || arm64)

package vk

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	binding "github.com/vulkan-go/vulkan"
)

// errFreed is the misuse of something that was freed, or whose device was closed.
var errFreed = errors.New("vulkan: used after it was freed or its device closed")

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
	case o.Buffers < 1 || o.Push < 0 || o.Push > 32 || len(o.Constants) > 32:
		return nil, fmt.Errorf("vulkan: kernel of %d buffers, %d push words and %d constants, want at least 1 and at most 32 and 32", o.Buffers, o.Push, len(o.Constants))
	case o.Subgroup > d.info.Subgroup:
		return nil, fmt.Errorf("vulkan: the kernel needs subgroups of %d, %s has %d", o.Subgroup, d.info.Name, d.info.Subgroup)
	case o.Buffers > d.info.Buffers:
		return nil, fmt.Errorf("vulkan: the kernel needs %d buffers, %s allows %d", o.Buffers, d.info.Name, d.info.Buffers)
	case d.dead != nil:
		return nil, d.dead
	}
	code, group, err := d.floats.prepare(spirv)
	if err != nil {
		return nil, err
	}
	if group > d.info.Group {
		return nil, fmt.Errorf("vulkan: the kernel needs work groups of %d invocations, %s allows %d", group, d.info.Name, d.info.Group)
	}
	k := &Kernel{d: d, o: o}
	if err := quiet(func() error { return k.create(code) }); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *Kernel) create(code []uint32) error {
	d := k.d
	info := binding.ShaderModuleCreateInfo{SType: binding.StructureTypeShaderModuleCreateInfo, CodeSize: uint(4 * len(code)), PCode: code}
	var module binding.ShaderModule
	err := d.do("vkCreateShaderModule", "a kernel", func() binding.Result { return binding.CreateShaderModule(d.dev, &info, nil, &module) })
	runtime.KeepAlive(code)
	info.Free()
	if err != nil {
		return err
	}
	defer binding.DestroyShaderModule(d.dev, module, nil)
	if err := k.createLayout(); err != nil {
		return err
	}
	var pipe binding.Pipeline
	err = d.do("vkCreateComputePipelines", "compiling a kernel", func() (r binding.Result) {
		pipe, r = d.pipeline(module, k.layout, k.o.Constants)
		return r
	})
	if err != nil {
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
	err := k.d.do("vkCreateDescriptorSetLayout", "a kernel's buffers", func() binding.Result { return binding.CreateDescriptorSetLayout(dev, &info, nil, &sets) })
	runtime.KeepAlive(&info)
	info.Free()
	if err != nil {
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
	err = k.d.do("vkCreatePipelineLayout", "a kernel", func() binding.Result { return binding.CreatePipelineLayout(dev, &layoutInfo, nil, &layout) })
	runtime.KeepAlive(&layoutInfo)
	layoutInfo.Free()
	if err != nil {
		return err
	}
	k.layout = layout
	k.d.onClose(func() { binding.DestroyPipelineLayout(dev, layout, nil) })
	return nil
}

// A Binding is a kernel with the buffers it works on.
type Binding struct {
	k    *Kernel
	pool binding.DescriptorPool
	set  binding.DescriptorSet
}

// Bind gives the kernel its buffers, in the order of their bindings.
func (k *Kernel) Bind(buffers ...*Buffer) (*Binding, error) {
	if len(buffers) != k.o.Buffers {
		return nil, fmt.Errorf("vulkan: %d buffers for a kernel of %d", len(buffers), k.o.Buffers)
	}
	if k.d.dead != nil {
		return nil, k.d.dead
	}
	b := &Binding{k: k}
	if err := quiet(func() error { return b.create(buffers) }); err != nil {
		b.Free()
		return nil, err
	}
	k.d.owned[b] = true
	return b, nil
}

func (b *Binding) create(buffers []*Buffer) error {
	d := b.k.d
	info := binding.DescriptorPoolCreateInfo{
		SType: binding.StructureTypeDescriptorPoolCreateInfo, MaxSets: 1, PoolSizeCount: 1,
		PPoolSizes: []binding.DescriptorPoolSize{{Type: binding.DescriptorTypeStorageBuffer, DescriptorCount: uint32(len(buffers))}},
	}
	var pool binding.DescriptorPool
	err := d.do("vkCreateDescriptorPool", "binding a kernel", func() binding.Result { return binding.CreateDescriptorPool(d.dev, &info, nil, &pool) })
	runtime.KeepAlive(&info)
	info.Free()
	if err != nil {
		return err
	}
	b.pool = pool
	alloc := binding.DescriptorSetAllocateInfo{
		SType: binding.StructureTypeDescriptorSetAllocateInfo, DescriptorPool: pool, DescriptorSetCount: 1,
		PSetLayouts: []binding.DescriptorSetLayout{b.k.sets},
	}
	var set binding.DescriptorSet
	err = d.do("vkAllocateDescriptorSets", "binding a kernel", func() binding.Result { return binding.AllocateDescriptorSets(d.dev, &alloc, &set) })
	runtime.KeepAlive(&alloc)
	alloc.Free()
	if err != nil {
		return err
	}
	b.set = set
	for i, buf := range buffers {
		d.bind(set, i, buf)
	}
	return nil
}

// Free releases the binding, if that has not been done. Commands that dispatch it must not run any more.
func (b *Binding) Free() {
	if b == nil || b.k.d.hung {
		return
	}
	d := b.k.d
	if b.pool != nil {
		binding.DestroyDescriptorPool(d.dev, b.pool, nil)
	}
	b.pool, b.set = nil, nil
	delete(d.owned, b)
}

// maxStamps is the number of time stamps that one recording can hold.
const maxStamps = 128

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
	if n > src.size || n > dst.size || n%4 != 0 {
		r.err = fmt.Errorf("vulkan: copy of %d bytes between buffers of %d and %d", n, src.size, dst.size)
		return
	}
	r.CopyPart(src, 0, dst, 0, n/4)
}

// CopyPart copies n words of src from word from on to dst from word to on, followed by a Barrier.
func (r *Recorder) CopyPart(src *Buffer, from int, dst *Buffer, to, n int) {
	if n < 1 || from < 0 || to < 0 || 4*(from+n) > src.size || 4*(to+n) > dst.size {
		r.err = fmt.Errorf("vulkan: copy of %d words from %d of %d to %d of %d", n, from, src.size/4, to, dst.size/4)
		return
	}
	r.d.copy(r.cmd, src, from, dst, to, n)
	r.Barrier()
}

// Fill sets n words of b from word at on to w, followed by a Barrier.
func (r *Recorder) Fill(b *Buffer, at, n int, w uint32) {
	if n < 1 || at < 0 || 4*(at+n) > b.size {
		r.err = fmt.Errorf("vulkan: filling %d words from %d of %d", n, at, b.size/4)
		return
	}
	binding.CmdFillBuffer(r.cmd, b.buf, binding.DeviceSize(4*at), binding.DeviceSize(4*n), w)
	r.Barrier()
}

// Timestamp notes the time at which everything before it is done.
func (r *Recorder) Timestamp() {
	if r.d.ticks == 0 {
		return // the device has no clock
	}
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
	if d.dead != nil {
		return nil, d.dead
	}
	c := &Commands{d: d}
	if err := quiet(func() error { return c.record(f) }); err != nil {
		c.Free()
		return nil, err
	}
	d.owned[c] = true
	return c, nil
}

func (c *Commands) record(f func(*Recorder)) error {
	if err := c.create(); err != nil {
		return err
	}
	begin := binding.CommandBufferBeginInfo{SType: binding.StructureTypeCommandBufferBeginInfo}
	err := c.d.do("vkBeginCommandBuffer", "recording", func() binding.Result { return binding.BeginCommandBuffer(c.cmd, &begin) })
	begin.Free()
	if err != nil {
		return err
	}
	binding.CmdResetQueryPool(c.cmd, c.stamps, 0, maxStamps)
	rec := &Recorder{d: c.d, cmd: c.cmd, stamps: c.stamps}
	f(rec)
	rec.Barrier() // for the host
	c.n = rec.n
	if rec.err != nil {
		return rec.err
	}
	return c.d.do("vkEndCommandBuffer", "recording", func() binding.Result { return binding.EndCommandBuffer(c.cmd) })
}

// create makes what a recording needs.
func (c *Commands) create() error {
	d, what := c.d, "recording"
	alloc := binding.CommandBufferAllocateInfo{
		SType: binding.StructureTypeCommandBufferAllocateInfo, CommandPool: d.pool, Level: binding.CommandBufferLevelPrimary, CommandBufferCount: 1,
	}
	buffers := make([]binding.CommandBuffer, 1)
	err := d.do("vkAllocateCommandBuffers", what, func() binding.Result { return binding.AllocateCommandBuffers(d.dev, &alloc, buffers) })
	alloc.Free()
	if err != nil {
		return err
	}
	c.cmd = buffers[0]
	fenceInfo := binding.FenceCreateInfo{SType: binding.StructureTypeFenceCreateInfo}
	var fence binding.Fence
	err = d.do("vkCreateFence", what, func() binding.Result { return binding.CreateFence(d.dev, &fenceInfo, nil, &fence) })
	fenceInfo.Free()
	if err != nil {
		return err
	}
	c.fence = fence
	queryInfo := binding.QueryPoolCreateInfo{SType: binding.StructureTypeQueryPoolCreateInfo, QueryType: binding.QueryTypeTimestamp, QueryCount: maxStamps}
	var stamps binding.QueryPool
	err = d.do("vkCreateQueryPool", what, func() binding.Result { return binding.CreateQueryPool(d.dev, &queryInfo, nil, &stamps) })
	queryInfo.Free()
	c.stamps = stamps
	return err
}

// Submit starts the commands. Wait before anything else is done with them.
func (c *Commands) Submit() error {
	switch {
	case c.d.dead != nil:
		return c.d.dead
	case c.cmd == nil:
		return errFreed
	}
	if r := c.d.submit(c.cmd, c.fence); r != binding.Success {
		return c.d.check("vkQueueSubmit", "starting work", r)
	}
	return nil
}

// patience is how long Wait waits: longer than any submission takes that this module makes, on a slow
// processor that pretends to be a GPU.
const patience = 10 * time.Minute

// Wait waits, at most ten minutes, until the last Submit is done. What takes longer is taken for a
// device that hangs: the error wraps ErrLost.
func (c *Commands) Wait() error {
	if c.d.dead != nil {
		return c.d.dead
	}
	if r := c.d.wait(c.fence, uint64(patience)); r != binding.Success {
		return c.d.check("vkWaitForFences", "waiting for the end of work", r)
	}
	return nil
}

// Run is Submit and Wait.
func (c *Commands) Run() error {
	if err := c.Submit(); err != nil {
		return err
	}
	return c.Wait()
}

// Times returns the seconds between the time stamps of the last run, nothing on a device without a clock.
func (c *Commands) Times() ([]float64, error) {
	if c.n < 2 {
		return nil, nil
	}
	t := make([]uint64, c.n)
	err := c.d.do("vkGetQueryPoolResults", "reading time stamps", func() binding.Result {
		return binding.GetQueryPoolResults(c.d.dev, c.stamps, 0, uint32(c.n), uint(8*c.n), unsafe.Pointer(&t[0]), 8,
			binding.QueryResultFlags(binding.QueryResult64Bit|binding.QueryResultWaitBit))
	})
	if err != nil {
		return nil, err
	}
	times := make([]float64, 0, c.n-1)
	for i := 1; i < c.n; i++ {
		times = append(times, float64((t[i]-t[i-1])&c.d.ticks)*float64(c.d.period)*1e-9) // the rest of the bits is of no meaning
	}
	return times, nil
}

// Free releases the commands, if that has not been done.
func (c *Commands) Free() {
	if c == nil || c.d.hung { // they may still run
		return
	}
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
