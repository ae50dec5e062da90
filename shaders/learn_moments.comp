#version 450
// Adds up the deviations of recorded observations from their means so far, and their squares, in
// double precision: invocation c + chunks*j the rows c, c + chunks, ... of column j.
//
// Push constants: worlds, steps, numbers of a record, width of the observation, chunks. Norm holds a
// shift and a scale for each column, then its mean, as a pair of floats. A result is two pairs.
#extension GL_GOOGLE_include_directive : require
#include "double.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Record { uint record[]; };
layout(std430, binding = 1) readonly buffer Norm { float norm[]; };
layout(std430, binding = 2) writeonly buffer Parts { vec2 parts[]; };
layout(push_constant) uniform Push { uint worlds, steps, width, obs, chunks; };

void main() {
    for (uint i = gl_GlobalInvocationID.x; i < chunks * obs; i += gl_NumWorkGroups.x * 64u) {
        uint j = i / chunks;
        vec2 mean = vec2(norm[2u * obs + 2u * j], norm[2u * obs + 2u * j + 1u]), s1 = vec2(0.0), s2 = vec2(0.0);
        for (uint k = i % chunks; k < worlds * steps; k += chunks) {
            float v = uintBitsToFloat(record[(k / worlds * width + j) * worlds + k % worlds]);
            vec2 d = dd_add(vec2(v, 0.0), dd_minus(mean));
            s1 = dd_add(s1, d);
            s2 = dd_add(s2, dd_mul(d, d));
        }
        parts[2u * i] = s1;
        parts[2u * i + 1u] = s2;
    }
}
