// Package vktest gives tests a Vulkan device.
//
// Where there is none, a test is skipped, unless the environment variable REQUIRE_VULKAN is set, as
// in continuous integration: then it fails.
package vktest

import (
	"errors"
	"os"
	"testing"

	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// Required reports whether REQUIRE_VULKAN is set. Tests whose kernels take the software driver a
// minute to compile are run only then.
func Required() bool { return os.Getenv("REQUIRE_VULKAN") != "" }

// Must ends the test if err is not nil: it is skipped if there is no device and none is required.
func Must(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, vk.ErrUnavailable) && !Required() {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Open opens the device that the environment variable TERRARIUM_VULKAN names, by default a software
// one, until the end of the test.
func Open(t testing.TB) *vk.Device {
	t.Helper()
	name := os.Getenv("TERRARIUM_VULKAN")
	if name == "" {
		name = "software"
	}
	d, err := vk.Open(vk.Options{Device: name})
	Must(t, err)
	t.Cleanup(d.Close)
	return d
}
