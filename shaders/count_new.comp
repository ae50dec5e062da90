#version 450
// Takes the states that count_add marked into the table of a global count, by one invocation, in the
// order of rows.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 1) in;
layout(std430, binding = 0) readonly buffer Keys { uint keys[]; };   // rows x 2
layout(std430, binding = 1) readonly buffer New { uint unknown[]; }; // rows
layout(std430, binding = 2) buffer Tables { uint tables[]; };
layout(push_constant) uniform Push { uint rows, slots; };

#include "visits.glsl"

void main() {
    for (uint i = 0u; i < rows; i++) {
        if (unknown[i] != 0u) include_key(0u, uvec2(keys[2u * i], keys[2u * i + 1u]));
    }
}
