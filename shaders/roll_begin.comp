#version 450
// Begins a step of a rollout in every world. A world whose episode has ended takes the next of the
// beginnings that the host prepared, or waits for the host if there is none left. If that has another
// scene, the words behind the state become what that scene's table says, and zeros.
//
// Words of a world's memory that it knows beside those of package shaders/engine: 3 steps done in
// the rollout, 4 steps since the episode began, 5 beginnings used, 6 whether the episode has ended,
// 7 beginnings there are, and in its upper half which of them is the first: they take turns. A world that is amid a step, waits or is done is left as it is.
//
// Push constants: number of worlds, words of a state, steps of the rollout, whether to keep the state, words
// of a world's memory; where a scene's table has what comes behind the state, and how many words.
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Mem { uint mem[]; };
layout(std430, binding = 1) readonly buffer Spare { uint spare[]; };
layout(std430, binding = 2) writeonly buffer Before { uint before[]; };
layout(std430, binding = 3) readonly buffer Shared { uint table[]; };
layout(push_constant) uniform Push { uint worlds, state, steps, keep, words, rest, nrest; };

void main() {
    uint me = gl_GlobalInvocationID.x;
    if (me >= worlds || mem[me] != 0u || mem[worlds + me] != 0xffffffffu || mem[3u * worlds + me] >= steps) return;
    if (mem[6u * worlds + me] != 0u) {
        uint used = mem[5u * worlds + me];
        uint there = mem[7u * worlds + me] & 0xffffu;
        if (used == there) return;
        uint from = (used + (mem[7u * worlds + me] >> 16)) % there * state;
        uint scene = spare[(from + 2u) * worlds + me];
        if (scene != mem[2u * worlds + me]) {
            mem[2u * worlds + me] = scene;
            for (uint i = 0u; i < words - state; i++) mem[(state + i) * worlds + me] = i < nrest ? table[scene + rest + i] : 0u;
        }
        for (uint a = 8u; a < state; a++) mem[a * worlds + me] = spare[(from + a) * worlds + me];
        mem[4u * worlds + me] = 0u;
        mem[5u * worlds + me] = used + 1u;
        mem[6u * worlds + me] = 0u;
    }
    if (keep != 0u) {
        before[2u * worlds + me] = mem[2u * worlds + me];
        for (uint a = 8u; a < state; a++) before[a * worlds + me] = mem[a * worlds + me];
    }
    mem[worlds + me] = 0u;
}
