#version 450
// What the models of the bonuses icm, disagreement and progress predict from, one row an invocation: the
// features of the state before the step, then the action, numbers on the scale of -1..1 and choices as one
// 1 among zeros. See encode in explore/features.go.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Features { float phi[]; }; // rows x d
layout(std430, binding = 1) readonly buffer Actions { float act[]; };  // rows x acts
layout(std430, binding = 2) readonly buffer Columns { uint columns[]; }; // acts x 3: choices, least number, scale
layout(std430, binding = 3) writeonly buffer In { float x[]; };        // rows x width
layout(push_constant) uniform Push { uint rows, d, acts, width; };

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    uint n = i * width;
    for (uint j = 0u; j < d; j++) x[n + j] = phi[i * d + j];
    n += d;
    for (uint j = 0u; j < acts; j++) {
        uint choices = columns[3u * j];
        float a = act[i * acts + j];
        if (choices == 0u) {
            x[n] = (a - uintBitsToFloat(columns[3u * j + 1u])) * uintBitsToFloat(columns[3u * j + 2u]) - 1.0;
            n++;
            continue;
        }
        for (uint k = 0u; k < choices; k++) x[n + k] = k == uint(a) ? 1.0 : 0.0;
        n += choices;
    }
}
