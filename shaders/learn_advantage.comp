#version 450
// The mean of the advantages of each minibatch of all epochs, and the reciprocal of their standard
// deviation, in double precision. It runs four times: mode 0 adds up blocks of 128 rows, mode 1 makes the
// means, mode 2 adds up squares of deviations, mode 3 makes the scales. Mode 4 sets 0 and 1 instead.
//
// Push constants: mode, rows of an epoch, minibatches of an epoch, epochs, blocks of a minibatch, where
// the advantages are. Stats is explained in learn_loss.comp.
#extension GL_GOOGLE_include_directive : require
#include "double.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Rows { float rows[]; };
layout(std430, binding = 1) readonly buffer Order { uint order[]; };
layout(std430, binding = 2) buffer Parts { vec2 parts[]; };
layout(std430, binding = 3) buffer Stats { float stats[]; };
layout(push_constant) uniform Push { uint mode, all, minibatches, epochs, blocks, adv0; };

// begin is the first row of a minibatch: m*all/minibatches, without overflow.
uint begin(const uint m) { return m * (all / minibatches) + m * (all % minibatches) / minibatches; }

void add(const uint batch, const uint block) {
    uint m = batch % minibatches, from = begin(m) + 128u * block, to = min(from + 128u, begin(m + 1u));
    vec2 sum = vec2(0.0), mean = vec2(stats[3u * batch], stats[3u * batch + 1u]);
    for (uint i = from; i < to; i++) {
        vec2 x = vec2(rows[adv0 + order[batch / minibatches * all + i]], 0.0);
        if (mode == 2u) {
            x = dd_add(x, dd_minus(mean));
            x = dd_mul(x, x);
        }
        sum = dd_add(sum, x);
    }
    parts[batch * blocks + block] = sum;
}

void finish(const uint batch) {
    vec2 sum = vec2(0.0), n = dd_uint(begin(batch % minibatches + 1u) - begin(batch % minibatches));
    if (mode != 4u) {
        for (uint b = 0u; b < blocks; b++) sum = dd_add(sum, parts[batch * blocks + b]);
        sum = dd_div(sum, n);
    }
    if (mode == 3u) {
        sum = dd_add(dd_sqrt(sum), vec2(9.99999993922529e-09, 6.07747097092215e-17));
        stats[3u * batch + 2u] = dd_div(vec2(1.0, 0.0), sum).x;
        return;
    }
    stats[3u * batch] = sum.x;
    stats[3u * batch + 1u] = sum.y;
    stats[3u * batch + 2u] = 1.0;
}

void main() {
    bool adding = mode == 0u || mode == 2u;
    uint batches = epochs * minibatches, n = adding ? batches * blocks : batches;
    for (uint i = gl_GlobalInvocationID.x; i < n; i += gl_NumWorkGroups.x * 64u) {
        if (adding) add(i / blocks, i % blocks);
        else finish(i);
    }
}
