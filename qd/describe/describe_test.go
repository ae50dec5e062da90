package describe

import (
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd/signature"
)

const pixels = 10

// spots draws n spots at random places of a raster.
func spots(seed uint64, n int) []float32 {
	r, out := rng.New(seed).Stream(0, 0, 0), make([]float32, n*pixels*pixels)
	for i := range n {
		x, y := float64(r.Range(-1, 1)), float64(r.Range(-1, 1))
		for p := range pixels * pixels {
			px, py := (float64(p%pixels)+0.5)/pixels*2-1, (float64(p/pixels)+0.5)/pixels*2-1
			out[i*pixels*pixels+p] = float32(math.Exp(-((x-px)*(x-px) + (y-py)*(y-py)) / 0.08))
		}
	}
	return out
}

// Training lowers the error on frames that it has not seen.
func TestAutoencoder(t *testing.T) {
	a, err := NewAutoencoder(AutoencoderOptions{Frame: pixels * pixels, Code: 3, Rate: 3e-3, Batch: 32, Epochs: 200, Key: rng.New(2)})
	if err != nil {
		t.Fatal(err)
	}
	test := spots(9, 300)
	mean := func() (sum float64) {
		d, surprise := make([]float32, 300*3), make([]float32, 300)
		a.Describe(d, surprise, test, 300)
		for _, v := range surprise {
			sum += float64(v) / 300
		}
		return sum
	}
	before := mean()
	if _, err := a.Train(spots(1, 600), 600, rng.New(3)); err != nil {
		t.Fatal(err)
	}
	after := mean()
	t.Logf("mean squared error %.4f before, %.4f after", before, after)
	if after > before/3 {
		t.Errorf("mean squared error %.4f, before training %.4f", after, before)
	}
	if _, err := NewAutoencoder(AutoencoderOptions{}); err == nil {
		t.Error("an autoencoder of empty frames was accepted")
	}
}

// Several frames make codes one after the other, and a sum of surprises.
func TestFrames(t *testing.T) {
	one, _ := NewAutoencoder(AutoencoderOptions{Frame: pixels * pixels, Code: 3, Key: rng.New(2)})
	two, _ := NewAutoencoder(AutoencoderOptions{Frame: pixels * pixels, Frames: 2, Code: 3, Key: rng.New(2)})
	x := spots(4, 8)
	d1, s1, d2, s2 := make([]float32, 24), make([]float32, 8), make([]float32, 24), make([]float32, 4)
	one.Describe(d1, s1, x, 8)
	two.Describe(d2, s2, x, 4)
	if two.Width() != 6 || !slices.Equal(d1, d2) {
		t.Errorf("codes %v of pairs, want %v", d2, d1)
	}
	for i, v := range s2 {
		if math.Abs(float64(v-s1[2*i]-s1[2*i+1])) > 1e-6 {
			t.Errorf("surprise %v, want %v and %v", v, s1[2*i], s1[2*i+1])
		}
	}
}

// A signature is that of package signature, row by row; its logarithm has the area of a circle.
func TestSignature(t *testing.T) {
	const n = 100
	obs := make([]float32, 2*n*2)
	for i := range n {
		s, c := math.Sincos(2 * math.Pi * float64(i) / (n - 1))
		obs[2*i], obs[2*i+1] = float32(c), float32(s)
		obs[2*n+2*i], obs[2*n+2*i+1] = float32(i)/n, 0
	}
	for _, s := range []Signature{{n, 2, 2, false, false}, {n, 2, 3, true, false}, {n, 2, 2, false, true}} {
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		w := s.Width()
		d, surprise := make([]float32, 2*w), make([]float32, 2)
		s.Describe(d, surprise, obs, 2)
		switch {
		case s.Log:
			if math.Abs(float64(d[3])-math.Pi) > 0.01 || math.Abs(float64(d[3]+d[4])) > 1e-4 || math.Abs(float64(d[2])) > 1e-4 {
				t.Errorf("logarithm of a circle %v, want the area pi at place 3", d[:w])
			}
		case !s.Time:
			if !slices.Equal(d[w:], signature.Of(obs[2*n:], 2, 2)) {
				t.Errorf("signature %v, want %v", d[w:], signature.Of(obs[2*n:], 2, 2))
			}
		default:
			if w != 3+9+27 || math.Abs(float64(d[2])-1) > 1e-6 {
				t.Errorf("%d values, the increment of time is %v", w, d[2])
			}
		}
	}
	if (Signature{Points: 1, Dim: 2, Depth: 2}).Validate() == nil {
		t.Error("a path of one point was accepted")
	}
}
