#version 450
// Evaluates the functions of geom.glsl, for tests of their equality with package geom.
// Push constants: number of rows. Input: n x (x, y). Output: n x (sin x, cos x, exp x, log y, tanh x, atan2(y, x), floor x, sqrt y).
#extension GL_GOOGLE_include_directive : require
#include "geom.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer In { vec2 x[]; };
layout(std430, binding = 1) writeonly buffer Out { float y[]; };
layout(push_constant) uniform Push { uint n; };

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= n) return;
    float s, c;
    geom_sincos(x[i].x, s, c);
    y[8u * i] = s;
    y[8u * i + 1u] = c;
    y[8u * i + 2u] = geom_exp(x[i].x);
    y[8u * i + 3u] = geom_log(x[i].y);
    y[8u * i + 4u] = geom_tanh(x[i].x);
    y[8u * i + 5u] = geom_atan2(x[i].y, x[i].x);
    y[8u * i + 6u] = geom_floor(x[i].x);
    y[8u * i + 7u] = sqrt(x[i].y);
}
