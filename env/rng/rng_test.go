package rng

import (
	"fmt"
	"math"
	"testing"
)

// The vectors are those published with Random123 (kat_vectors, philox4x32 10).
func TestPhiloxVectors(t *testing.T) {
	const f = 0xffffffff
	for _, c := range []struct {
		ctr  [4]uint32
		key  Key
		want [4]uint32
	}{
		{[4]uint32{}, Key{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{f, f, f, f}, Key{f, f}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, Key{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		if got := Philox(c.ctr, c.key); got != c.want {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.ctr, c.key, got, c.want)
		}
	}
}

// Every coordinate of a stream must matter, and so must every bit of a key.
func TestStreamsDiffer(t *testing.T) {
	seen := map[[4]uint32]string{}
	add := func(name string, s Stream) {
		k := [4]uint32{s.Uint32(), s.Uint32(), s.Uint32(), s.Uint32()}
		if other, dup := seen[k]; dup {
			t.Errorf("streams %s and %s are equal", name, other)
		}
		seen[k] = name
	}
	for i := range uint32(64) {
		add(fmt.Sprint("seed bit ", i), New(1<<i).Stream(0, 0, 0))
		add(fmt.Sprint("fold ", i), New(1).Fold(uint64(i)).Stream(0, 0, 0))
		add(fmt.Sprint("high fold ", i), New(1).Fold(uint64(i+1)<<32).Stream(0, 0, 0))
		add(fmt.Sprint("purpose ", i), New(7).Stream(Purpose(i), 0, 0))
		add(fmt.Sprint("world ", i), New(7).Stream(0, i+1, 0))
		add(fmt.Sprint("step ", i), New(7).Stream(0, 0, i+1))
	}
}

func TestMoments(t *testing.T) {
	const n = 400_000
	s := New(3).Stream(1, 2, 3)
	var sum, sq, normSum, normSq, norm4 float64
	for range n {
		u, g := float64(s.Float32()), float64(s.Norm())
		if u < 0 || u >= 1 {
			t.Fatalf("Float32 = %v", u)
		}
		sum += u
		sq += u * u
		normSum += g
		normSq += g * g
		norm4 += g * g * g * g
	}
	for _, c := range []struct {
		name           string
		got, want, tol float64 // the tolerance is five standard errors
	}{
		{"uniform mean", sum / n, 0.5, 5 * math.Sqrt(1./12/n)},
		{"uniform square", sq / n, 1. / 3, 5 * math.Sqrt(4./45/n)},
		{"normal mean", normSum / n, 0, 5 * math.Sqrt(1./n)},
		{"normal square", normSq / n, 1, 5 * math.Sqrt(2./n)},
		{"normal fourth power", norm4 / n, 3, 5 * math.Sqrt(96./n)},
	} {
		if math.Abs(c.got-c.want) > c.tol {
			t.Errorf("%s = %v, want %v within %v", c.name, c.got, c.want, c.tol)
		}
	}
}

func TestIntN(t *testing.T) {
	s := New(5).Stream(0, 0, 0)
	var n [7]int
	for range 70_000 {
		n[s.IntN(7)]++
	}
	chi := 0.0
	for _, c := range n {
		chi += float64(c-10_000) * float64(c-10_000) / 10_000
	}
	if chi > 30 { // six degrees of freedom: beyond this with probability 4e-5
		t.Errorf("chi-square %v of counts %v", chi, n)
	}
}

func TestShuffle(t *testing.T) {
	s := New(5).Stream(0, 0, 0)
	count := map[[3]int32]int{}
	for range 6000 {
		p := []int32{0, 1, 2}
		s.Shuffle(p)
		count[[3]int32(p)]++
	}
	for p, c := range count {
		if c < 850 || c > 1150 {
			t.Errorf("permutation %v came %d times in 6000", p, c)
		}
	}
	if len(count) != 6 {
		t.Errorf("%d permutations, want 6", len(count))
	}
}

func TestNoAllocs(t *testing.T) {
	k := New(1)
	if n := testing.AllocsPerRun(100, func() {
		s := k.Fold(3).Stream(1, 2, 3)
		s.Norm()
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func ExampleKey() {
	// World 12 of seed 42, its third episode, step 100: the same numbers wherever they are drawn.
	episode := New(42).Fold(12).Fold(3)
	const wind Purpose = 1
	s := episode.Stream(wind, 0, 100)
	fmt.Printf("%.3f %.3f %.3f\n", s.Range(-1, 1), s.Range(-1, 1), s.Norm())
	// Output: 0.276 0.042 1.765
}

func BenchmarkUint32(b *testing.B) {
	s := New(1).Stream(0, 0, 0)
	for b.Loop() {
		s.Uint32()
	}
}
