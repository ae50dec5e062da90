// Words of the memory by which kernels of a learner speak to each other and to the host; package
// agents/nn/gpu names them too.

const uint STOP = 0u;  // not 0: kernels of the update do nothing, and why; see learn_verdict.comp
const uint STEPS = 1u; // of the optimiser, in this update
const uint EPOCH = 2u;
const uint SCALE = 3u; // of the gradient, to limit its length
const uint ROWS = 4u;  // that SUMS are of
const uint LEFT = 5u;  // not 0: the order of the rows is not ready yet
const uint DRAWN = 6u; // exchanges of rows that are drawn
const uint SPENT = 7u; // random numbers that took
const uint KEY = 8u;   // of the order, two words
const uint CHUNK = 10u; // of rows that the host asks for
const uint SUMS = 12u; // over rows, pairs of floats: policy loss, value loss, entropy, divergence, clipped; over steps: norm
