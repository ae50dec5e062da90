#version 450
// The score of the bonuses re3, apt and ngu, one row an invocation: the k smallest squared distances of
// its features from those of a memory, and what they pay. See explore/near.go.
//
// kth has the squared distance of the k-th nearest, below 0 for none; the running mean that ngu divides
// by is the host's.
#extension GL_GOOGLE_include_directive : require
#include "geom.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Phi { float phi[]; };       // rows x d
layout(std430, binding = 1) readonly buffer Memory { float memory[]; }; // memories x size x d
layout(std430, binding = 2) readonly buffer Known { uint known[]; };    // for each memory: next, number
layout(std430, binding = 3) buffer Best { float best[]; };              // rows x k
layout(std430, binding = 4) writeonly buffer Kth { float kth[]; };      // rows
layout(std430, binding = 5) writeonly buffer Bonus { float bonus[]; };  // rows
layout(push_constant) uniform Push { uint rows, d, size, k, kind; float mean; }; // kind: 0 re3, 1 apt, 2 ngu

float distance2(const uint a, const uint b) {
    float s[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    uint whole = d / 8u * 8u;
    for (uint j = 0u; j < whole; j++) {
        float e = phi[a + j] - memory[b + j];
        s[j % 8u] = s[j % 8u] + e * e;
    }
    float sum = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
    for (uint j = whole; j < d; j++) {
        float e = phi[a + j] - memory[b + j];
        sum = sum + e * e;
    }
    return sum;
}

float pay(const uint from, const uint n) {
    if (kind == 0u) return geom_log(1.0 + sqrt(best[from + n - 1u]));
    float sum = 0.0;
    for (uint j = 0u; j < n; j++) {
        float x = best[from + j];
        if (kind == 1u) {
            sum = sum + sqrt(x);
        } else {
            float far = x / mean - 0.008;
            sum = sum + 1e-3 / ((far > 0.0 ? far : 0.0) + 1e-3);
        }
    }
    if (kind == 1u) return geom_log(1.0 + sum / float(n));
    float s = sqrt(sum) + 1e-3;
    return s > 8.0 ? 0.0 : 1.0 / s;
}

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    uint m = kind == 2u ? i : 0u, from = i * k, n = 0u;
    for (uint s = 0u; s < known[2u * m + 1u]; s++) {
        float dist = distance2(i * d, (m * size + s) * d);
        if (n == k && dist >= best[from + k - 1u]) continue;
        if (n < k) n++;
        uint at = n - 1u;
        while (at > 0u && best[from + at - 1u] > dist) {
            best[from + at] = best[from + at - 1u];
            at--;
        }
        best[from + at] = dist;
    }
    kth[i] = -1.0;
    bonus[i] = 0.0;
    if (n > 0u && (n == k || kind == 2u)) {
        kth[i] = best[from + n - 1u];
        bonus[i] = pay(from, n);
    }
}
