#version 450
// The score of the bonuses count and episodic_count, one row an invocation: the key of the state, which is
// its cell of a grid or, with bits above 0, the signs of so many projections (simhash), and 1/sqrt(N) or
// whether it is a first visit, with the same bits as package explore. See explore/count.go. A state that
// has no key scores -1: what is not finite, and beyond the cells that have numbers.
#extension GL_GOOGLE_include_directive : require
#include "geom.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer State { float state[]; };  // rows x width
layout(std430, binding = 1) buffer Tables { uint tables[]; }; // one, or one a row
layout(std430, binding = 2) writeonly buffer Keys { uint keys[]; };    // rows x 2
layout(std430, binding = 3) writeonly buffer Bonus { float bonus[]; }; // rows
layout(std430, binding = 4) readonly buffer Planes { float planes[]; }; // bits x width
layout(push_constant) uniform Push { uint rows, width, slots, episodic, first; float cell; uint bits; };

#include "visits.glsl"

// cell_key hashes the cell of a state: FNV-1a over the numbers of the cell.
bool cell_key(const uint at, out uvec2 h) {
    h = uvec2(0x84222325u, 0xcbf29ce4u);
    for (uint j = 0u; j < width; j++) {
        float q = geom_floor(state[at + j] / cell);
        if (!(q > -1073741824.0 && q < 1073741824.0)) return false;
        h = times(h ^ uvec2(uint(int(q)), 0u), uvec2(0x000001b3u, 0x00000100u));
    }
    return true;
}

// side_key hashes on which side of each plane a state is. Inner products have eight partial sums.
bool side_key(const uint at, out uvec2 h) {
    h = uvec2(0u, 0u);
    for (uint j = 0u; j < width; j++) {
        float v = state[at + j];
        if (!(v - v == 0.0)) return false;
    }
    for (uint k = 0u; k < bits; k++) {
        float s[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        uint whole = width / 8u * 8u;
        for (uint j = 0u; j < whole; j++) s[j % 8u] = s[j % 8u] + state[at + j] * planes[k * width + j];
        float sum = (s[0] + s[4]) + (s[1] + s[5]) + ((s[2] + s[6]) + (s[3] + s[7]));
        for (uint j = whole; j < width; j++) sum = sum + state[at + j] * planes[k * width + j];
        h = uvec2(h.x << 1u | (sum > 0.0 ? 1u : 0u), h.y << 1u | h.x >> 31u);
    }
    return true;
}

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    uvec2 h;
    bool known = bits > 0u ? side_key(i * width, h) : cell_key(i * width, h);
    if (!known) {
        bonus[i] = -1.0;
        return;
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
