#version 450
// Adds up, in blocks of 128, the squares of a gradient and what the rows of a minibatch add to the
// metrics, in double precision: first a pair for each block of the gradient, then five for each block
// of rows. A row has 7 numbers: policy loss, squared error of the value (a pair), entropy, divergence
// (a pair), whether it was clipped.
//
// Push constants: number of parameters, number of rows, where the rows' numbers are.
#extension GL_GOOGLE_include_directive : require
#include "learn.glsl"
#include "double.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) readonly buffer Grad { float grad[]; };
layout(std430, binding = 2) readonly buffer Work { float work[]; };
layout(std430, binding = 3) writeonly buffer Parts { vec2 parts[]; };
layout(push_constant) uniform Push { uint size, rows, row0; };

void squares(const uint block) {
    vec2 sum = vec2(0.0);
    for (uint i = 128u * block; i < min(128u * block + 128u, size); i++) sum = dd_add(sum, dd_product(grad[i], grad[i]));
    parts[block] = sum;
}

void metrics(const uint block, const uint to) {
    vec2 policy = vec2(0.0), value = vec2(0.0), entropy = vec2(0.0), kl = vec2(0.0), clipped = vec2(0.0);
    for (uint i = 128u * block; i < min(128u * block + 128u, rows); i++) {
        uint at = row0 + 7u * i;
        policy = dd_add(policy, vec2(work[at], 0.0));
        value = dd_add(value, vec2(work[at + 1u], work[at + 2u]));
        entropy = dd_add(entropy, vec2(work[at + 3u], 0.0));
        kl = dd_add(kl, vec2(work[at + 4u], work[at + 5u]));
        clipped = dd_add(clipped, vec2(work[at + 6u], 0.0));
    }
    parts[to] = policy;
    parts[to + 1u] = value;
    parts[to + 2u] = entropy;
    parts[to + 3u] = kl;
    parts[to + 4u] = clipped;
}

void main() {
    if (ctrl[STOP] != 0u) return;
    uint chunks = (size + 127u) / 128u, blocks = (rows + 127u) / 128u;
    for (uint i = gl_GlobalInvocationID.x; i < chunks + blocks; i += gl_NumWorkGroups.x * 64u) {
        if (i < chunks) squares(i);
        else metrics(i - chunks, chunks + 5u * (i - chunks));
    }
}
