#version 450
// The update of the e3b bonus after e3b_score, one world an invocation, with the same bits as
// package explore: the state joins those kept apart, and eight of them are worked into covariance and
// inverse at once; an episode that ended starts anew. What is not done here is the exact inversion
// every 512 steps. See explore/ellipse.go.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Phi { float phi[]; };    // worlds x d
layout(std430, binding = 1) readonly buffer Product { float u[]; };  // worlds x d
layout(std430, binding = 2) readonly buffer Form { float form[]; };  // worlds
layout(std430, binding = 3) readonly buffer Ended { uint ended[]; }; // worlds: 0 while the episode goes on
layout(std430, binding = 4) buffer Inverse { float inv[]; };         // worlds x packed(d)
layout(std430, binding = 5) buffer Covariance { float cov[]; };      // the same
layout(std430, binding = 6) buffer Apart { float w[]; };             // worlds x 8 x d
layout(std430, binding = 7) buffer Kept { float kept[]; };           // worlds x 8 x d: their phi
layout(std430, binding = 8) buffer Steps { uint steps[]; };          // worlds
layout(push_constant) uniform Push { uint worlds, d, size; float ridge; };

// Adds sign times the sum of v v' over eight vectors to a matrix: the inverse or the covariance.
void into_inverse(const uint m0, const uint from) {
    uint m = m0;
    for (uint bi = 0u; bi < d; bi += 8u) {
        for (uint bj = 0u; bj <= bi; bj += 8u) {
            for (uint r = 0u; r < 8u; r++) {
                for (uint l = 0u; l < 8u; l++) {
                    for (uint k = 0u; k < 8u; k++) {
                        inv[m + 8u * r + l] = inv[m + 8u * r + l] + (-w[from + k * d + bi + r]) * w[from + k * d + bj + l];
                    }
                }
            }
            m += 64u;
        }
    }
}

void into_covariance(const uint m0, const uint from) {
    uint m = m0;
    for (uint bi = 0u; bi < d; bi += 8u) {
        for (uint bj = 0u; bj <= bi; bj += 8u) {
            for (uint r = 0u; r < 8u; r++) {
                for (uint l = 0u; l < 8u; l++) {
                    for (uint k = 0u; k < 8u; k++) {
                        cov[m + 8u * r + l] = cov[m + 8u * r + l] + kept[from + k * d + bi + r] * kept[from + k * d + bj + l];
                    }
                }
            }
            m += 64u;
        }
    }
}

void forget_apart(const uint from) {
    for (uint k = 0u; k < 8u * d; k++) {
        w[from + k] = 0.0;
        kept[from + k] = 0.0;
    }
}

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= worlds) return;
    uint at = i * d, m = i * size, from = i * 8u * d;
    if (ended[i] != 0u) {
        for (uint k = 0u; k < size; k++) {
            inv[m + k] = 0.0;
            cov[m + k] = 0.0;
        }
        for (uint j = 0u; j < d; j++) {
            uint b = j / 8u, place = (b * (b + 1u) / 2u + b) * 64u + j % 8u * 9u;
            inv[m + place] = 1.0 / ridge;
            cov[m + place] = ridge;
        }
        forget_apart(from);
        steps[i] = 0u;
        return;
    }
    uint next = from + steps[i] % 8u * d;
    float s = 1.0 / sqrt(1.0 + max(form[i], 0.0));
    for (uint j = 0u; j < d; j++) {
        w[next + j] = u[at + j] * s;
        kept[next + j] = phi[at + j];
    }
    steps[i] = steps[i] + 1u;
    if (steps[i] % 8u == 0u) {
        into_covariance(m, from);
        into_inverse(m, from);
        forget_apart(from);
    }
}
