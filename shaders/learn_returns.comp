#version 450
// Keeps the discounted return of each world's episode so far, and adds up its deviations from their
// mean so far and their squares, in double precision: the twin of rewardScaler of agents/ppo.
//
// Push constants: worlds, steps, where the rewards and ends are, discount, mean (a pair).
#extension GL_GOOGLE_include_directive : require
#include "double.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Rows { float rows[]; };
layout(std430, binding = 1) buffer Returns { float returns[]; };
layout(std430, binding = 2) writeonly buffer Parts { vec2 parts[]; };
layout(std430, binding = 3) readonly buffer Mean { vec2 mean[]; };
layout(push_constant) uniform Push { uint worlds, steps, reward0, end0; float gamma; };

void main() {
    for (uint i = gl_GlobalInvocationID.x; i < worlds; i += gl_NumWorkGroups.x * 64u) {
        float ret = returns[i];
        vec2 minus = dd_minus(mean[0]), s1 = vec2(0.0), s2 = vec2(0.0);
        for (uint k = i; k < worlds * steps; k += worlds) {
            ret = gamma * ret + rows[reward0 + k];
            vec2 d = dd_add(vec2(ret, 0.0), minus);
            s1 = dd_add(s1, d);
            s2 = dd_add(s2, dd_mul(d, d));
            if (rows[end0 + k] != 0.0) ret = 0.0;
        }
        returns[i] = ret;
        parts[2u * i] = s1;
        parts[2u * i + 1u] = s2;
    }
}
