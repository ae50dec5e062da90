package lab

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/render/scene"
)

func init() { commands = append(commands, levelCommand) }

func levelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "level",
		Short: "Make, check, change and show levels",
		Long: `Make, check, change and show levels, which are JSON files of two kinds: rooms of the sandbox,
which the viewer's level editor draws (viewer room.json), and the parameters and the seed of a level
of another environment. terrarium run LEVEL.json trains in one.`,
		Example: `  terrarium level new -o room.json --seed 3
  terrarium level new -o room.json --from car
  terrarium level new -o moon.json --env lander-v0
  terrarium level check room.json moon.json
  terrarium level mutate room.json -o other.json --seed 1
  terrarium level draw room.json -o room.png
  terrarium run room.json`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(levelNew(), levelCheck(), levelMutate(), levelShow(), levelDraw(), levelSchema())
	return c
}

// A levelText is a level file that has been read: one of its fields is set.
type levelText struct {
	room   *sandbox.Room
	level  *env.LevelFile
	config env.Config // of the environment; nil if the file and the user do not say
	spec   *env.Spec
}

// readLevel reads a level file. The environment is that of the file, or else the one named.
func readLevel(path, name string) (*levelText, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("level: %w", err)
	}
	l, err := parseLevel(text, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func parseLevel(text []byte, name string) (*levelText, error) {
	l := &levelText{}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil || keys["params"] == nil { // sandbox.Decode says what is malformed
		if l.room, err = sandbox.Decode(text); err != nil {
			return nil, err
		}
		if l.config, err = sandbox.Of(l.room); err == nil {
			l.spec, err = l.config.Spec()
		}
		return l, err
	}
	f, err := env.ReadLevel(text, nil)
	if err != nil {
		return nil, err
	}
	if f.Env == "" {
		f.Env = name
	}
	if f.Env == "" {
		return nil, errors.New(`it does not say of which environment it is a level: give it a key "env", or say --env`)
	}
	if l.config, err = env.Open(f.Env, nil); err != nil {
		return nil, err
	}
	if l.spec, err = l.config.Spec(); err != nil {
		return nil, err
	}
	l.level = f
	return l, f.Validate(l.spec)
}

// text returns the JSON form of l.
func (l *levelText) text() ([]byte, error) {
	if l.room != nil {
		return l.room.Text()
	}
	return l.level.Text()
}

// start returns the level that episodes of l play.
func (l *levelText) start() env.Level {
	if l.level != nil {
		return l.level.Level
	}
	s := env.Level{Params: make([]float32, len(l.spec.Params)), Seed: 1}
	for i, p := range l.spec.Params {
		s.Params[i] = p.Default[0]
	}
	return s
}

// write writes a level to a file, or to w if there is no name.
func (l *levelText) write(w io.Writer, path string) error {
	text, err := l.text()
	if err != nil {
		return err
	}
	if path == "" {
		_, err = w.Write(text)
		return err
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("level: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s: %s\n", path, l.summary())
	return err
}

// summary describes l in a line.
func (l *levelText) summary() string {
	hard := ""
	if g, ok := l.config.(env.Grader); ok {
		start := l.start()
		hard = fmt.Sprintf(", difficulty %.2f of 1", g.Difficulty(&start))
	}
	if l.room == nil {
		return fmt.Sprintf("a level of %s, ID %016x%s", l.spec.ID, l.level.ID(l.spec), hard)
	}
	r := l.room
	return fmt.Sprintf("a room of %s: %d bodies, %d joints, %d thrusters, %d rules%s", l.spec.ID, len(r.Bodies), len(r.Joints), len(r.Thrusters), len(r.Rules), hard)
}

func levelNew() *cobra.Command {
	var out, name, from string
	var seed uint64
	c := &cobra.Command{
		Use:   "new [-o FILE]",
		Short: "Generate a level, or copy a room that comes with the program",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := newLevel(name, from, seed)
			if err != nil {
				return err
			}
			if out != "" {
				if _, err := os.Stat(out); err == nil {
					return fmt.Errorf("%s is there already", out)
				}
			}
			return l.write(cmd.OutOrStdout(), out)
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "", "file to write; default: the output of the program")
	f.StringVar(&name, "env", sandbox.ID, "the environment")
	f.StringVar(&from, "from", "", "a room to copy: "+strings.Join(sandbox.Names(), ", "))
	f.Uint64Var(&seed, "seed", 1, "of what is generated")
	return c
}

// newLevel generates a level of the named environment.
func newLevel(name, from string, seed uint64) (*levelText, error) {
	if name != sandbox.ID {
		if from != "" {
			return nil, fmt.Errorf("--from: only rooms of %s can be copied", sandbox.ID)
		}
		c, err := env.Open(name, nil)
		if err != nil {
			return nil, err
		}
		spec, err := c.Spec()
		if err != nil {
			return nil, err
		}
		levels, err := (&env.LevelSet{}).Compile(spec)
		if err != nil {
			return nil, err
		}
		f := &env.LevelFile{Env: name, Level: env.Level{Params: make([]float32, len(spec.Params))}}
		levels.Next(&f.Level, 0, rng.New(seed))
		f.Seed >>= 16 // fits in a JSON number that every reader keeps
		return &levelText{level: f, config: c, spec: spec}, nil
	}
	room := sandbox.Generate(rng.New(seed))
	if from != "" {
		var err error
		if room, err = sandbox.Named(from); err != nil {
			return nil, err
		}
	}
	text, err := room.Text()
	if err != nil {
		return nil, err
	}
	return parseLevel(text, "")
}

func levelCheck() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Say whether levels can be played, and what is likely to be a mistake",
		Long: `Say whether levels can be played. A room is also played for three seconds without doing
anything: what that wins, loses or lets fly apart is likely to be a mistake, as are bodies that
overlap. The program ends with 1 if a level cannot be played.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			w, bad := cmd.OutOrStdout(), 0
			for _, path := range files {
				l, err := readLevel(path, name)
				if err != nil {
					if _, ok := errors.AsType[*os.PathError](err); ok {
						return err
					}
					fmt.Fprintln(w, "cannot be played:", err)
					bad++
					continue
				}
				fmt.Fprintf(w, "%s: %s\n", path, l.summary())
				if l.room != nil {
					for _, d := range l.room.Doubts() {
						fmt.Fprintf(w, "  but %s\n", d)
					}
				}
			}
			if bad > 0 {
				return failed(fmt.Errorf("%d of %s cannot be played", bad, plural(len(files), "level")))
			}
			return nil
		},
	}
	c.Flags().StringVar(&name, "env", "", "the environment of files that do not say it")
	return c
}

func levelMutate() *cobra.Command {
	var out, name string
	var seed uint64
	c := &cobra.Command{
		Use:   "mutate FILE [-o FILE]",
		Short: "Change a level a little, by chance",
		Args:  exactlyOne("a level file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := readLevel(args[0], name)
			if err != nil {
				return err
			}
			if l.room != nil {
				l.room = l.room.Mutate(rng.New(seed))
			} else {
				mutateParams(l.level, l.spec, seed)
			}
			return l.write(cmd.OutOrStdout(), out)
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "", "file to write; default: the output of the program")
	f.StringVar(&name, "env", "", "the environment of a file that does not say it")
	f.Uint64Var(&seed, "seed", 1, "of the change")
	return c
}

const mutatePurpose rng.Purpose = 0x6c6d7574

// mutateParams changes one parameter, and each other one with probability 1/2, by up to a tenth of its
// range.
func mutateParams(f *env.LevelFile, s *env.Spec, seed uint64) {
	r := rng.New(seed).Stream(mutatePurpose, 0, 0)
	if len(s.Params) == 0 {
		f.Seed = r.Uint64() >> 16
		return
	}
	must := r.IntN(len(s.Params))
	for i, p := range s.Params {
		by := r.Range(-0.1, 0.1) * (p.Hi - p.Lo)
		if p.Integer {
			by = float32(1 - 2*r.IntN(2))
		}
		if r.IntN(2) == 0 || i == must {
			f.Params[i] = max(p.Lo, min(f.Params[i]+by, p.Hi))
		}
	}
}

func levelShow() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Describe a level in words",
		Args:  exactlyOne("a level file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := readLevel(args[0], name)
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "%s: %s\n", args[0], l.summary())
			if l.room == nil {
				for i, p := range l.spec.Params {
					fmt.Fprintf(w, "  %-16s %g %s\n", p.Name, l.level.Params[i], p.Unit)
				}
				_, err = fmt.Fprintf(w, "  %-16s %d\n", "seed", l.level.Seed)
				return err
			}
			return l.describeRoom(w)
		},
	}
	c.Flags().StringVar(&name, "env", "", "the environment of a file that does not say it")
	return c
}

func (l *levelText) describeRoom(w io.Writer) (err error) {
	r := l.room
	for i := range r.Bodies {
		b := &r.Bodies[i]
		kind := "moves"
		if b.Kind != "" {
			kind = string(b.Kind)
		}
		m := b.Mass()
		fmt.Fprintf(w, "  %-14s %-8s %-10s at %5.2f %5.2f  %.2f kg\n", b.Name, b.Role, kind, b.Position.X, b.Position.Y, m.Mass)
	}
	for i := range r.Joints {
		j := &r.Joints[i]
		a := j.A
		if a == "" {
			a = "the world"
		}
		motor := ""
		if j.Motor != nil {
			motor = fmt.Sprintf(", motor in column %v", r.Columns(j.Name, ""))
		}
		fmt.Fprintf(w, "  %-14s %s of %s and %s%s\n", j.Name, j.Kind, a, j.B, motor)
	}
	for i := range r.Thrusters {
		t := &r.Thrusters[i]
		fmt.Fprintf(w, "  %-14s thruster on %s, %.2g N, column %v\n", t.Name, t.Body, t.Max, r.Columns("", t.Name))
	}
	for _, u := range r.Rules {
		what := strings.TrimSpace(fmt.Sprintf("%s %s %s", u.A, u.When, u.B))
		if slices.Contains([]sandbox.When{sandbox.Above, sandbox.Below, sandbox.Faster}, u.When) {
			what += fmt.Sprintf(" %g", u.Value)
		}
		if u.Hold > 0 {
			what += fmt.Sprintf(" for %g s", u.Hold)
		}
		then := string(u.Then)
		if then == "" {
			then = "measured"
		}
		_, err = fmt.Fprintf(w, "  %-14s %s\n", then, what)
	}
	return err
}

func levelDraw() *cobra.Command {
	var out, name, theme string
	var size int
	c := &cobra.Command{
		Use:   "draw FILE -o FILE.png",
		Short: "Make a picture of a level as it is at the start",
		Args:  exactlyOne("a level file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := readLevel(args[0], name)
			if err != nil {
				return err
			}
			t, err := scene.ThemeNamed(theme)
			if err != nil {
				return fmt.Errorf("--theme: %w", err)
			}
			if filepath.Ext(out) != ".png" {
				return fmt.Errorf("--output %q: want a file that ends in .png", out)
			}
			if size < 16 || size > 8192 {
				return fmt.Errorf("--width is %d, want 16 to 8192", size)
			}
			return l.draw(out, size, t)
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "", "file to write: .png")
	f.StringVar(&name, "env", "", "the environment of a file that does not say it")
	f.StringVar(&theme, "theme", "light", "light or dark")
	f.IntVar(&size, "width", 640, "of the picture in pixels")
	_ = c.MarkFlagRequired("output") // the flag exists
	return c
}

// draw makes a picture of the first moment.
func (l *levelText) draw(path string, width int, t *scene.Theme) error {
	v, err := env.NewVec(l.config, env.VecOptions{Worlds: 1, Levels: env.FixedLevels{l.start()}})
	if err != nil {
		return err
	}
	defer v.Close()
	v.Reset(1)
	if err := v.Observe(env.NewBatch(v.Spec(), 1)); err != nil {
		return err
	}
	d, ok := v.(env.Drawer)
	if !ok {
		return fmt.Errorf("%s cannot be drawn", l.spec.ID)
	}
	var list scene.List
	d.Draw(&list, 0)
	img := image.NewRGBA(image.Rect(0, 0, width, max(1, int(math.Round(float64(width)/float64(scene.Ratio(&list)))))))
	new(scene.Painter).Paint(img, img.Rect, &list, t)
	return scene.WritePNG(path, img)
}

func levelSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of rooms, for editors that check and complete",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := json.MarshalIndent(roomSchema(), "", "  ")
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(append(text, '\n'))
			return err
		},
	}
}

// roomSchema returns the JSON Schema of rooms.
func roomSchema() *jsonschema.Schema {
	two := uint64(2)
	roles := &jsonschema.Schema{Type: "string"}
	for r := range env.Role(env.Roles) {
		roles.Enum = append(roles.Enum, r.String())
	}
	r := &jsonschema.Reflector{
		Anonymous: true, DoNotReference: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			switch {
			case t == reflect.TypeFor[geom.Vec]():
				return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "number"}, MinItems: &two, MaxItems: &two}
			case t == reflect.TypeFor[env.Role]():
				return roles
			case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
				return &jsonschema.Schema{Type: "string"}
			}
			return nil
		},
	}
	s := r.Reflect(&sandbox.Room{})
	s.Title = "Terrarium room"
	return s
}

// levelExperiment returns the text of an experiment that trains in the level of a file: in a room of
// the sandbox, or in one level of the environment of the experiment that comes with the program.
func levelExperiment(path string, text []byte) ([]byte, error) {
	l, err := parseLevel(text, "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if l.room != nil {
		config := l.config.(*sandbox.Config)
		return withKeys("sandbox", map[string]any{"env": map[string]any{"name": sandbox.ID, "options": map[string]any{"rooms": config.Rooms}}})
	}
	params := map[string]env.Range{}
	for i, p := range l.spec.Params {
		params[p.Name] = env.Range{l.level.Params[i], l.level.Params[i]}
	}
	levels := &env.LevelSet{Params: params, Count: 1, First: l.level.Seed}
	return withKeys(strings.TrimSuffix(l.spec.ID, "-v0"), map[string]any{
		"env": map[string]any{"name": l.spec.ID}, "levels": levels, "eval": map[string]any{"levels": levels},
	})
}

// withKeys returns the named experiment, or an empty one if there is none, with other values of some
// keys. JSON is YAML.
func withKeys(name string, keys map[string]any) ([]byte, error) {
	experiment := map[string]any{}
	if base, err := configs.Read(name); err == nil {
		t, err := parseYAML(name+".yaml", base)
		if err != nil {
			return nil, err
		}
		for i, key := range t.keys {
			experiment[key] = t.items[i].value()
		}
	}
	for key, v := range keys {
		experiment[key] = v
	}
	return json.Marshal(experiment)
}

// value returns t as maps, lists and scalars.
func (t *tree) value() any {
	switch t.kind {
	case mapping:
		m := map[string]any{}
		for i, key := range t.keys {
			m[key] = t.items[i].value()
		}
		return m
	case list:
		var l []any
		for _, item := range t.items {
			l = append(l, item.value())
		}
		return l
	}
	return t.scalar
}
