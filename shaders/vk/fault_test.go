//go:build cgo && (linux || darwin) && (amd64 || arm64)

package vk

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/shaders/vk/internal/fault"
)

// failing makes the call of a name fail once with a result.
func failing(t *testing.T, call string, result int32) (failed func() bool) {
	done := false
	fault.Call = func(name string) int32 {
		if name != call || done {
			return 0
		}
		done = true
		return result
	}
	t.Cleanup(func() { fault.Call = nil })
	return func() bool { return done }
}

// work does all that a program does with a device, from opening to closing it.
func work(t *testing.T) error {
	t.Helper()
	d, err := Open(Options{Device: "software"})
	if err != nil {
		return err
	}
	defer func() {
		d.Close()
		if len(d.owned) > 0 {
			t.Errorf("%d objects are not freed", len(d.owned))
		}
	}()
	x, err := d.NewBuffer(1<<20, HostVisible)
	if err != nil {
		return err
	}
	k, err := d.NewKernel(code(t, "philox"), KernelOptions{Buffers: 1, Push: 5})
	if err != nil {
		return err
	}
	b, err := k.Bind(x)
	if err != nil {
		return err
	}
	c, err := d.Record(func(r *Recorder) {
		r.Timestamp()
		r.Dispatch(b, 1, 0, 0, 0, 0, 64)
		r.Timestamp()
	})
	if err != nil {
		return err
	}
	if err := c.Run(); err != nil {
		return err
	}
	_, err = c.Times()
	return err
}

// Whatever call fails, the error names it, the device and what to do, nothing is left behind, and the next
// device works.
func TestFaults(t *testing.T) {
	open(t, Options{}).Close() // skips where there is none
	memory := map[int32]string{-1: "on the host: use fewer worlds", -2: "use fewer worlds"}
	lost := map[int32]string{-4: "is lost: its driver crashed"}
	for call, results := range map[string][]map[int32]string{
		"vkCreateInstance": {memory}, "vkEnumeratePhysicalDevices": {memory}, "vkCreateDevice": {memory, lost},
		"vkCreateCommandPool": {memory}, "vkCreatePipelineCache": {memory}, "vkCreateBuffer": {memory}, "vkAllocateMemory": {memory},
		"vkBindBufferMemory": {memory}, "vkMapMemory": {memory}, "vkCreateShaderModule": {memory}, "vkCreateComputePipelines": {memory},
		"vkCreateDescriptorSetLayout": {memory}, "vkCreatePipelineLayout": {memory}, "vkCreateDescriptorPool": {memory},
		"vkAllocateDescriptorSets": {memory}, "vkAllocateCommandBuffers": {memory}, "vkCreateFence": {memory}, "vkCreateQueryPool": {memory},
		"vkBeginCommandBuffer": {memory}, "vkEndCommandBuffer": {memory}, "vkQueueSubmit": {memory, lost},
		"vkWaitForFences": {memory, lost}, "vkGetQueryPoolResults": {memory, lost},
	} {
		for _, group := range results {
			for result, want := range group {
				failed := failing(t, call, result)
				err := work(t)
				if !failed() {
					t.Errorf("%s is never called", call)
				}
				is := map[int32]error{-1: ErrMemory, -2: ErrMemory, -4: ErrLost}[result]
				if err == nil || !errors.Is(err, is) || !strings.Contains(err.Error(), "("+call+")") || !strings.Contains(err.Error(), want) {
					t.Errorf("%s = %d: %v", call, result, err)
				}
				if call != "vkCreateInstance" && call != "vkEnumeratePhysicalDevices" && !strings.Contains(err.Error(), " on llvmpipe") {
					t.Errorf("%s: the device is not named: %v", call, err)
				}
				fault.Call = nil
				if err := work(t); err != nil {
					t.Errorf("after %s = %d: %v", call, result, err)
				}
			}
		}
	}
}

// A device that does not come to an end is given up: nothing that follows waits for it, and another can be
// opened.
func TestHang(t *testing.T) {
	d := open(t, Options{})
	x := buffer(t, d, 256, HostVisible)
	b := bind(t, kernel(t, d, "philox", KernelOptions{Buffers: 1, Push: 5}), x)
	c := record(t, d, func(r *Recorder) { r.Dispatch(b, 1, 0, 0, 0, 0, 64) })
	failing(t, "vkWaitForFences", 2)
	begin := time.Now()
	err := c.Run()
	if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "(vkWaitForFences) on llvmpipe") || !strings.Contains(err.Error(), "not done after 10m0s") {
		t.Errorf("%v", err)
	}
	for what, again := range map[string]error{"run": c.Run(), "buffer": second(d.NewBuffer(4, DeviceLocal)), "record": second(d.Record(func(*Recorder) {}))} {
		if !errors.Is(again, ErrLost) {
			t.Errorf("%s afterwards: %v", what, again)
		}
	}
	x.Free()
	c.Free()
	d.Close()
	if time.Since(begin) > time.Minute {
		t.Error("it was waited for")
	}
	if _, err := d.NewBuffer(4, DeviceLocal); err == nil {
		t.Error("a closed device gives memory")
	}
	if err := work(t); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// Limits of the device are errors before the driver is asked.
func TestLimits(t *testing.T) {
	fault.Range, fault.Allocation = 1<<20, 1<<16
	t.Cleanup(func() { fault.Range, fault.Allocation = 0, 0 })
	d := open(t, Options{})
	if d.Info().Most() != 1<<16 {
		t.Fatalf("the largest buffer has %d bytes", d.Info().Most())
	}
	buffer(t, d, 1<<16, DeviceLocal)
	if _, err := d.NewBuffer(1<<16+4, DeviceLocal); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "allows 0.1 MiB") {
		t.Errorf("%v", err)
	}
}

// Copies by windows and in parts bring the same as memory that the host sees.
func TestStaged(t *testing.T) {
	for _, staged := range []bool{false, true} {
		fault.Staged = staged
		t.Cleanup(func() { fault.Staged = false })
		d := open(t, Options{})
		const n = 1000
		x := buffer(t, d, 4*n, DeviceLocal)
		if mapped := x.Words() != nil; mapped == staged || d.Info().Mapped != mapped {
			t.Errorf("staged %v: mapped %v, said to be %v", staged, mapped, d.Info().Mapped)
		}
		in, err := d.NewWindow(x, 10, 20, Upload)
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.NewWindow(x, 0, 60, HostVisible)
		if err != nil {
			t.Fatal(err)
		}
		for i := range in.Words() {
			in.Words()[i] = uint32(100 + i)
		}
		run(t, record(t, d, func(r *Recorder) {
			r.Fill(x, 0, 10, 7)
			r.Fill(x, 30, n-30, 9)
			r.Load(in)
			r.CopyPart(x, 10, x, 40, 20)
			r.Save(out)
		}))
		view, err := x.View(5, 60)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 65 {
			want := uint32(7)
			switch {
			case i >= 60 || i >= 30 && i < 40:
				want = 9
			case i >= 40:
				want = uint32(60 + i)
			case i >= 10:
				want = uint32(90 + i)
			}
			if i < 60 && out.Words()[i] != want || i >= 5 && view[i-5] != want {
				t.Fatalf("staged %v: word %d is not %d", staged, i, want)
			}
		}
		for what, f := range map[string]func(r *Recorder){
			"copy": func(r *Recorder) { r.CopyPart(x, n-5, x, 0, 6) }, "filling": func(r *Recorder) { r.Fill(x, n, 1, 0) },
		} {
			if _, err := d.Record(f); err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("%s beyond the end: %v", what, err)
			}
		}
		if _, err := x.View(n-1, 2); err == nil {
			t.Error("a view beyond the end is given")
		}
		d.Close()
	}
}
