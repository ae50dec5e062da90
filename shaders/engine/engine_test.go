package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/internal/translate"
)

// The committed kernels must have been made from the Go sources as they are. It needs no tools.
func TestUpToDate(t *testing.T) {
	have, err := engine.Load()
	if err != nil {
		t.Fatal(err)
	}
	out, err := translate.Run("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range out.Sources {
		spirv, err := engine.Kernel(name)
		if err != nil {
			t.Errorf("%v: run make shaders", err)
			continue
		}
		if engine.SumOf([]byte(src), spirv) != have.Kernels[name] {
			t.Errorf("%s is not what the Go code translates to: run make shaders", name)
		}
	}
	if len(out.Sources) != len(have.Kernels) {
		t.Errorf("%d kernels, want %d: run make shaders", len(have.Kernels), len(out.Sources))
	}
	want, _ := json.Marshal(out.Manifest().Layouts)
	if got, _ := json.Marshal(have.Layouts); string(got) != string(want) {
		t.Error("the layouts are not those of the Go code: run make shaders")
	}
}
