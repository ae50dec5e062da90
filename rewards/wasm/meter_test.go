package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/terrarium-rl/terrarium/env"
)

// assemble makes a module without imports whose one function, of no parameters, is exported as
// _initialize, with one page of memory and a local variable of 32 bits.
func assemble(body ...byte) []byte {
	sized := func(id byte, b ...byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(b))), b...)
	}
	fn := append([]byte{1, 1, i32}, body...)
	return bytes.Join([][]byte{
		[]byte("\x00asm\x01\x00\x00\x00"),
		sized(typeSection, 1, 0x60, 0, 0),
		sized(functionSection, 1, 0),
		sized(5, 1, 0, 1),
		sized(exportSection, append(append([]byte{1, 11}, "_initialize"...), 0, 0)...),
		sized(codeSection, append([]byte{1, byte(len(fn))}, fn...)...),
	}, nil)
}

// Whatever goes on for ever is stopped: loops, calls that multiply, and moving much memory.
func TestMeterStops(t *testing.T) {
	for name, body := range map[string][]byte{
		"loop":         {loop, noResult, 0x0c, 0, end, end},
		"nested loops": {loop, noResult, loop, noResult, i32Const, 0, 0x0d, 0, 0x0c, 1, end, end, end},
		// f() { depth++; if depth < 60 { f(); f() }; depth-- }, where depth lies in memory at 0
		"calls": {
			i32Const, 0, i32Const, 0, 0x28, 2, 0, i32Const, 1, 0x6a, 0x36, 2, 0, // depth++
			i32Const, 0, 0x28, 2, 0, i32Const, 60, i32LtS,
			ifBlock, noResult, call, 0, call, 0, end,
			i32Const, 0, i32Const, 0, 0x28, 2, 0, i32Const, 1, i32Sub, 0x36, 2, 0, // depth--
			end,
		},
		"memory": {loop, noResult, i32Const, 0, i32Const, 1, i32Const, 0x80, 0x80, 0x04, 0xfc, 0x0b, 0, 0x0c, 0, end, end},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "m.wasm")
			if err := os.WriteFile(file, assemble(body...), 0o600); err != nil {
				t.Fatal(err)
			}
			c := &Config{File: file, MemoryMiB: 1, Seconds: 0.1}
			start := time.Now()
			_, err := c.Build(&env.Spec{})
			if err == nil || !strings.Contains(err.Error(), "it took longer than 100ms, the limit") {
				t.Errorf("Build = %v after %v, want the limit", err, time.Since(start))
			}
		})
	}
}

// A module cannot name what the meter adds to it.
func TestMeterIsOutOfReach(t *testing.T) {
	for want, body := range map[string][]byte{
		"a global variable that it does not have": {i32Const, 0, globalSet, 0, end},
		"a local variable that it does not have":  {i32Const, 0, 0x21, 1, end},
		"the instruction table.grow":              {0xd0, 0x70, i32Const, 1, 0xfc, 15, 0, 0x1a, end},
		"the instruction 0x12":                    {0x12, 0, end},
		"it ends too early":                       {i32Const},
	} {
		if _, err := meter(assemble(body...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("meter = %v, want %q", err, want)
		}
	}
}

// The modules of the specification's own test suite, which come with the runtime: what is valid
// stays so, and what is not is not made valid.
func TestMeterKeepsValidity(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	suite := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	var files []string
	for _, v := range []string{"v1", "v2"} {
		found, err := filepath.Glob(filepath.Join(suite, v, "testdata", "*.wasm"))
		if err != nil || len(found) < 100 {
			t.Fatalf("%d modules of version %s: %v", len(found), v, err)
		}
		files = append(files, found...)
	}
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	defer rt.Close(ctx)
	valid := func(code []byte) bool {
		m, err := rt.CompileModule(ctx, code)
		if err == nil {
			m.Close(ctx)
		}
		return err == nil
	}
	kept := 0
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasPrefix(name, "custom.") || strings.HasPrefix(name, "utf8-custom-") || strings.HasPrefix(name, "binary-leb128.") {
			continue // what is wrong with them is in custom sections, which are left out
		}
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		metered, err := meter(code)
		if err != nil && strings.Contains(err.Error(), "table.grow") {
			continue
		}
		if was, is := valid(code), err == nil && valid(metered); was != is {
			t.Errorf("%s: valid %v, then %v (%v)", name, was, is, err)
		} else if is {
			kept++
		}
	}
	if kept < 2000 {
		t.Errorf("only %d of %d modules are valid", kept, len(files))
	}
}

func FuzzMeter(f *testing.F) {
	f.Add(assemble(loop, noResult, 0x0c, 0, end, end))
	f.Add(assemble(0x0e, 1, 0, 0, end))
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, code []byte) {
		metered, err := meter(code)
		if err == nil && !bytes.HasPrefix(metered, []byte("\x00asm")) {
			t.Error("that is no module")
		}
	})
}
