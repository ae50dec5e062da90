package lab

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/terrarium-rl/terrarium/env/registry"
)

// decode writes t over dst, a pointer to a struct whose fields have `json` names. Keys that
// the struct does not have, values of another type and numbers out of a type's range are
// errors that name the place and the path. Keys that are missing leave their field as it is.
func (t *tree) decode(dst any, path string) error {
	return t.decodeValue(reflect.ValueOf(dst).Elem(), path)
}

var treeType = reflect.TypeFor[*tree]()

func (t *tree) decodeValue(dst reflect.Value, path string) error {
	if dst.Kind() == reflect.Interface && treeType.AssignableTo(dst.Type()) {
		dst.Set(reflect.ValueOf(t)) // decoded later, when its type is known
		return nil
	}
	null := t.kind == scalar && t.scalar == nil
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok && !null {
		text, ok := t.scalar.(string)
		if !ok {
			return t.place.errorf("%s: want text, have %s", path, t.describe())
		}
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return t.place.errorf("%s: %w", path, err)
		}
		return nil
	}
	switch dst.Kind() {
	case reflect.Pointer:
		if null {
			dst.SetZero()
			return nil
		}
		if dst.IsNil() {
			dst.Set(reflect.New(dst.Type().Elem()))
		}
		return t.decodeValue(dst.Elem(), path)
	case reflect.Struct:
		if null {
			return nil
		}
		return t.decodeStruct(dst, path)
	case reflect.Map:
		if null {
			return nil
		}
		return t.decodeMap(dst, path)
	case reflect.Slice, reflect.Array:
		return t.decodeList(dst, path)
	}
	if t.kind == scalar && !null {
		v := t.scalar
		if text, ok := v.(string); ok && t.plain && dst.Kind() != reflect.String {
			if f, err := strconv.ParseFloat(text, 64); err == nil {
				v = f
			}
		}
		if setScalar(dst, v) {
			return nil
		}
	}
	return t.wrongType(dst, path)
}

func (t *tree) wrongType(dst reflect.Value, path string) error {
	if path == "" {
		path = "the config"
	}
	return t.place.errorf("%s: want %s, have %s", path, wanted(dst), t.describe())
}

// wanted says what values dst takes.
func wanted(dst reflect.Value) string {
	switch dst.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float32, reflect.Float64:
		return "a finite number"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Int8, reflect.Int16, reflect.Int32:
		b := dst.Type().Bits()
		return fmt.Sprintf("a whole number from %d to %d", -(int64(1) << (b - 1)), int64(1)<<(b-1)-1)
	case reflect.Uint, reflect.Uint64:
		return "a whole number from 0"
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<dst.Type().Bits()-1)
	case reflect.Slice:
		return "a list"
	case reflect.Array:
		return fmt.Sprintf("a list of %d values", dst.Len())
	}
	return "a mapping of keys to values"
}

func setScalar(dst reflect.Value, v any) bool {
	switch dst.Kind() {
	case reflect.Bool:
		b, ok := v.(bool)
		if ok {
			dst.SetBool(b)
		}
		return ok
	case reflect.String:
		s, ok := v.(string)
		if ok {
			dst.SetString(s)
		}
		return ok
	case reflect.Float32, reflect.Float64:
		f, ok := number(v)
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) || dst.OverflowFloat(f) {
			return false
		}
		dst.SetFloat(f)
		return true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, ok := whole(v)
		if !ok || dst.OverflowInt(i) {
			return false
		}
		dst.SetInt(i)
		return true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u, ok := v.(uint64); ok && !dst.OverflowUint(u) {
			dst.SetUint(u)
			return true
		}
		i, ok := whole(v)
		if !ok || i < 0 || dst.OverflowUint(uint64(i)) {
			return false
		}
		dst.SetUint(uint64(i))
		return true
	}
	return false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// whole returns v as an integer. Floats such as 1e6 are welcome if they are whole and exact.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) <= 1<<53
	}
	return 0, false
}

func (t *tree) decodeStruct(dst reflect.Value, path string) error {
	if t.kind != mapping {
		return t.wrongType(dst, path)
	}
	fields := optionFields(dst.Type())
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	for i, key := range t.keys {
		var field *optionField
		for j := range fields {
			if fields[j].name == key {
				field = &fields[j]
			}
		}
		if field == nil {
			in := ""
			if path != "" {
				in = " in " + path
			}
			return t.at[i].errorf("unknown key %q%s%s", key, in, registry.Suggest(key, names))
		}
		if err := t.items[i].decodeValue(dst.FieldByIndex(field.index), join(path, key)); err != nil {
			return err
		}
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (t *tree) decodeMap(dst reflect.Value, path string) error {
	if t.kind != mapping {
		return t.wrongType(dst, path)
	}
	m := reflect.MakeMapWithSize(dst.Type(), len(t.keys))
	for i, key := range t.keys {
		v := reflect.New(dst.Type().Elem()).Elem()
		if v.Kind() == reflect.Interface { // whatever it is
			if x := t.items[i].value(); x != nil {
				v.Set(reflect.ValueOf(x))
			}
		} else if err := t.items[i].decodeValue(v, join(path, key)); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(dst.Type().Key()), v)
	}
	dst.Set(m)
	return nil
}

func (t *tree) decodeList(dst reflect.Value, path string) error {
	if t.kind != list || dst.Kind() == reflect.Array && len(t.items) != dst.Len() {
		return t.wrongType(dst, path)
	}
	if dst.Kind() == reflect.Slice {
		dst.Set(reflect.MakeSlice(dst.Type(), len(t.items), len(t.items)))
	}
	for i, item := range t.items {
		if err := item.decodeValue(dst.Index(i), join(path, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

// An optionField is a field of an options struct.
type optionField struct {
	name  string // in YAML and JSON
	doc   string
	index []int
	typ   reflect.Type
}

// optionFields lists the fields of an options struct that have a `json` name, those of
// embedded structs among them.
func optionFields(t reflect.Type) (fields []optionField) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Anonymous || name == "" || name == "-" {
			continue
		}
		fields = append(fields, optionField{name, f.Tag.Get("doc"), f.Index, f.Type})
	}
	return fields
}
