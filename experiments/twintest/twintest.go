// Package twintest checks that the two forms of a reward with a compute shader agree.
//
//	func TestTwin(t *testing.T) {
//		twintest.Run(t, mine.New(), lander.New())
//	}
package twintest

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
	"github.com/terrarium-rl/terrarium/shaders/vk"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// Run compares the reward of c, a rewards.Twin, with its shader on transitions of random play,
// bit by bit on a software device and to 1e-5 of its size on a GPU. The device is the one that
// the environment variable TERRARIUM_VULKAN names, by default a software one. Without any, the
// test is skipped, but fails where REQUIRE_VULKAN is set.
func Run(t *testing.T, c rewards.Config, e env.Config) {
	spec, err := e.Spec()
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	twin, ok := f.(rewards.Twin)
	if !ok {
		t.Fatalf("%T has no shader", f)
	}
	d := vktest.Open(t)
	s := twin.Shader()
	k, err := d.NewKernel(s.SPIRV, vk.KernelOptions{Buffers: 6, Push: 1 + len(s.Push)})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range rewardtest.Transitions(t, e) {
		want := make([]float32, b.N)
		twin.Score(want, b)
		got := shade(t, d, k, s, b)
		for i := range want {
			same := math.Float32bits(got[i]) == math.Float32bits(want[i])
			if d.Info().Kind != vk.Software {
				same = math.Abs(float64(got[i]-want[i])) <= 1e-5*(1+math.Abs(float64(want[i])))
			}
			if !same {
				t.Fatalf("row %d: the shader says %v, Go says %v", i, got[i], want[i])
			}
		}
	}
}

// shade runs the shader on a batch.
func shade(t *testing.T, d *vk.Device, k *vk.Kernel, s rewards.Shader, b *env.Batch) []float32 {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	out := make([]float32, b.N)
	var buffers []*vk.Buffer
	for _, x := range [][]float32{b.Obs, b.Act, b.Next, b.Facts, out} {
		buf, err := d.NewBuffer(4*max(1, len(x)), vk.HostVisible)
		must(err)
		defer buf.Free()
		must(buf.Upload(x))
		buffers = append(buffers, buf)
	}
	ends, err := d.NewBuffer(4*b.N, vk.HostVisible)
	must(err)
	defer ends.Free()
	for i, e := range b.End {
		ends.Words()[i] = uint32(e)
	}
	bound, err := k.Bind(append(buffers, ends)...)
	must(err)
	run, err := d.Record(func(r *vk.Recorder) {
		r.Dispatch(bound, (b.N+63)/64, append([]uint32{uint32(b.N)}, s.Push...)...)
	})
	must(err)
	defer run.Free()
	must(run.Run())
	must(buffers[4].Download(out))
	return out
}
