#version 450
// Moves worlds between their memory, where word a of world i is at a*worlds+i, and rows, which the host
// writes and reads: mode 0 writes worlds, mode 1 reads them. In mode 2, what all worlds have behind their
// states becomes what the table of their scene says, and zeros.
//
// The stage holds the number of worlds; how many words of each are written, and whether these are all, of which
// those behind the state are the scene's; where the worlds are, that is, their word 0; and their states.
// Words 0 to 7 but 2, the scene, the host writes in another way: here they are written with all only.
//
// Push constants: number of worlds, words of a state and of all, worlds that the stage has room for, mode;
// where a scene's table has what comes behind the state, and how many words.
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Mem { uint mem[]; };
layout(std430, binding = 1) buffer Stage { uint stage[]; };
layout(std430, binding = 2) readonly buffer Shared { uint table[]; };
layout(push_constant) uniform Push { uint worlds, state, words, slots, mode, rest, nrest; };

uint behind(const uint scene, const uint i) { return i < nrest ? table[scene + rest + i] : 0u; }

void main() {
    uint each = mode == 0u ? stage[1] : mode == 1u ? state : words - state;
    uint count = (mode == 2u ? worlds : stage[0]) * each;
    for (uint k = gl_GlobalInvocationID.x; k < count; k += gl_NumWorkGroups.x * 64u) {
        if (mode == 2u) {
            uint i = k % worlds;
            mem[state * worlds + k] = behind(mem[2u * worlds + i], k / worlds);
            continue;
        }
        uint i = k / each, a = k % each, row = 3u + slots + i * state, at = stage[3u + i] + a * worlds;
        if (mode == 1u) stage[row + a] = mem[at];
        else if (a >= state) mem[at] = behind(stage[row + 2u], a - state);
        else if (a == 2u || a >= 8u || stage[2] != 0u) mem[at] = stage[row + a];
    }
}
