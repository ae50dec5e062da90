#version 450
// The score of the bonuses count and episodic_count with cells of a grid, one row an invocation: the
// key of the state, and 1/sqrt(N) or whether it is a first visit, with the same bits as package explore.
// See explore/count.go. A state that no cell has a number for scores -1.
#extension GL_GOOGLE_include_directive : require
#include "geom.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer State { float state[]; };  // rows x width
layout(std430, binding = 1) buffer Tables { uint tables[]; }; // one, or one a row
layout(std430, binding = 2) writeonly buffer Keys { uint keys[]; };    // rows x 2
layout(std430, binding = 3) writeonly buffer Bonus { float bonus[]; }; // rows
layout(push_constant) uniform Push { uint rows, width, slots, episodic, first; float cell; };

#include "visits.glsl"

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    uvec2 h = uvec2(0x84222325u, 0xcbf29ce4u); // FNV-1a
    for (uint j = 0u; j < width; j++) {
        float q = geom_floor(state[i * width + j] / cell);
        if (!(q > -1073741824.0 && q < 1073741824.0)) {
            bonus[i] = -1.0;
            return;
        }
        h = times(h ^ uvec2(uint(int(q)), 0u), uvec2(0x000001b3u, 0x00000100u));
    }
    if (h == uvec2(0u, 0u)) h = uvec2(0x7f4a7c15u, 0x9e3779b9u);
    keys[2u * i] = h.x;
    keys[2u * i + 1u] = h.y;
    uint t = episodic != 0u ? i * (2u + 4u * slots) : 0u;
    bool found;
    uint s = find(t, h, found);
    uint n = 0u;
    if (found) n = tables[slot_word(t, s) + 2u];
    else if (full(t)) n = tables[slot_word(t, shared_slot(t, h)) + 2u];
    if (first != 0u) bonus[i] = n == 0u ? 1.0 : 0.0;
    else bonus[i] = 1.0 / sqrt(float(n) + 1.0);
}
