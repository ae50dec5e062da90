#version 450
// Fills a buffer with random numbers: word i is the first number of the stream of world i.
// Push constants: key (2 words), purpose, step, number of worlds.
#extension GL_GOOGLE_include_directive : require
#include "philox.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) writeonly buffer Out { uint words[]; };
layout(push_constant) uniform Push { uint lo, hi, purpose, step, n; };

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= n) return;
    Stream s = rng_stream(rng_fold(uvec2(lo, hi), uvec2(i, 0u)), purpose, i, step);
    for (uint k = 0u; k < 4u; k++) rng_uint(s);
    words[i] = rng_uint(s);
}
