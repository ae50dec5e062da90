package env

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A Level is the world of an episode before anything happened in it: the values of the
// parameters that the Spec names, and a seed for what they leave open, such as the exact
// shape of the terrain.
type Level struct {
	Params []float32 `json:"params"` // one a Spec.Params, within its bounds
	Seed   uint64    `json:"seed"`
}

// ID returns the content hash of l as a level of s.
func (l *Level) ID(s *Spec) uint64 {
	h := uint64(14695981039346656037) // FNV-1a, 64 bits, inlined for it not to allocate
	mix := func(x uint64, bytes int) {
		for range bytes {
			h = (h ^ x&0xff) * 1099511628211
			x >>= 8
		}
	}
	for i := range len(s.ID) {
		mix(uint64(s.ID[i]), 1)
	}
	mix(l.Seed, 8)
	for _, p := range l.Params {
		mix(uint64(math.Float32bits(p)), 4)
	}
	return h
}

// Validate reports the first parameter of l that is not a level of s.
func (l *Level) Validate(s *Spec) error {
	if len(l.Params) != len(s.Params) {
		return fmt.Errorf("level has %d parameters, %s has %d", len(l.Params), s.ID, len(s.Params))
	}
	for i, p := range s.Params {
		if v := l.Params[i]; !(v >= p.Lo && v <= p.Hi) {
			return fmt.Errorf("level parameter %s is %v, want %v to %v", p.Name, v, p.Lo, p.Hi)
		}
	}
	return nil
}

// A Param is a number that distinguishes levels.
type Param struct {
	Name    string
	Lo, Hi  float32 // inclusive bounds of what the environment can build
	Default Range   // what episodes draw from unless told otherwise
	Integer bool    // only whole numbers
	Unit    string
	Doc     string
}

// A Range is an interval, drawn from uniformly. Equal ends make a constant.
type Range [2]float32

// A Preset is a named choice of levels, such as one published by others.
type Preset struct {
	Name   string
	Doc    string
	Params map[string]Range // those that differ from the defaults
}

func (s *Spec) validateParams() error {
	seen := map[string]bool{}
	for _, p := range s.Params {
		d := p.Default
		if p.Name == "" || seen[p.Name] || !(p.Lo <= d[0] && d[0] <= d[1] && d[1] <= p.Hi) {
			return fmt.Errorf("env %s: level parameter %q is unnamed, named twice, or breaks Lo <= Default <= Hi", s.ID, p.Name)
		}
		seen[p.Name] = true
	}
	for _, p := range s.Presets {
		if _, err := (&LevelSet{Preset: p.Name}).Compile(s); err != nil {
			return fmt.Errorf("env %s: preset %q: %w", s.ID, p.Name, err)
		}
	}
	return nil
}

// Levels chooses the level of each new episode. Next is called by several goroutines at once
// and must depend on its arguments and on nothing that changes between two resets or updates
// by its owner: dst.Params has the right length, and key is the episode's own.
type Levels interface {
	Next(dst *Level, world int, key rng.Key)
}

// A LevelSet is the plainest Levels: independent draws from ranges of parameters and seeds.
// It is what the `levels:` section of an experiment holds. The zero value means the
// environment's defaults, with a new seed every episode.
type LevelSet struct {
	Preset  string           `json:"preset,omitempty" doc:"named levels of the environment to start from"`
	Params  map[string]Range `json:"params,omitempty" doc:"[lo, hi] of level parameters, overriding preset and defaults"`
	Count   uint64           `json:"count,omitempty" doc:"number of distinct level seeds; 0 means unlimited"`
	First   uint64           `json:"first,omitempty" doc:"first level seed, when count is set"`
	HeldOut bool             `json:"held_out,omitempty" doc:"draw seeds that levels without held_out never have"`
}

// heldOutBit marks the seeds of held-out levels.
const heldOutBit = 1 << 63

const levelPurpose rng.Purpose = 0x6c766c // the level of an episode

// Compile checks s against spec and returns it ready for use.
func (s *LevelSet) Compile(spec *Spec) (Levels, error) {
	d := &drawn{ranges: make([]Range, len(spec.Params)), params: spec.Params, set: *s}
	names := make([]string, len(spec.Params))
	for i, p := range spec.Params {
		d.ranges[i] = p.Default
		names[i] = p.Name
	}
	apply := func(over map[string]Range) error {
		matched := 0
		for i, p := range spec.Params {
			r, ok := over[p.Name]
			if !ok {
				continue
			}
			matched++
			if !(p.Lo <= r[0] && r[0] <= r[1] && r[1] <= p.Hi) {
				return fmt.Errorf("level parameter %s is [%v, %v], want lo <= hi within %v to %v", p.Name, r[0], r[1], p.Lo, p.Hi)
			}
			d.ranges[i] = r
		}
		if matched < len(over) {
			for name := range over {
				if _, err := paramIndex(spec, name); err != nil {
					return fmt.Errorf("unknown level parameter %q%s", name, registry.Suggest(name, names))
				}
			}
		}
		return nil
	}
	if s.Preset != "" {
		p, err := findPreset(spec, s.Preset)
		if err != nil {
			return nil, err
		}
		if err := apply(p.Params); err != nil {
			return nil, err
		}
	}
	if s.First+s.Count >= heldOutBit || s.First+s.Count < s.First {
		return nil, fmt.Errorf("level seeds %d to %d are too large: want below 2^63", s.First, s.First+s.Count)
	}
	return d, apply(s.Params)
}

func paramIndex(spec *Spec, name string) (int, error) {
	for i, p := range spec.Params {
		if p.Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("unknown level parameter %q", name)
}

func findPreset(spec *Spec, name string) (*Preset, error) {
	var names []string
	for i := range spec.Presets {
		if spec.Presets[i].Name == name {
			return &spec.Presets[i], nil
		}
		names = append(names, spec.Presets[i].Name)
	}
	return nil, fmt.Errorf("%s has no preset %q%s", spec.ID, name, registry.Suggest(name, names))
}

// Steady marks Levels whose Next depends on its arguments alone, so that the levels of coming episodes
// may be drawn ahead of time and kept.
type Steady interface {
	Levels
	Steady()
}

type drawn struct {
	ranges []Range
	params []Param
	set    LevelSet
}

// Next draws the seed first and the parameters after it, in the order of the Spec. Where seeds
// are counted, the parameters belong to the seed: a counted set holds exactly Count levels.
func (d *drawn) Next(dst *Level, _ int, key rng.Key) {
	r := key.Stream(levelPurpose, 0, 0)
	dst.Seed = r.Uint64()
	if d.set.Count > 0 {
		dst.Seed = d.set.First + dst.Seed%d.set.Count
	}
	dst.Seed &^= heldOutBit
	if d.set.HeldOut {
		dst.Seed |= heldOutBit
	}
	if d.set.Count > 0 {
		r = rng.New(dst.Seed).Stream(levelPurpose, 0, 1)
	}
	for i, b := range d.ranges {
		if d.params[i].Integer {
			dst.Params[i] = b[0] + float32(r.IntN(int(b[1]-b[0])+1))
			continue
		}
		dst.Params[i] = min(r.Range(b[0], b[1]), b[1])
	}
}

// Steady says that the levels of a key are always the same.
func (*drawn) Steady() {}

// FixedLevels plays the given levels by turns: world i begins with level i.
type FixedLevels []Level

// Next copies the level whose turn it is: world w plays level w modulo the number of levels,
// in every episode.
func (f FixedLevels) Next(dst *Level, world int, _ rng.Key) {
	l := &f[world%len(f)]
	dst.Seed = l.Seed
	copy(dst.Params, l.Params)
}

// AppendBinary appends the encoding of l: seed, number of parameters, parameters.
func (l *Level) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint64(dst, l.Seed)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(l.Params)))
	for _, p := range l.Params {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(p))
	}
	return dst, nil
}

// CutLevel decodes a level from the front of src into dst, whose Params have the length of the
// level's, and returns what follows it.
func CutLevel(dst *Level, src []byte) (rest []byte, err error) {
	n := 12 + 4*len(dst.Params)
	if len(src) < n || int(binary.LittleEndian.Uint32(src[8:])) != len(dst.Params) {
		return nil, fmt.Errorf("level: want %d parameters in %d bytes, have %d bytes or another number", len(dst.Params), n, len(src))
	}
	dst.Seed = binary.LittleEndian.Uint64(src)
	for i := range dst.Params {
		dst.Params[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[12+4*i:]))
	}
	return src[n:], nil
}

func suggestField(name string, fs []Field) string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.Name
	}
	return registry.Suggest(name, names)
}
