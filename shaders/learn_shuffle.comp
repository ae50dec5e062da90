#version 450
// Carries out the exchanges of a shuffle (Fisher and Yates) as if one after the other, from the last
// row to the first, but many at once: Shun, Gu, Blelloch, Fineman and Gibbons, "Sequential Random
// Permutation, List Contraction and Tree Contraction are Highly Parallel" (SODA 2015), section 3. In each
// round every exchange that is left reserves its two rows, of which the earliest gets them, and those that
// got both are carried out. About log n rounds do, and the result does not depend on who came first.
//
// Modes: 0 begin with the order of the epoch before, of the first with that of the rows; 1 reserve; 2
// carry out; 3 forget reservations. LEFT is 0 when all is done.
//
// Push constants: mode, rows, epoch.
#extension GL_GOOGLE_include_directive : require
#include "learn.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) buffer Partner { uint partner[]; };
layout(std430, binding = 2) buffer Reserved { uint reserved[]; };
layout(std430, binding = 3) buffer Order { uint order[]; };
layout(push_constant) uniform Push { uint mode, n, epoch; };

const uint DONE = 0xffffffffu;

void main() {
    uint at = epoch * n;
    for (uint i = gl_GlobalInvocationID.x; i < n; i += gl_NumWorkGroups.x * 64u) {
        if (mode == 0u) {
            order[at + i] = epoch == 0u ? i : order[at - n + i];
            reserved[i] = 0u;
            if (i == 0u) {
                ctrl[DRAWN] = 0u;
                ctrl[SPENT] = 0u;
            }
            continue;
        }
        if (mode == 3u) {
            reserved[i] = 0u;
            continue;
        }
        if (i == 0u) {
            if (mode == 1u) ctrl[LEFT] = 0u;
            continue;
        }
        uint j = partner[i];
        if (j == DONE) continue;
        if (mode == 1u) {
            atomicMax(reserved[i], i);
            atomicMax(reserved[j], i);
        } else if (reserved[i] == i && reserved[j] == i) {
            uint x = order[at + i];
            order[at + i] = order[at + j];
            order[at + j] = x;
            partner[i] = DONE;
        } else {
            atomicOr(ctrl[LEFT], 1u);
        }
    }
}
