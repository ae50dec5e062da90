// The nonlinearities of package agents/nn, with the arithmetic of its kernel "blas". After geom.glsl.

float clamped(float x, float lo, float hi) {
    x = x > lo ? x : lo;
    return x < hi ? x : hi;
}

float fast_tanh(float v) {
    if (v > 9.02) v = 9.02;
    else if (v < -9.02) v = -9.02;
    float z = v * v;
    float p = 1.331908983104313e-08 * z + 2.0583496734616347e-05;
    p = p * z + 0.0034940356854349375;
    p = p * z + 0.13379718363285065;
    p = p * z + 1.0;
    float q = 7.762027394164761e-07 * z + 0.00032830945565365255;
    q = q * z + 0.025871077552437782;
    q = q * z + 0.4671303331851959;
    q = q * z + 1.0;
    float y = (p * v) / q;
    return y > 1.0 ? 1.0 : y < -1.0 ? -1.0 : y;
}

// activate applies a nonlinearity: 0 tanh, 1 relu, 2 elu, 3 identity.
float activate(uint kind, float v) {
    if (kind == 0u) return fast_tanh(v);
    if (kind == 1u) return v < 0.0 ? 0.0 : v;
    if (kind == 2u) return v < 0.0 ? geom_exp(v) - 1.0 : v;
    return v;
}

// slope multiplies a gradient by the derivative of a nonlinearity where its result was y.
float slope(uint kind, float g, float y) {
    if (kind == 0u) return g * (1.0 - y * y);
    if (kind == 1u) return y > 0.0 ? g : 0.0;
    if (kind == 2u) return y < 0.0 ? g * (y + 1.0) : g;
    return g;
}
