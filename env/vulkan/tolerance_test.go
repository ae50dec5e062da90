package vulkan_test

import (
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders/vk"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// What is promised of GPUs, whose divisions and square roots Vulkan does not want exact: after a step from the
// same state, with the same action, near numbers are within near of those of the Go engine, times their size if
// that is above 1, and all but few of them are near. The rest is where a rounding decides, as when a leg touches the
// ground a step later.
const (
	near = 1e-3
	few  = 1e-3
)

// deviceVec opens worlds on the device that TERRARIUM_VULKAN names, by default the software one.
func deviceVec(t *testing.T, id string, worlds int) env.Vec {
	t.Helper()
	c, err := env.Open(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	name := os.Getenv("TERRARIUM_VULKAN")
	if name == "" {
		name = "software"
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: worlds, First: 3, Engine: "vulkan:" + name})
	vktest.Must(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

// All environments must be within the tolerance of the Go engine on any device, and the same from run to
// run. Who has a GPU names it by TERRARIUM_VULKAN, such as discrete, and learns by -v how far it is off.
//
// The software driver is exact, as TestEqual shows: there, divisions and roots are made as inexact as Vulkan
// allows. Of all environments if TERRARIUM_VULKAN=software, otherwise of two, which have all kernels of the physics.
func TestTolerance(t *testing.T) {
	ids, steps := []string{"lander-v0", "walker-v0"}, 100
	if os.Getenv("TERRARIUM_VULKAN") != "" {
		ids, steps = env.Names(), 300
	} else if !vktest.Required() {
		t.Skip("a minute of compiling: set REQUIRE_VULKAN=1")
	}
	rough := vktest.Open(t).Info().Kind == vk.Software
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			if rough {
				vktest.Rough(t)
			}
			if largest := tolerance(t, id, steps); rough && largest == 0 {
				t.Error("no number differs: nothing is shown")
			}
		})
	}
}

func tolerance(t *testing.T, id string, steps int) (largest float64) {
	const worlds = 16
	device, again := deviceVec(t, id, worlds), deviceVec(t, id, worlds)
	c, err := env.Open(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	host, err := env.NewVec(c, env.VecOptions{Worlds: worlds, First: 3, Engine: "go"})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	s := host.Spec()
	a, b := env.NewBatch(s, worlds), env.NewBatch(s, worlds)
	var off []float64
	ends := 0
	host.Reset(1)
	device.Reset(1)
	for step := range steps {
		if err := errors.Join(host.Observe(a), device.Observe(b)); err != nil {
			t.Fatal(err)
		}
		for i := range worlds {
			if err := device.(env.Snapshotter).SetState(i, host.(env.Snapshotter).AppendState(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		envtest.RandomActions(s, a, rng.New(5), step-step%10)
		copy(b.Act, a.Act)
		if err := errors.Join(host.Step(a), device.Step(b)); err != nil {
			t.Fatal(err)
		}
		for _, x := range [][2][]float32{{a.Next, b.Next}, {a.Facts, b.Facts}, {a.Reward, b.Reward}} {
			for i, want := range x[0] {
				off = append(off, math.Abs(float64(x[1][i])-float64(want))/max(1, math.Abs(float64(want))))
			}
		}
		for i := range worlds {
			if a.End[i] != b.End[i] {
				ends++
			}
		}
	}
	slices.Sort(off)
	far := len(off) - sortedIndex(off, near)
	d := device.(interface{ Device() *vk.Device }).Device().Info()
	largest = off[len(off)-1]
	t.Logf("%s on %s (%s; asked for: %s): of %d numbers after single steps, the largest deviation is %.3g, 99.9 %% are within %.3g, 99 %% within %.3g; %d are beyond %g; %d of %d ends differ",
		id, d.Name, d.Driver, d.Floats, len(off), largest, off[len(off)*999/1000], off[len(off)*99/100], far, near, ends, steps*worlds)
	if float64(far) > few*float64(len(off)) || float64(ends) > few*float64(steps*worlds) {
		t.Errorf("more than %g of the numbers are beyond %g, or of the ends differ", few, near)
	}
	equal(t, device, again, 100)
	return largest
}

func sortedIndex(x []float64, at float64) int {
	i, _ := slices.BinarySearch(x, at)
	return i
}
