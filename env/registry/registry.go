// Package registry maps names to values of one kind, such as the configs of rewards.
package registry

import (
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/agnivade/levenshtein"
)

// A Registry holds the registered values of one kind. Make one with New.
type Registry[T any] struct {
	kind string
	mu   sync.RWMutex
	m    map[string]T
}

// New returns an empty registry. The kind, such as "reward", appears in its messages.
func New[T any](kind string) *Registry[T] {
	return &Registry[T]{kind: kind, m: make(map[string]T)}
}

// Register adds v under name. It is meant for init functions, and panics if the name is empty
// or already taken.
func (r *Registry[T]) Register(name string, v T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name == "" {
		panic(r.kind + ": Register with an empty name")
	}
	if first, dup := r.m[name]; dup {
		panic(r.kind + ": Register called twice for " + name + by(first, v))
	}
	r.m[name] = v
}

// by names the packages of two constructors that were registered under one name, which may be
// in modules that do not know of each other.
func by(first, second any) string {
	a, b := pkg(first), pkg(second)
	if a == "" || b == "" {
		return ""
	}
	return ": by package " + a + " and by package " + b
}

// pkg returns the import path of the package that a function is in, "" for other values.
func pkg(v any) string {
	f := reflect.ValueOf(v)
	if f.Kind() != reflect.Func || f.IsNil() {
		return ""
	}
	name := runtime.FuncForPC(f.Pointer()).Name()
	folder := strings.LastIndex(name, "/") + 1
	last, _, _ := strings.Cut(name[folder:], ".")
	return name[:folder] + strings.ReplaceAll(last, "%2e", ".") // a dot in the last element is escaped
}

// Lookup returns the value registered under name. Its error suggests the nearest name there is.
func (r *Registry[T]) Lookup(name string) (T, error) {
	r.mu.RLock()
	v, ok := r.m[name]
	r.mu.RUnlock()
	if !ok {
		return v, fmt.Errorf("unknown %s %q%s", r.kind, name, Suggest(name, r.Names()))
	}
	return v, nil
}

// Names returns the registered names, sorted.
func (r *Registry[T]) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.m))
}

// Suggest ends an error about an unknown name: `; did you mean "x"?` if one of the known names
// is close, else `; known: a, b, c`.
func Suggest(name string, known []string) string {
	best, dist := "", min(1+len(name)/3, len(name)/2) // of "gpu", "go" is a guess
	for _, k := range known {
		if d := levenshtein.ComputeDistance(name, k); d <= dist && (best == "" || d < dist) {
			best, dist = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(known) == 0:
		return "; none is registered"
	}
	return "; known: " + strings.Join(known, ", ")
}
