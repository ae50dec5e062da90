#version 450
// The score of the bonus rnd after embed has computed prediction and target: their distance, one row
// an invocation. See explore/rnd.go.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Prediction { float prediction[]; }; // rows x d
layout(std430, binding = 1) readonly buffer Target { float target[]; };         // rows x d
layout(std430, binding = 2) writeonly buffer Bonus { float bonus[]; };          // rows
layout(push_constant) uniform Push { uint rows, d; };

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    float sum = 0.0;
    for (uint j = i * d; j < (i + 1u) * d; j++) {
        float e = prediction[j] - target[j];
        sum = sum + e * e;
    }
    bonus[i] = sqrt(sum);
}
