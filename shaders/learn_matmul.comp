#version 450
// Multiplies matrices: the twin of gemm of agents/nn with the kernel "blas". An element of the result
// is a sum in the order of p, whatever lies beside it:
//
//     C[i,j] = bias[j] + sum over p of A[i,p] B[p,j],   i < m, j < n, p < k
//
// with A[i,p] at a0 + i*ar + p*ac, B[p,j] at b0 + p*br + j*bc, C[i,j] at c0 + i*n + j and Y alike. Row
// `ones` of A is 1 (there is none if it is NONE); bias is in B (none if NONE). Then a nonlinearity is
// applied (mode 1 + its number) or multiplied by its derivative where its result was Y (mode 5 + its
// number). The rows p of both may be cut into blocks of k, of which there are depth in all: block z has
// a result of its own, at c0 + z*stride.
//
// An invocation computes 8 rows of 4 columns at a time, in registers.
#extension GL_GOOGLE_include_directive : require
#include "geom.glsl"
#include "net.glsl"
#include "learn.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) readonly buffer A { float a[]; };
layout(std430, binding = 2) readonly buffer B { float b[]; };
layout(std430, binding = 3) buffer C { float c[]; };
layout(std430, binding = 4) readonly buffer Y { float y[]; };
layout(push_constant) uniform Push {
    uint m, n, k, a0, ar, ac, b0, br, bc, c0, bias, ones, mode, y0, depth, stride;
};

const uint NONE = 0xffffffffu;

#define EACH(F) F(0u) F(1u) F(2u) F(3u) F(4u) F(5u) F(6u) F(7u)

void tile(const uint z, const uint i, const uint j) {
    uint rows = ones < m ? ones : m; // those that are in memory; `ones` is the last of all
    uint count = min(k, depth - z * k);
    uint at[8];
    vec4 s[8];
    uvec4 col = min(uvec4(j) + uvec4(0u, 1u, 2u, 3u), uvec4(n - 1u));
    vec4 start = vec4(0.0);
    if (bias != NONE) start = vec4(b[bias + col.x], b[bias + col.y], b[bias + col.z], b[bias + col.w]);
#define INIT(r) s[r] = start; at[r] = a0 + z * k * ac + min(i + r, max(rows, 1u) - 1u) * ar;
    EACH(INIT)
    uvec4 from = b0 + z * k * br + col * bc;
    for (uint p = 0u; p < count; p++) {
        vec4 x = vec4(b[from.x], b[from.y], b[from.z], b[from.w]);
        from += br;
#define ADD(r) s[r] += (i + r == ones ? 1.0 : a[at[r]]) * x; at[r] += ac;
        EACH(ADD)
    }
#define STORE(r) \
    if (i + r < m) { \
        for (uint l = 0u; l < 4u && j + l < n; l++) { \
            float v = s[r][l]; \
            uint to = (i + r) * n + j + l; \
            if (mode > 4u) v = slope(mode - 5u, v, y[y0 + to]); \
            else if (mode > 0u) v = activate(mode - 1u, v); \
            c[c0 + z * stride + to] = v; \
        } \
    }
    EACH(STORE)
}

void main() {
    if (ctrl[STOP] != 0u) return;
    uint tm = (m + 7u) / 8u, tn = (n + 3u) / 4u, blocks = (depth + k - 1u) / k;
    for (uint t = gl_GlobalInvocationID.x; t < tm * tn * blocks; t += gl_NumWorkGroups.x * 64u) {
        tile(t / (tm * tn), t % (tm * tn) / tn * 8u, t % tn * 4u);
    }
}
