//go:build cgo && (linux || darwin) && (amd64 || arm64)

package vk

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	binding "github.com/vulkan-go/vulkan"

	"github.com/terrarium-rl/terrarium/shaders/vk/internal/fault"
)

// A Device is an opened GPU with one compute queue.
type Device struct {
	info   Info
	calls  callTable
	inst   binding.Instance
	phys   binding.PhysicalDevice
	dev    binding.Device
	queue  binding.Queue
	family uint32
	memory binding.PhysicalDeviceMemoryProperties
	period float32 // nanoseconds a tick of time stamps
	ticks  uint64  // bits that time stamps have; none if there are none
	floats floatModes
	pool   binding.CommandPool
	cache  binding.PipelineCache
	file   string
	stage  *Buffer
	closer []func()
	owned  map[freer]bool // buffers, bindings and commands that are not freed yet
	dead   error          // why nothing can be done with it any more
	hung   bool           // it may be at work for ever
}

type freer interface{ Free() }

// Open opens a device. Close it when done.
func Open(o Options) (*Device, error) {
	if err := load(); err != nil {
		return nil, err
	}
	d := &Device{file: o.CacheFile, owned: map[freer]bool{}}
	if err := quiet(func() error { return d.open(o) }); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Devices describes all devices, GPUs first.
func Devices() ([]Info, error) {
	if err := load(); err != nil {
		return nil, err
	}
	d := &Device{}
	defer d.Close()
	var list []Info
	err := quiet(func() error {
		found, err := d.enumerate(false)
		for _, f := range found {
			list = append(list, f.Info)
		}
		return err
	})
	return list, err
}

// Info describes the device.
func (d *Device) Info() Info { return d.info }

func (d *Device) onClose(f func()) { d.closer = append(d.closer, f) }

// Close saves the cache of kernels, if there is a file for it, and releases the device and all
// that belongs to it. A device that hangs is left alone, as waiting for it could take for ever.
func (d *Device) Close() {
	if d.hung {
		*d = Device{dead: errFreed, hung: true}
		return
	}
	if d.dev != nil {
		binding.DeviceWaitIdle(d.dev) // returns at once if it is lost
	}
	if d.dev != nil && d.dead == nil {
		d.saveCache()
	}
	for f := range d.owned {
		f.Free()
	}
	for i := len(d.closer) - 1; i >= 0; i-- {
		d.closer[i]()
	}
	*d = Device{dead: errFreed}
}

func (d *Device) open(o Options) error {
	found, err := d.enumerate(o.Validate)
	if err != nil {
		return err
	}
	f, err := choose(found, o.Device)
	if err != nil {
		return err
	}
	if f.Subgroup == 0 { // which Vulkan 1.1 tells
		return fmt.Errorf("%w: %s has Vulkan %s, kernels need 1.1", ErrUnavailable, f.Name, f.API)
	}
	d.info, d.phys, d.period, d.floats = f.Info, f.phys, f.period, f.floats
	if err := d.findFamily(); err != nil {
		return err
	}
	binding.GetPhysicalDeviceMemoryProperties(d.phys, &d.memory)
	d.memory.Deref()
	for i := range d.memory.MemoryTypes {
		d.memory.MemoryTypes[i].Deref()
	}
	return d.create()
}

// Extensions that Vulkan on top of another interface, such as MoltenVK on Metal, wants to be named.
const (
	portability = "VK_KHR_portability_enumeration"
	subset      = "VK_KHR_portability_subset"
)

// has reports whether an extension is among those that a call lists.
func has(list func(n *uint32, p []binding.ExtensionProperties), name string) bool {
	var n uint32
	list(&n, nil)
	if n == 0 {
		return false
	}
	found := make([]binding.ExtensionProperties, n)
	list(&n, found)
	for i := range found[:min(int(n), len(found))] {
		found[i].Deref()
		if binding.ToString(found[i].ExtensionName[:]) == name {
			return true
		}
	}
	return false
}

// noDriver explains why there is no instance of Vulkan.
func noDriver(r binding.Result, err error) error {
	if r == binding.ErrorOutOfHostMemory {
		err = fmt.Errorf("%w, which loaders say too if they cannot read the file that describes a driver", err)
	}
	const get = "install the GPU's driver (on Debian and Ubuntu, mesa-vulkan-drivers has those of AMD and Intel and a software one)"
	for _, name := range []string{"VK_DRIVER_FILES", "VK_ICD_FILENAMES"} {
		if files := os.Getenv(name); files != "" {
			return fmt.Errorf("%w; %s is set, so that no driver is looked for but %q: unset it, or %s", err, name, files, get)
		}
	}
	return fmt.Errorf("%w; %s", err, get)
}

type candidate struct {
	Info
	phys   binding.PhysicalDevice
	period float32
	floats floatModes
}

// enumerate makes an instance and lists the physical devices, best kinds first.
func (d *Device) enumerate(validate bool) ([]candidate, error) {
	app := binding.ApplicationInfo{
		SType: binding.StructureTypeApplicationInfo, ApiVersion: binding.MakeVersion(1, 2, 0),
		PApplicationName: "terrarium\x00", PEngineName: "terrarium\x00",
	}
	create := binding.InstanceCreateInfo{SType: binding.StructureTypeInstanceCreateInfo, PApplicationInfo: &app}
	if validate {
		create.EnabledLayerCount, create.PpEnabledLayerNames = 1, []string{"VK_LAYER_KHRONOS_validation\x00"}
	}
	if has(func(n *uint32, p []binding.ExtensionProperties) {
		binding.EnumerateInstanceExtensionProperties("", n, p)
	}, portability) {
		create.Flags = 1 // also list devices that lack something of Vulkan, as those of Apple do
		create.EnabledExtensionCount, create.PpEnabledExtensionNames = 1, []string{portability + "\x00"}
	}
	var inst binding.Instance
	var r binding.Result // 0 where a test pretends that it fails
	err := d.do("vkCreateInstance", "starting Vulkan", func() binding.Result {
		r = binding.CreateInstance(&create, nil, &inst)
		return r
	})
	runtime.KeepAlive(&create)
	create.Free()
	if r == binding.ErrorLayerNotPresent {
		return nil, ErrNoLayer
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, noDriver(r, err))
	}
	d.inst = inst
	d.onClose(func() { binding.DestroyInstance(inst, nil) })
	if err := binding.InitInstance(inst); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := d.resolve(inst); err != nil {
		return nil, err
	}
	var n uint32
	var devices []binding.PhysicalDevice
	err = d.do("vkEnumeratePhysicalDevices", "listing devices", func() binding.Result {
		if r := binding.EnumeratePhysicalDevices(inst, &n, nil); r != binding.Success || n == 0 {
			return r
		}
		devices = make([]binding.PhysicalDevice, n)
		return binding.EnumeratePhysicalDevices(inst, &n, devices)
	})
	if err != nil {
		return nil, err
	}
	var list []candidate
	for _, kind := range []Kind{Discrete, Integrated, Virtual, Other, Software} {
		for _, p := range devices {
			if c := d.candidate(p); c.Kind == kind {
				list = append(list, c)
			}
		}
	}
	return list, nil
}

func (d *Device) candidate(phys binding.PhysicalDevice) candidate {
	var p binding.PhysicalDeviceProperties
	binding.GetPhysicalDeviceProperties(phys, &p)
	p.Deref()
	p.Limits.Deref()
	defer p.Free()
	kinds := map[binding.PhysicalDeviceType]Kind{
		binding.PhysicalDeviceTypeDiscreteGpu: Discrete, binding.PhysicalDeviceTypeIntegratedGpu: Integrated,
		binding.PhysicalDeviceTypeVirtualGpu: Virtual, binding.PhysicalDeviceTypeCpu: Software,
	}
	v := binding.Version(p.ApiVersion)
	c := candidate{phys: phys, period: p.Limits.TimestampPeriod, Info: Info{
		Name: binding.ToString(p.DeviceName[:]), Kind: kinds[p.DeviceType], API: fmt.Sprintf("%d.%d.%d", v.Major(), v.Minor(), v.Patch()),
		Range: uint64(p.Limits.MaxStorageBufferRange), Buffers: int(p.Limits.MaxPerStageDescriptorStorageBuffers),
		Group: int(min(p.Limits.MaxComputeWorkGroupInvocations, p.Limits.MaxComputeWorkGroupSize[0])),
	}}
	if v.Major() > 1 || v.Minor() >= 1 {
		d.describe(phys, &c, v.Major() > 1 || v.Minor() >= 2)
	}
	c.Floats = c.floats.String()
	var m binding.PhysicalDeviceMemoryProperties
	binding.GetPhysicalDeviceMemoryProperties(phys, &m)
	m.Deref()
	for i := range m.MemoryHeapCount {
		m.MemoryHeaps[i].Deref()
		if m.MemoryHeaps[i].Flags&binding.MemoryHeapFlags(binding.MemoryHeapDeviceLocalBit) != 0 {
			c.Memory = max(c.Memory, uint64(m.MemoryHeaps[i].Size))
		}
	}
	for i := range m.MemoryTypeCount {
		m.MemoryTypes[i].Deref()
		c.Mapped = c.Mapped || m.MemoryTypes[i].PropertyFlags&(local|host|cached) == local|host|cached
	}
	c.pretend()
	return c
}

// pretend makes the candidate what a test wants it to be.
func (c *candidate) pretend() {
	lower := func(x *uint64, most uint64) {
		if most > 0 && *x > most {
			*x = most
		}
	}
	lower(&c.Range, fault.Range)
	lower(&c.Allocation, fault.Allocation)
	lower(&c.Memory, fault.Memory)
	c.Mapped = c.Mapped && !fault.Staged
	if fault.Discrete {
		c.Kind = Discrete
	}
}

// choose returns the candidate that want asks for: a kind, a part of a name, or nothing.
func choose(list []candidate, want string) (candidate, error) {
	var names []string
	for _, c := range list {
		names = append(names, fmt.Sprintf("%s (%s)", c.Name, c.Kind))
		if want == "" && c.Kind != Software || want != "" && (want == c.Kind.String() || strings.Contains(strings.ToLower(c.Name), strings.ToLower(want))) {
			return c, nil
		}
	}
	switch {
	case len(list) == 0:
		return candidate{}, fmt.Errorf("%w: no driver offers a device (on Debian and Ubuntu, mesa-vulkan-drivers has those of AMD and Intel and a software one)", ErrUnavailable)
	case want == "":
		return candidate{}, fmt.Errorf("%w: there is no GPU, only %s, which must be asked for by name", ErrUnavailable, strings.Join(names, ", "))
	}
	return candidate{}, fmt.Errorf("%w: no device is called %q; there are %s", ErrUnavailable, want, strings.Join(names, ", "))
}

// findFamily finds a queue family for computing, if possible one that does nothing else.
func (d *Device) findFamily() error {
	var n uint32
	binding.GetPhysicalDeviceQueueFamilyProperties(d.phys, &n, nil)
	families := make([]binding.QueueFamilyProperties, n)
	binding.GetPhysicalDeviceQueueFamilyProperties(d.phys, &n, families)
	found := false
	for i := range families {
		families[i].Deref()
		flags := families[i].QueueFlags
		graphics := flags&binding.QueueFlags(binding.QueueGraphicsBit) != 0
		if flags&binding.QueueFlags(binding.QueueComputeBit) != 0 && (!found || !graphics) {
			d.family, found = uint32(i), true
			d.ticks = 1<<families[i].TimestampValidBits - 1
		}
	}
	if !found {
		return fmt.Errorf("%w: %s cannot compute", ErrUnavailable, d.info.Name)
	}
	return nil
}

// create makes the logical device with its queue, command pool and pipeline cache.
func (d *Device) create() error {
	info := binding.DeviceCreateInfo{
		SType: binding.StructureTypeDeviceCreateInfo, QueueCreateInfoCount: 1,
		PQueueCreateInfos: []binding.DeviceQueueCreateInfo{{
			SType: binding.StructureTypeDeviceQueueCreateInfo, QueueFamilyIndex: d.family, QueueCount: 1, PQueuePriorities: []float32{1},
		}},
	}
	if has(func(n *uint32, p []binding.ExtensionProperties) {
		binding.EnumerateDeviceExtensionProperties(d.phys, "", n, p)
	}, subset) {
		info.EnabledExtensionCount, info.PpEnabledExtensionNames = 1, []string{subset + "\x00"} // which has to be said
	}
	var dev binding.Device
	err := d.do("vkCreateDevice", "opening", func() binding.Result { return binding.CreateDevice(d.phys, &info, nil, &dev) })
	runtime.KeepAlive(&info)
	info.Free()
	if err != nil {
		return err
	}
	d.dev = dev
	d.onClose(func() { binding.DestroyDevice(dev, nil) })
	var queue binding.Queue
	binding.GetDeviceQueue(dev, d.family, 0, &queue)
	d.queue = queue

	poolInfo := binding.CommandPoolCreateInfo{SType: binding.StructureTypeCommandPoolCreateInfo, QueueFamilyIndex: d.family}
	var pool binding.CommandPool
	err = d.do("vkCreateCommandPool", "opening", func() binding.Result { return binding.CreateCommandPool(dev, &poolInfo, nil, &pool) })
	poolInfo.Free()
	if err != nil {
		return err
	}
	d.pool = pool
	d.onClose(func() { binding.DestroyCommandPool(dev, pool, nil) })
	return d.createCache()
}

// createCache makes the pipeline cache, from its file if there is one. Drivers check themselves
// whether the data is theirs.
func (d *Device) createCache() error {
	var data []byte
	if d.file != "" {
		data, _ = os.ReadFile(d.file) // none yet: start empty
	}
	info := binding.PipelineCacheCreateInfo{SType: binding.StructureTypePipelineCacheCreateInfo}
	var pin runtime.Pinner
	defer pin.Unpin()
	if len(data) > 0 {
		pin.Pin(&data[0])
		info.InitialDataSize, info.PInitialData = uint(len(data)), unsafe.Pointer(&data[0])
	}
	var cache binding.PipelineCache
	err := d.do("vkCreatePipelineCache", "opening", func() binding.Result { return binding.CreatePipelineCache(d.dev, &info, nil, &cache) })
	info.Free()
	if err != nil {
		return err
	}
	d.cache = cache
	dev := d.dev
	d.onClose(func() { binding.DestroyPipelineCache(dev, cache, nil) })
	return nil
}

// saveCache writes the pipeline cache. Losing it costs time only, so errors do not matter.
func (d *Device) saveCache() {
	if d.file == "" {
		return
	}
	var n uint
	binding.GetPipelineCacheData(d.dev, d.cache, &n, nil)
	if n == 0 {
		return
	}
	data := make([]byte, n)
	if binding.GetPipelineCacheData(d.dev, d.cache, &n, unsafe.Pointer(&data[0])) != binding.Success {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(d.file), "kernels")
	if err != nil {
		return
	}
	_, err = tmp.Write(data[:n])
	if tmp.Close() == nil && err == nil && os.Rename(tmp.Name(), d.file) == nil {
		return
	}
	os.Remove(tmp.Name())
}
