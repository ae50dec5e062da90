#version 450
// The update of the bonuses count and episodic_count after count_score. Episodic tables are counted in,
// and cleared where the episode ended, one row an invocation. The table of a global count takes the
// states that it knows, one row an invocation, and marks the others, which count_new then
// takes in the order of rows: they are few.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Keys { uint keys[]; };   // rows x 2
layout(std430, binding = 1) readonly buffer Ended { uint ended[]; }; // rows: 0 while the episode goes on
layout(std430, binding = 2) buffer Tables { uint tables[]; };        // one, or one a row
layout(std430, binding = 3) writeonly buffer New { uint unknown[]; }; // rows: 1 for a state that count_new has to take
layout(push_constant) uniform Push { uint rows, slots, episodic; };

#include "visits.glsl"

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    uvec2 key = uvec2(keys[2u * i], keys[2u * i + 1u]);
    unknown[i] = 0u;
    if (episodic != 0u) {
        uint t = i * (2u + 4u * slots);
        include_key(t, key);
        if (ended[i] != 0u) forget(t);
        return;
    }
    bool found;
    uint s = find(0u, key, found);
    if (found) atomicAdd(tables[slot_word(0u, s) + 2u], 1u);
    else unknown[i] = 1u;
}
