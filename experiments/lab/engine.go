package lab

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/env/registry"
)

// engineDoc describes the flags and keys that name an engine.
const engineDoc = "what steps the worlds: auto, simd, go, vulkan, vulkan:DEVICE, or one that terrarium doctor lists; results are the same, but for box2d, which is another physics"

// engineNames returns the names that stand for an engine of this program on this machine.
func engineNames() []string {
	names := []string{"auto"}
	if all := env.Engines(); len(all) > 1 {
		names = append(names, "simd")
	}
	return slices.Concat(names, env.Engines(), env.Devices(), env.Others())
}

// checkEngine reports an engine that there is not: a name that nothing has is the user's mistake, one of SIMD
// something that the machine or the program lacks.
func checkEngine(name string) error {
	if slices.Contains([]string{"simd", "simd256", "simd512"}, name) {
		why := noSIMD()
		if why == "" && name != "simd" && !slices.Contains(env.Engines(), name) {
			why = "this processor lacks AVX-512"
		}
		if why != "" {
			return lacking(fmt.Errorf("there is no engine %q: %s; choose auto or go, whose results are the same", name, why))
		}
	}
	if _, err := env.PickEngine(name); err == nil {
		return nil
	}
	if !slices.Contains(engineNames(), name) {
		return fmt.Errorf("unknown engine %q%s", name, registry.Suggest(name, engineNames()))
	}
	return nil
}

// noSIMD says why there is no SIMD engine, or "" if there is one.
func noSIMD() string {
	switch {
	case len(env.Engines()) > 1:
		return ""
	case runtime.GOARCH != "amd64":
		return "it exists for amd64 only so far"
	case !strings.Contains(buildSetting("GOEXPERIMENT"), "simd"):
		return "the program was built without GOEXPERIMENT=simd, which needs Go 1.26 or newer"
	}
	return "this processor lacks AVX2"
}

// useEngine makes worlds be stepped by an engine that checkEngine has accepted, and returns a
// line that says which it is and why. It tries whether the given number of worlds of c can be, if c is not
// nil. A single one, which a GPU steps more slowly than the processor, is no work for auto to give it.
func useEngine(name string, c env.Config, worlds int) (string, error) {
	note := ""
	if device, _, _ := strings.Cut(name, ":"); name == "auto" && worlds != 1 || slices.Contains(env.Devices(), device) {
		line, err := useDevice(name, c, worlds)
		if line != "" || err != nil && name != "auto" {
			return line, err
		}
		if err != nil {
			note = "; " + err.Error()
		}
	}
	if err := env.SetEngine(name); err != nil {
		return "", err
	}
	engine := env.Engine()
	if slices.Contains(env.Others(), engine) {
		if c != nil {
			v, err := env.NewVec(c, env.VecOptions{Worlds: 1, Engine: engine})
			if err != nil {
				return "", err
			}
			v.Close()
		}
		return "worlds: engine " + engine + ", " + engineText(engine) + ", as asked for", nil
	}
	if c != nil {
		if _, together := c.New().(env.SimEnv); !together {
			return "worlds: engine go, the only one for this environment, whose step is plain code" + note, nil
		}
	}
	line := "worlds: engine " + engine + ", " + engineText(engine)
	if note != "" {
		return line + note, nil
	}
	switch why := noSIMD(); {
	case name == engine:
		return line + ", as asked for", nil
	case why != "":
		return line + "; no SIMD: " + why, nil
	}
	return line + ", the fastest here", nil
}

// engineText describes an engine.
func engineText(engine string) string {
	switch engine {
	case "go":
		return "plain Go, a world at a time"
	case "simd256":
		return "8 worlds at once with AVX2"
	case "simd512":
		return "16 worlds at once with AVX-512"
	case box2d.Engine:
		return "ByteArena's Go translation of Box2D with 180 and 60 sweeps, whose results are its own"
	case box2d.Fine:
		return "the same Box2D with four steps of a quarter of the time, whose results are its own"
	}
	return "as a module provides it"
}

// useEngine is useEngine for the plan.
func (p *Plan) useEngine() (string, error) {
	if p.QD == nil {
		return useEngine(p.Engine, p.EnvConfig, p.Worlds)
	}
	line, err := useEngine(p.Engine, p.EnvConfig, 1)
	if device, _, _ := strings.Cut(p.Engine, ":"); err == nil && slices.Contains(env.Devices(), device) {
		line += "; slow, for there a search plays one solution after the other: auto takes the processor"
	}
	return line, err
}

// ownEngine returns the plan's engine if it has results of its own, or "" for whichever is used.
func (p *Plan) ownEngine() string {
	if slices.Contains(env.Others(), p.Engine) {
		return p.Engine
	}
	return ""
}

// sameFamily reports an engine with which a run cannot go on, because its results are others.
func (p *Plan) sameFamily(engine string) error {
	other := &Plan{Config: Config{Engine: engine}}
	if engine == "" || p.ownEngine() == other.ownEngine() {
		return nil
	}
	return fmt.Errorf("the run began on engine %s, whose results are not those of %s: train anew with --engine %s, or compare with terrarium eval DIR --engine %s", p.Engine, engine, engine, engine)
}

// otherFinding is a line of doctor.
func otherFinding() Finding {
	return Finding{"Box2D", "ok", fmt.Sprintf("engine %s (%s), for a second opinion: terrarium eval RUN --engine %s", box2d.Engine, engineText(box2d.Engine), box2d.Engine), ""}
}

// engineFinding is a line of doctor.
func engineFinding() Finding {
	f := Finding{"physics", "ok", fmt.Sprintf("engine %s (%s), of %s", env.Engine(), engineText(env.Engine()), strings.Join(env.Engines(), ", ")), ""}
	if why := noSIMD(); why != "" {
		f.State, f.Remedy = "note", "several times faster with SIMD: "+why
	}
	return f
}
