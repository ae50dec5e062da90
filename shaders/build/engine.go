package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/internal/translate"
)

// engines translates the engine's Go code, compiles it and writes it to shaders/engine, or
// compares it with what is there.
func engines(check bool) error {
	out, err := translate.Run(".")
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(out.Sources))
	codes, err := compileAll(names, out.Sources)
	if err != nil {
		return err
	}
	m := out.Manifest()
	files := map[string][]byte{}
	for i, name := range names {
		m.Kernels[name] = engine.SumOf([]byte(out.Sources[name]), codes[i])
		files[filepath.Join("spv", name+".spv")] = codes[i]
	}
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	files["kernels.json"] = append(manifest, '\n')
	dir := filepath.Join(dir, "engine")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if !check {
			if err := os.WriteFile(path, files[name], 0o644); err != nil {
				return err
			}
			continue
		}
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Equal(old, files[name]) {
			return fmt.Errorf("%s differs from what the Go code gives: run make shaders", path)
		}
	}
	have, err := filepath.Glob(filepath.Join(dir, "spv", "*.spv"))
	if err != nil {
		return err
	}
	for _, path := range have {
		name := strings.TrimSuffix(filepath.Base(path), ".spv")
		switch {
		case out.Sources[name] != "":
		case check:
			return fmt.Errorf("%s is of a kernel that is gone: run make shaders", path)
		default:
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// compileAll compiles several kernels at once.
func compileAll(names []string, sources map[string]string) ([][]byte, error) {
	tmp, err := os.MkdirTemp("", "terrarium-shaders")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	codes, errs := make([][]byte, len(names)), make([]error, len(names))
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			src := filepath.Join(tmp, name+".comp")
			if errs[i] = os.WriteFile(src, []byte(sources[name]), 0o644); errs[i] == nil {
				codes[i], errs[i] = compile(src, true)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// Instructions of SPIR-V that only help people: Source, SourceExtension, Name, MemberName, String, Line.
var decorative = map[uint32]bool{3: true, 4: true, 5: true, 6: true, 7: true, 8: true}

// stripped returns a module without names.
func stripped(module []byte) []byte {
	out := slices.Clone(module[:20])
	for at := 20; at < len(module); {
		w := binary.LittleEndian.Uint32(module[at:])
		n := 4 * int(w>>16)
		if !decorative[w&0xffff] {
			out = append(out, module[at:at+n]...)
		}
		at += n
	}
	return out
}
