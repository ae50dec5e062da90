#version 450
// Acts in every world: a multi-layer perceptron and the distribution of actions on top of it, the
// twin of nn.MLP with the kernel "blas", of nn.Head and of the scaling of package ppo.
//
// The network is a table of words: number of layers, activation (0 tanh, 1 relu, 2 elu, 3 identity),
// number of parts, columns of an action row, explore (0 or 1), purpose of the stream of samples, where
// the normalisation is (0: none), where the free parameters are, where the bounds are, where the parts are, then for each layer
// inputs, outputs, where its parameters are. A part is kind (0 categorical, 1 normal, 2 squashed
// normal), numbers, first input, first free parameter, first action. A bound is lo, hi, mid, half
// and whether it is a choice. The normalisation is a limit, then a shift and a scale for each column.
//
// Push constants: number of worlds, word of the observation row and of the action row in the memory
// of a world, widest layer. Scratch of a world: two layers, then the action as the distribution has it.
// The keys begin with the number of the first of these worlds among all, and how many all are.
#extension GL_GOOGLE_include_directive : require
#include "philox.glsl"
#include "geom.glsl"
#include "net.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Mem { uint mem[]; };
layout(std430, binding = 1) readonly buffer Net { uint net[]; };
layout(std430, binding = 2) buffer Scratch { float scratch[]; };
layout(std430, binding = 3) readonly buffer Keys { uint keys[]; };
layout(push_constant) uniform Push { uint worlds, rowObs, rowAct, widest; };

uint me;

float at(uint i) { return scratch[i * worlds + me]; }
void put(uint i, float v) { scratch[i * worlds + me] = v; }
float num(uint i) { return uintBitsToFloat(net[i]); }

float rng_norm(inout Stream s) {
    float u = float((rng_uint(s) >> 8) + 1u) * (1.0 / 16777216.0);
    float r = sqrt(-2.0 * geom_log(u));
    float t = 2.0 * PI * rng_float(s), sn, cs;
    geom_sincos(t, sn, cs);
    return r * cs;
}

// choose inverts the distribution function of the softmax of n logits at u.
uint choose(uint x, uint n, float u, bool explore) {
    uint best = 0u;
    for (uint i = 1u; i < n; i++) if (at(x + i) > at(x + best)) best = i;
    if (!explore) return best;
    float top = at(x + best), sum = 0.0;
    for (uint i = 0u; i < n; i++) sum += geom_exp(at(x + i) - top);
    u *= sum;
    uint last = 0u;
    for (uint i = 0u; i < n; i++) {
        float e = geom_exp(at(x + i) - top);
        if (e > 0.0) {
            last = i;
            if (u < e) break;
        }
        u -= e;
    }
    return last;
}

void main() {
    me = gl_GlobalInvocationID.x;
    if (me >= worlds || mem[me] != 0u || mem[worlds + me] != 0u) return;
    uint layers = net[0], activation = net[1], parts = net[2], columns = net[3];
    bool explore = net[4] != 0u;
    uint norm = net[6], free = net[7], bounds = net[8], table = net[9], width = net[10];
    for (uint i = 0u; i < width; i++) {
        float v = uintBitsToFloat(mem[(rowObs + i) * worlds + me]);
        if (norm != 0u) v = clamped((v - num(norm + 1u + i)) * num(norm + 1u + width + i), -num(norm), num(norm));
        put(i, v);
    }
    uint from = 0u, to = widest;
    for (uint l = 0u; l < layers; l++) {
        uint n = net[10u + 3u * l], m = net[11u + 3u * l], w = net[12u + 3u * l];
        for (uint j = 0u; j < m; j++) {
            float sum = num(w + n * m + j);
            for (uint p = 0u; p < n; p++) sum += at(from + p) * num(w + p * m + j);
            put(to + j, l + 1u < layers ? activate(activation, sum) : sum);
        }
        uint t = from;
        from = to;
        to = t;
    }
    uint t = mem[3u * worlds + me], raw = 2u * widest;
    Stream s = rng_stream(uvec2(keys[2u * t + 2u], keys[2u * t + 3u]), net[5], keys[0] + me, 0u);
    for (uint k = 0u; k < parts; k++) {
        uint p = table + 5u * k;
        uint kind = net[p], n = net[p + 1u], x = from + net[p + 2u], f = free + net[p + 3u], a = raw + net[p + 4u];
        if (kind == 0u) {
            put(a, float(choose(x, n, explore ? rng_float(s) : 0.0, explore)));
            continue;
        }
        for (uint j = 0u; j < n; j++) {
            float v = at(x + j);
            if (kind == 1u) {
                if (explore) v += geom_exp(num(f + j)) * rng_norm(s);
            } else {
                if (explore) v += geom_exp(clamped(at(x + n + j), -20.0, 2.0)) * rng_norm(s);
                v = geom_tanh(v);
            }
            put(a + j, v);
        }
    }
    for (uint j = 0u; j < columns; j++) {
        uint b = bounds + 5u * j;
        float v = at(raw + j);
        if (net[b + 4u] == 0u) v = clamped(num(b + 2u) + num(b + 3u) * v, num(b), num(b + 1u));
        mem[(rowAct + j) * worlds + me] = floatBitsToUint(v);
    }
}
