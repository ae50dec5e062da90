#version 450
// The score of the e3b bonus, one world an invocation, in the order of package explore's portable
// loops, so that it gives the same bits: u = C^-1 phi and b = phi' u, with the inverse in blocks of
// 8 x 8 on and below the diagonal, less the updates that are kept apart. See explore/ellipse.go.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Phi { float phi[]; };     // worlds x d
layout(std430, binding = 1) readonly buffer Inverse { float inv[]; }; // worlds x packed(d)
layout(std430, binding = 2) readonly buffer Apart { float w[]; };     // worlds x 8 x d
layout(std430, binding = 3) readonly buffer Steps { uint steps[]; };  // worlds
layout(std430, binding = 4) buffer Product { float u[]; };            // worlds x d
layout(std430, binding = 5) writeonly buffer Form { float form[]; };  // worlds: b
layout(std430, binding = 6) writeonly buffer Bonus { float bonus[]; }; // worlds
layout(push_constant) uniform Push { uint worlds, d, size; };         // size: of an inverse

// The inner product of d numbers of u and of another vector, in eight partial sums.
float dot_phi_u(const uint at) {
    float s[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (uint j = 0u; j < d; j++) s[j % 8u] = s[j % 8u] + u[at + j] * phi[at + j];
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

float dot_w_phi(const uint from, const uint at) {
    float s[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (uint j = 0u; j < d; j++) s[j % 8u] = s[j % 8u] + w[from + j] * phi[at + j];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= worlds) return;
    uint at = i * d, m = i * size;
    for (uint bi = 0u; bi < d; bi += 8u) {
        float acc[64];
        for (uint k = 0u; k < 64u; k++) acc[k] = 0.0;
        for (uint bj = 0u; bj <= bi; bj += 8u) {
            float odd[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
            for (uint r = 0u; r < 8u; r++) {
                for (uint l = 0u; l < 8u; l++) {
                    float v = inv[m + 8u * r + l];
                    acc[8u * r + l] = acc[8u * r + l] + v * phi[at + bj + l];
                    if (bj == bi) continue;
                    float p = phi[at + bi + r] * v;
                    if (r % 2u == 0u) {
                        u[at + bj + l] = u[at + bj + l] + p;
                    } else {
                        odd[l] = odd[l] + p;
                    }
                }
            }
            if (bj < bi) {
                for (uint l = 0u; l < 8u; l++) u[at + bj + l] = u[at + bj + l] + odd[l];
            }
            m += 64u;
        }
        for (uint r = 0u; r < 8u; r++) {
            uint k = 8u * r;
            u[at + bi + r] = ((acc[k] + acc[k + 1u]) + (acc[k + 2u] + acc[k + 3u])) + ((acc[k + 4u] + acc[k + 5u]) + (acc[k + 6u] + acc[k + 7u]));
        }
    }
    for (uint k = 0u; k < steps[i] % 8u; k++) {
        uint from = (i * 8u + k) * d;
        float a = dot_w_phi(from, at);
        for (uint j = 0u; j < d; j++) u[at + j] = u[at + j] - a * w[from + j];
    }
    float b = dot_phi_u(at);
    form[i] = b;
    bonus[i] = steps[i] == 0u ? 0.0 : max(b, 0.0);
}
