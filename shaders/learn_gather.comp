#version 450
// Collects the observations of the rows of a minibatch: of mode 0 in the order of the epoch, of mode 1
// as they are; of mode 2, successors from the record, normalised, that a list names.
//
// Push constants: mode, rows, first row, width, where the observations are, rows of an epoch; for mode
// 2: worlds, numbers of a record, where in a record the successor is, whether to normalise, the limit.
// The list holds its length, then numbers of rows; Norm a shift and a scale for each column.
#extension GL_GOOGLE_include_directive : require
#include "learn.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) readonly buffer Rows { float rows[]; };
layout(std430, binding = 2) readonly buffer List { uint list[]; }; // or the order
layout(std430, binding = 3) readonly buffer Record { uint record[]; };
layout(std430, binding = 4) readonly buffer Norm { float norm[]; };
layout(std430, binding = 5) writeonly buffer Work { float work[]; };
layout(push_constant) uniform Push {
    uint mode, count, first, obs, obs0, all, worlds, width, next, normal; float limit;
};

float successor(const uint r, const uint j) {
    if (r >= list[0]) return 0.0;
    uint k = list[1u + r];
    float v = uintBitsToFloat(record[(k / worlds * width + next + j) * worlds + k % worlds]);
    if (normal == 0u) return v;
    v = (v - norm[j]) * norm[obs + j];
    v = v > -limit ? v : -limit;
    return v < limit ? v : limit;
}

void main() {
    if (ctrl[STOP] != 0u) return;
    for (uint i = gl_GlobalInvocationID.x; i < count * obs; i += gl_NumWorkGroups.x * 64u) {
        uint r = i / obs, j = i % obs;
        if (mode == 2u) {
            work[i] = successor(ctrl[CHUNK] * count + r, j);
            continue;
        }
        uint k = mode == 0u ? list[ctrl[EPOCH] * all + first + r] : first + r;
        work[i] = rows[obs0 + k * obs + j];
    }
}
