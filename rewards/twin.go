package rewards

// A Twin is a Func that a GPU can compute too, so that it need not come back to the CPU in the
// middle of a rollout. Both give the same bits, which package experiments/twintest checks.
type Twin interface {
	Func

	// Shader returns the reward as a compute shader.
	Shader() Shader
}

// A Shader is a compute shader of local size 64 that writes the reward of each row. Its bindings
// in set 0 are float buffers: 0 observations, 1 actions, 2 next observations, 3 facts, 4 the
// result; 5 is a buffer of 32-bit words, how each row ended. Its push constants are the number of
// rows and then Push. If it has a Memory, binding 6 is a float buffer of that, zeros before the first
// step, which the shader reads and brings up to date, as a Learner does in Update.
type Shader struct {
	SPIRV  []byte
	Push   []uint32 // at most 31 words; floats as math.Float32bits
	Memory int      // floats a row; 0 for none
}
