#version 450
// Puts rows through a multi-layer perceptron, one row an invocation: the twin of nn.MLP with the kernel
// "blas", for the networks of package explore. Inputs are normalised before if limit is above 0:
// clamp((x - shift) * scale, -limit, limit).
//
// The table is, for each layer, inputs, outputs, and where its parameters are: weights, one row an
// input, then biases. Scratch has two layers for each row.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer In { float x[]; };       // rows x width
layout(std430, binding = 1) readonly buffer Params { float p[]; };
layout(std430, binding = 2) readonly buffer Table { uint table[]; }; // layers x 3
layout(std430, binding = 3) readonly buffer Moments { float moments[]; }; // shift and scale of each column
layout(std430, binding = 4) buffer Scratch { float scratch[]; };     // rows x 2 x widest
layout(std430, binding = 5) writeonly buffer Out { float y[]; };     // from its own place on: rows x outputs of the last layer
layout(push_constant) uniform Push { uint rows, layers, widest, activation; float limit; uint place; }; // 0 tanh, 1 relu

float fast_tanh(const float v0) {
    float v = v0 > 9.02 ? 9.02 : v0 < -9.02 ? -9.02 : v0;
    float z = v * v;
    float a = 1.331908983104313e-08 * z + 2.0583496734616347e-05;
    a = a * z + 0.0034940356854349375;
    a = a * z + 0.13379718363285065;
    a = a * z + 1.0;
    float b = 7.762027394164761e-07 * z + 0.00032830945565365255;
    b = b * z + 0.025871077552437782;
    b = b * z + 0.4671303331851959;
    b = b * z + 1.0;
    float t = (a * v) / b;
    return t > 1.0 ? 1.0 : t < -1.0 ? -1.0 : t;
}

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    uint width = table[0], from = 2u * i * widest, to = from + widest;
    for (uint j = 0u; j < width; j++) {
        float v = x[i * width + j];
        if (limit > 0.0) {
            v = (v - moments[j]) * moments[width + j];
            v = v < -limit ? -limit : v > limit ? limit : v;
        }
        scratch[from + j] = v;
    }
    for (uint l = 0u; l < layers; l++) {
        uint n = table[3u * l], m = table[3u * l + 1u], w = table[3u * l + 2u];
        for (uint j = 0u; j < m; j++) {
            float sum = p[w + n * m + j];
            for (uint k = 0u; k < n; k++) sum = sum + scratch[from + k] * p[w + k * m + j];
            if (l + 1u == layers) y[place + i * m + j] = sum;
            else if (activation == 0u) scratch[to + j] = fast_tanh(sum);
            else scratch[to + j] = sum < 0.0 ? 0.0 : sum;
        }
        uint t = from;
        from = to;
        to = t;
    }
}
