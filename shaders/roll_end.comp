#version 450
// Ends a step of a rollout in every world: reward, end of the episode, checks, recording.
//
// Words of a world's memory are explained in roll_begin.comp. Fault 4: a number is not finite. A world
// that is amid a step is left as it is.
//
// Push constants: number of worlds; words of the rows of observation, action, successor, facts and of
// the end; their widths; where the action as sampled is in the scratch; steps after which an episode
// is cut; kernels of a step; terms of the reward. A term is a column of the facts and a weight. A
// record of a step holds observation, action as sampled, action, successor, facts, reward, end, and
// whether it is the first step of an episode.
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Mem { uint mem[]; };
layout(std430, binding = 1) readonly buffer Scratch { uint scratch[]; };
layout(std430, binding = 2) readonly buffer Terms { uint terms[]; };
layout(std430, binding = 3) writeonly buffer Record { uint record[]; };
layout(std430, binding = 4) readonly buffer Keys { uint keys[]; };
layout(std430, binding = 5) writeonly buffer Tails { uint tails[]; };
layout(push_constant) uniform Push {
    uint worlds, rowObs, rowAct, rowNext, rowFacts, rowEnd, obs, act, facts, raw, most, kernels, count;
};

uint me, dst;
bool bad = false;

void keep(uint w) {
    record[dst * keys[1] + keys[0] + me] = w;
    dst++;
}

void keepTail(uint i, uint w) {
    keep(w);
    tails[i * keys[1] + keys[0] + me] = w;
}

void copy(uint row, uint n, bool check) {
    for (uint i = 0u; i < n; i++) {
        uint w = mem[(row + i) * worlds + me];
        if (check && (w & 0x7f800000u) == 0x7f800000u) bad = true;
        keep(w);
    }
}

void main() {
    me = gl_GlobalInvocationID.x;
    if (me >= worlds || mem[me] != 0u || mem[worlds + me] != kernels) return;
    mem[worlds + me] = 0xffffffffu;
    uint t = mem[3u * worlds + me], step = mem[4u * worlds + me];
    dst = t * (2u * obs + 2u * act + facts + 3u);
    copy(rowObs, obs, false);
    for (uint i = 0u; i < act; i++) keep(scratch[(raw + i) * worlds + me]);
    copy(rowAct, act, false);
    copy(rowNext, obs, true);
    copy(rowFacts, facts, true);
    float sum = 0.0;
    for (uint i = 0u; i < count; i++) {
        sum += uintBitsToFloat(terms[2u * i + 1u]) * uintBitsToFloat(mem[(rowFacts + terms[2u * i]) * worlds + me]);
    }
    keepTail(3u * t, floatBitsToUint(sum));
    uint end = mem[rowEnd * worlds + me];
    if (end == 0u && step + 1u == most) end = 2u;
    keepTail(3u * t + 1u, end);
    keepTail(3u * t + 2u, step == 0u ? 1u : 0u);
    mem[3u * worlds + me] = t + 1u;
    mem[4u * worlds + me] = step + 1u;
    if (end != 0u) {
        mem[6u * worlds + me] = 1u;
    } else {
        for (uint i = 0u; i < obs; i++) mem[(rowObs + i) * worlds + me] = mem[(rowNext + i) * worlds + me];
    }
    if (bad) mem[me] = 4u;
}
