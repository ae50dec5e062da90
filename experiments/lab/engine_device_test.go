package lab

import (
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

const incompatible = -9 // VK_ERROR_INCOMPATIBLE_DRIVER

// auto takes a discrete GPU if it can be used, and says in one line why it does not if not; whoever asks for
// the GPU by name gets an error.
func TestAutoDevice(t *testing.T) {
	vktest.Open(t).Close() // skips where there is none
	kept := env.Engine()
	t.Cleanup(func() {
		if err := env.SetEngine(kept); err != nil {
			t.Error(err)
		}
	})
	vktest.Discrete(t)
	open := func(id string) env.Config {
		c, err := env.Open(id, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	plain, unsupported := open("cartpole-v0"), roleless{open("cartpole-v0")}
	for name, x := range map[string]struct {
		c       env.Config
		worlds  int
		prepare func(t *testing.T)
		want    string // "" if the device is used
	}{
		"usable":              {plain, 64, func(*testing.T) {}, ""},
		"too many worlds":     {plain, 1 << 20, func(t *testing.T) { vktest.Limit(t, 1<<20, 64<<20) }, "not enough memory for 1048576 worlds"},
		"no kernels":          {unsupported, 4, func(*testing.T) {}, "the vulkan engine cannot run it"},
		"no memory":           {plain, 64, func(t *testing.T) { vktest.Fail(t, "vkAllocateMemory", 0, vktest.OutOfDeviceMemory) }, "(vkAllocateMemory) on llvmpipe"},
		"no memory of a host": {plain, 64, func(t *testing.T) { vktest.Fail(t, "vkCreateBuffer", 1, vktest.OutOfHostMemory) }, "not enough memory on the host"},
		"lost at creation":    {plain, 64, func(t *testing.T) { vktest.Fail(t, "vkWaitForFences", 0, vktest.Lost) }, "the device is lost"},
		"no driver":           {plain, 64, func(t *testing.T) { vktest.Fail(t, "vkCreateInstance", 0, incompatible) }, "vulkan unavailable: vulkan: starting Vulkan"},
		"no device":           {plain, 64, func(t *testing.T) { vktest.Fail(t, "vkCreateDevice", 0, vktest.Lost) }, "(vkCreateDevice)"},
	} {
		t.Run(name, func(t *testing.T) {
			x.prepare(t)
			line, err := useEngine("auto", x.c, x.worlds)
			if err != nil || strings.Contains(line, "\n") {
				t.Fatalf("%q, %v", line, err)
			}
			if used := strings.HasPrefix(env.Engine(), "vulkan"); used != (x.want == "") || used != strings.HasPrefix(line, "worlds: engine vulkan, all at once on llvmpipe") {
				t.Errorf("engine %s: %q", env.Engine(), line)
			}
			if !strings.Contains(line, x.want) {
				t.Errorf("%q does not say %q", line, x.want)
			}
			v, err := env.NewVec(plain, env.VecOptions{Worlds: 2})
			if err != nil {
				t.Fatalf("what was chosen does not work: %v", err)
			}
			v.Close()
		})
		if x.want == "" {
			continue
		}
		t.Run(name+" by name", func(t *testing.T) {
			x.prepare(t)
			if _, err := useEngine("vulkan", x.c, x.worlds); err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A search plays one world at a time, for which auto leaves a GPU alone.
func TestAutoSearch(t *testing.T) {
	vktest.Open(t).Close() // skips where there is none
	vktest.Discrete(t)
	t.Cleanup(func() { _ = env.SetEngine("auto") })
	for _, name := range []string{"qd-maze", "maze"} {
		p, err := ReadPlan(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		line, err := p.useEngine()
		if used := strings.HasPrefix(env.Engine(), "vulkan"); err != nil || used != (p.QD == nil) || used != strings.Contains(line, "vulkan") {
			t.Errorf("%s: engine %s, %q, %v", name, env.Engine(), line, err)
		}
	}
}

// roleless is an environment whose worlds no kernels know.
type roleless struct{ env.Config }

func (r roleless) New() env.Env { return struct{ env.Env }{r.Config.New()} }
