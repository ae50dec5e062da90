#version 450
// Adds up the gradients of the blocks of a minibatch, first block first, as nn.Trainer does.
//
// Push constants: number of parameters, number of blocks.
#extension GL_GOOGLE_include_directive : require
#include "learn.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) readonly buffer Blocks { float blocks[]; };
layout(std430, binding = 2) writeonly buffer Grad { float grad[]; };
layout(push_constant) uniform Push { uint size, count; };

void main() {
    if (ctrl[STOP] != 0u) return;
    for (uint i = gl_GlobalInvocationID.x; i < size; i += gl_NumWorkGroups.x * 64u) {
        float sum = blocks[i];
        for (uint b = 1u; b < count; b++) sum += blocks[b * size + i];
        grad[i] = sum;
    }
}
