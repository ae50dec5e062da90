#version 450
// Takes in what roll_end.comp recorded: observations as the network sees them, the actions as the
// distribution has them, the reward and the end of each row. Row t*worlds + i is world i in step t.
//
// Push constants: worlds, steps, numbers of a record, widths of observation and action, where in a
// record the reward is; then where in the rows observation, action, reward and end are; whether to
// normalise, and the limit. Norm holds a shift and a scale for each column.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Record { uint record[]; };
layout(std430, binding = 1) readonly buffer Norm { float norm[]; };
layout(std430, binding = 2) writeonly buffer Rows { float rows[]; };
layout(push_constant) uniform Push {
    uint worlds, steps, width, obs, act, reward, obs0, act0, reward0, end0, normal; float limit;
};

void main() {
    for (uint k = gl_GlobalInvocationID.x; k < worlds * steps; k += gl_NumWorkGroups.x * 64u) {
        uint at = k / worlds * width * worlds + k % worlds;
        for (uint j = 0u; j < obs; j++) {
            float v = uintBitsToFloat(record[at + j * worlds]);
            if (normal != 0u) {
                v = (v - norm[j]) * norm[obs + j];
                v = v > -limit ? v : -limit;
                v = v < limit ? v : limit;
            }
            rows[obs0 + k * obs + j] = v;
        }
        for (uint j = 0u; j < act; j++) rows[act0 + k * act + j] = uintBitsToFloat(record[at + (obs + j) * worlds]);
        rows[reward0 + k] = uintBitsToFloat(record[at + reward * worlds]);
        rows[end0 + k] = float(record[at + (reward + 1u) * worlds]);
    }
}
