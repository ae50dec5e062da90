package playback

import (
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// An Editor changes a level: its parameters and its seed.
type Editor struct {
	Spec  *env.Spec
	Level env.Level
	Row   int     // the parameter at hand; len(Spec.Params) is the seed
	Hard  float32 // difficulty, 0 to 1; below 0 if the environment does not know
	Err   error   // why the level cannot be played
	draws uint32
	grade env.Grader
}

// NewEditor returns an editor of a copy of l, a level of c.
func NewEditor(c env.Config, l *env.Level) (*Editor, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	e := &Editor{Spec: spec, Level: env.Level{Params: slices.Clone(l.Params), Seed: l.Seed}}
	e.grade, _ = c.(env.Grader)
	e.check()
	return e, nil
}

func (e *Editor) check() {
	e.Hard = -1
	if e.Err = e.Level.Validate(e.Spec); e.Err == nil && e.grade != nil {
		e.Hard = e.grade.Difficulty(&e.Level)
	}
}

// Rows returns the number of things that can be changed.
func (e *Editor) Rows() int { return len(e.Spec.Params) + 1 }

// Select moves to another row, counted around.
func (e *Editor) Select(by int) { e.Row = ((e.Row+by)%e.Rows() + e.Rows()) % e.Rows() }

// Fraction returns how far parameter i lies on the way between its bounds.
func (e *Editor) Fraction(i int) float32 {
	p := &e.Spec.Params[i]
	if p.Hi == p.Lo {
		return 0
	}
	return (e.Level.Params[i] - p.Lo) / (p.Hi - p.Lo)
}

// Slide sets parameter i to a fraction of the way between its bounds.
func (e *Editor) Slide(i int, fraction float32) {
	p := &e.Spec.Params[i]
	v := p.Lo + max(0, min(fraction, 1))*(p.Hi-p.Lo)
	if p.Integer {
		v = float32(math.Round(float64(v)))
	}
	e.Level.Params[i] = max(p.Lo, min(v, p.Hi))
	e.check()
}

// Nudge changes the row at hand by a few hundredths of its range, or by one.
func (e *Editor) Nudge(by int) {
	if e.Row == len(e.Spec.Params) {
		e.Level.Seed += uint64(by)
		e.check()
		return
	}
	p := &e.Spec.Params[e.Row]
	step := (p.Hi - p.Lo) / 40
	if p.Integer {
		step = max(1, float32(math.Round(float64(step))))
	}
	if p.Hi > p.Lo {
		e.Slide(e.Row, e.Fraction(e.Row)+float32(by)*step/(p.Hi-p.Lo))
	}
}

func (e *Editor) stream() rng.Stream {
	e.draws++
	return rng.New(e.Level.Seed).Stream(editPurpose, 0, e.draws)
}

const editPurpose rng.Purpose = 0x656469 // changes by chance

// Reseed takes another seed: the same parameters, another level.
func (e *Editor) Reseed() {
	r := e.stream()
	e.Level.Seed = r.Uint64() >> 16 // fits in a JSON number that every reader keeps
	e.check()
}

// Generate draws a level as episodes do unless told otherwise.
func (e *Editor) Generate() {
	e.Reseed()
	levels, err := (&env.LevelSet{}).Compile(e.Spec)
	if err != nil {
		e.Err = err
		return
	}
	seed := e.Level.Seed
	levels.Next(&e.Level, 0, rng.New(seed))
	e.Level.Seed = seed
	e.check()
}

// Mutate changes each parameter with probability 1/2 by up to a tenth of its range.
func (e *Editor) Mutate() {
	r := e.stream()
	for i, p := range e.Spec.Params {
		if r.IntN(2) == 0 && p.Hi > p.Lo {
			e.Slide(i, e.Fraction(i)+r.Range(-0.1, 0.1))
		}
	}
}

// Save writes the level to a JSON file.
func (e *Editor) Save(path string) error {
	text, err := (&env.LevelFile{Env: e.Spec.ID, Level: e.Level}).Text()
	if err != nil {
		return fmt.Errorf("level: %w", err)
	}
	return os.WriteFile(path, text, 0o644)
}

// LoadLevel reads a level of s from a JSON file.
func LoadLevel(path string, s *env.Spec) (*env.Level, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := env.ReadLevel(text, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &f.Level, nil
}
