package lab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/vulkan"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// useDevice makes worlds be stepped by a GPU: the one that a name such as "vulkan:NAME" asks for, or
// for "auto" the best one with memory of its own, if there is one and c has kernels. It returns a
// line that says which it is, "" if "auto" finds none, and an error where one is there and cannot
// be used.
func useDevice(name string, c env.Config) (string, error) {
	engine := name
	if name == "auto" {
		found, err := vk.Devices()
		if err != nil || len(found) == 0 || found[0].Kind != vk.Discrete {
			return "", nil
		}
		engine = vulkan.Engine
	}
	info, err := tryDevice(engine, c)
	if err != nil {
		return "", err
	}
	if err := env.SetEngine(engine); err != nil {
		return "", err
	}
	line := fmt.Sprintf("worlds: engine %s, all at once on %s", engine, info.Name)
	if name == "auto" {
		return line + ", the fastest here", nil
	}
	return line + ", as asked for", nil
}

// tryDevice opens a device and, if c is not nil, a world of c on it.
func tryDevice(engine string, c env.Config) (vk.Info, error) {
	_, device, _ := strings.Cut(engine, ":")
	d, err := vk.Open(vk.Options{Device: device})
	if err != nil {
		return vk.Info{}, lacking(fmt.Errorf("engine %s: %w; choose auto or go, whose results are the same, or vulkan:NAME for a device that terrarium doctor lists, such as vulkan:software", engine, err))
	}
	info := d.Info()
	d.Close()
	if c == nil {
		return info, nil
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: 1, Engine: engine})
	if errors.Is(err, vulkan.ErrUnsupported) {
		return info, lacking(err)
	}
	if err != nil {
		return info, err
	}
	return info, v.Close()
}

// vulkanFinding lists the devices.
func vulkanFinding() Finding {
	found, err := vk.Devices()
	if err != nil {
		return Finding{"Vulkan", "note", "not used: " + err.Error(), ""}
	}
	if len(found) == 0 {
		return Finding{"Vulkan", "note", "the loader finds no device", "install the GPU's driver"}
	}
	var names []string
	gpu := false
	for _, d := range found {
		names = append(names, fmt.Sprintf("%s (%s, Vulkan %s, %d MiB)", d.Name, d.Kind, d.API, d.Memory>>20))
		gpu = gpu || d.Kind != vk.Software
	}
	f := Finding{"Vulkan", "ok", strings.Join(names, "; "), ""}
	if !gpu {
		f.State, f.Remedy = "note", "only software, for tests: --engine vulkan:software; a GPU needs its driver"
	}
	return f
}
