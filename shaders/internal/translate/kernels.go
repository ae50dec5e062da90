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
	Rounds  [2]int                    // which of them are repeated
}

// Manifest returns the manifest of the kernels, without their sums.
func (o *Output) Manifest() *engine.Manifest {
	return &engine.Manifest{Kernels: map[string]engine.Sum{}, Physics: o.Physics, Rounds: o.Rounds, Layouts: o.Layouts}
}

// A task is an environment that is translated.
type task struct {
	id, pkg string // "cartpole-v0", "env/tasks/cartpole"
	physics bool
	shared  []string // further element types of the shared memory
	model   []string // types of which there is one object, in the shared memory
}

// taskModel is how many words of the shared memory are for the one objects of a task.
const taskModel = 256

var tasks = []task{
	{id: "cartpole-v0", pkg: "env/tasks/cartpole"},
	{id: "pendulum-v0", pkg: "env/tasks/pendulum"},
	{id: "arm-v0", pkg: "env/tasks/arm", physics: true},
	{id: "lander-v0", pkg: "env/tasks/lander", physics: true},
	{id: "walker-v0", pkg: "env/tasks/walker", physics: true},
	{id: "maze-v0", pkg: "env/tasks/maze", shared: []string{"maze.ray"}},
	{id: "pusher-v0", pkg: "env/tasks/pusher", physics: true},
	{id: "curling-v0", pkg: "env/tasks/curling"},
	{id: "reach-v0", pkg: "env/tasks/reach"},
	{
		id: "sandbox-v0", pkg: "env/tasks/sandbox", physics: true, model: []string{"compiled", "Room"},
		shared: []string{"sandbox.drive", "sandbox.rule", "sandbox.bodyTraits", "scene.Body", "scene.Shape", "scene.Goal", "scene.Ray", "geom.Vec", "int"},
	},
}

var physicsShared = []string{
	"physics.bodyInfo", "physics.shapeInfo", "physics.jointInfo", "physics.groundInfo", "physics.thrusterInfo", "physics.rayInfo",
	"physics.slot", "physics.link", "physics.tree", "physics.term", "int32",
}

// stages are functions of the physics: a kernel begins where each is called. There are so many because
// drivers compile all that a kernel calls into one function, in a time that grows with its square.
var stages = []string{
	"remember", "detectGround", "detectPairs", "gather", "prepareAxes", "prepareContacts",
	"assemble", "sweep", "takeMore", "correct", "settleBoth", "closeWide", "restitute",
}

// opened are the functions whose bodies are spread over kernels. All their variables live in memory.
var opened = map[string]bool{"detect": true, "advance": true, "solve": true, "move": true}

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
		u.image = u.sizeof("env/physics", "Model") + taskModel
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
	u.full = u.fieldOf("system", "speeds")
	u.scan(u.l.decl[step].Body)
	p := &program{unit: u}
	if err := p.cut(step, u.l.decl[step].Body.List); err != nil {
		return err
	}
	if len(p.kernels) != len(stages) {
		return fmt.Errorf("physics.World.Step does not call %s", stages[len(p.kernels)])
	}
	for i, pieces := range p.kernels {
		next := "turn + 1u"
		if i == p.rounds[1]-1 {
			next = "again ? turn - " + utoa(uint32(p.rounds[1]-1-p.rounds[0])) + " : turn + 1u"
		}
		src, err := u.kernel(pieces, next)
		if err != nil {
			return err
		}
		name := "physics_" + strings.ToLower(stages[i])
		out.Sources[name] = src
		out.Physics = append(out.Physics, name)
	}
	out.Rounds = p.rounds
	return nil
}

// fieldOf returns a field of a struct of the physics.
func (u *unit) fieldOf(typ, name string) *types.Var {
	o, _, _ := types.LookupFieldOrMethod(u.l.pkgs[module+"env/physics"].Scope().Lookup(typ).Type(), true, u.l.pkgs[module+"env/physics"], name)
	return o.(*types.Var)
}

// A program is a physics step, cut into kernels.
type program struct {
	*unit
	kernels [][]piece
	pending []piece // before the first kernel
	rounds  [2]int  // the kernels that a loop repeats, from the first to before the second
}

// cut adds statements of a function to the kernels that they belong to.
func (p *program) cut(o *types.Func, list []ast.Stmt) error {
	for _, s := range list {
		if call := called(s); call != nil && p.callee(call) != nil && opened[p.callee(call).Name()] {
			p.add(arguments(o, p.callee(call), call))
			if err := p.cut(p.callee(call), p.l.decl[p.callee(call)].Body.List); err != nil {
				return err
			}
			continue
		}
		if o == p.step {
			continue // the scratch comes and goes
		}
		if loop, ok := s.(*ast.ForStmt); ok && loop.Cond == nil && p.begins(s) {
			p.rounds[0] = len(p.kernels)
			if err := p.cut(o, loop.Body.List); err != nil {
				return err
			}
			p.rounds[1] = len(p.kernels)
			continue
		}
		if p.begins(s) {
			p.kernels = append(p.kernels, p.pending)
			p.pending = nil
		}
		p.add(p.piece(o, s))
	}
	return nil
}

func (p *program) add(x piece) {
	if n := len(p.kernels); n > 0 {
		p.kernels[n-1] = append(p.kernels[n-1], x)
		return
	}
	p.pending = append(p.pending, x)
}

// begins reports whether the next kernel begins with s.
func (p *program) begins(s ast.Stmt) (yes bool) {
	ast.Inspect(s, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && len(p.kernels) < len(stages) {
			f := p.callee(c)
			yes = yes || f != nil && f.Name() == stages[len(p.kernels)]
		}
		return true
	})
	return yes
}

// arguments sets the parameters of an opened function.
func arguments(o, callee *types.Func, call *ast.CallExpr) piece {
	return piece{fn: o, do: func(f *fn) {
		for i, a := range call.Args {
			v := callee.Signature().Params().At(i)
			f.line(f.store(v.Type(), addr{off: f.frame(v)}, f.expr(a)))
		}
	}}
}

// piece makes a piece of a statement. `if !more() { return }` ends a loop of kernels. Rows for which
// there is no room in the dense matrix are left to the host.
func (p *program) piece(o *types.Func, s ast.Stmt) piece {
	if i, ok := s.(*ast.IfStmt); ok && len(i.Body.List) == 1 {
		not, isNot := i.Cond.(*ast.UnaryExpr)
		if _, ends := i.Body.List[0].(*ast.ReturnStmt); ends && isNot {
			return piece{fn: o, do: func(f *fn) { f.line("bool again = ", f.expr(not.X), ";") }}
		}
	}
	if c := called(s); c != nil && p.callee(c).Name() == "assemble" {
		most, _ := p.l.pkgs[module+"env/physics"].Scope().Lookup("maxDense").(*types.Const)
		return piece{fn: o, do: func(f *fn) {
			at := f.statics["physics.scratch"] + f.fieldOffset("scratch", "rows") + 1
			f.line("if (WI(", itoa(at), ") > ", most.Val().ExactString(), ") fault |= ", utoa(engine.Many), ";")
			f.line("else {")
			f.stmt(s)
			f.line("}")
		}}
	}
	return piece{fn: o, stmts: []ast.Stmt{s}}
}

// fieldOffset returns where a field of a struct of the physics begins.
func (u *unit) fieldOffset(typ, name string) int {
	s := u.l.pkgs[module+"env/physics"].Scope().Lookup(typ).Type().Underlying().(*types.Struct)
	for i := range s.NumFields() {
		if s.Field(i).Name() == name {
			return offset(s, i)
		}
	}
	u.fail("%s has no field %s", typ, name)
	return 0
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
		u.full = base.full
		u.frames, u.written, u.used = maps.Clone(base.frames), maps.Clone(base.written), maps.Clone(base.used)
	}
	for _, s := range t.shared {
		u.shared[s] = true
	}
	u.static(t.pkg, "world")
	name := path.Base(t.pkg)
	at := u.image - taskModel
	u.modelAt = maps.Clone(u.modelAt)
	for _, s := range t.model {
		u.modelAt[name+"."+s] = at
		at += u.sizeof(t.pkg, s)
	}
	if at > u.image {
		return fmt.Errorf("its one objects take %d words, want at most %d", at-u.image+taskModel, taskModel)
	}
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
		src, err := u.kernel(pieces, "turn + 1u")
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
			err = kernel("judge", func(f *fn) { f.line(f.function(m["Judge"]), "();") })
		}
		if err == nil {
			err = kernel("observe", observe)
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
