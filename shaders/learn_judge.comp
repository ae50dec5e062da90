#version 450
// Notes the values of rows and how probable the actions were that were taken in them; or, in mode 1, the
// values of the successors that a list names.
//
// Push constants: mode, rows, first row; where in the work memory inputs and values are, and their
// distances from row to row; where the free parameters are; columns of actions; where among the rows
// action, log-probability, value and value of the successor are.
#extension GL_GOOGLE_include_directive : require
#include "geom.glsl"
#include "learn.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) buffer Rows { float rows[]; };
layout(std430, binding = 2) readonly buffer List { uint list[]; };
layout(std430, binding = 3) readonly buffer Work { float work[]; };
layout(std430, binding = 4) readonly buffer Table { uint table[]; };
layout(std430, binding = 5) readonly buffer Params { float params[]; };
layout(push_constant) uniform Push {
    uint mode, count, first, in0, inStep, value0, valueStep, free0, act, act0, logProb0, old0, next0;
};

#include "head.glsl"
HEAD_FORWARD(rows)

void main() {
    if (ctrl[STOP] != 0u) return;
    free = free0;
    for (uint r = gl_GlobalInvocationID.x; r < count; r += gl_NumWorkGroups.x * 64u) {
        float value = work[value0 + r * valueStep];
        if (mode == 1u) {
            uint at = ctrl[CHUNK] * count + r;
            if (at < list[0]) rows[next0 + list[1u + at]] = value;
            continue;
        }
        float logProb, entropy;
        head_forward(in0 + r * inStep, act0 + (first + r) * act, logProb, entropy);
        rows[logProb0 + first + r] = logProb;
        rows[old0 + first + r] = value;
    }
}
