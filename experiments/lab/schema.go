package lab

import (
	"encoding"
	"encoding/json"
	"io"
	"reflect"

	"github.com/invopop/jsonschema"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

// printSchema prints the JSON Schema of experiment files. The options of every registered
// environment, agent and reward are part of it.
func printSchema(w io.Writer) error {
	s, err := configSchema()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

func configSchema() (*jsonschema.Schema, error) {
	defaults := DefaultConfig()
	s := schemaOf(&defaults)
	s.Version = jsonschema.Version
	s.Title = "Terrarium experiment"
	s.Required = []string{"env"}
	for _, c := range []struct {
		key   string
		names []string
		open  func(name string) (any, error)
	}{
		{"env", env.Names(), func(n string) (any, error) { return env.Open(n, nil) }},
		{"agent", agents.Names(), func(n string) (any, error) { return agents.Open(n, nil) }},
		{"reward", rewards.Names(), func(n string) (any, error) { return rewards.Open(n, nil) }},
	} {
		part, _ := s.Properties.Get(c.key)
		if part.Items != nil { // the reward is a list of choices
			part = part.Items
		}
		if err := choiceSchema(part, c.names, c.open); err != nil {
			return nil, err
		}
	}
	shortReward(s)
	return s, nil
}

// shortReward lets the reward be written in short; see expandReward.
func shortReward(s *jsonschema.Schema) {
	list, _ := s.Properties.Get("reward")
	text := &jsonschema.Schema{Type: "string"}
	either := &jsonschema.Schema{Description: list.Description, Default: list.Default}
	list.Description, list.Default = "", nil
	term := list.Items
	list.Items = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text, term}}
	either.AnyOf = []*jsonschema.Schema{text, {Type: "object", AdditionalProperties: text}, term, list}
	s.Properties.Set("reward", either)
}

// choiceSchema makes s, the schema of a Choice, list the names and the options of each.
func choiceSchema(s *jsonschema.Schema, names []string, open func(string) (any, error)) error {
	s.Required = []string{"name"}
	name, _ := s.Properties.Get("name")
	for _, n := range names {
		config, err := open(n)
		if err != nil {
			return err
		}
		name.Enum = append(name.Enum, n)
		is, has := jsonschema.NewProperties(), jsonschema.NewProperties()
		is.Set("name", &jsonschema.Schema{Const: n})
		has.Set("options", schemaOf(config))
		s.AllOf = append(s.AllOf, &jsonschema.Schema{
			If:   &jsonschema.Schema{Properties: is},
			Then: &jsonschema.Schema{Properties: has},
		})
	}
	return nil
}

// schemaOf returns the schema of an options struct, with its values as defaults.
func schemaOf(v any) *jsonschema.Schema {
	r := &jsonschema.Reflector{
		Anonymous: true, DoNotReference: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
				return &jsonschema.Schema{Type: "string"}
			}
			return nil
		},
		LookupComment: func(t reflect.Type, field string) string {
			if t.Kind() != reflect.Struct {
				return ""
			}
			f, _ := t.FieldByName(field)
			return f.Tag.Get("doc")
		},
	}
	s := r.Reflect(v)
	s.Version = ""
	optional(s)
	value := reflect.Indirect(reflect.ValueOf(v))
	for _, f := range optionFields(value.Type()) {
		if p, ok := s.Properties.Get(f.name); ok {
			p.Default = value.FieldByIndex(f.index).Interface()
		}
	}
	return s
}

// optional makes every key of s and of what it contains optional: all have defaults.
func optional(s *jsonschema.Schema) {
	s.Required = nil
	if s.Items != nil {
		optional(s.Items)
	}
	if s.Properties == nil {
		return
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		optional(p.Value)
	}
}
