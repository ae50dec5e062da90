// Tables of how often keys of 64 bits were counted, as explore/table.go has them: linear probing
// by the finaliser of SplitMix64. Words: collisions, number of keys, then for each slot the key
// (low, high) and its count, then the slots taken in the order they were. A key of 0 marks a free slot.

// times multiplies numbers of 64 bits (low, high).
uvec2 times(const uvec2 a, const uvec2 b) {
    uint hi, lo;
    umulExtended(a.x, b.x, hi, lo);
    return uvec2(lo, hi + a.x * b.y + a.y * b.x);
}

// right shifts to the right by 1 to 31.
uvec2 right(const uvec2 a, const uint n) { return uvec2((a.x >> n) | (a.y << (32u - n)), a.y >> n); }

uvec2 mixed(const uvec2 key) {
    uvec2 x = times(key ^ right(key, 30u), uvec2(0x1ce4e5b9u, 0xbf58476du));
    x = times(x ^ right(x, 27u), uvec2(0x133111ebu, 0x94d049bbu));
    return x ^ right(x, 31u);
}

// rest returns a modulo n, bit by bit: n is below 2^31.
uint rest(const uvec2 a, const uint n) {
    uint r = 0u;
    for (int i = 63; i >= 0; i--) {
        uint bit = i >= 32 ? (a.y >> (i - 32)) & 1u : (a.x >> i) & 1u;
        r = 2u * r + bit;
        if (r >= n) r -= n;
    }
    return r;
}

uint slot_word(const uint t, const uint slot) { return t + 2u + 3u * slot; }
uint used_word(const uint t, const uint i) { return t + 2u + 3u * slots + i; }

// find returns the slot of a key, or the free one where it belongs.
uint find(const uint t, const uvec2 key, out bool found) {
    uint i = mixed(key).x & (slots - 1u);
    for (uint n = 0u; n < slots; n++) {
        uint w = slot_word(t, i);
        if (tables[w] == key.x && tables[w + 1u] == key.y) {
            found = true;
            return i;
        }
        if (tables[w] == 0u && tables[w + 1u] == 0u) break;
        i = (i + 1u) & (slots - 1u);
    }
    found = false;
    return i;
}

bool full(const uint t) { return 3u * tables[t + 1u] >= 2u * slots; }

// shared_slot is that which a new key falls on in a full table.
uint shared_slot(const uint t, const uvec2 key) { return tables[used_word(t, rest(mixed(key), tables[t + 1u]))]; }

// include counts a key.
void include_key(const uint t, const uvec2 key) {
    bool found;
    uint s = find(t, key, found);
    if (!found && full(t)) {
        s = shared_slot(t, key);
        tables[t] = tables[t] + 1u;
    } else if (!found) {
        uint w = slot_word(t, s);
        tables[w] = key.x;
        tables[w + 1u] = key.y;
        tables[used_word(t, tables[t + 1u])] = s;
        tables[t + 1u] = tables[t + 1u] + 1u;
    }
    uint c = slot_word(t, s) + 2u;
    if (tables[c] != 0xffffffffu) tables[c] = tables[c] + 1u;
}

// forget clears a table.
void forget(const uint t) {
    for (uint i = 0u; i < tables[t + 1u]; i++) {
        uint w = slot_word(t, tables[used_word(t, i)]);
        tables[w] = 0u;
        tables[w + 1u] = 0u;
        tables[w + 2u] = 0u;
    }
    tables[t + 1u] = 0u;
}
