//go:build cgo && (linux || darwin) && (amd64 || arm64)

package vk

import (
	"encoding/binary"
	"os/exec"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/shaders/vk/internal/fault"
)

// What is asked of arithmetic must be where modules have it, and nothing else may change.
func TestPrepare(t *testing.T) {
	spirv := code(t, "geom")
	plain, group, err := floatModes{}.prepare(spirv)
	if err != nil || group != 64 || 4*len(plain) != len(spirv) {
		t.Fatalf("%d words for %d bytes, groups of %d, %v", len(plain), len(spirv), group, err)
	}
	asked, _, err := floatModes{true, true, true}.prepare(spirv)
	if err != nil {
		t.Fatal(err)
	}
	_, body, err := module(bytes(asked))
	if err != nil {
		t.Fatal(err)
	}
	var order []uint32
	kept := plain[:5:5]
	for _, i := range body {
		if len(order) == 0 || order[len(order)-1] != i.op() {
			order = append(order, i.op())
		}
		extra := i.op() == opCapability && i[1] > 4000 || i.op() == 10 || i.op() == opExecutionMode && i[2] > 4000
		if !extra {
			kept = append(kept, i...)
		}
	}
	if got, want := order[:6], []uint32{opCapability, 10, opExtInstImport, 14, opEntryPoint, opExecutionMode}; string(bytes(got)) != string(bytes(want)) {
		t.Errorf("instructions are in the order %v, want %v", got, want)
	}
	if string(bytes(kept)) != string(spirv) {
		t.Error("something else was changed")
	}
	fault.Rough = true
	defer func() { fault.Rough = false }()
	rough, _, err := floatModes{true, true, true}.prepare(spirv)
	if err != nil || len(rough) <= len(asked) {
		t.Errorf("%d words of inexact code for %d, %v", len(rough), len(asked), err)
	}
	for name, c := range map[string][]uint32{"asked": asked, "rough": rough} {
		val := exec.Command("spirv-val", "--target-env", "vulkan1.2", "-")
		val.Stdin = strings.NewReader(string(bytes(c)))
		if out, err := val.CombinedOutput(); err != nil && val.ProcessState != nil { // it is installed
			t.Errorf("%s: %s", name, out)
		}
	}
}

func bytes(words []uint32) (b []byte) {
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// Damaged modules are errors, wherever they end.
func TestDamaged(t *testing.T) {
	spirv := code(t, "philox")
	for n := 0; n < len(spirv); n += 4 {
		if _, body, err := module(spirv[:n]); err == nil && (n < 20 || len(body) == 0 && n > 20) {
			t.Errorf("%d bytes are taken for a module", n)
		}
	}
	zero := append(append([]byte{}, spirv[:20]...), 0, 0, 0, 0)
	if _, _, err := (floatModes{}).prepare(zero); err == nil || !strings.Contains(err.Error(), "at word 5") {
		t.Errorf("%v", err)
	}
}
