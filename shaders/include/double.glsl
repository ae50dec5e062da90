// Numbers of about 48 bits as unevaluated sums of two floats, the larger first: Dekker, "A
// Floating-Point Technique for Extending the Available Precision" (1971), and Knuth, "The Art of
// Computer Programming", volume 2, section 4.2.2. They stand for the float64 of Go code, which few
// GPUs compute fast and some not at all. What is beyond the range of a float is not a number here.

vec2 dd_quick(float a, float b) { // |a| >= |b|
    float s = a + b;
    return vec2(s, b - (s - a));
}

vec2 dd_sum(float a, float b) {
    float s = a + b, t = s - a;
    return vec2(s, (a - (s - t)) + (b - t));
}

vec2 dd_product(float a, float b) {
    float p = a * b;
    float s = 4097.0 * a, ah = s - (s - a), al = a - ah;
    float t = 4097.0 * b, bh = t - (t - b), bl = b - bh;
    return vec2(p, (((ah * bh - p) + ah * bl) + al * bh) + al * bl);
}

vec2 dd_add(vec2 a, vec2 b) {
    vec2 s = dd_sum(a.x, b.x), t = dd_sum(a.y, b.y);
    s = dd_quick(s.x, s.y + t.x);
    return dd_quick(s.x, s.y + t.y);
}

vec2 dd_minus(vec2 a) { return vec2(-a.x, -a.y); }

vec2 dd_mul(vec2 a, vec2 b) {
    vec2 p = dd_product(a.x, b.x);
    return dd_quick(p.x, p.y + (a.x * b.y + a.y * b.x));
}

vec2 dd_div(vec2 a, vec2 b) {
    float q = a.x / b.x;
    vec2 r = dd_add(a, dd_minus(dd_mul(b, vec2(q, 0.0))));
    float q2 = r.x / b.x;
    r = dd_add(r, dd_minus(dd_mul(b, vec2(q2, 0.0))));
    vec2 s = dd_quick(q, q2);
    return dd_add(s, vec2(r.x / b.x, 0.0));
}

vec2 dd_sqrt(vec2 a) {
    if (!(a.x > 0.0)) return a; // zero, or not a number
    float s = sqrt(a.x);
    vec2 r = dd_add(a, dd_minus(dd_product(s, s)));
    vec2 t = dd_quick(s, r.x / (2.0 * s));
    r = dd_add(a, dd_minus(dd_mul(t, t)));
    return dd_add(t, vec2(r.x / (2.0 * s), 0.0));
}

// dd_uint is a whole number, all of whose 32 bits count.
vec2 dd_uint(uint n) { return dd_quick(float(n & 0xffff0000u), float(n & 0xffffu)); }

bool dd_finite(vec2 a) { return a.x - a.x == 0.0 && a.y - a.y == 0.0; }
