package explore

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders"
	"github.com/terrarium-rl/terrarium/shaders/vk"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// deviceE3B is the twin of e3b's ellipses in compute kernels.
type deviceE3B struct {
	phi, inv, cov, w, kept, steps, u, form, bonus, ended *vk.Buffer
	score, add                                           *vk.Commands
}

func newDeviceE3B(t *testing.T, dev *vk.Device, worlds, d int, ridge float32) *deviceE3B {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	x := &deviceE3B{}
	for _, b := range []struct {
		to   **vk.Buffer
		each int
	}{
		{&x.phi, d}, {&x.inv, packed(d)}, {&x.cov, packed(d)}, {&x.w, lazy * d}, {&x.kept, lazy * d},
		{&x.steps, 1}, {&x.u, d}, {&x.form, 1}, {&x.bonus, 1}, {&x.ended, 1},
	} {
		buf, err := dev.NewBuffer(4*worlds*b.each, vk.HostVisible)
		must(err)
		clear(buf.Words())
		*b.to = buf
	}
	bind := func(name string, push int, buffers ...*vk.Buffer) *vk.Binding {
		code, err := shaders.Load(name)
		must(err)
		k, err := dev.NewKernel(code, vk.KernelOptions{Buffers: len(buffers), Push: push})
		must(err)
		bound, err := k.Bind(buffers...)
		must(err)
		return bound
	}
	score := bind("e3b_score", 3, x.phi, x.inv, x.w, x.steps, x.u, x.form, x.bonus)
	add := bind("e3b_add", 4, x.phi, x.u, x.form, x.ended, x.inv, x.cov, x.w, x.kept, x.steps)
	n, size, groups := uint32(worlds), uint32(packed(d)), (worlds+63)/64
	var err error
	x.score, err = dev.Record(func(r *vk.Recorder) { r.Dispatch(score, groups, n, uint32(d), size) })
	must(err)
	x.add, err = dev.Record(func(r *vk.Recorder) { r.Dispatch(add, groups, n, uint32(d), size, math.Float32bits(ridge)) })
	must(err)
	return x
}

// The kernels of e3b are the host's ellipses: bit by bit on a software device, to 1e-4 on a GPU.
func TestDeviceTwin(t *testing.T) {
	const worlds, d, ridge = 70, 16, 0.1
	dev := vktest.Open(t)
	exact := dev.Info().Kind == vk.Software
	x := newDeviceE3B(t, dev, worlds, d, ridge)
	rows, inv := make([]ellipse, worlds), newInverter(d)
	for i := range rows {
		rows[i] = newEllipse(d, ridge)
		copy(x.inv.Floats()[i*packed(d):], rows[i].inv)
		copy(x.cov.Floats()[i*packed(d):], rows[i].cov)
	}
	r := rng.New(5).Stream(0, 0, 0)
	phi, u := make([]float32, worlds*d), make([]float32, d)
	same := func(step, world int, what string, got, want []float32) {
		t.Helper()
		for k := range want {
			bad := math.Float32bits(got[k]) != math.Float32bits(want[k]) && got[k] != want[k]
			if !exact {
				bad = math.Abs(float64(got[k]-want[k])) > 1e-4*(1+math.Abs(float64(want[k])))
			}
			if bad {
				t.Fatalf("step %d, world %d: %s[%d] is %v on the device, %v on the host", step, world, what, k, got[k], want[k])
			}
		}
	}
	resets := 0
	for step := range 40 {
		for i := range phi {
			phi[i] = r.Norm()
		}
		copy(x.phi.Floats(), phi)
		for i := range worlds {
			x.ended.Words()[i] = 0
			if r.IntN(30) == 0 {
				x.ended.Words()[i] = 1
				resets++
			}
		}
		for _, c := range []*vk.Commands{x.score, x.add} {
			if c == x.add { // compare before the update
				for i := range worlds {
					f := phi[i*d : (i+1)*d]
					b := rows[i].quad(u, f)
					bonus := geom.Max(b, 0)
					if rows[i].steps == 0 {
						bonus = 0
					}
					same(step, i, "u", x.u.Floats()[i*d:], u)
					same(step, i, "bonus", x.bonus.Floats()[i:], []float32{bonus})
					if x.ended.Words()[i] != 0 {
						rows[i].reset()
					} else if _, err := rows[i].add(u, f, b, inv); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := c.Run(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range rows {
			n := packed(d)
			same(step, i, "inverse", x.inv.Floats()[i*n:], rows[i].inv)
			same(step, i, "covariance", x.cov.Floats()[i*n:], rows[i].cov)
			same(step, i, "w", x.w.Floats()[i*lazy*d:], rows[i].w)
			if x.steps.Words()[i] != rows[i].steps {
				t.Fatalf("step %d, world %d: %d steps on the device, %d on the host", step, i, x.steps.Words()[i], rows[i].steps)
			}
		}
	}
	if resets < 30 {
		t.Errorf("only %d episodes ended", resets)
	}
}
