package env

import (
	"strings"

	"github.com/terrarium-rl/terrarium/env/registry"
)

// OpenDevice returns a Vec whose worlds are stepped elsewhere than by the CPU. The device, part of
// its name or empty for the best one, is what followed the name of the engine and a colon.
type OpenDevice func(c Config, o VecOptions, device string) (Vec, error)

var devices = registry.New[OpenDevice]("device")

// RegisterDevice makes an engine available that steps all worlds of a Vec elsewhere, such as on a
// GPU: NewVec uses it where asked for by "vulkan", say, or "vulkan:software". Whether there is
// such a device turns out then.
func RegisterDevice(name string, open OpenDevice) { devices.Register(name, open) }

// Devices returns the names of the engines of RegisterDevice, sorted. They are never picked by
// "auto".
func Devices() []string { return devices.Names() }

// openDevice returns how the device of an engine's name is opened, nil if it names none.
func openDevice(engine string) (open OpenDevice, device string) {
	name, device, _ := strings.Cut(engine, ":")
	for _, n := range devices.Names() {
		if n == name {
			open, _ = devices.Lookup(n)
			return open, device
		}
	}
	return nil, ""
}

// A MultiScene is an Env whose worlds have one of several scenes at a time, as their level says. Devices
// need to know all of them beforehand.
type MultiScene interface {
	Env
	Scenes() int        // how many there are
	Scene() int         // the number of the present one
	SetScene(scene int) // makes another the present one, in which what SetScene finds is of no meaning
}
