// Package vktest gives tests a Vulkan device.
//
// Where there is none, a test is skipped, unless the environment variable REQUIRE_VULKAN is set, as
// in continuous integration: then it fails.
package vktest

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
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

// finding is how the validation layer begins what it says.
var finding = regexp.MustCompile(`(?m)^.*(VUID|UNASSIGNED|Validation Error|Validation Performance).*$`)

// Findings runs tests of the running program once more, in another process with the Khronos validation
// layer on, and returns what it has found. The test is skipped if the layer is not installed and Vulkan
// not required.
func Findings(t *testing.T, tests string) []string {
	t.Helper()
	d, err := vk.Open(vk.Options{Device: "software", Validate: true})
	if errors.Is(err, vk.ErrNoLayer) && !Required() {
		t.Skip(err)
	}
	Must(t, err)
	d.Close()
	c := exec.Command(os.Args[0], "-test.run", tests, "-test.v")
	// The loader then puts the layer into every instance, and says so.
	c.Env = append(os.Environ(), "VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation", "VK_LOADER_DEBUG=layer", validating+"=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "Insert instance layer \"VK_LAYER_KHRONOS_validation\"") || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("the layer was not loaded, or no test was run:\n%s", out)
	}
	return finding.FindAllString(string(out), -1)
}

const validating = "TERRARIUM_VALIDATING"

// Validating reports whether the program was started by Findings.
func Validating() bool { return os.Getenv(validating) != "" }
