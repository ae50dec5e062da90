package scene

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Decode reads a scene from JSON and validates it. Keys are those of the `json` tags; unknown
// and repeated ones are refused. Errors name the line or the element.
func Decode(data []byte) (*Scene, error) {
	s := &Scene{}
	if err := Unmarshal(data, s); err != nil {
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("scene: %w", err)
	}
	return s, nil
}

// Unmarshal reads JSON into a pointer to a struct as Decode does, but for the validation: for
// descriptions that a Scene is a part of.
func Unmarshal(data []byte, dst any) error {
	if err := checkKeys(data, reflect.TypeOf(dst)); err != nil {
		return err
	}
	if err := json.Unmarshal(data, dst); err != nil {
		return located(data, err)
	}
	return nil
}

// located names the line of an error of encoding/json, where it says.
func located(data []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("scene line %d: %w", line(data, syntax.Offset), err)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("scene line %d: %s is a %s, want a %s", line(data, kind.Offset), kind.Field, kind.Value, kind.Type)
	}
	return fmt.Errorf("scene: %w", err)
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte{'\n'})
}

// checkKeys reports the first key of an object that the type it is read into does not have, or
// that the object has already. encoding/json alone would not say where.
func checkKeys(data []byte, t reflect.Type) error {
	d := json.NewDecoder(bytes.NewReader(data))
	c := keyChecker{d, data}
	if err := c.value(t, "", 0); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("scene line %d: the file ends within the scene", line(data, int64(len(data))))
		}
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			return located(data, err)
		}
		return fmt.Errorf("scene %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("scene line %d: something follows the scene", line(data, d.InputOffset()))
	}
	return nil
}

type keyChecker struct {
	*json.Decoder
	data []byte
}

// maxDepth is how deep values may nest; scenes need less.
const maxDepth = 20

// value checks one value that will be read into type t; what does not fit is left to Unmarshal.
func (c keyChecker) value(t reflect.Type, path string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: %s is nested too deep", line(c.data, c.InputOffset()), path)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token, err := c.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		if err := c.object(t, path, depth); err != nil {
			return err
		}
	case json.Delim('['):
		var elem reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			elem = t.Elem()
		}
		n := 0
		for ; c.More(); n++ {
			if err := c.value(elem, fmt.Sprintf("%s[%d]", path, n), depth+1); err != nil {
				return err
			}
		}
		if t != nil && t.Kind() == reflect.Array && n != t.Len() {
			return fmt.Errorf("line %d: %s has %d elements, want %d", line(c.data, c.InputOffset()), path, n, t.Len())
		}
	default:
		return nil
	}
	_, err = c.Token() // the closing bracket
	return err
}

func (c keyChecker) object(t reflect.Type, path string, depth int) error {
	fields := map[string]reflect.Type{}
	known := t != nil && t.Kind() == reflect.Struct
	if known {
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				fields[name] = f.Type
			}
		}
	}
	var seen []string
	for c.More() {
		token, err := c.Token()
		if err != nil {
			return err
		}
		key, at := token.(string), line(c.data, c.InputOffset())
		field, ok := fields[key]
		where := strings.TrimPrefix(path+"."+key, ".")
		switch {
		case known && !ok:
			return fmt.Errorf("line %d: unknown key %q, want one of %s", at, where, strings.Join(keys(fields), ", "))
		case slices.Contains(seen, key):
			return fmt.Errorf("line %d: key %q is there twice", at, where)
		}
		seen = append(seen, key)
		if err := c.value(field, where, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func keys(fields map[string]reflect.Type) (names []string) {
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
