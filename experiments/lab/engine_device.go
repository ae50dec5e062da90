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
// for "auto" the best one with memory of its own, if there is one, c has kernels and the given number of its
// worlds finds room. It returns a line that says which it is, "" if "auto" finds none, and an error where
// one is there and is not used, or a program that could use one cannot look for it.
func useDevice(name string, c env.Config, worlds int) (string, error) {
	engine := name
	if name == "auto" {
		found, err := vk.Devices()
		switch {
		case err != nil && buildSetting("CGO_ENABLED") == "1": // others are built for no GPU
			return "", fmt.Errorf("no GPU: %w", err)
		case err != nil || len(found) == 0 || found[0].Kind == vk.Software:
			return "", nil
		case found[0].Kind != vk.Discrete:
			return "", fmt.Errorf("%s, a GPU of the kind %s, is taken if asked for by --engine vulkan", found[0].Name, found[0].Kind)
		}
		engine = vulkan.Engine
	}
	info, err := tryDevice(engine, c, worlds)
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

// tryDevice opens a device and, if c is not nil, worlds of c on it.
func tryDevice(engine string, c env.Config, worlds int) (vk.Info, error) {
	_, device, _ := strings.Cut(engine, ":")
	d, err := vk.Open(vk.Options{Device: device})
	if err != nil {
		return vk.Info{}, lacking(fmt.Errorf("engine %s: %w; %s", engine, err, otherEngines()))
	}
	info := d.Info()
	d.Close()
	if c == nil {
		return info, nil
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: worlds, Engine: engine})
	if errors.Is(err, vulkan.ErrUnsupported) {
		err = fmt.Errorf("%w; choose auto or go, whose results are the same", err)
	}
	if errors.Is(err, vulkan.ErrUnsupported) || errors.Is(err, vk.ErrMemory) || errors.Is(err, vk.ErrLost) {
		return info, lacking(err)
	}
	if err != nil {
		return info, err
	}
	return info, v.Close()
}

// otherEngines says what to choose in the place of a device that there is not.
func otherEngines() string {
	text := "choose auto or go, whose results are the same"
	if found, err := vk.Devices(); err == nil && len(found) > 0 {
		kind := found[0].Kind.String()
		text += fmt.Sprintf(", or vulkan:NAME for a device that terrarium doctor lists, such as vulkan:%s", kind)
	}
	return text
}

// engineDevice returns name and driver of the device that steps worlds, "" if the CPU does.
func engineDevice() string {
	engine, device, _ := strings.Cut(env.Engine(), ":")
	if engine != vulkan.Engine {
		return ""
	}
	d, err := vk.Open(vk.Options{Device: device})
	if err != nil {
		return err.Error()
	}
	defer d.Close()
	i := d.Info()
	return fmt.Sprintf("%s, driver %s, Vulkan %s, %s", i.Name, orNone(i.Driver), i.API, deviceMemory(i))
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
		names = append(names, fmt.Sprintf("%s (%s, %s, Vulkan %s), %s", d.Name, d.Kind, orNone(d.Driver), d.API, deviceMemory(d)))
		gpu = gpu || d.Kind != vk.Software
	}
	f := Finding{"Vulkan", "ok", strings.Join(names, "; "), ""}
	if !gpu {
		f.State, f.Remedy = "note", "only software, for tests: --engine vulkan:software; a GPU needs its driver"
	}
	return f
}

// deviceMemory says how much memory a device has, and how many landers fit it.
func deviceMemory(d vk.Info) string {
	reach := "memory of its own"
	if d.Mapped {
		reach = "memory that the processor sees"
	}
	text := fmt.Sprintf("%d MiB of %s, buffers of up to %d MiB", d.Memory>>20, reach, d.Most()>>20)
	c, err := env.Open("lander-v0", nil)
	if err != nil {
		return text // a program without it
	}
	r, err := vulkan.Fits(c, d)
	if err != nil {
		return text + ": " + err.Error()
	}
	return fmt.Sprintf("%s: room for %d worlds of lander-v0, or %d in rollouts on the device", text, r.Steps, r.Rollouts)
}
