package translate

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"path"
	"strings"

	"github.com/terrarium-rl/terrarium/shaders/engine"
)

//go:embed prelude.glsl
var prelude string

// Output is what one run of the translator makes.
type Output struct {
	Sources map[string]string         // GLSL by kernel
	Layouts map[string]*engine.Layout // by environment
	Physics []string                  // kernels of a physics step
}

// Manifest returns the manifest of the kernels, without their sums.
func (o *Output) Manifest() *engine.Manifest {
	return &engine.Manifest{Kernels: map[string]engine.Sum{}, Physics: o.Physics, Layouts: o.Layouts}
}

// A task is an environment that is translated.
type task struct {
	id, pkg string // "cartpole-v0", "env/tasks/cartpole"
	physics bool
	shared  []string // further element types of the shared memory
}

var tasks = []task{
	{"cartpole-v0", "env/tasks/cartpole", false, nil},
	{"pendulum-v0", "env/tasks/pendulum", false, nil},
	{"arm-v0", "env/tasks/arm", true, nil},
	{"lander-v0", "env/tasks/lander", true, nil},
	{"walker-v0", "env/tasks/walker", true, nil},
	{"maze-v0", "env/tasks/maze", false, []string{"maze.ray"}},
	{"pusher-v0", "env/tasks/pusher", true, nil},
	{"curling-v0", "env/tasks/curling", false, nil},
}

var physicsShared = []string{
	"physics.bodyInfo", "physics.shapeInfo", "physics.jointInfo", "physics.groundInfo", "physics.thrusterInfo", "physics.rayInfo",
	"physics.slot", "physics.link", "physics.tree", "physics.term", "int32",
}

// stages are the functions with which the kernels of a physics step begin.
var stages = []string{"detect", "gather", "prepareAxes", "prepareContacts", "solve", "correct", "move", "restitute"}

// Run translates all kernels from the sources of the module in the folder root.
func Run(root string) (*Output, error) {
	l := newLoader(root)
	out := &Output{Sources: map[string]string{}, Layouts: map[string]*engine.Layout{}}
	base := newUnit(l, true)
	step, err := l.method("env/physics", "World", "Step")
	if err != nil {
		return nil, err
	}
	if err := base.physics(out, step); err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if err := translateTask(l, base, t, out); err != nil {
			return nil, fmt.Errorf("%s: %w", t.id, err)
		}
	}
	return out, nil
}

func newUnit(l *loader, physics bool) *unit {
	u := &unit{
		l: l, statics: map[string]int{}, modelAt: map[string]int{}, next: engine.Control, shared: map[string]bool{}, frames: map[types.Object]int{},
		written: map[types.Object]bool{}, used: map[string]bool{}, scanned: map[*types.Func]bool{},
	}
	u.static("env", "Batch")
	if physics {
		u.static("env/physics", "World")
		u.static("env/physics", "header")
		u.static("env/physics", "scratch")
		u.modelAt["physics.Model"] = 0
		u.image = u.sizeof("env/physics", "Model")
		for _, s := range physicsShared {
			u.shared[s] = true
		}
	}
	return u
}

func (u *unit) sizeof(pkg, name string) int {
	p, err := u.l.load(pkg)
	if err != nil {
		u.fail("%v", err)
		return 0
	}
	o := p.Scope().Lookup(name)
	if o == nil {
		u.fail("%s has no type %s", pkg, name)
		return 0
	}
	return words(o.Type())
}

// static gives the one object of a type its place.
func (u *unit) static(pkg, name string) {
	n := u.sizeof(pkg, name)
	p := u.l.pkgs[module+pkg]
	u.statics[p.Name()+"."+name] = u.next
	u.next += n
}

// physics makes the kernels of a physics step.
func (u *unit) physics(out *Output, step *types.Func) error {
	u.step = step
	u.scan(u.l.decl[step].Body)
	kernels, err := u.stages(step, nil)
	if err != nil {
		return err
	}
	if len(kernels) != len(stages) {
		return fmt.Errorf("physics.World.Step does not call %s", stages[len(kernels)])
	}
	for i, pieces := range kernels {
		src, err := u.kernel(prelude, pieces)
		if err != nil {
			return err
		}
		name := "physics_" + strings.ToLower(stages[i])
		out.Sources[name] = src
		out.Physics = append(out.Physics, name)
	}
	return nil
}

// stages appends the pieces of each stage that the body of o consists of.
func (u *unit) stages(o *types.Func, kernels [][]piece) ([][]piece, error) {
	for _, s := range u.l.decl[o].Body.List {
		call := called(s)
		if call == nil || u.callee(call) == nil || u.callee(call).Name() == "Put" {
			continue // of the scratch
		}
		callee := u.callee(call)
		if callee.Name() == "advance" {
			kernels[len(kernels)-1] = append(kernels[len(kernels)-1], piece{fn: o, do: func(f *fn) {
				for i, a := range call.Args {
					p := callee.Signature().Params().At(i)
					f.line(f.store(p.Type(), addr{off: f.frame(p)}, f.expr(a)))
				}
			}})
			var err error
			if kernels, err = u.stages(callee, kernels); err != nil {
				return nil, err
			}
			continue
		}
		if n := len(kernels); n < len(stages) && callee.Name() == stages[n] {
			kernels = append(kernels, nil)
		}
		if len(kernels) == 0 {
			return nil, fmt.Errorf("physics.World.Step calls %s before any kernel begins", callee.Name())
		}
		n := len(kernels) - 1
		kernels[n] = append(kernels[n], piece{fn: o, stmts: []ast.Stmt{s}})
	}
	return kernels, nil
}

// called returns the call that a statement is, nil for other statements.
func called(s ast.Stmt) *ast.CallExpr {
	if e, ok := s.(*ast.ExprStmt); ok {
		if c, ok := e.X.(*ast.CallExpr); ok {
			return c
		}
	}
	return nil
}

func translateTask(l *loader, base *unit, t task, out *Output) error {
	u := newUnit(l, t.physics)
	if t.physics {
		u.statics, u.next = maps.Clone(base.statics), base.next
		u.frames, u.written, u.used = maps.Clone(base.frames), maps.Clone(base.written), maps.Clone(base.used)
	}
	for _, s := range t.shared {
		u.shared[s] = true
	}
	u.static(t.pkg, "world")
	name := path.Base(t.pkg)
	m := map[string]*types.Func{}
	methods := []string{"Step", "Observe"}
	if t.physics {
		methods = []string{"Drive", "Judge", "Observe"}
	}
	for _, k := range methods {
		f, err := l.method(t.pkg, "world", k)
		if err != nil {
			return err
		}
		m[k] = f
		u.scan(l.decl[f].Body)
	}
	for o := range u.written {
		if v, ok := o.(*types.Var); ok && t.physics && !base.written[o] && isEngineHeader(v) {
			return fmt.Errorf("it assigns %s, which physics takes to be fixed", v.Name())
		}
	}
	batch, err := u.batch()
	if err != nil {
		return err
	}
	observe := func(f *fn) {
		f.line(f.function(m["Observe"]), "(", f.load(batch["Next"].t, model, batch["Next"].at), ");")
	}
	layout := &engine.Layout{}
	kernel := func(kernel string, do ...func(f *fn)) error {
		var pieces []piece
		for _, d := range do {
			pieces = append(pieces, piece{fn: m["Observe"], do: d})
		}
		src, err := u.kernel(prelude, pieces)
		if err != nil {
			return err
		}
		kernel = name + "_" + kernel
		out.Sources[kernel] = src
		layout.Kernels = append(layout.Kernels, kernel)
		return nil
	}
	if !t.physics {
		err = kernel("step", func(f *fn) { f.line(f.function(m["Step"]), "();") }, observe)
	} else {
		err = kernel("drive", func(f *fn) {
			dt := base.step.Signature().Params().At(0)
			f.line("int sim;")
			f.line("float dt;")
			f.line(f.function(m["Drive"]), "(int(substep), sim, dt);")
			f.line("if (sim == 0) fault |= 2u;")
			f.line(f.store(dt.Type(), addr{off: f.frame(dt)}, "dt"))
		})
		if err == nil {
			layout.Kernels = append(layout.Kernels, engine.Step)
			err = kernel("judge", func(f *fn) { f.line(f.function(m["Judge"]), "();") }, observe)
		}
	}
	if err != nil {
		return err
	}
	layout.Statics, layout.Model, layout.Image, layout.Words = u.statics, u.modelAt, u.image, u.next
	layout.Shared, layout.Used = sorted(u.shared), sorted(u.used)
	out.Layouts[t.id] = layout
	return nil
}

// isEngineHeader reports whether a field is a slice of the physics engine.
func isEngineHeader(v *types.Var) bool {
	_, slice := v.Type().Underlying().(*types.Slice)
	return slice && v.IsField() && v.Pkg().Name() == "physics"
}

// batch returns where the headers of the fields of the one env.Batch are.
func (u *unit) batch() (map[string]place, error) {
	p, err := u.l.load("env")
	if err != nil {
		return nil, err
	}
	s := p.Scope().Lookup("Batch").Type().Underlying().(*types.Struct)
	m := map[string]place{}
	for i := range s.NumFields() {
		at := u.image + u.statics["env.Batch"] + offset(s, i)
		m[s.Field(i).Name()] = place{region: model, at: addr{off: at}, t: s.Field(i).Type()}
		u.used["env.Batch."+s.Field(i).Name()] = true
	}
	return m, nil
}
