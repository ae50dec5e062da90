#version 450
// The update of the bonuses re3, apt and ngu after near_score: remembers the features of all rows, in
// their order. The memory of each row that ngu has is cleared where the episode ended; that of the
// others is one for all, and one invocation keeps its place.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Phi { float phi[]; };    // rows x d
layout(std430, binding = 1) readonly buffer Ended { uint ended[]; }; // rows: 0 while the episode goes on
layout(std430, binding = 2) buffer Memory { float memory[]; };       // memories x size x d
layout(std430, binding = 3) buffer Known { uint known[]; };          // for each memory: next, number
layout(std430, binding = 4) writeonly buffer Then { uint later[]; }; // what known is to become
layout(push_constant) uniform Push { uint rows, d, size, kind; };

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    if (kind == 2u) {
        uint next = known[2u * i], n = known[2u * i + 1u];
        if (ended[i] != 0u) {
            later[2u * i] = 0u;
            later[2u * i + 1u] = 0u;
            return;
        }
        for (uint j = 0u; j < d; j++) memory[(i * size + next) * d + j] = phi[i * d + j];
        later[2u * i] = (next + 1u) % size;
        later[2u * i + 1u] = min(n + 1u, size);
        return;
    }
    if (i == 0u) {
        later[0] = (known[0] + rows) % size;
        later[1] = min(known[1] + rows, size);
    }
    if (i + size < rows) return; // a later row takes the place
    uint at = (known[0] + i) % size;
    for (uint j = 0u; j < d; j++) memory[at * d + j] = phi[i * d + j];
}
