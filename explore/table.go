package explore

import (
	"encoding/binary"
	"fmt"
)

// A table counts keys. It is a hash table with linear probing that doubles when it is two
// thirds full, up to a limit; beyond it new keys share the count of the slot they fall on,
// which is an over-estimate, and are counted as collisions.
type table struct {
	keys       []uint64 // 0 is free
	counts     []uint32
	used       []uint32 // slots taken, in the order they were
	limit      int      // most slots, a power of two
	collisions uint64
}

func newTable(limit int) *table {
	return &table{keys: make([]uint64, 64), counts: make([]uint32, 64), limit: limit}
}

// slot returns where key is, or the free slot where it belongs.
func (t *table) slot(key uint64) (s int, found bool) {
	mask := uint64(len(t.keys) - 1)
	for i := mix(key) & mask; ; i = (i + 1) & mask {
		if t.keys[i] == key || t.keys[i] == 0 {
			return int(i), t.keys[i] == key
		}
	}
}

// full reports that no key can be taken up any more; shared is the slot a new one falls on.
func (t *table) full() bool { return len(t.keys) >= t.limit && 3*len(t.used) >= 2*len(t.keys) }

func (t *table) shared(key uint64) int { return int(t.used[mix(key)%uint64(len(t.used))]) }

// taken returns key, or another one instead of 0, which marks free slots.
func taken(key uint64) uint64 {
	if key == 0 {
		return 0x9e3779b97f4a7c15
	}
	return key
}

// count returns how often key was added.
func (t *table) count(key uint64) uint32 {
	key = taken(key)
	s, found := t.slot(key)
	if !found && t.full() {
		s = t.shared(key)
	}
	return t.counts[s]
}

// add counts key once more.
func (t *table) add(key uint64) {
	key = taken(key)
	s, found := t.slot(key)
	switch {
	case found:
	case t.full():
		s = t.shared(key)
		t.collisions++
	default:
		if 3*len(t.used) >= 2*len(t.keys) {
			t.grow()
			s, _ = t.slot(key)
		}
		t.keys[s], t.used = key, append(t.used, uint32(s))
	}
	if t.counts[s]+1 != 0 {
		t.counts[s]++
	}
}

func (t *table) grow() {
	old := *t
	t.keys, t.counts, t.used = make([]uint64, 2*len(old.keys)), make([]uint32, 2*len(old.keys)), make([]uint32, 0, len(old.keys))
	for _, u := range old.used {
		s, _ := t.slot(old.keys[u])
		t.keys[s], t.counts[s] = old.keys[u], old.counts[u]
		t.used = append(t.used, uint32(s))
	}
}

// clear forgets everything, in time proportional to what there was.
func (t *table) clear() {
	for _, s := range t.used {
		t.keys[s], t.counts[s] = 0, 0
	}
	t.used = t.used[:0]
}

// append writes collisions, then the number of keys, then keys and counts in order of arrival.
func (t *table) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, t.collisions)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(t.keys)))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(t.used)))
	for _, s := range t.used {
		dst = binary.LittleEndian.AppendUint64(dst, t.keys[s])
		dst = binary.LittleEndian.AppendUint32(dst, t.counts[s])
		dst = binary.LittleEndian.AppendUint32(dst, s)
	}
	return dst
}

// cut restores what append wrote and returns what follows it.
func (t *table) cut(src []byte) ([]byte, error) {
	if len(src) < 24 {
		return nil, fmt.Errorf("count table cut short at %d bytes", len(src))
	}
	slots, n := binary.LittleEndian.Uint64(src[8:]), binary.LittleEndian.Uint64(src[16:])
	if slots < 64 || slots&(slots-1) != 0 || slots > uint64(max(t.limit, 64)) || n > slots || uint64(len(src)-24) < 16*n {
		return nil, fmt.Errorf("count table of %d keys in %d slots does not fit %d bytes", n, slots, len(src))
	}
	*t = table{keys: make([]uint64, slots), counts: make([]uint32, slots), limit: t.limit, collisions: binary.LittleEndian.Uint64(src)}
	src = src[24:]
	for range n {
		s := binary.LittleEndian.Uint32(src[12:])
		if uint64(s) >= slots || t.keys[s] != 0 {
			return nil, fmt.Errorf("count table has two keys in slot %d of %d", s, slots)
		}
		t.keys[s], t.counts[s] = binary.LittleEndian.Uint64(src), binary.LittleEndian.Uint32(src[8:])
		t.used = append(t.used, s)
		src = src[16:]
	}
	return src, nil
}

// mix spreads the bits of x: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
