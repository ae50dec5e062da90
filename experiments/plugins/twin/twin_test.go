package twin

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/experiments/twintest"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

func TestConformance(t *testing.T) { rewardtest.Run(t, New(), lander.New()) }

// TestTwin compares Go and shader.
func TestTwin(t *testing.T) { twintest.Run(t, New(), lander.New()) }

// TestCompiled tells when twin.spv is older than twin.comp.
func TestCompiled(t *testing.T) {
	source, err := os.ReadFile("twin.comp")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("twin.comp.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(source); hex.EncodeToString(sum[:]) != strings.TrimSpace(string(want)) {
		t.Error("twin.comp has changed: glslc -O twin.comp -o twin.spv && sha256sum twin.comp | cut -d' ' -f1 > twin.comp.sha256")
	}
}

func TestValues(t *testing.T) {
	spec, err := lander.New().Spec()
	if err != nil {
		t.Fatal(err)
	}
	f, err := New().Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	offset, _ := env.Column(spec.Facts, "offset")
	speed, _ := env.Column(spec.Facts, "speed")
	b, w := env.NewBatch(spec, 4), env.Width(spec.Facts)
	for i, x := range [][2]float32{{0, 0}, {-2.5, 0}, {2.5, 5}, {9, 20}} {
		b.Facts[i*w+offset], b.Facts[i*w+speed] = x[0], x[1]
	}
	dst := make([]float32, 4)
	f.Score(dst, b)
	for i, want := range []float32{1, 0.5, 0.25, 0} {
		if dst[i] != want {
			t.Errorf("row %d scores %v, want %v", i, dst[i], want)
		}
	}
}
