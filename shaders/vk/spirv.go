//go:build cgo && (linux || darwin) && (amd64 || arm64)

package vk

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/shaders/vk/internal/fault"
)

// floatModes are what a device can promise of arithmetic with 32 bits, beyond what all do: VkPhysicalDeviceFloatControlsProperties.
type floatModes struct {
	special   bool // signed zeros, infinities and NaN are those of IEEE 754
	denormals bool // numbers below 2^-126 are not taken for 0
	rounding  bool // sums and products are rounded to the nearest, ties to even
}

// String lists what is promised.
func (f floatModes) String() string {
	var list []string
	for name, has := range map[string]bool{"signed zeros, infinities and NaN": f.special, "subnormal numbers": f.denormals, "rounding to nearest even": f.rounding} {
		if has {
			list = append(list, name)
		}
	}
	if list == nil {
		return "nothing"
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

// Instructions of SPIR-V, and what they are given.
const (
	opExtInst       = 12
	opExtInstImport = 11
	opEntryPoint    = 15
	opExecutionMode = 16
	opCapability    = 17
	opTypeFloat     = 22
	opConstant      = 43
	opFunction      = 54
	opFMul          = 133
	opFDiv          = 136
	modeLocalSize   = 17
	instSqrt        = 31
)

// An instruction is one of SPIR-V, with its words.
type instruction []uint32

func (i instruction) op() uint32 { return i[0] & 0xffff }

func ins(op uint32, words ...uint32) instruction {
	return append(instruction{op | uint32(len(words)+1)<<16}, words...)
}

// module takes a SPIR-V module apart.
func module(spirv []byte) (head []uint32, body []instruction, err error) {
	code := make([]uint32, len(spirv)/4)
	for i := range code {
		code[i] = binary.LittleEndian.Uint32(spirv[4*i:])
	}
	if len(spirv) < 20 || len(spirv)%4 != 0 || code[0] != 0x07230203 {
		return nil, nil, fmt.Errorf("vulkan: %d bytes that are no SPIR-V module", len(spirv))
	}
	for at := 5; at < len(code); {
		n := int(code[at] >> 16)
		if n == 0 || at+n > len(code) {
			return nil, nil, fmt.Errorf("vulkan: a SPIR-V module is cut off or damaged at word %d", at)
		}
		body = append(body, code[at:at+n])
		at += n
	}
	return code[:5], body, nil
}

// prepare returns a kernel's code that asks the device for all that it can promise of arithmetic, and
// how many invocations a work group has.
func (f floatModes) prepare(spirv []byte) (code []uint32, group int, err error) {
	head, body, err := module(spirv)
	if err != nil {
		return nil, 0, err
	}
	head = slices.Clone(head)
	if fault.Rough {
		body = roughen(head, body)
	}
	var modes, capabilities []instruction
	group = 1
	for _, i := range body {
		switch {
		case i.op() == opEntryPoint:
			for _, m := range []struct {
				has              bool
				capability, mode uint32
			}{{f.denormals, 4464, 4459}, {f.special, 4466, 4461}, {f.rounding, 4467, 4462}} {
				if m.has {
					capabilities = append(capabilities, ins(opCapability, m.capability))
					modes = append(modes, ins(opExecutionMode, i[2], m.mode, 32))
				}
			}
		case i.op() == opExecutionMode && i[2] == modeLocalSize && len(i) == 6:
			group = int(i[3] * i[4] * i[5])
		}
	}
	if modes != nil { // which core SPIR-V has from 1.4 on
		name := append([]byte("SPV_KHR_float_controls"), 0, 0)
		words := make([]uint32, len(name)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(name[4*i:])
		}
		capabilities = append(capabilities, ins(10, words...))
	}
	code = head
	for k, i := range body {
		if k > 0 && body[k-1].op() == opCapability && i.op() != opCapability {
			code = append(code, slices.Concat(capabilities...)...)
		}
		if k > 0 && body[k-1].op() == opEntryPoint {
			code = append(code, slices.Concat(modes...)...)
		}
		code = append(code, i...)
	}
	return code, group, nil
}

// roughen makes divisions and square roots as wrong as Vulkan allows: every other result is greater, the others
// are less, by 2 units in the last place of divisions, of which 2.5 are allowed, and by 4 of roots, which may be
// 1 over an inverse root.
func roughen(head []uint32, body []instruction) (out []instruction) {
	var float uint32
	id := func() uint32 { head[3]++; return head[3] - 1 }
	n := 0
	var factors [2][2]uint32 // of divisions and roots: up, down
	for _, i := range body {
		isRoot := i.op() == opExtInst && i[4] == instSqrt
		switch {
		case i.op() == opTypeFloat && i[2] == 32:
			float = i[1]
		case i.op() == opFunction && factors[0][0] == 0 && float != 0:
			for k, ulps := range []uint32{2, 4} {
				factors[k] = [2]uint32{id(), id()}
				// Below 1, a unit of the last place is half of what it is above.
				out = append(out, ins(opConstant, float, factors[k][0], 0x3f800000+ulps), ins(opConstant, float, factors[k][1], 0x3f800000-2*ulps))
			}
		case (i.op() == opFDiv || isRoot) && i[1] == float:
			k := 0
			if isRoot {
				k = 1
			}
			exact := slices.Clone(i)
			exact[2] = id()
			out = append(out, exact, ins(opFMul, float, i[2], exact[2], factors[k][n%2]))
			n++
			continue
		}
		out = append(out, i)
	}
	return out
}
