package vulkan

import (
	"errors"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/shaders/vk"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// play opens worlds and uses them in every way that there is.
func play() error {
	d, err := NewVec(cartpole.New(), env.VecOptions{Worlds: 9}, Options{Device: "software"})
	if err != nil {
		return err
	}
	defer d.Close()
	v := d.(*vec)
	b := env.NewBatch(v.spec, 9)
	v.Reset(1)
	for i := range 3 {
		if err := v.Observe(b); err != nil {
			return err
		}
		envtest.RandomActions(v.spec, b, rng.New(1), i)
		if err := v.Step(b); err != nil {
			return err
		}
	}
	for i := range 9 {
		state := v.AppendState(nil, i)
		if err := v.Err(); err != nil {
			if len(state) > 0 {
				return errors.New("half a state was saved")
			}
			return v.Observe(b)
		}
		if err := v.SetState(i, state); err != nil {
			return err
		}
	}
	if err := v.Observe(b); err != nil {
		return err
	}
	envtest.RandomActions(v.spec, b, rng.New(1), 3)
	if err := v.Step(b); err != nil {
		return err
	}
	return v.Roll(&env.Rollout{}, net(v.spec), 6, func(int) rng.Key { return rng.New(1) })
}

// Wherever the device is lost, or has no memory left, worlds must end with an error that says so, not with
// a number, and others must be possible afterwards.
func TestLost(t *testing.T) {
	vktest.Must(t, play())
	vktest.Staged(t) // where most calls are
	Slice(t, 4)
	for _, x := range []struct {
		call   string
		result int32
		is     error
		most   int // calls that are tried
	}{
		{"vkQueueSubmit", vktest.Lost, vk.ErrLost, 1000}, {"vkWaitForFences", vktest.Lost, vk.ErrLost, 1000},
		{"vkAllocateMemory", vktest.OutOfDeviceMemory, vk.ErrMemory, 1000}, {"vkQueueSubmit", vktest.OutOfHostMemory, vk.ErrMemory, 1000},
		{"vkAllocateCommandBuffers", vktest.OutOfDeviceMemory, vk.ErrMemory, 1000}, {"vkWaitForFences", vktest.Timeout, vk.ErrLost, 2},
	} {
		at := 0
		for ; at < x.most; at += 1 + at/4 { // not all of them
			failed := vktest.Fail(t, x.call, at, x.result)
			err := play()
			if !failed() {
				if err != nil {
					t.Errorf("without a fault: %v", err)
				}
				break
			}
			if !errors.Is(err, x.is) || !strings.Contains(err.Error(), "("+x.call+") on llvmpipe") || !strings.Contains(err.Error(), "env cartpole-v0") {
				t.Fatalf("%s, number %d: %v", x.call, at, err)
			}
		}
		if at < 2 {
			t.Errorf("%s is called %d times: the test shows nothing", x.call, at)
		}
		t.Logf("%s: %d calls", x.call, at)
	}
}
