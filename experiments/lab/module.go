package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/terrarium-rl/terrarium/experiments/modules"
)

// builtMark is an environment variable: this program was just built for the modules it holds.
const builtMark = "TERRARIUM_BUILT_FOR"

// builtFor is the value that the program was started with. Programs that it starts do not get it.
var builtFor = takeMark()

func takeMark() string {
	v := os.Getenv(builtMark)
	_ = os.Unsetenv(builtMark)
	return v
}

// A MissingError says that an experiment needs modules which are not part of this program. Run
// builds a program that has them, and goes on as that.
type MissingError struct{ Modules []modules.Source }

// Error says how to get such a program.
func (e *MissingError) Error() string {
	return fmt.Sprintf("the experiment needs %s, which this program lacks: terrarium build --with %s -o FILE makes one that has it",
		e.names(" and "), e.names(" --with "))
}

func (e *MissingError) names(sep string) string {
	var names []string
	for _, s := range e.Modules {
		names = append(names, s.String())
	}
	return strings.Join(names, sep)
}

// checkModules reports which of the modules that an experiment names the program lacks. Folders
// in the experiment, which count from its file, become absolute.
func checkModules(t *tree) error {
	missing := &MissingError{}
	paths := []string{"env.module", "agent.module"}
	for i := range t.list("reward") {
		paths = append(paths, fmt.Sprintf("reward.%d.module", i))
	}
	for i := range t.list("modules") {
		paths = append(paths, fmt.Sprintf("modules.%d", i))
	}
	for _, path := range paths {
		m, given := t.lookup(path)
		if !given || m.scalar == "" {
			continue
		}
		text, ok := m.scalar.(string)
		if !ok {
			return m.place.errorf("%s: want text such as example.com/me/reward@v0.3.0, have %s", path, m.describe())
		}
		base := "."
		if m.place.line > 0 {
			base = filepath.Dir(m.place.source)
		}
		s, err := modules.ParseSource(text, base)
		if err != nil {
			return m.place.errorf("%s: %w", path, err)
		}
		if !s.Fixed() && !modules.Has(s) {
			return m.place.errorf("%s: %s has to name a version, such as %s@v0.3.0: the newest will be another one tomorrow", path, s, s.Path)
		}
		m.scalar = s.String()
		if !modules.Has(s) {
			missing.Modules = append(missing.Modules, s)
		}
	}
	if len(missing.Modules) > 0 {
		return missing
	}
	return nil
}

// needModule reports a module that this program lacks, as checkModules does. Text may be empty.
func needModule(text string) error {
	if text == "" {
		return nil
	}
	s, err := modules.ParseSource(text, ".")
	if err != nil {
		return fmt.Errorf("--module: %w", err)
	}
	if !modules.Has(s) {
		return &MissingError{[]modules.Source{s}}
	}
	return nil
}

// list returns the items of a list at a key, nil if there is none.
func (t *tree) list(key string) []*tree {
	if l := t.get(key); l != nil && l.kind == list {
		return l.items
	}
	return nil
}

// goOn continues as a program that has the missing modules, with the same arguments. It returns
// if that fails.
func (e *MissingError) goOn(ctx context.Context, args []string) error {
	if builtFor != "" {
		return fmt.Errorf("the program that was built for it lacks %s: were its files changed meanwhile? If so, try again; if not, this is a defect of Terrarium", e.names(" and "))
	}
	path, err := e.program(ctx)
	if err != nil {
		return err
	}
	env := append(os.Environ(), builtMark+"="+filepath.Base(filepath.Dir(path)))
	return become(ctx, path, args, env)
}

// program returns the path of a program that has the modules, building it where there is none.
func (e *MissingError) program(ctx context.Context) (string, error) {
	hash, err := programHash()
	if err != nil {
		return "", err
	}
	path, err := modules.Cached(ctx, e.Modules, hash, &buildLog{with: e.names(" and ")})
	return path, explained(err)
}

// explained gives errors of the builder their exit codes.
func explained(err error) error {
	var e *modules.Error
	if errors.As(err, &e) && e.Lacking {
		return lacking(err)
	}
	if errors.Is(err, context.Canceled) {
		return interrupted(err)
	}
	return err
}

// A buildLog tells once what is going on, on standard error, where results are not disturbed.
type buildLog struct {
	with string
	told bool
}

// Write drops all but the first line.
func (l *buildLog) Write(p []byte) (int, error) {
	if !l.told {
		l.told = true
		fmt.Fprintf(os.Stderr, "building a program with %s; it is kept for the next time\n", l.with)
	}
	return len(p), nil
}
