//go:build cgo && (linux || darwin) && (amd64 || arm64)

package vk

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The binding opens "libvulkan.so", which only development packages have; this opens the
// loader that users have and keeps its reason when there is none.
static void *vk_load(const char *name, char *why, size_t most) {
	void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	void *f = lib ? dlsym(lib, "vkGetInstanceProcAddr") : 0;
	if (!f) { strncpy(why, dlerror(), most - 1); why[most - 1] = 0; } // the next call frees it
	if (!f && lib) dlclose(lib);
	return f;
}

typedef void *(*get_proc)(void *, const char *);

// What a program does often, and what takes slices of structures, which the binding would free
// too early. The structures are those of vulkan_core.h on 64-bit machines.
typedef struct { uint32_t type; const void *next; } head;
typedef struct { head h; uint32_t waits; const void *wait, *masks; uint32_t commands; void *const *command; uint32_t signals; const void *signal; } submit_info;
typedef struct { head h; uint32_t src, dst; } memory_barrier;
typedef struct { uint64_t src, dst, size; } buffer_copy;
typedef struct { void *buffer; uint64_t offset, range; } buffer_info;
typedef struct { head h; void *set; uint32_t binding, element, count, kind; const void *image; const buffer_info *buffer; const void *texel; } write_set;
typedef struct { uint32_t id, offset; size_t size; } map_entry;
typedef struct { uint32_t entries; const map_entry *entry; size_t size; const void *data; } special_info;
typedef struct { head h; uint32_t flags, stage; void *module; const char *name; const special_info *special; } stage_info;
typedef struct { head h; uint32_t flags; stage_info stage; void *layout, *base; int32_t index; } pipeline_info;

typedef struct {
	int32_t (*submit)(void *, uint32_t, const submit_info *, void *);
	int32_t (*wait)(void *, uint32_t, void *const *, uint32_t, uint64_t);
	int32_t (*reset)(void *, uint32_t, void *const *);
	int32_t (*pipelines)(void *, void *, uint32_t, const pipeline_info *, const void *, void **);
	void (*update)(void *, uint32_t, const write_set *, uint32_t, const void *);
	void (*barrier)(void *, uint32_t, uint32_t, uint32_t, uint32_t, const memory_barrier *, uint32_t, const void *, uint32_t, const void *);
	void (*copy)(void *, void *, void *, uint32_t, const buffer_copy *);
	void (*properties)(void *, void *);
} calls;

static int vk_resolve(calls *c, void *get, void *instance) {
	get_proc g = (get_proc)get;
	c->submit = g(instance, "vkQueueSubmit");
	c->wait = g(instance, "vkWaitForFences");
	c->reset = g(instance, "vkResetFences");
	c->pipelines = g(instance, "vkCreateComputePipelines");
	c->update = g(instance, "vkUpdateDescriptorSets");
	c->barrier = g(instance, "vkCmdPipelineBarrier");
	c->copy = g(instance, "vkCmdCopyBuffer");
	c->properties = g(instance, "vkGetPhysicalDeviceProperties2"); // since Vulkan 1.1
	return c->submit && c->wait && c->reset && c->pipelines && c->update && c->barrier && c->copy;
}

static int32_t vk_submit(calls *c, void *queue, void *command, void *fence) {
	submit_info s = {{4, 0}, 0, 0, 0, 1, &command, 0, 0};
	return c->submit(queue, 1, &s, fence);
}

static int32_t vk_wait(calls *c, void *device, void *fence, uint64_t ns) {
	int32_t r = c->wait(device, 1, &fence, 1, ns);
	return r ? r : c->reset(device, 1, &fence);
}

static int32_t vk_pipeline(calls *c, void *device, void *cache, void *module, void *layout, uint32_t n, const uint32_t *values, void **out) {
	map_entry entries[32];
	for (uint32_t i = 0; i < n; i++) entries[i] = (map_entry){i, 4 * i, 4};
	special_info special = {n, entries, 4 * n, values};
	pipeline_info p = {{29, 0}, 0, {{18, 0}, 0, 0x20, module, "main", &special}, layout, 0, -1};
	return c->pipelines(device, cache, 1, &p, 0, out);
}

static void vk_bind(calls *c, void *device, void *set, uint32_t binding, void *buffer) {
	buffer_info b = {buffer, 0, ~0ull};
	write_set w = {{35, 0}, set, binding, 0, 1, 7, 0, &b, 0};
	c->update(device, 1, &w, 0, 0);
}

// Orders what shaders and copies wrote before what shaders, copies and the host read.
static void vk_barrier(calls *c, void *command) {
	memory_barrier m = {{46, 0}, 0x40 | 0x1000, 0x20 | 0x40 | 0x800 | 0x1000 | 0x2000};
	c->barrier(command, 0x800 | 0x1000, 0x800 | 0x1000 | 0x4000, 0, 1, &m, 0, 0, 0, 0);
}

static void vk_copy(calls *c, void *command, void *src, uint64_t from, void *dst, uint64_t to, uint64_t size) {
	buffer_copy b = {from, to, size};
	c->copy(command, src, dst, 1, &b);
}

// Properties that Vulkan 1.1 and 1.2 added, unknown to the binding.
typedef struct { head h; uint32_t size, stages, operations, quad; } subgroup;
typedef struct { head h; uint32_t id; char name[256], info[256]; uint8_t conformance[4]; } driver;
typedef struct { head h; uint32_t sets; uint64_t allocation; } maintenance3;
typedef struct { head h; uint32_t independence[2], special[3], denormals[3], flush[3], nearest[3], zero[3]; } float_controls; // of 16, 32, 64 bits
typedef struct { head h; char properties[1024]; } properties2;

static uint32_t vk_describe(calls *c, void *physical, char *name, char *info, uint64_t *allocation, uint32_t floats[3]) {
	float_controls f = {{1000197000, 0}};
	maintenance3 m = {{1000168000, &f}};
	driver d = {{1000196000, &m}};
	subgroup s = {{1000094000, &d}};
	properties2 p = {{1000059001, &s}};
	if (!c->properties) return 0;
	c->properties(physical, &p);
	memcpy(name, d.name, 256);
	memcpy(info, d.info, 256);
	*allocation = m.allocation;
	floats[0] = f.special[1], floats[1] = f.denormals[1], floats[2] = f.nearest[1];
	return s.size;
}
*/
import "C"

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"unsafe"

	binding "github.com/vulkan-go/vulkan"

	"github.com/terrarium-rl/terrarium/shaders/vk/internal/fault"
)

var loader struct {
	sync.Mutex
	get unsafe.Pointer // vkGetInstanceProcAddr
}

// load opens the Vulkan loader, once a program.
func load() error {
	loader.Lock()
	defer loader.Unlock()
	if loader.get != nil {
		return nil
	}
	var why []string
	for _, name := range []string{"libvulkan.so.1", "libvulkan.1.dylib", "libMoltenVK.dylib"} {
		c := C.CString(name)
		var msg [512]C.char
		f := C.vk_load(c, &msg[0], C.size_t(len(msg)))
		C.free(unsafe.Pointer(c))
		if f != nil {
			binding.SetGetInstanceProcAddr(f)
			if err := binding.Init(); err != nil {
				return fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			loader.get = f
			return nil
		}
		why = append(why, C.GoString(&msg[0]))
	}
	return fmt.Errorf("%w: there is no Vulkan loader (%s); install the GPU's driver and, on Debian and Ubuntu, libvulkan1", ErrUnavailable, why[0])
}

var collector sync.Mutex

// quiet runs f with the garbage collector off. Switching it off waits for a collection that is
// marking, and objects made while one sweeps are safe, so that no finalizer of an argument of a
// call within f can run before the call returns.
func quiet(f func() error) error {
	collector.Lock()
	defer collector.Unlock()
	old := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(old)
	return f()
}

// do makes a call of the driver, unless a test pretends that it fails.
func (d *Device) do(call, what string, f func() binding.Result) error {
	r := binding.Result(fault.At(call))
	if r == binding.Success {
		r = f()
	}
	return d.check(call, what, r)
}

// check makes an error of the result of a call.
func (d *Device) check(call, what string, r binding.Result) error {
	if r == binding.Success {
		return nil
	}
	where := fmt.Sprintf("vulkan: %s (%s)", what, call)
	if d.info.Name != "" {
		where += " on " + d.info.Name
	}
	switch r {
	case binding.ErrorDeviceLost:
		d.dead = fmt.Errorf("%s: %w: its driver crashed or reset it, as systems do if work takes long; see the system's log (dmesg), use fewer worlds or shorter rollouts, and start again", where, ErrLost)
		return d.dead
	case binding.Timeout:
		d.hung = true
		d.dead = fmt.Errorf("%s: not done after %v: %w or hangs; see the system's log (dmesg), use fewer worlds or shorter rollouts, and start again", where, patience, ErrLost)
		return d.dead
	case binding.ErrorOutOfDeviceMemory:
		return fmt.Errorf("%s: %w on the device, which has %s in all: use fewer worlds or shorter rollouts, or end other programs that use it", where, ErrMemory, size(d.info.Memory))
	case binding.ErrorOutOfHostMemory:
		return fmt.Errorf("%s: %w on the host: use fewer worlds or shorter rollouts, or end other programs", where, ErrMemory)
	}
	return fmt.Errorf("%s: %w", where, binding.Error(r))
}

func (d *Device) resolve(instance binding.Instance) error {
	d.calls = (*C.calls)(C.calloc(1, C.size_t(unsafe.Sizeof(C.calls{}))))
	d.onClose(func() { C.free(unsafe.Pointer(d.calls)) })
	if C.vk_resolve(d.calls, loader.get, unsafe.Pointer(instance)) == 0 {
		return fmt.Errorf("%w: the loader lacks functions of Vulkan 1.0", ErrUnavailable)
	}
	return nil
}

// describe notes subgroup size and driver of a physical device, its largest allocation and, if it has
// Vulkan 1.2, what can be asked of its arithmetic.
func (d *Device) describe(p binding.PhysicalDevice, to *candidate, floats bool) {
	var name, info [256]C.char
	var most C.uint64_t
	var modes [3]C.uint32_t
	n := int(C.vk_describe(d.calls, unsafe.Pointer(p), &name[0], &info[0], &most, &modes[0]))
	if n == 0 {
		return
	}
	to.Subgroup, to.Driver, to.Allocation = n, strings.TrimSpace(C.GoString(&name[0])+" "+C.GoString(&info[0])), uint64(most)
	if floats {
		to.floats = floatModes{modes[0] != 0, modes[1] != 0, modes[2] != 0}
	}
}

type callTable = *C.calls

func (d *Device) submit(cmd binding.CommandBuffer, f binding.Fence) binding.Result {
	if r := fault.At("vkQueueSubmit"); r != 0 {
		return binding.Result(r)
	}
	return binding.Result(C.vk_submit(d.calls, unsafe.Pointer(d.queue), unsafe.Pointer(cmd), unsafe.Pointer(f)))
}

func (d *Device) wait(f binding.Fence, ns uint64) binding.Result {
	r := C.vk_wait(d.calls, unsafe.Pointer(d.dev), unsafe.Pointer(f), C.uint64_t(ns))
	if f := fault.At("vkWaitForFences"); f != 0 {
		return binding.Result(f)
	}
	return binding.Result(r)
}

func (d *Device) pipeline(module binding.ShaderModule, layout binding.PipelineLayout, constants []uint32) (binding.Pipeline, binding.Result) {
	var out unsafe.Pointer
	values := (*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(constants)))
	r := C.vk_pipeline(d.calls, unsafe.Pointer(d.dev), unsafe.Pointer(d.cache), unsafe.Pointer(module), unsafe.Pointer(layout),
		C.uint32_t(len(constants)), values, &out)
	return binding.Pipeline(out), binding.Result(r)
}

func (d *Device) bind(set binding.DescriptorSet, i int, b *Buffer) {
	C.vk_bind(d.calls, unsafe.Pointer(d.dev), unsafe.Pointer(set), C.uint32_t(i), unsafe.Pointer(b.buf))
}

func (d *Device) barrier(cmd binding.CommandBuffer) { C.vk_barrier(d.calls, unsafe.Pointer(cmd)) }

// copy copies n words.
func (d *Device) copy(cmd binding.CommandBuffer, src *Buffer, from int, dst *Buffer, to, n int) {
	C.vk_copy(d.calls, unsafe.Pointer(cmd), unsafe.Pointer(src.buf), C.uint64_t(4*from), unsafe.Pointer(dst.buf), C.uint64_t(4*to), C.uint64_t(4*n))
}
