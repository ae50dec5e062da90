#version 450
// Draws the exchanges of a shuffle: for i from n-1 down to 1 a number of 0 to i, from the stream that
// rng.Stream.Shuffle draws from. Now and then that takes two random numbers, so that one draw depends
// on those before it: one work group draws 256 at a time as if none were rejected, and begins again
// behind the first one that is. DRAWN and SPENT say where it is.
//
// Push constants: rows, epoch (the step of the stream), purpose of the stream, rounds of 256 at most.
#extension GL_GOOGLE_include_directive : require
#include "philox.glsl"
#include "learn.glsl"

layout(local_size_x = 256) in;
layout(std430, binding = 0) buffer Ctrl { uint ctrl[]; };
layout(std430, binding = 1) writeonly buffer Partner { uint partner[]; };
layout(push_constant) uniform Push { uint n, epoch, purpose, rounds; };

shared uint rejected;

void main() {
    uint me = gl_LocalInvocationID.x, drawn = ctrl[DRAWN], spent = ctrl[SPENT];
    uvec2 key = uvec2(ctrl[KEY], ctrl[KEY + 1u]);
    barrier();
    for (uint round = 0u; round < rounds && drawn < n - 1u; round++) {
        if (me == 0u) rejected = 256u;
        barrier();
        uint at = drawn + me, number = spent + me, hi = 0u, lo;
        bool mine = at < n - 1u;
        if (mine) {
            uint m = n - at; // choices
            uint x = philox(uvec4(number / 4u, epoch, 0u, purpose), key)[number % 4u];
            umulExtended(x, m, hi, lo);
            if (lo < m && lo < (0u - m) % m) atomicMin(rejected, me);
        }
        barrier();
        uint good = rejected;
        if (mine && me < good) partner[n - 1u - at] = hi;
        drawn += good;
        spent += good < 256u ? good + 1u : 256u;
        barrier();
    }
    if (me == 0u) {
        ctrl[DRAWN] = drawn;
        ctrl[SPENT] = spent;
    }
}
