package lab

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A place is where a value was written: a line of a file, or a --set on the command line.
type place struct {
	source    string
	line, col int // from 1; 0 for a --set
}

func (p place) String() string {
	if p.line == 0 {
		return p.source
	}
	return fmt.Sprintf("%s:%d:%d", p.source, p.line, p.col)
}

// A placedError is an error that already begins with its place.
type placedError struct{ error }

func (e placedError) Unwrap() error { return e.error }

// errorf returns an error about the value at p.
func (p place) errorf(format string, args ...any) error {
	return placedError{fmt.Errorf("%s: %w", p, fmt.Errorf(format, args...))}
}

// A tree is a YAML value that knows where it was written.
type tree struct {
	kind   treeKind
	place  place
	scalar any      // of a scalar: nil, bool, int64, uint64, float64 or string
	plain  bool     // a string without quotes: 1e6 is one to the parser
	quoted bool     // a string in quotes
	keys   []string // of a mapping, in order
	at     []place  // of its keys
	items  []*tree  // of a mapping or list
}

type treeKind uint8

const (
	scalar treeKind = iota
	mapping
	list
)

// Limits of what is read: an experiment is a page of text, not a way to fill memory.
const (
	maxSource = 1 << 20
	maxNodes  = 1 << 16
	maxDepth  = 64
)

// parseYAML reads one YAML document. The source names it in errors.
func parseYAML(source string, data []byte) (*tree, error) {
	top := place{source, 1, 1}
	if len(data) > maxSource {
		return nil, top.errorf("%d bytes are too many for a config: the limit is %d", len(data), maxSource)
	}
	if depth := flowDepth(data); depth > maxDepth {
		return nil, top.errorf("brackets are nested %d deep: the limit is %d", depth, maxDepth)
	}
	file, err := parse(data)
	if err != nil {
		var e yaml.Error
		if errors.As(err, &e) {
			return nil, tokenPlace(source, e.GetToken()).errorf("malformed YAML: %s", e.GetMessage())
		}
		return nil, top.errorf("malformed YAML: %w", err)
	}
	r := &reader{source: source, anchors: map[string]ast.Node{}}
	switch {
	case len(file.Docs) > 1:
		return nil, tokenPlace(source, file.Docs[1].Start).errorf("a second YAML document: want one")
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return &tree{kind: mapping, place: top}, nil
	}
	return r.read(file.Docs[0].Body, 0)
}

// parse calls the YAML parser, which panics on some malformed documents.
func parse(data []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser gave up: %v", r)
		}
	}()
	return parser.ParseBytes(data, 0)
}

// flowDepth returns how deep brackets are nested, to spare the parser's stack.
func flowDepth(data []byte) (deepest int) {
	depth := 0
	for _, c := range data {
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth--
		}
	}
	return deepest
}

func tokenPlace(source string, t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{source, 1, 1}
	}
	return place{source, t.Position.Line, t.Position.Column}
}

// A reader makes trees of syntax nodes.
type reader struct {
	source  string
	anchors map[string]ast.Node
	nodes   int
}

func (r *reader) read(n ast.Node, depth int) (*tree, error) {
	if n == nil {
		return &tree{place: place{r.source, 1, 1}}, nil
	}
	at := tokenPlace(r.source, n.GetToken())
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		return nil, at.errorf("too many values, or nested too deep")
	}
	t := &tree{place: at}
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		t.scalar = n.Value
	case *ast.IntegerNode:
		t.scalar = n.Value
	case *ast.FloatNode:
		t.scalar = n.Value
	case *ast.InfinityNode:
		t.scalar = n.Value
	case *ast.NanNode:
		t.scalar = n.GetValue()
	case *ast.StringNode:
		t.scalar, t.plain = n.Value, n.Token.Type == token.StringType
		t.quoted = !t.plain
	case *ast.LiteralNode:
		t.scalar = n.Value.Value
	case *ast.AnchorNode:
		r.anchors[n.Name.String()] = n.Value
		return r.read(n.Value, depth+1)
	case *ast.AliasNode:
		name := n.Value.String()
		if r.anchors[name] == nil {
			return nil, at.errorf("unknown alias *%s", name)
		}
		return r.read(r.anchors[name], depth+1)
	case *ast.SequenceNode:
		t.kind = list
		for _, v := range n.Values {
			item, err := r.read(v, depth+1)
			if err != nil {
				return nil, err
			}
			t.items = append(t.items, item)
		}
	case *ast.MappingNode:
		t.kind = mapping
		for _, v := range n.Values {
			if err := r.pair(t, v, depth); err != nil {
				return nil, err
			}
		}
		if len(n.Values) > 0 {
			t.place = t.at[0]
		}
	case *ast.MappingValueNode:
		t.kind = mapping
		if err := r.pair(t, n, depth); err != nil {
			return nil, err
		}
		t.place = t.at[0]
	default:
		return nil, at.errorf("YAML %s is not used in configs: write the value out", strings.ToLower(n.Type().String()))
	}
	return t, nil
}

func (r *reader) pair(t *tree, n *ast.MappingValueNode, depth int) error {
	at := tokenPlace(r.source, n.Key.GetToken())
	if n.Key.IsMergeKey() {
		return at.errorf("merge keys (<<) are not used in configs: write the values out")
	}
	key := n.Key.GetToken().Value
	if t.get(key) != nil {
		return at.errorf("key %q is given twice", key)
	}
	v, err := r.read(n.Value, depth+1)
	if err != nil {
		return err
	}
	if v.kind == scalar && v.scalar == nil {
		v.place = at
	}
	t.keys, t.at, t.items = append(t.keys, key), append(t.at, at), append(t.items, v)
	return nil
}

// get returns the value of a key of t, or nil.
func (t *tree) get(key string) *tree {
	if t == nil || t.kind != mapping {
		return nil
	}
	for i, k := range t.keys {
		if k == key {
			return t.items[i]
		}
	}
	return nil
}

// put sets the value of a key of t, a mapping.
func (t *tree) put(key string, v *tree) {
	for i, k := range t.keys {
		if k == key {
			t.items[i], t.at[i] = v, v.place
			return
		}
	}
	t.keys, t.at, t.items = append(t.keys, key), append(t.at, v.place), append(t.items, v)
}

// drop removes a key of t, a mapping.
func (t *tree) drop(key string) {
	for i, k := range t.keys {
		if k == key {
			t.keys = append(t.keys[:i:i], t.keys[i+1:]...)
			t.at = append(t.at[:i:i], t.at[i+1:]...)
			t.items = append(t.items[:i:i], t.items[i+1:]...)
			return
		}
	}
}

// lookup returns the value at a dotted path, or else the innermost one around it.
func (t *tree) lookup(path string) (found *tree, exact bool) {
	for key := range strings.SplitSeq(path, ".") {
		next := t.get(key)
		if i, err := strconv.Atoi(key); next == nil && err == nil && t.kind == list && i < len(t.items) {
			next = t.items[i]
		}
		if next == nil {
			return t, false
		}
		t = next
	}
	return t, true
}

// set carries out one --set: "a.b.c=value". A path goes through mappings by key and through
// lists by number; mappings that are missing are made.
func (t *tree) set(arg string) error {
	source := place{source: "--set " + arg}
	path, text, ok := strings.Cut(arg, "=")
	if !ok || path == "" {
		return source.errorf("want a path and a value, such as --set agent.options.gamma=0.99")
	}
	v, err := parseYAML(source.source, []byte(text))
	if err != nil {
		return source.errorf("the value is malformed YAML")
	}
	if text == "" {
		v = &tree{}
	}
	v.relocate(source)
	keys := strings.Split(path, ".")
	for i, key := range keys[:len(keys)-1] {
		next, err := t.child(key, source)
		if err != nil {
			return err
		}
		if next == nil || next.kind == scalar && next.scalar == nil {
			if t.kind == list {
				return source.errorf("%s is not a list entry", strings.Join(keys[:i+1], "."))
			}
			next = &tree{kind: mapping, place: source}
			t.put(key, next)
		}
		t = next
	}
	return t.assign(keys[len(keys)-1], v, source)
}

// child returns what key selects from t, or nil if t is a mapping without it.
func (t *tree) child(key string, source place) (*tree, error) {
	switch t.kind {
	case mapping:
		return t.get(key), nil
	case list:
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(t.items) {
			return nil, source.errorf("%q selects nothing from a list of %d: count from 0", key, len(t.items))
		}
		return t.items[i], nil
	}
	return nil, source.errorf("%q looks into %s: only mappings and lists have parts", key, t.describe())
}

func (t *tree) assign(key string, v *tree, source place) error {
	old, err := t.child(key, source)
	if err != nil {
		return err
	}
	if t.kind == list {
		*old = *v
		return nil
	}
	// Options belong to a name: another name has others.
	if key == "name" && old != nil && old.scalar != v.scalar {
		t.drop("options")
	}
	t.put(key, v)
	return nil
}

func (t *tree) relocate(p place) {
	t.place = p
	for i := range t.at {
		t.at[i] = p
	}
	for _, item := range t.items {
		item.relocate(p)
	}
}

// digits is a number that is read as text if it is beyond 64 bits.
var digits = regexp.MustCompile(`^[-+]?[0-9][0-9_]*$`)

// describe says what t is, for errors.
func (t *tree) describe() string {
	switch t.kind {
	case mapping:
		return "a mapping"
	case list:
		return "a list"
	}
	switch v := t.scalar.(type) {
	case nil:
		return "nothing"
	case string:
		if t.plain && digits.MatchString(v) {
			return fmt.Sprintf("the number %s, which is too large", v)
		}
		return fmt.Sprintf("the text %q", v)
	case bool:
		return fmt.Sprintf("%v", v)
	}
	return fmt.Sprintf("the number %v", t.scalar)
}
