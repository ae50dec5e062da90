#version 450
// The frame of the kernels that package rewards/program makes while the program runs: it replaces
// the body of function program by the operations of an expression. The bindings are those of
// rewards.Shader.
#extension GL_GOOGLE_include_directive : require
#include "geom.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Obs { float obs[]; };
layout(std430, binding = 1) readonly buffer Act { float act[]; };
layout(std430, binding = 2) readonly buffer Next { float next[]; };
layout(std430, binding = 3) readonly buffer Facts { float facts[]; };
layout(std430, binding = 4) writeonly buffer Result { float result[]; };
layout(std430, binding = 5) readonly buffer Ended { uint ended[]; };
layout(std430, binding = 6) buffer Memory { float memory[]; };
layout(push_constant) uniform Push { uint rows; };

// Parameters that are const are passed by value, which makes calls one instruction.
float p_add(const float x, const float y) { return x + y; }
float p_sub(const float x, const float y) { return x - y; }
float p_mul(const float x, const float y) { return x * y; }
float p_div(const float x, const float y) { return x / y; }
float p_neg(const float x) { return -x; }
float p_abs(const float x) { return abs(x); }
float p_min(const float x, const float y) { return x < y ? x : y; }
float p_max(const float x, const float y) { return x > y ? x : y; }
float p_sqrt(const float x) { return sqrt(x); }
float p_exp(const float x) { return geom_exp(x); }
float p_log(const float x) { return geom_log(x); }
float p_tanh(const float x) { return geom_tanh(x); }
float p_sin(const float x) { float s, c; geom_sincos(x, s, c); return s; }
float p_cos(const float x) { float s, c; geom_sincos(x, s, c); return c; }
float p_atan2(const float y, const float x) { return geom_atan2(y, x); }
float p_floor(const float x) { return geom_floor(x); }
float p_less(const float x, const float y) { return x < y ? 1.0 : 0.0; }
float p_equal(const float x, const float y) { return x == y ? 1.0 : 0.0; }
float p_select(const float c, const float x, const float y) { return c != 0.0 ? x : y; }
float p_obs(const uint i) { return obs[i]; }
float p_act(const uint i) { return act[i]; }
float p_next(const uint i) { return next[i]; }
float p_facts(const uint i) { return facts[i]; }
float p_ended(const uint i, const uint how) { return ended[i] == how ? 1.0 : 0.0; }
float p_cell(const uint i) { return memory[i]; }
float p_keep(const float x, const uint i, const uint row) {
    memory[i] = ended[row] == 0u ? x : 0.0;
    return x;
}
uint p_at(const uint row, const uint width, const uint column) { return row * width + column; }

// Calls everything once, or the compiler would leave it out.
float program(const uint row) {
    float x = p_obs(p_at(row, 1u, 0u)), y = p_act(row), z = p_next(row), f = p_facts(row);
    x = p_add(p_sub(p_mul(x, y), p_div(z, f)), p_neg(p_abs(p_min(p_max(x, y), p_sqrt(z)))));
    x = p_keep(p_add(x, p_cell(row)), row, row);
    y = p_exp(p_log(p_tanh(p_sin(p_cos(p_atan2(x, p_floor(y)))))));
    return p_select(p_less(x, y), p_equal(x, z), p_ended(row, 1u));
}

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    result[i] = program(i);
}
