// Command build compiles the kernels of package shaders and writes their manifest. It is run
// from the repository's root, by `make shaders`:
//
//	go run ./shaders/build          # compile all
//	go run ./shaders/build -check   # fail if a committed kernel differs from what its source gives
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/terrarium-rl/terrarium/shaders"
)

const dir = "shaders"

func main() {
	check := flag.Bool("check", false, "compare with the committed kernels instead of writing them")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(check bool) error {
	sources, err := filepath.Glob(filepath.Join(dir, "*.comp"))
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return errors.New("no kernels in " + dir + ": run this from the repository's root")
	}
	for _, src := range sources {
		code, err := compile(src, false)
		if err != nil {
			return err
		}
		out := filepath.Join(dir, "spv", strings.TrimSuffix(filepath.Base(src), ".comp")+".spv")
		if check {
			old, err := os.ReadFile(out)
			if err != nil {
				return err
			}
			if !bytes.Equal(old, code) {
				return fmt.Errorf("%s differs from what %s gives: run make shaders", out, src)
			}
			continue
		}
		if err := os.WriteFile(out, code, 0o644); err != nil {
			return err
		}
	}
	if err := engines(check); err != nil {
		return err
	}
	if check {
		return nil
	}
	sums, err := shaders.Sums(os.DirFS(dir))
	if err != nil {
		return err
	}
	manifest, err := json.MarshalIndent(sums, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "manifest.json"), append(manifest, '\n'), 0o644)
}

// compile returns the exact SPIR-V of one kernel, with the names of variables or without.
func compile(src string, strip bool) ([]byte, error) {
	tmp, err := os.CreateTemp("", "*.spv")
	if err != nil {
		return nil, err
	}
	tmp.Close()
	defer os.Remove(tmp.Name())
	if err := tool("glslc", "--target-env=vulkan1.1", "-O0", "-I", filepath.Join(dir, "include"), "-o", tmp.Name(), src); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(tmp.Name())
	if err != nil {
		return nil, err
	}
	code := exact(raw)
	if strip {
		code = stripped(code)
	}
	if err := os.WriteFile(tmp.Name(), code, 0o644); err != nil {
		return nil, err
	}
	return code, tool("spirv-val", "--target-env", "vulkan1.1", tmp.Name())
}

func tool(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is missing (on Debian and Ubuntu: apt-get install glslc spirv-tools)", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// Numbers of the SPIR-V specification.
const (
	opDecorate, opMemberDecorate, opTypeVoid, opTypeFloat = 71, 72, 19, 22
	noContraction                                         = 42
)

// arithmetic are the operations on floats that a driver could fuse or reorder: FNegate, FAdd,
// FSub, FMul, FDiv, VectorTimesScalar, Dot.
var arithmetic = map[uint32]bool{127: true, 129: true, 131: true, 133: true, 136: true, 142: true, 148: true}

// exact decorates the result of every float operation of a module with NoContraction, as if
// everything had been declared precise.
func exact(module []byte) []byte {
	words := make([]uint32, len(module)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(module[4*i:])
	}
	done := map[uint32]bool{}
	var results []uint32
	at := 0 // where decorations begin
	for i := 5; i < len(words); i += int(words[i] >> 16) {
		switch op := words[i] & 0xffff; {
		case op == opDecorate || op == opMemberDecorate || op == opTypeVoid || op == opTypeFloat:
			if at == 0 {
				at = i
			}
			if op == opDecorate && words[i+2] == noContraction {
				done[words[i+1]] = true
			}
		case arithmetic[op]:
			results = append(results, words[i+2])
		}
	}
	out := append([]uint32(nil), words[:at]...)
	for _, id := range results {
		if !done[id] {
			out = append(out, 3<<16|opDecorate, id, noContraction)
		}
	}
	out = append(out, words[at:]...)
	code := make([]byte, 0, 4*len(out))
	for _, w := range out {
		code = binary.LittleEndian.AppendUint32(code, w)
	}
	return code
}
