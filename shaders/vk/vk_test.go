//go:build cgo && (linux || darwin) && (amd64 || arm64)

package vk

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders"
)

// open opens the device that TERRARIUM_VULKAN names, by default the software one. Without any,
// the test is skipped, but fails where REQUIRE_VULKAN says that there must be one.
func open(t testing.TB, o Options) *Device {
	t.Helper()
	if o.Device = os.Getenv("TERRARIUM_VULKAN"); o.Device == "" {
		o.Device = "software"
	}
	o.Validate = os.Getenv("TERRARIUM_VALIDATE") != "" // the layer prints what it finds
	d, err := Open(o)
	if errors.Is(err, ErrUnavailable) && os.Getenv("REQUIRE_VULKAN") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func code(t testing.TB, name string) []byte {
	t.Helper()
	b, err := shaders.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func kernel(t testing.TB, d *Device, name string, o KernelOptions) *Kernel {
	t.Helper()
	k, err := d.NewKernel(code(t, name), o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func buffer(t testing.TB, d *Device, bytes int, m Memory) *Buffer {
	t.Helper()
	b, err := d.NewBuffer(bytes, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func record(t testing.TB, d *Device, f func(*Recorder)) *Commands {
	t.Helper()
	c, err := d.Record(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func bind(t testing.TB, k *Kernel, b ...*Buffer) *Binding {
	t.Helper()
	x, err := k.Bind(b...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func run(t testing.TB, c *Commands) {
	t.Helper()
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
}

// Kernels draw the numbers that the host draws.
func TestPhilox(t *testing.T) {
	const n = 1000
	d := open(t, Options{})
	out := buffer(t, d, 4*n, HostVisible)
	b := bind(t, kernel(t, d, "philox", KernelOptions{Buffers: 1, Push: 5}), out)
	key := rng.New(0x0123456789abcdef)
	run(t, record(t, d, func(r *Recorder) { r.Dispatch(b, (n+63)/64, key.Lo, key.Hi, 5, 77, n) }))
	for i, got := range out.Words() {
		s := key.Fold(uint64(i)).Stream(5, uint32(i), 77)
		for range 4 {
			s.Uint32()
		}
		if want := s.Uint32(); got != want {
			t.Fatalf("world %d: %08x, want %08x", i, got, want)
		}
	}
}

// The mathematics of kernels gives the bits of package geom, on a software device; on others
// it is within a few units in the last place.
func TestGeom(t *testing.T) {
	const n = 1 << 16
	d := open(t, Options{})
	in, out := make([]float32, 2*n), make([]float32, 8*n)
	r := rng.New(1).Stream(0, 0, 0)
	for i := range n {
		scale := geom.Exp(r.Range(-12, 6))
		in[2*i], in[2*i+1] = scale*r.Range(-1, 1), scale*r.Float32()
	}
	x, y := buffer(t, d, 8*n, DeviceLocal), buffer(t, d, 32*n, DeviceLocal)
	if err := x.Upload(in); err != nil {
		t.Fatal(err)
	}
	b := bind(t, kernel(t, d, "geom", KernelOptions{Buffers: 2, Push: 1}), x, y)
	run(t, record(t, d, func(r *Recorder) { r.Dispatch(b, n/64, n) }))
	if err := y.Download(out); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		x, y := in[2*i], in[2*i+1]
		s, c := geom.Sincos(x)
		for j, want := range []float32{s, c, geom.Exp(x), geom.Log(y), geom.Tanh(x), geom.Atan2(y, x), geom.Floor(x), geom.Sqrt(y)} {
			got := out[8*i+j]
			same := math.Float32bits(got) == math.Float32bits(want)
			if d.Info().Kind != Software {
				same = geom.Abs(got-want) <= 1e-5*geom.Abs(want)+1e-6
			}
			if !same {
				t.Fatalf("function %d of (%v, %v): %v, want %v", j, x, y, got, want)
			}
		}
	}
}

// Everything is made, used and freed again and again while another goroutine makes garbage.
// Naive use of the binding corrupts results here within seconds.
func TestGarbage(t *testing.T) {
	const n = 256
	d := open(t, Options{})
	stop := make(chan bool)
	defer close(stop)
	go func() {
		var keep [64][]byte
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				keep[i%64] = make([]byte, 64<<10)
			}
		}
	}()
	key := rng.New(3)
	var want [n]uint32
	for i := range want {
		s := key.Fold(uint64(i)).Stream(1, uint32(i), 2)
		for range 4 {
			s.Uint32()
		}
		want[i] = s.Uint32()
	}
	length := 2 * time.Second
	if testing.Short() {
		length = time.Second / 2
	}
	rounds := 0
	for begin := time.Now(); time.Since(begin) < length; rounds++ {
		k := kernel(t, d, "philox", KernelOptions{Buffers: 1, Push: 5})
		out, there := buffer(t, d, 4*n, HostVisible), buffer(t, d, 4*n, DeviceLocal)
		b := bind(t, k, there)
		c := record(t, d, func(r *Recorder) {
			r.Dispatch(b, n/64, key.Lo, key.Hi, 1, 2, n)
			r.Barrier()
			r.Copy(there, out, 4*n)
		})
		for range 10 {
			clear(out.Words())
			run(t, c)
			for i, got := range out.Words() {
				if got != want[i] {
					t.Fatalf("round %d: word %d is %08x, want %08x", rounds, i, got, want[i])
				}
			}
		}
		c.Free()
		out.Free()
		there.Free()
	}
	t.Logf("%d rounds", rounds)
}

func TestNoAllocs(t *testing.T) {
	d := open(t, Options{})
	b := bind(t, kernel(t, d, "philox", KernelOptions{Buffers: 1, Push: 5}), buffer(t, d, 256, HostVisible))
	c := record(t, d, func(r *Recorder) { r.Dispatch(b, 1, 0, 0, 0, 0, 64) })
	if n := testing.AllocsPerRun(50, func() { run(t, c) }); n != 0 {
		t.Errorf("%v allocations a run, want 0", n)
	}
}

func TestTimes(t *testing.T) {
	d := open(t, Options{})
	b := bind(t, kernel(t, d, "philox", KernelOptions{Buffers: 1, Push: 5}), buffer(t, d, 4<<16, DeviceLocal))
	c := record(t, d, func(r *Recorder) {
		r.Timestamp()
		r.Dispatch(b, 1<<10, 0, 0, 0, 0, 1<<16)
		r.Timestamp()
	})
	run(t, c)
	times, err := c.Times()
	if err != nil || len(times) != 1 || !(times[0] > 0 && times[0] < 60) {
		t.Errorf("Times = %v, %v", times, err)
	}
}

func TestCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kernels")
	for range 2 { // to write it, and to read it
		d := open(t, Options{CacheFile: file})
		kernel(t, d, "philox", KernelOptions{Buffers: 1, Push: 5})
		d.Close()
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	d := open(t, Options{})
	code, err := shaders.Load("philox")
	if err != nil {
		t.Fatal(err)
	}
	wrong := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
	_, err = d.NewBuffer(6, HostVisible)
	wrong(err, "positive multiple of 4")
	_, err = d.NewKernel(code[:21], KernelOptions{Buffers: 1})
	wrong(err, "no SPIR-V module")
	_, err = d.NewKernel(code, KernelOptions{})
	wrong(err, "want at least 1")
	_, err = d.NewKernel(code, KernelOptions{Buffers: 1, Push: 5, Subgroup: 1 << 10})
	wrong(err, "needs subgroups of 1024")
	k := kernel(t, d, "philox", KernelOptions{Buffers: 1, Push: 5})
	_, err = k.Bind()
	wrong(err, "0 buffers for a kernel of 1")
	x := buffer(t, d, 64, DeviceLocal)
	wrong(x.Upload(make([]float32, 17)), "do not fit")
	b := bind(t, k, x)
	_, err = d.Record(func(r *Recorder) { r.Dispatch(b, 1, 7) })
	wrong(err, "with 1 push constants, want at least 1 with 5")
	_, err = Open(Options{Device: "no such device"})
	wrong(err, `no device is called "no such device"; there are `)
	if !errors.Is(err, ErrUnavailable) {
		t.Error("the error is not ErrUnavailable")
	}
	list, err := Devices()
	if err != nil || len(list) == 0 || list[0].Name == "" || list[0].Subgroup == 0 || list[0].Driver == "" || list[0].Memory == 0 {
		t.Errorf("Devices = %+v, %v", list, err)
	}
}

func TestChoose(t *testing.T) {
	list := []candidate{{Info: Info{Name: "Big", Kind: Discrete}}, {Info: Info{Name: "Small", Kind: Integrated}}, {Info: Info{Name: "llvmpipe", Kind: Software}}}
	for want, name := range map[string]string{"": "Big", "integrated": "Small", "LLVM": "llvmpipe", "software": "llvmpipe"} {
		if c, err := choose(list, want); err != nil || c.Name != name {
			t.Errorf("choose(%q) = %q, %v, want %q", want, c.Name, err, name)
		}
	}
	if _, err := choose(list[2:], ""); err == nil || !strings.Contains(err.Error(), "there is no GPU, only llvmpipe (software)") {
		t.Errorf("a software device is chosen unasked: %v", err)
	}
	if _, err := choose(nil, ""); !errors.Is(err, ErrUnavailable) {
		t.Errorf("choose from none: %v", err)
	}
}

func BenchmarkRun(b *testing.B) {
	d := open(b, Options{})
	x := bind(b, kernel(b, d, "philox", KernelOptions{Buffers: 1, Push: 5}), buffer(b, d, 256, HostVisible))
	c := record(b, d, func(r *Recorder) { r.Dispatch(x, 1, 0, 0, 0, 0, 64) })
	for b.Loop() {
		run(b, c)
	}
}
