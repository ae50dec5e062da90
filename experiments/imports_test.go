package experiments

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/terrarium-rl/terrarium/"

// allowed lists, for each layer, the layers that it may import. A package belongs to the
// longest prefix that matches its path; whatever is not listed is forbidden. Tests are bound by
// it too, except that any test may use the leaves and the public test suites.
var allowed = map[string][]string{
	"env/geom":         {},
	"env/rng":          {"env/geom"},
	"env/registry":     {},
	"env/relay":        {},
	"shaders":          {"shaders"},
	"agents/nn":        {"agents/nn", "env/rng", "env/geom", "env/relay", "shaders"},
	"env":              {"env", "env/rng", "env/geom", "env/registry", "env/relay", "shaders"},
	"rewards":          {"rewards", "rewards/feedback", "env", "env/rng", "env/geom", "env/registry", "agents/nn", "shaders"},
	"rewards/feedback": {"env", "env/rng"},
	"explore":          {"explore", "rewards", "env", "env/rng", "env/geom", "env/registry", "agents/nn", "shaders"},
	"agents":           {"agents", "env", "env/rng", "env/geom", "env/registry", "agents/nn", "rewards/feedback"},
	"qd":               {"qd", "env/rng", "env/geom", "env/registry", "agents/nn"},
	"render":           {"render", "env", "env/geom", "env/rng", "qd"},
	"render/viewer": {
		"render/viewer", "render", "env", "env/geom", "env/rng", "env/registry", "agents", "agents/nn", "rewards", "rewards/feedback", "explore", "qd", "experiments",
	},
	"experiments": {
		"experiments", "env", "env/rng", "env/geom", "env/registry", "shaders", "agents/nn", "rewards", "rewards/feedback",
		"explore", "agents", "qd", "render",
	},
}

// only lists packages of others that one layer alone may import.
var only = map[string]string{
	"github.com/hajimehoshi/ebiten": "render/viewer", // panics at start where there is no display
	"github.com/vulkan-go/vulkan":   "shaders/vk",
	"github.com/ByteArena/box2d":    "env/physics/box2d",
}

func layer(path string) (best string) {
	for l := range allowed {
		if (path == l || strings.HasPrefix(path, l+"/")) && len(l) > len(best) {
			best = l
		}
	}
	return best
}

func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "bin" || d.Name() == "runs") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		files++
		return checkImports(t, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("looked at %d files only", files)
	}
}

func checkImports(t *testing.T, path string) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	from := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
	for _, s := range f.Imports {
		to, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			return err
		}
		for prefix, place := range only {
			if strings.HasPrefix(to, prefix) && from != place && !strings.HasPrefix(from, place+"/") {
				t.Errorf("%s imports %s; only %s may", path, to, place)
			}
		}
		to, ours := strings.CutPrefix(to, module)
		if !ours || layer(from) == layer(to) {
			continue
		}
		if strings.HasSuffix(path, "_test.go") && (slices.Contains([]string{"env/envtest", "env/rng", "env/geom", "shaders/vk/vktest"}, to) || layer(to) == "agents") {
			continue
		}
		if !slices.Contains(allowed[layer(from)], layer(to)) {
			t.Errorf("%s must not import %s", path, to)
		}
	}
	return nil
}
