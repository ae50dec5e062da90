#version 450
// A step of Adam with a gradient that is scaled: the twin of adamGo in agents/nn. Row `step` of
// the table of rates, which the host has made for all steps of an update, is the learning rate over
// 1-beta1^t, and 1/(1-beta2^t). The moments are first all first ones, then all second ones.
//
// Push constants: number of parameters; beta1, 1-beta1, beta2, 1-beta2 and epsilon, as floats.
#extension GL_GOOGLE_include_directive : require
#include "learn.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) readonly buffer Grad { float grad[]; };
layout(std430, binding = 2) buffer Params { float params[]; };
layout(std430, binding = 3) buffer Moments { float moments[]; };
layout(std430, binding = 4) readonly buffer Rates { float rates[]; };
layout(push_constant) uniform Push { uint size; float beta1, rest1, beta2, rest2, eps; };

void main() {
    if (ctrl[STOP] != 0u) return;
    uint step = ctrl[STEPS] - 1u;
    float scale = uintBitsToFloat(ctrl[SCALE]), rate = rates[2u * step], correction = rates[2u * step + 1u];
    for (uint i = gl_GlobalInvocationID.x; i < size; i += gl_NumWorkGroups.x * 64u) {
        float g = grad[i] * scale;
        float m = beta1 * moments[i] + rest1 * g;
        float v = beta2 * moments[size + i] + rest2 * (g * g);
        moments[i] = m;
        moments[size + i] = v;
        params[i] -= (rate * m) / (sqrt(v * correction) + eps);
    }
}
