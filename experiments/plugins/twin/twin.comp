#version 450
// The reward soft_landing, as in twin.go. "precise" keeps products and sums apart, so that both
// round alike.
layout(local_size_x = 64) in;
layout(std430, binding = 3) readonly buffer Facts { float facts[]; };
layout(std430, binding = 4) writeonly buffer Result { float result[]; };
layout(push_constant) uniform Push { uint n, width, offset, speed; float perOffset, perSpeed; };

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= n) return;
    precise float x = abs(facts[i * width + offset]) * perOffset;
    precise float y = facts[i * width + speed] * perSpeed;
    precise float near = max(0.0, 1.0 - x);
    precise float slow = max(0.0, 1.0 - y);
    precise float r = near * slow;
    result[i] = r;
}
