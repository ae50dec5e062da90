#version 450
// The score of the bonus noveld after rnd_score has computed the novelty of the states before and after the
// step, one row an invocation: max(n(s') - alpha n(s), 0), where first is not 0 only at first visits,
// which count_score has told. See explore/rnd.go.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Before { float before[]; }; // rows
layout(std430, binding = 1) readonly buffer After { float after[]; };   // rows
layout(std430, binding = 2) readonly buffer Gate { float gate[]; };     // rows: 1 at a first visit, else 0
layout(std430, binding = 3) writeonly buffer Bonus { float bonus[]; };  // rows
layout(push_constant) uniform Push { uint rows, first; float alpha; };

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) return;
    float rise = after[i] - alpha * before[i];
    rise = rise > 0.0 ? rise : 0.0;
    bonus[i] = first != 0u ? rise * gate[i] : rise;
}
