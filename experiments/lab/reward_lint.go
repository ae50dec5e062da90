package lab

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/experiments/modules"
)

func init() {
	commands = append(commands, testCommand, lintCommand)
	rewardCommands = append(rewardCommands, testCommand, lintCommand)
}

func testCommand() *cobra.Command {
	var race bool
	c := &cobra.Command{
		Use:   "test DIR",
		Short: "Run the tests of a module, and look for ways to game its reward",
		Long: `Run go test in the folder of a module, which runs the conformance suite of its reward, task,
agent, bonus or emitter. Then run reward check with each experiment file in the folder, such as
experiment.yaml, that names a module for its reward or its task. The exit code is 1 if a test
fails; what reward check finds are hints.`,
		Example: "  terrarium test .\n  terrarium test --race ~/src/gentle",
		Args:    exactlyOne("the folder of a module, such as ."),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := modules.ParseSource(asFolder(args[0]), "."); err != nil {
				return err
			}
			test := []string{"test", "./..."}
			if race {
				test = []string{"test", "-race", "./..."}
			}
			if err := goIn(cmd, args[0], test...); err != nil {
				return err
			}
			experiments, err := rewarding(args[0])
			if err != nil {
				return err
			}
			return checkAll(cmd, experiments)
		},
	}
	c.Flags().BoolVar(&race, "race", false, "look for data races too; needs a C compiler")
	return c
}

// rewarding returns the experiment files in a folder that name a module for the task or a term of
// the reward.
func rewarding(dir string) (files []string, err error) {
	all, err := filepath.Glob(filepath.Join(globEscape(dir), "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		t, err := parseYAML(file, text)
		if err != nil {
			return nil, err
		}
		_, has := t.lookup("env.module")
		for i := range t.list("reward") {
			_, of := t.lookup(fmt.Sprintf("reward.%d.module", i))
			has = has || of
		}
		if has {
			files = append(files, file)
		}
	}
	return files, nil
}

// asFolder makes a path one that ParseSource takes for a folder.
func asFolder(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return "." + string(filepath.Separator) + path
}

// goIn calls the go command in a folder.
func goIn(cmd *cobra.Command, dir string, args ...string) error {
	path, err := exec.LookPath("go")
	if err != nil {
		return lacking(fmt.Errorf("the go command is not installed, or not in the PATH: install Go from https://go.dev/dl/"))
	}
	c := exec.CommandContext(cmd.Context(), path, args...)
	var said bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = dir, cmd.OutOrStdout(), io.MultiWriter(cmd.ErrOrStderr(), &said)
	if err := c.Run(); err != nil {
		hint := "see above"
		if text := said.String(); strings.Contains(text, "missing go.sum entry") || strings.Contains(text, "updates to go.mod needed") {
			hint = "its go.mod is not up to date with what it requires: go mod tidy there mends it"
		}
		return failed(fmt.Errorf("go %s in %s failed: %s", strings.Join(args, " "), dir, hint))
	}
	return nil
}

// checkAll runs reward check on experiments, each in a program of its own, as each may name
// other modules.
func checkAll(cmd *cobra.Command, experiments []string) error {
	self, err := os.Executable()
	if err != nil {
		return lacking(fmt.Errorf("cannot find the running program: %w", err))
	}
	for _, e := range experiments {
		fmt.Fprintf(cmd.OutOrStdout(), "\n%s\n", e)
		c := exec.CommandContext(cmd.Context(), self, "reward", "check", e)
		c.Stdout, c.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
		if err := c.Run(); err != nil {
			return failed(fmt.Errorf("reward check %s failed: see above", e))
		}
	}
	return nil
}

func lintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lint DIR",
		Short: "Look for common mistakes in the source of a module",
		Long: `Run go vet in the folder of a module, then look for mistakes that the compiler does not see:
nothing registered in init, options without json and doc tags, a Score that keeps, changes or
allocates, randomness and clocks, no conformance test, replace lines, and products that some
processors add without rounding them first, so that results differ there. The exit code is 1 if
there are any.`,
		Example: "  terrarium lint .",
		Args:    exactlyOne("the folder of a module, such as ."),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := modules.ParseSource(asFolder(args[0]), "."); err != nil {
				return err
			}
			found, notes, err := lint(args[0])
			if err != nil {
				return err
			}
			vetted := goIn(cmd, args[0], "vet", "./...")
			if vetted == nil {
				products, err := lintFused(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				found = append(found, products...)
			}
			for _, f := range slices.Concat(found, notes) {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			if vetted != nil {
				return vetted
			}
			if len(found) > 0 {
				return failed(fmt.Errorf("%s in %s", plural(len(found), "finding"), args[0]))
			}
			fmt.Fprintln(cmd.OutOrStdout(), "nothing found")
			return nil
		},
	}
}

// suites are the conformance tests, one of which a module should run.
var suites = []string{"rewardtest.Run", "envtest.Run", "agenttest.Run", "exploretest.Run", "qdtest.Emitter", "qdtest.Archive"}

// A linter collects findings.
type linter struct {
	dir        string
	set        *token.FileSet
	found      []string
	notes      []string // what need not be mended yet
	registers  bool
	conformant bool // a test calls a public suite
	own        bool // the module has packages that are not programs
}

// lint reads the Go files of a module.
func lint(dir string) (found, notes []string, err error) {
	l := &linter{dir: dir, set: token.NewFileSet()}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "runs"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		f, err := parser.ParseFile(l.set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("malformed Go: %w", err)
		}
		l.file(path, f)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if l.own && !l.registers {
		l.found = append(l.found, dir+": nothing is registered: call rewards.Register, env.Register, agents.Register, explore.Register or qd.RegisterEmitter in an init function")
	}
	if l.own && !l.conformant {
		l.found = append(l.found, dir+": no test runs a conformance suite: call "+strings.Join(suites, ", ")+" in one")
	}
	l.replaces()
	slices.Sort(l.found)
	return l.found, l.notes, nil
}

func (l *linter) say(at ast.Node, format string, args ...any) {
	p := l.set.Position(at.Pos())
	l.found = append(l.found, fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...)))
}

// replaces reports replace lines, which only hold here.
func (l *linter) replaces() {
	text, err := os.ReadFile(filepath.Join(l.dir, "go.mod"))
	if err != nil {
		return
	}
	for i, line := range strings.Split(string(text), "\n") {
		at := fmt.Sprintf("%s:%d: ", filepath.Join(l.dir, "go.mod"), i+1)
		switch old, _, is := strings.Cut(line, "=>"); {
		case is && slices.Contains(strings.Fields(old), modules.Terrarium):
			l.notes = append(l.notes, at+"note: before others use the module, require a released Terrarium in the place of this replace line")
		case is:
			l.found = append(l.found, at+"a replace line holds only in this folder: without it others cannot build the module")
		}
	}
}

func (l *linter) file(path string, f *ast.File) {
	if strings.HasSuffix(path, "_test.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			l.conformant = l.conformant || slices.Contains(suites, selector(n))
			return true
		})
		return
	}
	if f.Name.Name == "main" {
		return
	}
	l.own = true
	for _, imp := range f.Imports {
		if p, _ := strconv.Unquote(imp.Path.Value); p == "math/rand" || p == "math/rand/v2" {
			l.say(imp, "%s makes runs differ: draw from package env/rng", p)
		}
	}
	structs := map[string]*ast.StructType{}
	ast.Inspect(f, func(n ast.Node) bool {
		if t, ok := n.(*ast.TypeSpec); ok {
			if s, ok := t.Type.(*ast.StructType); ok {
				structs[t.Name.Name] = s
			}
		}
		return true
	})
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		l.registration(fn)
		switch {
		case fn.Name.Name == "Build" && fn.Recv != nil:
			l.options(structs[receiver(fn)])
		case fn.Name.Name == "Score" && fn.Recv != nil && len(fn.Type.Params.List) == 2:
			l.score(fn)
		}
	}
}

func receiver(fn *ast.FuncDecl) string {
	t := fn.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// selector returns "x.F" if n is that, or a call of it.
func selector(n ast.Node) string {
	if c, ok := n.(*ast.CallExpr); ok {
		n = c.Fun
	}
	if s, ok := n.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

var registering = regexp.MustCompile(`^(rewards|env|agents|explore)\.Register$|^qd\.Register(Emitter|Archive)$`)

func (l *linter) registration(fn *ast.FuncDecl) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok || !registering.MatchString(selector(c)) {
			return true
		}
		l.registers = true
		if fn.Name.Name != "init" || fn.Recv != nil {
			l.say(c, "Register belongs in an init function: elsewhere it may come too late, or twice")
		}
		return true
	})
}

// options checks the tags of an options struct.
func (l *linter) options(s *ast.StructType) {
	if s == nil {
		return
	}
	for _, f := range s.Fields.List {
		tag := ""
		if f.Tag != nil {
			tag, _ = strconv.Unquote(f.Tag.Value)
		}
		for _, name := range f.Names {
			if !name.IsExported() {
				continue
			}
			if reflect.StructTag(tag).Get("json") == "" {
				l.say(f, "option %s has no json tag: experiments cannot set it", name.Name)
			} else if reflect.StructTag(tag).Get("doc") == "" {
				l.say(f, "option %s has no doc tag: terrarium describe says nothing about it", name.Name)
			}
		}
	}
}

// score checks the body of a Score method.
func (l *linter) score(fn *ast.FuncDecl) {
	batch, recv := "", ""
	if names := fn.Type.Params.List[1].Names; len(names) > 0 {
		batch = names[0].Name
	}
	if names := fn.Recv.List[0].Names; len(names) > 0 {
		recv = names[0].Name
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if batch != "" && root(to) == batch && !isIdent(to) {
					l.say(n, "Score changes the batch")
				}
				if recv != "" && root(to) == recv && i < len(n.Rhs) && keeps(n.Rhs[i], batch) {
					l.say(n, "Score keeps the batch, or a part of it, which the next step overwrites: copy what you need")
				}
			}
		case *ast.IncDecStmt:
			if root(n.X) == batch && batch != "" {
				l.say(n, "Score changes the batch")
			}
		case *ast.GoStmt:
			l.say(n, "Score starts a goroutine, which may outlive the batch")
		case *ast.CallExpr:
			switch name := selector(n); {
			case name == "time.Now" || name == "time.Since":
				l.say(n, "%s makes runs differ", name)
			case strings.HasPrefix(name, "rand."):
				l.say(n, "%s makes runs differ: draw from package env/rng", name)
			case strings.HasPrefix(name, "fmt.") && !strings.HasSuffix(name, "Errorf"):
				l.say(n, "%s in Score allocates and prints at every step", name)
			}
		}
		return true
	})
}

func isIdent(e ast.Expr) bool { _, ok := e.(*ast.Ident); return ok }

// root returns the name of the variable that an expression is a part of.
func root(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return ""
		}
	}
}

// keeps reports whether an expression is the batch, or a slice of it rather than a number.
func keeps(e ast.Expr, batch string) bool {
	if batch == "" {
		return false
	}
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name == batch
	case *ast.SelectorExpr:
		return root(x) == batch && x.Sel.Name != "N"
	case *ast.SliceExpr:
		return root(x) == batch
	case *ast.UnaryExpr:
		return keeps(x.X, batch)
	}
	return false
}
