// Philox4x32-10 (Salmon et al., 2011): the twin of env/rng.

uvec4 philox(uvec4 ctr, uvec2 key) {
    for (int i = 0; i < 10; i++) {
        uint h0, l0, h1, l1;
        umulExtended(0xD2511F53u, ctr.x, h0, l0);
        umulExtended(0xCD9E8D57u, ctr.z, h1, l1);
        ctr = uvec4(h1 ^ ctr.y ^ key.x, l1, h0 ^ ctr.w ^ key.y, l0);
        key += uvec2(0x9E3779B9u, 0xBB67AE85u);
    }
    return ctr;
}

// rng_fold is rng.Key.Fold.
uvec2 rng_fold(uvec2 key, uvec2 x) {
    return philox(uvec4(x, 0u, 0xffffffffu), key).xy;
}

// A Stream is rng.Stream.
struct Stream {
    uvec2 key;
    uvec4 ctr;
    uvec4 buf;
    uint left;
};

Stream rng_stream(uvec2 key, uint purpose, uint world, uint step) {
    return Stream(key, uvec4(0u, step, world, purpose), uvec4(0u), 0u);
}

uint rng_uint(inout Stream s) {
    if (s.left == 0u) {
        s.buf = philox(s.ctr, s.key);
        s.ctr.x++;
        s.left = 4u;
    }
    s.left--;
    return s.buf[3u - s.left];
}

float rng_float(inout Stream s) { return float(rng_uint(s) >> 8) * (1.0 / 16777216.0); }

float rng_range(inout Stream s, float lo, float hi) { return lo + (hi - lo) * rng_float(s); }
