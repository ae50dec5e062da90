// The deterministic mathematics of env/geom: polynomials of Moshier's Cephes library. Each
// function is the twin of the one of that name in Go, operation by operation.

const float PI = 3.14159274101257324;

float geom_floor(float x) {
    if (abs(x) >= 8388608.0 || x != x) return x;
    float t = float(int(x));
    return t > x ? t - 1.0 : t;
}

void geom_sincos(float x, out float s, out float c) {
    float k = geom_floor(x * 0.636619746685028076 + 0.5);
    float r = x - k * 1.5703125;
    r -= k * 4.837512969970703125e-4;
    r -= k * 7.54978995489188216e-8;
    float z = r * r;
    float p = -1.9515295891e-4 * z + 8.3321608736e-3;
    p = p * z - 1.6666654611e-1;
    p = (p * z) * r + r;
    float q = 2.443315711809948e-5 * z - 1.388731625493765e-3;
    q = q * z + 4.166664568298827e-2;
    q = (q * z) * z - 0.5 * z + 1.0;
    int n = int(k) & 3;
    s = n == 0 ? p : n == 1 ? q : n == 2 ? -p : -q;
    c = n == 0 ? q : n == 1 ? -p : n == 2 ? -q : p;
}

float geom_pow2(int k) { return uintBitsToFloat(uint(k + 127) << 23); }

float geom_exp(float x) {
    if (x < -87.0) return 0.0;
    if (x > 88.72) return uintBitsToFloat(0x7f800000u);
    float k = geom_floor(x * 1.44269502162933350 + 0.5);
    float r = x - k * 0.693359375;
    r += k * 2.12194440e-4;
    float p = 1.9875691500e-4 * r + 1.3981999507e-3;
    p = p * r + 8.3334519073e-3;
    p = p * r + 4.1665795894e-2;
    p = p * r + 1.6666665459e-1;
    p = p * r + 5.0000001201e-1;
    p = (p * r) * r + r + 1.0;
    int h = int(k) >> 1;
    return p * geom_pow2(h) * geom_pow2(int(k) - h);
}

float geom_log(float x) {
    if (x < 1.1754944e-38) return x >= 0.0 ? uintBitsToFloat(0xff800000u) : uintBitsToFloat(0x7fc00000u);
    uint b = floatBitsToUint(x);
    if (b >= 0x7f800000u) return x;
    float e = float(int(b >> 23) - 126);
    float m = uintBitsToFloat((b & 0x007fffffu) | 0x3f000000u);
    if (m < 0.70710678) {
        e -= 1.0;
        m += m;
    }
    m -= 1.0;
    float z = m * m;
    float p = 7.0376836292e-2 * m - 1.1514610310e-1;
    p = p * m + 1.1676998740e-1;
    p = p * m - 1.2420140846e-1;
    p = p * m + 1.4249322787e-1;
    p = p * m - 1.6668057665e-1;
    p = p * m + 2.0000714765e-1;
    p = p * m - 2.4999993993e-1;
    p = p * m + 3.3333331174e-1;
    float y = (p * m) * z;
    y += e * -2.12194440e-4;
    y -= 0.5 * z;
    return m + y + e * 0.693359375;
}

float geom_tanh(float x) {
    float a = abs(x);
    if (a < 0.625) {
        float z = x * x;
        float p = -5.70498872745e-3 * z + 2.06390887954e-2;
        p = p * z - 5.37397155531e-2;
        p = p * z + 1.33314422036e-1;
        p = p * z - 3.33332819422e-1;
        return (p * z) * x + x;
    }
    float y = a >= 9.0 ? 1.0 : 1.0 - 2.0 / (geom_exp(a + a) + 1.0);
    return x < 0.0 ? -y : y;
}

float geom_atan2(float y, float x) {
    float ax = abs(x), ay = abs(y);
    float lo = ax < ay ? ax : ay, hi = ax > ay ? ax : ay;
    if (hi == 0.0) return 0.0;
    float t = lo / hi, base = 0.0;
    if (t > 0.4142135624) {
        base = PI / 4.0;
        t = (t - 1.0) / (t + 1.0);
    }
    float z = t * t;
    float p = 8.05374449538e-2 * z - 1.38776856032e-1;
    p = p * z + 1.99777106478e-1;
    p = p * z - 3.33329491539e-1;
    float r = base + ((p * z) * t + t);
    if (ay > ax) r = PI / 2.0 - r;
    if (x < 0.0) r = PI - r;
    if (y < 0.0) r = -r;
    return r;
}
