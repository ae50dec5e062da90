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
	buffers := 6
	if s.Memory > 0 {
		buffers++
	}
	k, err := d.NewKernel(s.SPIRV, vk.KernelOptions{Buffers: buffers, Push: 1 + len(s.Push)})
	if err != nil {
		t.Fatal(err)
	}
	var memory []float32 // of the shader, from batch to batch
	for _, b := range rewardtest.Transitions(t, e) {
		want := make([]float32, b.N)
		twin.Score(want, b)
		if l, ok := f.(rewards.Learner); ok {
			if err := l.Update(b, func(string, float64) {}); err != nil {
				t.Fatal(err)
			}
		}
		if memory == nil {
			memory = make([]float32, s.Memory*b.N)
		}
		got := shade(t, d, k, s, b, memory)
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

// shade runs the shader on a batch, with its memory.
func shade(t *testing.T, d *vk.Device, k *vk.Kernel, s rewards.Shader, b *env.Batch, memory []float32) []float32 {
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
	buffers = append(buffers, ends)
	var kept *vk.Buffer
	if len(memory) > 0 {
		kept, err = d.NewBuffer(4*len(memory), vk.HostVisible)
		must(err)
		defer kept.Free()
		must(kept.Upload(memory))
		buffers = append(buffers, kept)
	}
	bound, err := k.Bind(buffers...)
	must(err)
	run, err := d.Record(func(r *vk.Recorder) {
		r.Dispatch(bound, (b.N+63)/64, append([]uint32{uint32(b.N)}, s.Push...)...)
	})
	must(err)
	defer run.Free()
	must(run.Run())
	must(buffers[4].Download(out))
	if kept != nil {
		must(kept.Download(memory))
	}
	return out
}
