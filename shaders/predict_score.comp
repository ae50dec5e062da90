#version 450
// The score of the bonuses icm (kind 0), progress (1) and disagreement (2) after embed has computed the
// features of the next states and what each model predicts of them, one row an invocation. The models of
// progress are the model and its slow copy. See explore/predict.go.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Predictions { float y[]; }; // models x rows x d
layout(std430, binding = 1) readonly buffer Next { float next[]; };     // rows x d
layout(std430, binding = 2) writeonly buffer Bonus { float bonus[]; };  // rows
layout(push_constant) uniform Push { uint rows, d, models, kind; };

float error_of(const uint model, const uint i) {
    float sum = 0.0;
    for (uint j = i * d; j < (i + 1u) * d; j++) {
        float e = y[model * rows * d + j] - next[j];
        sum = sum + e * e;
    }
    return sum;
}

float variance(const uint i) {
    float sum = 0.0, share = 1.0 / float(models);
    for (uint j = i * d; j < (i + 1u) * d; j++) {
        float mean = 0.0;
        for (uint m = 0u; m < models; m++) mean = mean + y[m * rows * d + j] * share;
        for (uint m = 0u; m < models; m++) {
            float e = y[m * rows * d + j] - mean;
            sum = sum + (e * e) * share;
        }
    }
    return sum;
}

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    if (kind == 0u) bonus[i] = error_of(0u, i) / 2.0;
    else if (kind == 1u) bonus[i] = max(error_of(1u, i) - error_of(0u, i), 0.0);
    else bonus[i] = variance(i);
}
