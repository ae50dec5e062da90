//go:build unix

package vulkan

import (
	"maps"
	"slices"
	"syscall"
	"testing"

	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// BenchmarkFirstDispatch measures how much processor time a driver takes to compile each kernel, in
// which software drivers do all when a kernel first runs:
//
//	MESA_SHADER_CACHE_DISABLE=true go test ./env/vulkan -run '^$' -bench FirstDispatch -benchtime 1x
func BenchmarkFirstDispatch(b *testing.B) {
	m, err := engine.Load()
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Kernels)) {
		for several, scenes := range []string{"one scene", "several"} {
			b.Run(name+"/"+scenes, func(b *testing.B) { firstDispatch(b, name, uint32(several)) })
		}
	}
}

func firstDispatch(b *testing.B, name string, several uint32) {
	d := vktest.Open(b)
	mem, err := d.NewBuffer(1<<16, vk.HostVisible)
	vktest.Must(b, err)
	table, err := d.NewBuffer(1<<16, vk.HostVisible)
	vktest.Must(b, err)
	mem.Words()[wordTurn] = engine.Idle // so that it has nothing to do
	code, err := engine.Kernel(name)
	vktest.Must(b, err)
	begin := processor()
	for range b.N {
		k, err := d.NewKernel(code, vk.KernelOptions{Buffers: 2, Push: 3, Constants: []uint32{several}})
		vktest.Must(b, err)
		bound, err := k.Bind(mem, table)
		vktest.Must(b, err)
		c, err := d.Record(func(r *vk.Recorder) { r.Dispatch(bound, 1, 1, 0, 0) })
		vktest.Must(b, err)
		vktest.Must(b, c.Run())
	}
	b.ReportMetric((processor()-begin)/float64(b.N), "cpu-s/op")
}

// processor returns the processor time of this program in seconds.
func processor() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) * 1e-9
}
