#version 450
// Decides about a step of the optimiser, from the sums of learn_sum.comp: one work group, whose
// invocations add up every 64th block each; the first of them adds up those sums and decides. It adds to
// the metrics, counts the step, and sets the scale of the gradient; or it stops the update: 1 the policy
// has moved far enough; 2 the policy loss, 3 the value loss, 4 the entropy, 5 the gradient is not finite.
//
// Push constants: number of parameters, number of rows, whether this is the last minibatch of an
// epoch, the longest gradient (0: any), the largest divergence of a row's mean (a pair; 0: any).
#extension GL_GOOGLE_include_directive : require
#include "learn.glsl"
#include "double.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) readonly buffer Parts { vec2 parts[]; };
layout(push_constant) uniform Push { uint size, rows, last; float most, far, farLow; };

shared vec2 lanes[6][64];

void keep(const uint i, const vec2 x) {
    vec2 old = vec2(uintBitsToFloat(ctrl[SUMS + 2u * i]), uintBitsToFloat(ctrl[SUMS + 2u * i + 1u]));
    old = dd_add(old, x);
    ctrl[SUMS + 2u * i] = floatBitsToUint(old.x);
    ctrl[SUMS + 2u * i + 1u] = floatBitsToUint(old.y);
}

void decide() {
    vec2 sums[6];
    for (uint q = 0u; q < 6u; q++) {
        sums[q] = vec2(0.0);
        for (uint l = 0u; l < 64u; l++) sums[q] = dd_add(sums[q], lanes[q][l]);
    }
    for (uint q = 0u; q < 3u; q++) {
        if (!dd_finite(sums[q])) {
            ctrl[STOP] = 2u + q;
            return;
        }
    }
    for (uint q = 0u; q < 5u; q++) keep(q, sums[q]);
    ctrl[ROWS] += rows;
    if (far > 0.0) {
        vec2 d = dd_add(dd_div(sums[3], dd_uint(rows)), vec2(-far, -farLow));
        if (d.x > 0.0 || d.x == 0.0 && d.y > 0.0) {
            ctrl[STOP] = 1u;
            return;
        }
    }
    vec2 norm = dd_sqrt(sums[5]);
    if (!dd_finite(norm)) {
        ctrl[STOP] = 5u;
        return;
    }
    float scale = 1.0;
    if (most > 0.0 && (norm.x > most || norm.x == most && norm.y > 0.0)) scale = dd_div(vec2(most, 0.0), norm).x;
    ctrl[SCALE] = floatBitsToUint(scale);
    keep(5u, norm);
    ctrl[STEPS]++;
    if (last != 0u) ctrl[EPOCH]++;
}

void main() {
    uint me = gl_LocalInvocationID.x, chunks = (size + 127u) / 128u, blocks = (rows + 127u) / 128u;
    bool idle = ctrl[STOP] != 0u;
    vec2 sum = vec2(0.0);
    for (uint i = me; i < chunks; i += 64u) sum = dd_add(sum, parts[i]);
    lanes[5][me] = sum;
    for (uint q = 0u; q < 5u; q++) {
        sum = vec2(0.0);
        for (uint b = me; b < blocks; b += 64u) sum = dd_add(sum, parts[chunks + 5u * b + q]);
        lanes[q][me] = sum;
    }
    barrier();
    if (me == 0u && !idle) decide();
}
