package modules

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"
)

var update = flag.Bool("update", false, "write the golden files of the API")

// api lists the packages that modules of others build on. See the package comment for what is
// promised about them.
var api = []string{
	"env", "env/geom", "env/rng", "env/registry", "env/envtest", "rewards", "rewards/shaping", "rewards/rewardtest",
	"agents", "agents/agenttest", "explore", "explore/exploretest", "qd", "qd/qdtest",
}

// TestAPI compares what the packages export with what they did at the last release, by the rules
// of the Go project's own apidiff. What was exported is kept as declarations in testdata/api.
func TestAPI(t *testing.T) {
	var paths []string
	for _, p := range api {
		paths = append(paths, Terrarium+"/"+p)
	}
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedExportFile, Env: append(os.Environ(), "CGO_ENABLED=0")}, paths...)
	if err != nil {
		t.Fatal(err)
	}
	if n := packages.PrintErrors(loaded); n > 0 {
		t.Fatalf("%d errors", n)
	}
	known := imported{}
	packages.Visit(loaded, nil, func(p *packages.Package) { known[p.PkgPath] = p.Types })
	changes, err := os.ReadFile(filepath.Join("..", "..", "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range loaded {
		name := strings.TrimPrefix(p.PkgPath, Terrarium+"/")
		golden := filepath.Join("testdata", "api", strings.ReplaceAll(name, "/", "_")+".txt")
		was, err := os.ReadFile(golden)
		broken := []string(nil)
		if err == nil {
			if broken, err = incompatible(p.PkgPath, was, p.Types, known); err != nil {
				t.Fatalf("%s: %v", golden, err)
			}
		} else if !*update {
			t.Fatal(err)
		}
		switch {
		case len(broken) > 0 && !(*update && announced(string(changes), name)):
			t.Errorf("package %s: this breaks modules that use it:\n  %s\nIf that has to be, say so in the top section of CHANGELOG.md in a line \"- [CHANGE] `%s`: ...\", then go test ./experiments/modules -run TestAPI -update",
				name, strings.Join(broken, "\n  "), name)
		case *update:
			if err := os.WriteFile(golden, declarations(p.Types), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// announced reports whether the top section of a list of changes has a [CHANGE] line on a package.
func announced(changes, pkg string) bool {
	_, top, _ := strings.Cut(changes, "\n## ")
	top, _, _ = strings.Cut(top, "\n## ")
	return regexp.MustCompile("(?m)^- \\[CHANGE\\] [^\n]*`" + regexp.QuoteMeta(pkg) + "`").MatchString(top)
}

// imported hands out packages that were loaded.
type imported map[string]*types.Package

func (m imported) Import(path string) (*types.Package, error) {
	if p := m[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("no package %s", path)
}

// incompatible lists in what way a package differs from its former declarations that may break
// those who use it.
func incompatible(path string, was []byte, now *types.Package, known imported) ([]string, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, was, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	// A type of another package that is gone makes errors here, and a difference there.
	c := types.Config{Importer: known, IgnoreFuncBodies: true, Error: func(error) {}}
	old, _ := c.Check(path, set, []*ast.File{f}, nil)
	var list []string
	for _, c := range apidiff.Changes(old, now).Changes {
		if !c.Compatible {
			list = append(list, c.Message)
		}
	}
	return list, nil
}

// declarations writes what a package exports, and the types that this depends on, as Go.
func declarations(p *types.Package) []byte {
	imports := map[string]bool{}
	name := func(q *types.Package) string {
		if q == p {
			return ""
		}
		imports[q.Path()] = true
		return q.Name()
	}
	var body bytes.Buffer
	for _, n := range p.Scope().Names() {
		switch o := p.Scope().Lookup(n).(type) {
		case *types.TypeName:
			fmt.Fprintln(&body, types.ObjectString(o, name))
			named, ok := o.Type().(*types.Named)
			for i := 0; ok && !o.IsAlias() && i < named.NumMethods(); i++ {
				m := named.Method(i)
				var sig bytes.Buffer
				types.WriteSignature(&sig, m.Signature(), name)
				fmt.Fprintf(&body, "func (%s) %s%s\n", types.TypeString(m.Signature().Recv().Type(), name), m.Name(), &sig)
			}
		case *types.Const:
			if o.Exported() {
				typ := types.TypeString(o.Type(), name)
				if strings.HasPrefix(typ, "untyped ") {
					typ = ""
				}
				value := o.Val().ExactString() // of fractions such as 3/2
				if o.Val().Kind() == constant.Float {
					value = strings.Replace(value, "/", ".0/", 1)
				}
				fmt.Fprintln(&body, "const", o.Name(), typ, "=", value)
			}
		default:
			if o.Exported() {
				fmt.Fprintln(&body, types.ObjectString(o, name))
			}
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "package %s\n\n", p.Name())
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		fmt.Fprintf(&out, "import %q\n", path)
	}
	out.Write(body.Bytes())
	text, err := format.Source(out.Bytes())
	if err != nil {
		panic(fmt.Sprintf("%v in\n%s", err, &out))
	}
	return text
}

// TestIncompatible: the comparison finds what a list of names and signatures would not.
func TestIncompatible(t *testing.T) {
	const was = "package p\n\nconst (\n\tA int = 0\n\tB float64 = 1.5\n)\n\ntype I interface{ M() }\n\ntype S struct{ X int }\n\nfunc (S) M()\n\nfunc F(x int) error\n"
	check := func(text string) *types.Package {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, "p", text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p, err := (&types.Config{IgnoreFuncBodies: true}).Check("p", set, []*ast.File{f}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for change, breaks := range map[string]string{
		"A int = 0 -> A int = 1":                        "A: value changed",
		"B float64 = 1.5 -> B float32 = 1.5":            "B: changed from float64 to float32",
		"interface{ M() } -> interface{ M(); N() }":     "I.N: added",
		"struct{ X int } -> struct{ X int; Y string }":  "",
		"struct{ X int } -> struct{ X int; y []int }":   "S: old is comparable, new is not",
		"func F(x int) error -> func F(x ...int) error": "F: changed",
		"func F(x int) error -> func G()":               "F: removed",
		"func (S) M() -> func (*S) M()":                 "S.M: removed",
		"package p -> package p\n\nfunc New()":          "",
	} {
		from, to, _ := strings.Cut(change, " -> ")
		now := check(strings.Replace(was, from, to, 1))
		for _, old := range []string{was, string(declarations(check(was)))} {
			list, err := incompatible("p", []byte(old), now, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(list, "; "); !strings.Contains(got, breaks) || breaks == "" && got != "" {
				t.Errorf("%s: %q, want %q", change, got, breaks)
			}
		}
	}
	if log := "# Changes\n\n## Unreleased\n\n- [CHANGE] `env`, `qd`: x\n- [FEATURE] `rewards`: y\n\n## 0.1\n\n- [CHANGE] `agents`: z\n"; !announced(log, "env") || !announced(log, "qd") || announced(log, "rewards") || announced(log, "agents") {
		t.Error("announcements are not told apart")
	}
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
