#version 450
// Scales and limits the rewards of each world, and makes advantages and targets of them, from the last
// step to the first: the twin of rollout.advantages in agents/ppo. It also adds up targets, their
// squares, advantages and their squares, in double precision, for the explained variance.
//
// Push constants: worlds, steps, where reward, end, value, value of the successor, advantage and target
// are; discount; discount times lambda; limit of rewards. Scale holds the factor of rewards (0: none).
#extension GL_GOOGLE_include_directive : require
#include "double.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Rows { float rows[]; };
layout(std430, binding = 1) readonly buffer Scale { float scale[]; };
layout(std430, binding = 2) writeonly buffer Parts { vec2 parts[]; };
layout(push_constant) uniform Push {
    uint worlds, steps, reward0, end0, value0, next0, adv0, target0; float gamma, decay, limit;
};

void main() {
    for (uint i = gl_GlobalInvocationID.x; i < worlds; i += gl_NumWorkGroups.x * 64u) {
        vec2 y = vec2(0.0), y2 = vec2(0.0), e = vec2(0.0), e2 = vec2(0.0);
        float after = 0.0, carry = 0.0; // value and advantage of the next step
        for (uint back = 0u; back < steps; back++) {
            uint k = (steps - 1u - back) * worlds + i;
            float r = rows[reward0 + k], end = rows[end0 + k], v = rows[value0 + k];
            if (scale[0] != 0.0) {
                r = r * scale[0];
                r = r > -limit ? r : -limit;
                r = r < limit ? r : limit;
            }
            float next = rows[next0 + k];
            if (end == 1.0) {
                next = 0.0;
                carry = 0.0;
            } else if (back > 0u && end == 0.0) {
                next = after;
            } else {
                carry = 0.0;
            }
            float delta = r + gamma * next - v;
            float adv = delta + decay * carry, target = adv + v;
            rows[adv0 + k] = adv;
            rows[target0 + k] = target;
            after = v;
            carry = adv;
            y = dd_add(y, vec2(target, 0.0));
            y2 = dd_add(y2, dd_product(target, target));
            e = dd_add(e, vec2(adv, 0.0));
            e2 = dd_add(e2, dd_product(adv, adv));
        }
        parts[4u * i] = y;
        parts[4u * i + 1u] = y2;
        parts[4u * i + 2u] = e;
        parts[4u * i + 3u] = e2;
    }
}
