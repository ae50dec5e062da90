package modules

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of the API")

// api lists the packages that modules of others build on. What they export stays: a version may
// add to it, and takes away or changes nothing before the next major version.
var api = []string{"env", "env/geom", "env/rng", "env/envtest", "rewards", "rewards/rewardtest", "rewards/shaping", "agents"}

// TestAPI compares what the packages export with the golden files, which hold the API of the last
// release. Additions are recorded with the next one.
func TestAPI(t *testing.T) {
	for _, pkg := range api {
		golden := filepath.Join("testdata", "api", strings.ReplaceAll(pkg, "/", "_")+".txt")
		now := exported(t, filepath.Join("..", "..", filepath.FromSlash(pkg)))
		if *update {
			if err := os.WriteFile(golden, []byte(strings.Join(now, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		was := strings.Split(strings.TrimSpace(string(text)), "\n")
		for _, line := range was {
			if !slices.Contains(now, line) {
				t.Errorf("package %s: %q is gone or changed, which breaks the modules that use it", pkg, line)
			}
		}
		for _, line := range now {
			if !slices.Contains(was, line) {
				t.Logf("package %s: %q is new; go test ./experiments/modules -run TestAPI -update records it", pkg, line)
			}
		}
	}
}

// exported lists what a package exports, a line each: functions, methods, types, their exported
// fields and methods of interfaces, constants and variables.
func exported(t *testing.T, dir string) (lines []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".go" || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.FileExports(f)
		for _, d := range f.Decls {
			lines = append(lines, declared(set, d)...)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func declared(set *token.FileSet, d ast.Decl) (lines []string) {
	text := func(n any) string {
		var b bytes.Buffer
		if err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, set, n); err != nil {
			panic(err)
		}
		return strings.Join(strings.Fields(b.String()), " ")
	}
	if fn, ok := d.(*ast.FuncDecl); ok {
		fn.Body, fn.Doc = nil, nil
		return []string{text(fn)}
	}
	g, ok := d.(*ast.GenDecl)
	if !ok {
		return nil
	}
	for _, s := range g.Specs {
		switch s := s.(type) {
		case *ast.ValueSpec:
			for _, name := range s.Names {
				lines = append(lines, g.Tok.String()+" "+name.Name)
			}
		case *ast.TypeSpec:
			lines = append(lines, typed(s, text)...)
		}
	}
	return lines
}

func typed(s *ast.TypeSpec, text func(any) string) (lines []string) {
	list, kind := (*ast.FieldList)(nil), ""
	switch x := s.Type.(type) {
	case *ast.StructType:
		list, kind = x.Fields, "struct"
	case *ast.InterfaceType:
		list, kind = x.Methods, "interface"
	default:
		return []string{"type " + s.Name.Name + " " + text(s.Type)}
	}
	lines = append(lines, "type "+s.Name.Name+" "+kind)
	for _, f := range list.List {
		f.Doc, f.Comment, f.Tag = nil, nil, nil
		if len(f.Names) == 0 {
			lines = append(lines, "type "+s.Name.Name+" "+kind+", embeds "+text(f.Type))
		}
		for _, name := range f.Names {
			lines = append(lines, "type "+s.Name.Name+" "+kind+", "+name.Name+" "+text(f.Type))
		}
	}
	return lines
}

// TestDependencies: whoever writes a reward gets neither graphics nor learners with it.
func TestDependencies(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", Terrarium+"/env", Terrarium+"/env/envtest", Terrarium+"/rewards", Terrarium+"/rewards/rewardtest", Terrarium+"/rewards/shaping")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, Terrarium+"/rewards") {
		t.Fatalf("go list says %d packages, and not rewards", len(deps))
	}
	for _, dep := range deps {
		for _, heavy := range []string{
			"github.com/vulkan-go", "github.com/hajimehoshi", "gorgonia.org", "gonum.org", "github.com/spf13/cobra", "github.com/tetratelabs/wazero",
			Terrarium + "/agents", Terrarium + "/experiments", Terrarium + "/render", Terrarium + "/shaders", Terrarium + "/qd", Terrarium + "/env/physics", "runtime/cgo",
		} {
			if within(dep, heavy) {
				t.Errorf("importing env and rewards pulls in %s", dep)
			}
		}
	}
}

// TestPlugins runs the tests of the worked examples, as their authors would.
func TestPlugins(t *testing.T) {
	mods, err := filepath.Glob(filepath.Join("..", "plugins", "*", "go.mod"))
	if err != nil || len(mods) < 3 {
		t.Fatalf("plugins: %v, %v", mods, err)
	}
	for _, mod := range mods {
		t.Run(filepath.Base(filepath.Dir(mod)), func(t *testing.T) {
			for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
				c := exec.Command("go", args...)
				c.Dir = filepath.Dir(mod)
				c.Env = append(os.Environ(), "GOWORK=off")
				if out, err := c.CombinedOutput(); err != nil {
					t.Errorf("go %s: %v (if its go.mod is out of date, go mod tidy there mends it)\n%s", args[0], err, out)
				}
			}
		})
	}
}
