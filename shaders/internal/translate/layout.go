package translate

import (
	"go/types"
	"hash/fnv"
	"strings"
)

// Words returns how many 32-bit words a value of type t takes in the memory of a kernel: one each
// number, truth value, pointer and string (of which a hash is kept), two each 64-bit number,
// three each slice (address, length, capacity), and none what kernels cannot use.
func words(t types.Type) int {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch u.Kind() {
		case types.Int64, types.Uint64, types.Float64:
			return 2
		case types.Invalid:
			return 0
		}
		return 1
	case *types.Pointer:
		return 1
	case *types.Slice:
		return 3
	case *types.Array:
		return int(u.Len()) * words(u.Elem())
	case *types.Struct:
		n := 0
		for i := range u.NumFields() {
			n += words(u.Field(i).Type())
		}
		return n
	}
	return 0
}

// offset returns where field i of a struct begins.
func offset(s *types.Struct, i int) int {
	n := 0
	for k := range i {
		n += words(s.Field(k).Type())
	}
	return n
}

// Hash returns the word that stands for a string.
func Hash(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

// typeName returns the name of a named type with its package, such as "physics.World"; that of the
// element for pointers; "" for others.
func typeName(t types.Type) string {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		if _, named := types.Unalias(t).(*types.Named); !named {
			t = p.Elem()
		}
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		if n.Obj().Pkg() == nil {
			return n.Obj().Name()
		}
		return n.Obj().Pkg().Name() + "." + n.Obj().Name()
	}
	return ""
}

// glslType returns the type of variables of Go type t.
func (u *unit) glslType(t types.Type) string {
	switch b := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case b.Kind() == types.Uint64:
			return "uvec2" // low word, high word; shaders need not have 64-bit numbers
		case b.Kind() == types.Int64 || b.Kind() == types.Float64:
		case b.Info()&types.IsFloat != 0:
			return "float"
		case b.Info()&types.IsBoolean != 0:
			return "bool"
		case b.Info()&types.IsUnsigned != 0, b.Info()&types.IsString != 0:
			return "uint"
		case b.Info()&types.IsInteger != 0:
			return "int"
		}
	case *types.Pointer, *types.Interface: // of an interface only whether it is nil
		return "int"
	case *types.Slice:
		return "Slice"
	case *types.Array:
		e := u.glslType(b.Elem())
		if i := strings.IndexByte(e, '['); i >= 0 {
			return e[:i] + "[" + itoa(int(b.Len())) + "]" + e[i:]
		}
		return e + "[" + itoa(int(b.Len())) + "]"
	case *types.Struct:
		return u.structType(t)
	}
	u.fail("type %s cannot be translated", t)
	return "?"
}

// structType defines a struct and returns its name.
func (u *unit) structType(t types.Type) string {
	name := strings.ReplaceAll(typeName(t), ".", "_")
	if name == "" {
		u.fail("unnamed struct %s cannot be translated", t)
		return "?"
	}
	if u.structs[name] {
		return name
	}
	u.structs[name] = true
	s := t.Underlying().(*types.Struct)
	var b strings.Builder
	b.WriteString("struct " + name + " {\n")
	for i := range s.NumFields() {
		b.WriteString("    " + u.glslType(s.Field(i).Type()) + " " + field(s.Field(i)) + ";\n")
	}
	b.WriteString("};\n")
	u.types.WriteString(b.String())
	return name
}

// loadStruct defines the function that reads a struct, and returns its name.
func (u *unit) loadStruct(t types.Type, region byte) string {
	name := u.structType(t)
	f := "load" + string(region) + "_" + name
	if !u.structs[f] {
		u.structs[f] = true
		body := u.loadFields(t.Underlying().(*types.Struct), name, region)
		u.types.WriteString(name + " " + f + "(int a) { return " + body + "; }\n")
	}
	return f
}

// storeStruct defines the function that writes a struct, and returns its name.
func (u *unit) storeStruct(t types.Type) string {
	name := u.structType(t)
	f := "store_" + name
	if !u.structs[f] {
		u.structs[f] = true
		s := t.Underlying().(*types.Struct)
		var b strings.Builder
		b.WriteString("void " + f + "(int a, " + name + " v) {\n")
		for i := range s.NumFields() {
			b.WriteString("    " + u.store(s.Field(i).Type(), addr{base: "a", off: offset(s, i)}, "v."+field(s.Field(i))) + "\n")
		}
		b.WriteString("}\n")
		u.types.WriteString(b.String())
	}
	return f
}

func (u *unit) loadFields(s *types.Struct, name string, region byte) string {
	var parts []string
	for i := range s.NumFields() {
		parts = append(parts, u.load(s.Field(i).Type(), region, addr{base: "a", off: offset(s, i)}))
	}
	return name + "(" + strings.Join(parts, ", ") + ")"
}

func field(f *types.Var) string { return f.Name() + "_" }

const (
	world = 'W' // memory of each world
	model = 'M' // memory that all worlds share
)

// maxWhole is the largest array that is loaded or stored as one value, in words.
const maxWhole = 128

// word returns the word at an address, as a number of a kind: U, I or F. What all worlds share and lies
// at a fixed address is read once, at the beginning of the kernel.
func (u *unit) word(kind string, region byte, a addr) string {
	if region != model || a.base != "" || u.fixed == nil {
		return string(region) + kind + "(" + a.String() + ")"
	}
	name := "fixed" + itoa(a.off) + kind
	if !u.fixed[name] {
		u.fixed[name] = true
		u.early.WriteString(map[string]string{"U": "uint", "I": "int", "F": "float"}[kind] + " " + name + ";\n")
		u.first.WriteString("    " + name + " = M" + kind + "(" + itoa(a.off) + ");\n")
	}
	return name
}

// load returns the value of type t at an address.
func (u *unit) load(t types.Type, region byte, a addr) string {
	switch b := t.Underlying().(type) {
	case *types.Basic:
		switch u.glslType(t) {
		case "float":
			return u.word("F", region, a)
		case "bool":
			return "(" + u.word("U", region, a) + " != 0u)"
		case "uint":
			return u.word("U", region, a)
		case "uvec2":
			return "uvec2(" + u.word("U", region, a) + ", " + u.word("U", region, a.plus(1)) + ")"
		}
		return u.word("I", region, a)
	case *types.Pointer:
		return u.word("I", region, a)
	case *types.Slice:
		if region == model && a.base == "" {
			return "Slice(" + u.word("I", region, a) + ", " + u.word("I", region, a.plus(1)) + ", " + u.word("I", region, a.plus(2)) + ")"
		}
		return string(region) + "S(" + a.String() + ")"
	case *types.Array:
		w := words(b.Elem())
		if words(t) > maxWhole {
			u.fail("an array of %d words is copied", words(t))
		}
		var parts []string
		for i := range int(b.Len()) {
			parts = append(parts, u.load(b.Elem(), region, a.plus(i*w)))
		}
		return u.glslType(t) + "(" + strings.Join(parts, ", ") + ")"
	case *types.Struct:
		return u.loadStruct(t, region) + "(" + a.String() + ")"
	}
	u.fail("a value of type %s is read", t)
	return "?"
}

// store returns the statement that writes a value of type t.
func (u *unit) store(t types.Type, a addr, v string) string {
	switch b := t.Underlying().(type) {
	case *types.Basic:
		switch u.glslType(t) {
		case "float":
			return "WF_(" + a.String() + ", " + v + ");"
		case "bool":
			return "WU_(" + a.String() + ", " + v + " ? 1u : 0u);"
		case "uint":
			return "WU_(" + a.String() + ", " + v + ");"
		case "uvec2":
			return "WU_(" + a.String() + ", " + v + ".x); WU_(" + a.plus(1).String() + ", " + v + ".y);"
		}
		return "WI_(" + a.String() + ", " + v + ");"
	case *types.Pointer:
		return "WI_(" + a.String() + ", " + v + ");"
	case *types.Slice:
		return "WS_(" + a.String() + ", " + v + ");"
	case *types.Array:
		w := words(b.Elem())
		if words(t) > maxWhole {
			u.fail("an array of %d words is copied", words(t))
		}
		var parts []string
		for i := range int(b.Len()) {
			parts = append(parts, u.store(b.Elem(), a.plus(i*w), v+"["+itoa(i)+"]"))
		}
		return strings.Join(parts, " ")
	case *types.Struct:
		return u.storeStruct(t) + "(" + a.String() + ", " + v + ");"
	}
	u.fail("a value of type %s is written", t)
	return "?"
}

// zero returns the zero value of a type.
func (u *unit) zero(t types.Type) string {
	switch b := t.Underlying().(type) {
	case *types.Basic:
		switch u.glslType(t) {
		case "float":
			return "0.0"
		case "bool":
			return "false"
		case "uint":
			if b.Info()&types.IsString != 0 {
				return utoa(Hash(""))
			}
			return "0u"
		case "uvec2":
			return "uvec2(0u)"
		}
		return "0"
	case *types.Slice:
		return "Slice(0, 0, 0)"
	case *types.Array:
		parts := make([]string, b.Len())
		for i := range parts {
			parts[i] = u.zero(b.Elem())
		}
		return u.glslType(t) + "(" + strings.Join(parts, ", ") + ")"
	case *types.Struct:
		name := u.structType(t)
		var parts []string
		for i := range b.NumFields() {
			parts = append(parts, u.zero(b.Field(i).Type()))
		}
		return name + "(" + strings.Join(parts, ", ") + ")"
	}
	return "0"
}
