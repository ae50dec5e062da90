//go:build unix

package vulkan

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/arm"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/env/tasks/walker"
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

// BenchmarkKernels measures how much of a step each kernel takes, on the device that TERRARIUM_VULKAN
// names (default: software), with as many worlds as TERRARIUM_WORLDS says (default: 256, of one slice). It shows what
// there is to gain from another way to share out the work of a kernel: see README.md. Times are those
// of the device, so another program that uses it spoils them; compare shares.
//
//	TERRARIUM_VULKAN=discrete TERRARIUM_WORLDS=16384 go test ./env/vulkan -run '^$' -bench Kernels -benchtime 100x
func BenchmarkKernels(b *testing.B) {
	worlds, device := 256, "software"
	if s := os.Getenv("TERRARIUM_WORLDS"); s != "" {
		worlds = must(strconv.Atoi(s))
	}
	if s := os.Getenv("TERRARIUM_VULKAN"); s != "" {
		device = s
	}
	lift := sandbox.New()
	lift.Rooms = []string{"lift"}
	for _, c := range []env.Config{lander.New(), walker.New(), lift, arm.New()} {
		b.Run(must(c.Spec()).ID, func(b *testing.B) {
			d, err := NewVec(c, env.VecOptions{Worlds: worlds}, Options{Device: device})
			vktest.Must(b, err)
			defer d.Close()
			kernels(b, d.(*vec))
		})
	}
}

// kernels steps worlds, with a time stamp behind each kernel.
func kernels(b *testing.B, v *vec) {
	old := v.step
	defer func() { v.step = old }()
	v.step = must(v.dev.Record(func(r *vk.Recorder) {
		r.Load(v.act, v.turns)
		if v.before != nil {
			r.Copy(v.mem, v.before, v.before.Len())
		}
		r.Timestamp()
		for _, d := range v.program {
			v.dispatch(r, d)
			r.Timestamp()
		}
		r.Save(v.turns, v.faults, v.next, v.facts, v.ends)
	}))
	spent, all := map[string]float64{}, 0.0
	v.Reset(1)
	batch := env.NewBatch(v.spec, v.all)
	for step := range b.N {
		vktest.Must(b, v.Observe(batch))
		envtest.RandomActions(v.spec, batch, rng.New(1), step)
		vktest.Must(b, v.Step(batch))
		for i, t := range must(v.step.Times()) {
			spent[v.program[i].name] += t
			all += t
		}
	}
	for name, t := range spent {
		b.ReportMetric(100*t/all, name+"-%")
	}
	b.ReportMetric(1e9*all/float64(b.N*v.all), "ns/world")
}

// BenchmarkBeginnings measures how long the host takes to prepare all beginnings for a first rollout of
// TERRARIUM_WORLDS worlds (default: 65,536), on one goroutine and on one a core. It runs no kernel of a step.
//
//	go test ./env/vulkan -run '^$' -bench Beginnings -benchtime 1x
func BenchmarkBeginnings(b *testing.B) {
	worlds := 65536
	if s := os.Getenv("TERRARIUM_WORLDS"); s != "" {
		worlds = must(strconv.Atoi(s))
	}
	for _, c := range []env.Config{lander.New(), walker.New()} {
		for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
			s := must(c.Spec())
			b.Run(fmt.Sprintf("%s/%d", s.ID, workers), func(b *testing.B) {
				d, err := NewVec(c, env.VecOptions{Worlds: worlds, Workers: workers}, Options{Device: "software"})
				vktest.Must(b, err)
				defer d.Close()
				v, key := d.(*vec), func(int) rng.Key { return rng.New(1) }
				b.ResetTimer()
				begin := processor()
				for i := range b.N {
					v.Reset(uint64(i))
					vktest.Must(b, v.openRoll(&env.Rollout{}, net(s), 1, true))
					for s := range v.slices() {
						vktest.Must(b, v.beginRoll(s, 1, key))
					}
				}
				b.ReportMetric((processor()-begin)/float64(b.N), "cpu-s/op")
			})
		}
	}
}

// processor returns the processor time of this program in seconds.
func processor() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) * 1e-9
}
