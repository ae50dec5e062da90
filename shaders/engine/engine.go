// Package engine holds the kernels that step whole worlds: the physics engine and the tasks,
// translated from their Go sources by shaders/internal/translate and compiled by `make shaders`.
// What they compute is therefore what the Go code computes, operation by operation.
//
// A [Layout] says where the translated code keeps what the Go code keeps in structs; package
// env/vulkan brings the worlds there and runs the kernels.
package engine

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

//go:embed kernels.json
var list []byte

// Control is the number of words at the beginning of a world's memory that belong to the host:
//
//	0  faults that kernels noticed, bits Loop, Panic and Many; there are others in roll_end.comp
//	1  turn of the kernel that the world needs next, Idle if none
//	2  where the part of the table that belongs to the scene of the world begins
//	3- spare
//
// The kernels of a step have turns 0, 1, 2, ..., and a kernel leaves worlds alone that do not need it.
// The last kernel of Rounds may send a world back to the first of them. So a world may need kernels
// that have been run already, and the host runs all once more.
const Control = 8

// Idle is the turn of a world that needs no kernel.
const Idle = 0xffffffff

// Bits of the word of faults. Worlds that have one are idle.
const (
	Loop  = 1 << 0 // the driver ended a loop before its time
	Panic = 1 << 1 // the Go code would have panicked
	Many  = 1 << 4 // more contacts at once than kernels solve for
)

// A Layout says how an environment runs in kernels. A number, truth value, pointer or string (of
// which a hash is kept) takes a word, a 64-bit number two, a slice three (address, length,
// capacity), a struct or array the sum of its parts, and other types none. An address counts
// words from the beginning of a world's memory or of that which all worlds share.
type Layout struct {
	Kernels []string       `json:"kernels"` // of a step, in order
	Statics map[string]int `json:"statics"` // address of the one object of a type, by name with package
	Model   map[string]int `json:"model"`   // the same for those that all worlds share
	Image   int            `json:"image"`   // where the shared memory has a copy of a world's statics
	Words   int            `json:"words"`   // of statics and variables; arrays follow
	Shared  []string       `json:"shared"`  // element types of pointers and slices that lead to the shared memory
	Used    []string       `json:"used"`    // fields that kernels use, as "physics.World.bodies"
}

// Step stands among the kernels of an environment for those of a step of the physics. It and what
// comes before are run once for each substep.
const Step = "step"

// A Manifest lists what has been translated and compiled.
type Manifest struct {
	Kernels map[string]Sum     `json:"kernels"`
	Physics []string           `json:"physics"` // kernels of a physics step, in order
	Rounds  [2]int             `json:"rounds"`  // those from the first to before the second may be needed several times
	Layouts map[string]*Layout `json:"layouts"` // by environment
}

// A Sum identifies a kernel.
type Sum struct {
	Source string `json:"source"` // SHA-256 of the translated source
	SPIRV  string `json:"spirv"`  // SHA-256 of the compiled kernel
}

// SumOf returns the sum of a kernel.
func SumOf(source, spirv []byte) Sum {
	a, b := sha256.Sum256(source), sha256.Sum256(spirv)
	return Sum{hex.EncodeToString(a[:]), hex.EncodeToString(b[:])}
}

var manifest = sync.OnceValues(func() (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(list, m); err != nil {
		return nil, fmt.Errorf("engine: kernels.json: %w", err)
	}
	return m, nil
})

// Load returns the manifest of the embedded kernels. It must not be modified.
func Load() (*Manifest, error) { return manifest() }

// Kernel returns the SPIR-V of a kernel. Programs without Vulkan (see package vk), which cannot run them, have none.
func Kernel(name string) ([]byte, error) {
	b, err := kernels.ReadFile("spv/" + name + ".spv")
	if err != nil {
		return nil, fmt.Errorf("engine: there is no kernel %q in this program", name)
	}
	return b, nil
}

// Environments returns the names of those that have kernels.
func (m *Manifest) Environments() []string { return slices.Sorted(maps.Keys(m.Layouts)) }

// Of returns the names of the kernels of a step of an environment, in order, and how those that are run
// in each substep fall into parts: the second part are Rounds. All parts are empty where there is no
// physics.
func (m *Manifest) Of(environment string) (names []string, substep [3][]string) {
	for _, k := range m.Layouts[environment].Kernels {
		if k != Step {
			names = append(names, k)
			continue
		}
		first := len(names) + m.Rounds[0]
		names = append(names, m.Physics...)
		last := len(names) - len(m.Physics) + m.Rounds[1]
		substep = [3][]string{names[:first:first], names[first:last:last], names[last:len(names):len(names)]}
	}
	return names, substep
}
