// The distribution of actions: the twin of nn.Head of categorical and Gaussian parts. After geom.glsl;
// the kernel declares the buffers work (floats), table (words) and params (floats), and sets `free`.
//
// The table holds the number of parts, then for each its kind (0 categorical, 1 Gaussian), its size, its
// first input, its first free parameter and its first action.

const float HALF_LOG_2PI = 0.91893853320467274178;
const float HALF_LOG_2PIE = 1.41893853320467274178;

uint free; // where the logarithms of the deviations are

// A Choice is what the logits of a part say, of which the first is at x.
struct Choice {
    float top, log, inv, entropy;
};

Choice choice(const uint x, const uint n) {
    Choice c = Choice(work[x], 0.0, 0.0, 0.0);
    for (uint j = 1u; j < n; j++) c.top = work[x + j] > c.top ? work[x + j] : c.top;
    float sum = 0.0;
    for (uint j = 0u; j < n; j++) sum += geom_exp(work[x + j] - c.top);
    c.log = geom_log(sum);
    c.inv = 1.0 / sum;
    for (uint j = 0u; j < n; j++) {
        float v = geom_exp(work[x + j] - c.top) * c.inv;
        if (v > 0.0) c.entropy -= v * ((work[x + j] - c.top) - c.log);
    }
    return c;
}

// head_forward sets the log-probability of an action, whose distribution's inputs are at x, and
// the entropy. The action is in `acted`, at a.
#define HEAD_FORWARD(acted) \
void head_forward(const uint x, const uint a, out float logProb, out float entropy) { \
    logProb = 0.0; \
    entropy = 0.0; \
    for (uint k = 0u; k < table[0]; k++) { \
        uint p = 1u + 5u * k, n = table[p + 1u], at = x + table[p + 2u], to = a + table[p + 4u]; \
        if (table[p] == 0u) { \
            Choice c = choice(at, n); \
            logProb += (work[at + uint(acted[to])] - c.top) - c.log; \
            entropy += c.entropy; \
            continue; \
        } \
        float logStd = 0.0, sq = 0.0; \
        for (uint j = 0u; j < n; j++) { \
            float l = params[free + table[p + 3u] + j]; \
            logStd += l; \
            float z = (acted[to + j] - work[at + j]) / geom_exp(l); \
            sq += z * z; \
        } \
        logProb -= 0.5 * sq + logStd + float(n) * HALF_LOG_2PI; \
        entropy += logStd + float(n) * HALF_LOG_2PIE; \
    } \
}
