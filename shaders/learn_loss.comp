#version 450
// The loss of PPO and its gradient with respect to what the networks put out, for the rows of a
// minibatch: the twin of agent.loss in agents/ppo and of Head.Forward and Backward in agents/nn.
//
// Push constants: rows, first row, rows of an epoch, number of the minibatch in an epoch, minibatches of
// an epoch; where in the work memory inputs and values are, and their distances from row to row; where
// the gradients of both go, at the same distances; where those of free parameters go; where the numbers
// go that learn_sum.comp explains; where the free parameters are, and how many; columns of actions;
// where among the rows action, log-probability, value, advantage and target are; width of the clipping
// of ratios and of values; weights of value and of entropy.
//
// Stats holds, for each minibatch of all epochs, the mean of the advantages, as a pair, and their scale.
#extension GL_GOOGLE_include_directive : require
#include "geom.glsl"
#include "double.glsl"
#include "learn.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) readonly buffer Rows { float rows[]; };
layout(std430, binding = 2) readonly buffer Order { uint order[]; };
layout(std430, binding = 3) buffer Work { float work[]; };
layout(std430, binding = 4) readonly buffer Table { uint table[]; };
layout(std430, binding = 5) readonly buffer Params { float params[]; };
layout(std430, binding = 6) readonly buffer Stats { float stats[]; };
layout(push_constant) uniform Push {
    uint count, first, all, number, minibatches, in0, inStep, value0, valueStep, dIn0, dValue0, dFree0, row0, free0, frees, act,
        act0, logProb0, old0, adv0, target0;
    float clip, valueClip, valueCoef, entropyCoef;
};

#include "head.glsl"
HEAD_FORWARD(rows)

// surrogate returns the policy loss of a row and sets its derivative: PPO (7).
float surrogate(const float ratio, const float adv, out float derivative) {
    if (adv >= 0.0 && ratio > 1.0 + clip || adv < 0.0 && ratio < 1.0 - clip) {
        float limited = ratio > 1.0 - clip ? ratio : 1.0 - clip;
        limited = limited < 1.0 + clip ? limited : 1.0 + clip;
        derivative = 0.0;
        return -(limited * adv);
    }
    derivative = -ratio * adv;
    return -(ratio * adv);
}

// error returns the error of a value and sets its derivative.
float error(const float v, const float old, const float target, out float derivative) {
    float err = v - target, steep = 2.0, moved = v - old;
    if (valueClip > 0.0 && abs(moved) > valueClip) {
        float limited = moved > -valueClip ? moved : -valueClip;
        limited = limited < valueClip ? limited : valueClip;
        limited = old + limited - target;
        if (abs(limited) > abs(err)) {
            err = limited;
            steep = 0.0;
        }
    }
    derivative = steep * err;
    return err;
}

// backward sets the gradient of row r, whose action is at a, given those of its log-probability and
// entropy.
void backward(const uint r, const uint a, const float dl, const float de) {
    for (uint k = 0u; k < table[0]; k++) {
        uint p = 1u + 5u * k, n = table[p + 1u], x = in0 + r * inStep + table[p + 2u], d = dIn0 + r * inStep + table[p + 2u];
        uint to = a + table[p + 4u];
        if (table[p] == 0u) {
            Choice c = choice(x, n);
            for (uint j = 0u; j < n; j++) {
                float v = geom_exp(work[x + j] - c.top) * c.inv, g = 0.0;
                if (v > 0.0) g = -(v * (dl + de * ((work[x + j] - c.top) - c.log + c.entropy)));
                if (j == uint(rows[to])) g += dl;
                work[d + j] = g;
            }
            continue;
        }
        for (uint j = 0u; j < n; j++) {
            float std = geom_exp(params[free + table[p + 3u] + j]);
            float z = (rows[to + j] - work[x + j]) / std;
            work[d + j] = (dl * z) / std;
            work[dFree0 + r * frees + table[p + 3u] + j] = dl * (z * z - 1.0) + de;
        }
    }
}

void main() {
    if (ctrl[STOP] != 0u) return;
    free = free0;
    uint at = 3u * (ctrl[EPOCH] * minibatches + number);
    float shift = stats[at], scale = stats[at + 2u], mean = 1.0 / float(count);
    for (uint r = gl_GlobalInvocationID.x; r < count; r += gl_NumWorkGroups.x * 64u) {
        uint k = order[ctrl[EPOCH] * all + first + r], a = act0 + k * act;
        float logProb, entropy, dRatio, dValue;
        head_forward(in0 + r * inStep, a, logProb, entropy);
        float logRatio = logProb - rows[logProb0 + k], ratio = geom_exp(logRatio);
        float policy = surrogate(ratio, (rows[adv0 + k] - shift) * scale, dRatio);
        float err = error(work[value0 + r * valueStep], rows[old0 + k], rows[target0 + k], dValue);
        work[dValue0 + r * valueStep] = (mean * valueCoef) * dValue;
        backward(r, a, mean * dRatio, (-mean) * entropyCoef);
        vec2 squared = dd_product(err, err), kl = dd_sum(ratio, -1.0);
        kl = dd_add(kl, vec2(-logRatio, 0.0));
        uint to = row0 + 7u * r;
        work[to] = policy;
        work[to + 1u] = squared.x;
        work[to + 2u] = squared.y;
        work[to + 3u] = entropy;
        work[to + 4u] = kl.x;
        work[to + 5u] = kl.y;
        work[to + 6u] = abs(ratio - 1.0) > clip ? 1.0 : 0.0;
    }
}
