package shaders

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Sum identifies the state that a kernel was compiled in.
type Sum struct {
	Sources string `json:"sources"` // SHA-256 of the kernel's source and of all of include/
	SPIRV   string `json:"spirv"`   // SHA-256 of the compiled kernel
}

// Sums computes the manifest of a folder laid out as this one.
func Sums(dir fs.FS) (map[string]Sum, error) {
	includes, err := fs.Glob(dir, "include/*.glsl")
	if err != nil {
		return nil, err
	}
	kernels, err := fs.Glob(dir, "*.comp")
	if err != nil {
		return nil, err
	}
	sums := map[string]Sum{}
	for _, k := range kernels {
		h := sha256.New()
		for _, name := range append([]string{k}, includes...) {
			b, err := fs.ReadFile(dir, name)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(h, "%s %d\n%s", name, len(b), b)
		}
		name := strings.TrimSuffix(k, ".comp")
		b, err := fs.ReadFile(dir, "spv/"+name+".spv")
		if err != nil {
			return nil, err
		}
		spirv := sha256.Sum256(b)
		sums[name] = Sum{hex.EncodeToString(h.Sum(nil)), hex.EncodeToString(spirv[:])}
	}
	return sums, nil
}

// Check reports the first embedded kernel that was not compiled from the sources beside it.
func Check() error {
	b, err := files.ReadFile("manifest.json")
	if err != nil {
		return err
	}
	var want map[string]Sum
	if err := json.Unmarshal(b, &want); err != nil {
		return fmt.Errorf("shaders: manifest.json: %w", err)
	}
	have, err := Sums(files)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if have[name] != want[name] {
			return fmt.Errorf("shaders: %s was changed and not compiled again: run make shaders", name)
		}
	}
	if len(have) != len(want) {
		return errors.New("shaders: manifest.json names kernels that are gone: run make shaders")
	}
	return nil
}
