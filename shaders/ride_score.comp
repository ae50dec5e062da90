#version 450
// The score of the bonus ride after embed has computed the features of the states before and after the step,
// and count_score what the visits of the episode are worth, one row an invocation: their product, the
// distance with eight partial sums of its square. See explore/ride.go.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Before { float before[]; }; // rows x d
layout(std430, binding = 1) readonly buffer After { float after[]; };   // rows x d
layout(std430, binding = 2) readonly buffer Visits { float visits[]; }; // rows: 1/sqrt(N)
layout(std430, binding = 3) writeonly buffer Bonus { float bonus[]; };  // rows
layout(push_constant) uniform Push { uint rows, d; };

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    uint at = i * d, whole = d / 8u * 8u;
    float s[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (uint j = 0u; j < whole; j++) {
        float e = before[at + j] - after[at + j];
        s[j % 8u] = s[j % 8u] + e * e;
    }
    float sum = (s[0] + s[4]) + (s[1] + s[5]) + ((s[2] + s[6]) + (s[3] + s[7]));
    for (uint j = whole; j < d; j++) {
        float e = before[at + j] - after[at + j];
        sum = sum + e * e;
    }
    bonus[i] = sqrt(sum) * visits[i];
}
