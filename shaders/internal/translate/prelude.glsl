#version 450
#extension GL_EXT_control_flow_attributes : require
// Translated from Go; see package translate. Word a of the memory of world i is mem[a * worlds + i].

layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Mem { uint mem[]; };
layout(std430, binding = 1) readonly buffer Shared { uint table[]; };
layout(push_constant) uniform Push { uint worlds, turn, substep; };
layout(constant_id = 0) const bool several = false; // worlds have different scenes

uint me;
uint scene = 0u; // where the table of the world's scene begins
uint fault = 0u; // see package shaders/engine

struct Slice {
    int at, n, cap;
};

uint WU(int a) { return mem[uint(a) * worlds + me]; }
int WI(int a) { return int(mem[uint(a) * worlds + me]); }
float WF(int a) { return uintBitsToFloat(mem[uint(a) * worlds + me]); }
Slice WS(int a) { return Slice(WI(a), WI(a + 1), WI(a + 2)); }
void WU_(int a, uint v) { mem[uint(a) * worlds + me] = v; }
void WI_(int a, int v) { mem[uint(a) * worlds + me] = uint(v); }
void WF_(int a, float v) { mem[uint(a) * worlds + me] = floatBitsToUint(v); }
void WS_(int a, Slice v) {
    WI_(a, v.at);
    WI_(a + 1, v.n);
    WI_(a + 2, v.cap);
}
uint MU(int a) { return table[scene + uint(a)]; }
int MI(int a) { return int(table[scene + uint(a)]); }
float MF(int a) { return uintBitsToFloat(table[scene + uint(a)]); }
Slice MS(int a) { return Slice(MI(a), MI(a + 1), MI(a + 2)); }

void clear_(int a, int n) {
    int i = 0;
    for (; i < n; i++) WU_(a + i, 0u);
    if (i != n) fault |= 1u;
}

void copy_(int to, int from, int n) {
    int i = 0;
    for (; i < n; i++) WU_(to + i, WU(from + i));
    if (i != n) fault |= 1u;
}

void locate() {
    me = gl_GlobalInvocationID.x;
    if (several) scene = mem[2u * worlds + min(me, worlds - 1u)];
}

bool begin() {
    return me < worlds && WU(1) == turn;
}

void end(uint next) {
    if (fault != 0u) WU_(0, fault);
    WU_(1, fault != 0u ? 0xffffffffu : next);
}

