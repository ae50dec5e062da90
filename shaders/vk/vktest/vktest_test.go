package vktest_test

import (
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/shaders"
	"github.com/terrarium-rl/terrarium/shaders/vk"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// The validation layer must be seen to find what is wrong: more work groups than the device can start.
func TestFindings(t *testing.T) {
	if vktest.Validating() {
		d := vktest.Open(t)
		code, err := shaders.Load("philox")
		vktest.Must(t, err)
		k, err := d.NewKernel(code, vk.KernelOptions{Buffers: 1, Push: 5})
		vktest.Must(t, err)
		x, err := d.NewBuffer(256, vk.HostVisible)
		vktest.Must(t, err)
		b, err := k.Bind(x)
		vktest.Must(t, err)
		_, err = d.Record(func(r *vk.Recorder) { r.Dispatch(b, 1<<30, 0, 0, 0, 0, 0) }) // never run
		vktest.Must(t, err)
		return
	}
	found := vktest.Findings(t, "^TestFindings$")
	if len(found) == 0 || !strings.Contains(found[0], "VUID-vkCmdDispatch-groupCountX") {
		t.Errorf("the layer says %q", found)
	}
}
