package lab

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
	gomodule "golang.org/x/mod/module"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/experiments/modules"
	"github.com/terrarium-rl/terrarium/explore"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { commands = append(commands, newCommand, rewardCommand) }

//go:embed templates
var templates embed.FS

// scaffolds are the kinds of modules that can be started.
var scaffolds = map[string]struct {
	article string
	names   func() []string               // that are taken
	usage   func(name, mod string) string // in an experiment
}{
	"reward": {"A", rewards.Names, func(name, mod string) string {
		return fmt.Sprintf("reward:\n  - {module: %s@v0.1.0, name: %s}", mod, name)
	}},
	"task": {"A", env.Names, func(name, mod string) string {
		return fmt.Sprintf("env: {module: %s@v0.1.0, name: %s-v0}", mod, name)
	}},
	"agent": {"An", agents.Names, func(name, mod string) string {
		return fmt.Sprintf("agent: {module: %s@v0.1.0, name: %s}", mod, name)
	}},
	"bonus": {"A", explore.Names, func(name, mod string) string {
		return fmt.Sprintf("modules: [%s@v0.1.0]\nbonus: %s", mod, identifier(name))
	}},
	"emitter": {"An", qd.EmitterNames, func(name, mod string) string {
		return fmt.Sprintf("modules: [%s@v0.1.0]\nqd:\n  emitters: [{name: %s}]", mod, name)
	}},
}

// rewardCommand is the parent of what is about rewards.
func rewardCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "reward",
		Short: "Start, test, compare and re-score rewards",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, sub := range rewardCommands {
		c.AddCommand(sub())
	}
	return c
}

// rewardCommands makes the commands of reward. Files of this package append to it in init.
var rewardCommands = []func() *cobra.Command{rewardNewCommand}

func rewardNewCommand() *cobra.Command {
	var o scaffold
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Start a Go module with a reward, its test, and an experiment",
		Long: `Start a Go module with a reward of your own: options, a conformance test, an example
experiment, a program, README and CI. It builds and passes its test as it is.`,
		Example: `  terrarium reward new gentle
  terrarium reward new gentle --module github.com/me/gentle --dir ~/src/gentle`,
		Args: exactlyOne("a name, such as gentle"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.kind, o.name = "reward", args[0]
			return o.create(cmd.Context(), cmd.OutOrStdout())
		},
	}
	o.flags(c)
	return c
}

func newCommand() *cobra.Command {
	var o scaffold
	kinds := []string{"reward", "task", "agent", "bonus", "emitter"}
	c := &cobra.Command{
		Use:   "new " + strings.Join(kinds, "|") + " NAME",
		Short: "Start a Go module with a reward, task, agent, bonus or emitter of your own",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) != 2:
				return fmt.Errorf("new needs a kind (%s) and a name, such as new task hop", strings.Join(kinds, ", "))
			case !slices.Contains(kinds, args[0]):
				return fmt.Errorf("unknown kind %q%s", args[0], registry.Suggest(args[0], kinds))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.kind, o.name = args[0], args[1]
			return o.create(cmd.Context(), cmd.OutOrStdout())
		},
	}
	o.flags(c)
	return c
}

// identifier returns the form of a name that expressions of bonuses take.
func identifier(name string) string { return strings.ReplaceAll(name, "-", "_") }

// A scaffold is a module to be started.
type scaffold struct{ kind, name, module, dir string }

func (s *scaffold) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.module, "module", "", "path of the module (default example.com/NAME)")
	c.Flags().StringVar(&s.dir, "dir", "", "folder to make (default NAME)")
}

var scaffoldName = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)

func (s *scaffold) check() error {
	kind := scaffolds[s.kind]
	if !scaffoldName.MatchString(s.name) {
		return fmt.Errorf("name %q: want lower-case letters and digits, with _ or - between words", s.name)
	}
	taken := s.name
	switch s.kind {
	case "task":
		taken += "-v0"
	case "bonus":
		taken = identifier(taken)
	}
	if slices.Contains(kind.names(), taken) {
		return fmt.Errorf("there is a %s %q already: choose another name", s.kind, taken)
	}
	if s.module == "" {
		s.module = "example.com/" + s.name
	}
	if err := gomodule.CheckPath(s.module); err != nil {
		return fmt.Errorf("--module: %w", err)
	}
	if s.dir == "" {
		s.dir = s.name
	}
	entries, err := os.ReadDir(s.dir)
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: choose another folder with --dir", s.dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// create writes the module.
func (s *scaffold) create(ctx context.Context, w io.Writer) error {
	if err := s.check(); err != nil {
		return err
	}
	mod, sum, local, err := modules.NewMod(s.module)
	if err != nil {
		return explained(err)
	}
	pkg := strings.NewReplacer("-", "", "_", "").Replace(s.name)
	files, err := s.render(map[string]any{
		"Kind": s.kind, "Name": s.name, "Ident": identifier(s.name), "Package": pkg, "Module": s.module, "Local": local, "Terrarium": modules.Terrarium,
		"Article": scaffolds[s.kind].article, "Usage": scaffolds[s.kind].usage(s.name, s.module),
		"Purpose": fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(s.module+s.name))),
	}, pkg)
	if err != nil {
		return err
	}
	files["go.mod"] = mod
	if sum != nil {
		files["go.sum"] = sum
	}
	for name, data := range files {
		at := filepath.Join(s.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, data, 0o644); err != nil {
			return err
		}
	}
	// What is not needed goes; without a go command, go.mod is merely longer than it need be.
	if err := modules.Tidy(ctx, s.dir, local); err != nil && !local {
		fmt.Fprintf(w, "go.mod is not complete yet (%v): go mod tidy in %s completes it\n", err, s.dir)
	}
	fmt.Fprintf(w, `%s: module %s with the %s %q
next:  cd %s
       go test ./...
       terrarium run experiment.yaml
`, s.dir, s.module, s.kind, s.name, s.dir)
	return nil
}

// render fills in the templates.
func (s *scaffold) render(data map[string]any, pkg string) (map[string][]byte, error) {
	at := map[string]string{ // where files of common go
		"README.md": "README.md", "main.go": "cmd/" + pkg + "/main.go", "test.yml": ".github/workflows/test.yml", "gitignore": ".gitignore",
	}
	files := map[string][]byte{}
	for _, dir := range []string{"common", s.kind} {
		entries, err := templates.ReadDir(path.Join("templates", dir))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			text, err := templates.ReadFile(path.Join("templates", dir, e.Name()))
			if err != nil {
				return nil, err
			}
			t, err := template.New(e.Name()).Delims("<<", ">>").Parse(string(text))
			if err != nil {
				return nil, err
			}
			var out bytes.Buffer
			if err := t.Execute(&out, data); err != nil {
				return nil, err
			}
			name := strings.TrimSuffix(e.Name(), ".tmpl")
			if to, ok := at[name]; ok {
				name = to
			}
			files[strings.Replace(name, "NAME", pkg, 1)] = out.Bytes()
		}
	}
	return files, nil
}
