// Package twin is a worked example of a reward that also exists as a compute shader: a soft
// landing, near the pad and slow. On a CPU and on a software device both give the same bits.
//
// twin.comp is the shader. After a change, glslc -O twin.comp -o twin.spv compiles it, and a test
// reminds of that.
package twin

import (
	_ "embed"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards"
)

//go:embed twin.spv
var spirv []byte

func init() { rewards.Register("soft_landing", func() rewards.Config { return New() }) }

// Config holds the options of the reward.
type Config struct {
	Offset float32 `json:"offset" doc:"distance from the pad's centre at which nothing is left of the reward, in m, above 0"`
	Speed  float32 `json:"speed" doc:"speed at which nothing is left of it, in m/s, above 0"`
}

// New returns the default options.
func New() *Config { return &Config{Offset: 5, Speed: 10} }

// Doc says in a line what the reward does.
func (*Config) Doc() string { return "Be slow and near the pad: 1 at rest on its centre." }

// Build checks the options and returns the reward, for environments with the facts offset and
// speed.
func (c *Config) Build(s *env.Spec) (rewards.Func, error) {
	for name, v := range map[string]float32{"offset": c.Offset, "speed": c.Speed} {
		if !(v > 1e-6) || !geom.Finite(v) {
			return nil, fmt.Errorf("reward soft_landing: %s is %v, want a number above 0", name, v)
		}
	}
	offset, err := env.Column(s.Facts, "offset")
	if err != nil {
		return nil, fmt.Errorf("reward soft_landing: %w", err)
	}
	speed, err := env.Column(s.Facts, "speed")
	if err != nil {
		return nil, fmt.Errorf("reward soft_landing: %w", err)
	}
	return &soft{width: env.Width(s.Facts), offset: offset, speed: speed, perOffset: 1 / c.Offset, perSpeed: 1 / c.Speed}, nil
}

type soft struct {
	width, offset, speed int
	perOffset, perSpeed  float32 // GPUs do not divide exactly, so they are not asked to
}

var _ rewards.Twin = (*soft)(nil)

// Score writes (1 - |offset|/Offset) (1 - speed/Speed), neither factor below 0. Every product is
// rounded on its own, as in the shader.
func (r *soft) Score(dst []float32, b *env.Batch) {
	for i := range b.N {
		facts := b.Facts[i*r.width : (i+1)*r.width]
		near := max(0, 1-float32(geom.Abs(facts[r.offset])*r.perOffset))
		slow := max(0, 1-float32(facts[r.speed]*r.perSpeed))
		dst[i] = near * slow
	}
}

// Shader returns the same as a compute shader.
func (r *soft) Shader() rewards.Shader {
	return rewards.Shader{SPIRV: spirv, Push: []uint32{
		uint32(r.width), uint32(r.offset), uint32(r.speed), math.Float32bits(r.perOffset), math.Float32bits(r.perSpeed),
	}}
}
