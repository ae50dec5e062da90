package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
)

const example = `# every section, none of it the default
version: 1
doc: An example.
env:
  name: cartpole-v0
  options: {max_steps: 200}
levels:
  preset: varied
  params:
    gravity: [5, 15]
  count: 40
worlds: 7
agent:
  name: hill
  options: {every: 20}
reward:
  - {name: task, weight: 0.5}
  - {name: fact, as: up, options: {fact: alive, max: 0.25}}
steps: 1e4
seeds: [3, 18446744073709551615]
eval: {episodes: 20}
checkpoint: {steps: 500, seconds: 0.5, keep: 1}
replays: {steps: 100, eval: 2}
metrics: {steps: 10}
`

func TestConfig(t *testing.T) {
	p, err := ParsePlan("dir/example.yaml", []byte(example), []string{"agent.options.every=30", "reward.1.weight=-2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, got, want any }{
		{"name", p.Name, "example"},
		{"steps", p.Steps, int64(10000)},
		{"seeds", p.Seeds[1], uint64(18446744073709551615)},
		{"option", p.AgentConfig.(*hillConfig).Every, 30},
		{"reward weight", p.Reward[1].Weight, float32(-2)},
		{"reward name", p.Reward[1].As, "up"},
		{"levels", p.Levels.Params["gravity"], env.Range{5, 15}},
		{"max steps", p.Spec.MaxSteps, 200},
		{"default", p.Engine, "auto"},
		{"eval levels", *p.Eval.Levels, env.LevelSet{Preset: "varied", Params: p.Levels.Params, Count: 40, HeldOut: true}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
}

// TestConfigRoundTrip writes resolved configs and reads them back to the same values and bytes.
func TestConfigRoundTrip(t *testing.T) {
	for _, text := range []string{example, "env: {name: pendulum-v0}\nagent: {name: hill}", killed,
		"env: {name: cartpole-v0}\nagent: {name: random}\nreward: [{name: task, weight: 1e-7}, {name: fact, weight: 0.1, options: {fact: alive, min: -1e10}}]\n" +
			"checkpoint: {seconds: 0.1}\ndoc: \"a: b # c\\n- d\"\nname: '007'\n"} {
		p, err := ParsePlan("x.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		first, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParsePlan("y.yaml", first, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		second, err := q.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(p.Config, q.Config) || !bytes.Equal(first, second) {
			t.Errorf("read back\n%+v\nwant\n%+v\nfrom\n%s\nand\n%s", q.Config, p.Config, first, second)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	const e = "env: {name: cartpole-v0}\n"
	for _, c := range []struct {
		text string
		sets []string
		want string // exactly
	}{
		{text: "env: {name: cartpole-v0\nworlds: 3", want: "x.yaml:2:1: malformed YAML: ',' or '}' must be specified"},
		{text: e + "wolrds: 3", want: `x.yaml:2:1: unknown key "wolrds"; did you mean "worlds"?`},
		{text: e + "agent:\n  name: hill\n  options:\n    evry: 3", want: `x.yaml:5:5: unknown key "evry" in agent.options; did you mean "every"?`},
		{text: e + "worlds: many", want: `x.yaml:2:9: worlds: want a whole number, have the text "many"`},
		{text: e + "worlds: 2.5", want: `x.yaml:2:9: worlds: want a whole number, have the number 2.5`},
		{text: e + "worlds:", want: `x.yaml:2:1: worlds: want a whole number, have nothing`},
		{text: e + "worlds: 0", want: `x.yaml:2:9: worlds: 0 is out of range: want 1 to 262144`},
		{text: e + "steps: -1", want: `x.yaml:2:8: steps: -1 is out of range: want 1 to 1e+15`},
		{text: e + "doc: 3", want: `x.yaml:2:6: doc: want text, have the number 3`},
		{text: e + "reward: 3", want: `x.yaml:2:9: reward: want a list, have the number 3`},
		{text: e + "reward: [{name: task, weight: .nan}]", want: `x.yaml:2:31: reward.0.weight: want a finite number, have the number NaN`},
		{text: e + "reward: [{name: task, weight: 1e39}]", want: `x.yaml:2:31: reward.0.weight: want a finite number, have the text "1e39"`},
		{text: e + "reward: []", want: `x.yaml:2:9: reward: reward: it needs at least one term`},
		{text: e + "reward: [{name: task}, {name: task}]", want: "x.yaml:2:31: reward.1.name: there is a term \"task\" already: name this one with `as`"},
		{text: e + "reward: [{name: fact, options: {fact: alve}}]", want: `x.yaml:2:39: reward.0.options.fact: reward fact: unknown field "alve"; did you mean "alive"?`},
		{text: "env: [cartpole-v0]", want: `x.yaml:1:6: env: want a mapping of keys to values, have a list`},
		{text: "env: {name: cartpol-v0}", want: `x.yaml:1:13: env.name: unknown environment "cartpol-v0"; did you mean "cartpole-v0"?`},
		{text: "env: {name: cartpole-v0, options: {max_steps: -3}}", want: `x.yaml:1:47: env.options.max_steps: env cartpole-v0: max_steps is -3, want at least 1`},
		{text: "", want: `x.yaml:1:1: env: missing: name an environment, such as env: {name: cartpole-v0}`},
		{text: "version: 2\nshape: round", want: `x.yaml:1:10: version: the experiment is of version 2, this program understands up to 1; use a newer terrarium`},
		{text: "version: new", want: `x.yaml:1:10: version: want a whole number from 1, have the text "new"`},
		{text: e + "levels: {preset: clasic}", want: `x.yaml:2:18: levels.preset: cartpole-v0 has no preset "clasic"; did you mean "classic"?`},
		{text: e + "levels:\n  params:\n    gravity: [900, 901]", want: `x.yaml:4:14: levels.params.gravity: level parameter gravity is [900, 901], want lo <= hi within 1 to 25`},
		{text: e + "levels:\n  params:\n    gravity: 9", want: `x.yaml:4:14: levels.params.gravity: want a list of 2 values, have the number 9`},
		{text: e + "eval: {levels: {params: {gravty: [9, 9]}}}", want: `x.yaml:2:34: eval.levels.params.gravty: unknown level parameter "gravty"; did you mean "gravity"?`},
		{text: e + "worlds: 3\nworlds: 4", want: `x.yaml:3:1: malformed YAML: mapping key "worlds" already defined at [2:1]`},
		{text: e + "seeds: []", want: `x.yaml:2:8: seeds: want at least one`},
		{text: e + "seeds: [1, 1]", want: `x.yaml:2:12: seeds.1: seed 1 is listed twice`},
		{text: e + "seeds: [-1]", want: `x.yaml:2:9: seeds.0: want a whole number from 0, have the number -1`},
		{text: e + "engine: cuda", want: `x.yaml:2:9: engine: unknown engine "cuda"; known: ` + strings.Join(engineNames(), ", ")},
		{text: e + "name: a/b", want: `x.yaml:2:7: name: "a/b": want a name fit for a folder`},
		{text: e + "---\nx: 1", want: `x.yaml:2:1: a second YAML document: want one`},
		{text: "- a", want: `x.yaml:1:1: an experiment is a mapping of keys to values, this is a list`},
		{text: "a: &x [*x]", want: `x.yaml:1:8: too many values, or nested too deep`},
		{text: e + "doc: !!str 3", want: `x.yaml:2:6: YAML tag is not used in configs: write the value out`},
		{text: e + "<<: {worlds: 3}", want: `x.yaml:2:1: merge keys (<<) are not used in configs: write the values out`},
		{text: e + "doc: *nowhere", want: `x.yaml:2:6: unknown alias *nowhere`},
		{text: strings.Repeat("[", 100), want: `x.yaml:1:1: brackets are nested 100 deep: the limit is 64`},
		{text: e, sets: []string{"worlds=0"}, want: `--set worlds=0: worlds: 0 is out of range: want 1 to 262144`},
		{text: e, sets: []string{"agent.optoins.every=2"}, want: `--set agent.optoins.every=2: unknown key "optoins" in agent; did you mean "options"?`},
		{text: e, sets: []string{"worlds"}, want: `--set worlds: want a path and a value, such as --set agent.options.gamma=0.99`},
		{text: e, sets: []string{"worlds=[3"}, want: `--set worlds=[3: the value is malformed YAML`},
		{text: e + "worlds: 3", sets: []string{"worlds.x=3"}, want: `--set worlds.x=3: "x" looks into the number 3: only mappings and lists have parts`},
		{text: e + "seeds: [1]", sets: []string{"seeds.4=3"}, want: `--set seeds.4=3: "4" selects nothing from a list of 1: count from 0`},
	} {
		c.text = strings.Replace(c.text, e, e, 1)
		sets := append([]string{"agent.name=hill"}, c.sets...)
		if strings.Contains(c.text, "agent:") || !strings.HasPrefix(c.text, "env: {name: c") {
			sets = c.sets
		}
		_, err := ParsePlan("x.yaml", []byte(c.text), sets)
		if fmt.Sprint(err) != c.want {
			t.Errorf("%q %v:\n got %v\nwant %s", c.text, c.sets, err, c.want)
		}
	}
}

// TestSetName checks that options do not outlive the name they belong to.
func TestSetName(t *testing.T) {
	p, err := ParsePlan("x.yaml", []byte(example), []string{"agent.name=random"})
	if err != nil || p.Agent.Name != "random" {
		t.Errorf("agent %+v, %v", p, err)
	}
	if p, err = ParsePlan("x.yaml", []byte(example), []string{"agent.name=hill"}); err != nil || p.AgentConfig.(*hillConfig).Every != 20 {
		t.Errorf("setting the name it has lost the options: %v", err)
	}
}

func TestCheckNamesTheOption(t *testing.T) {
	p, err := ParsePlan("x.yaml", []byte("env: {name: cartpole-v0}\nagent:\n  name: hill\n  options:\n    fail: 3\n    every: 0\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "x.yaml:6:12: agent.options.every: hill: every is 0, want at least 1"
	if err := p.Check(); fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// The place is that of what is wrong, not of what it is compared with.
	_, path := p.source.mentioned("", "hill: every is 9, want at most fail, 3")
	if path != "agent.options.every" {
		t.Errorf("got the place of %s, want that of agent.options.every", path)
	}
}

// TestSchema checks that the schema is JSON, and knows the keys, names and options there are.
func TestSchema(t *testing.T) {
	var b bytes.Buffer
	if err := printSchema(&b); err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties map[string]struct {
			Description string
			Default     any
			Properties  map[string]struct{ Enum []string }
			AllOf       []struct {
				Then struct {
					Properties struct {
						Options struct {
							Properties map[string]struct{ Default any }
						}
					}
				}
			}
		}
		AdditionalProperties bool
	}
	if err := json.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	for _, f := range optionFields(reflect.TypeFor[Config]()) {
		if got, ok := s.Properties[f.name]; !ok || got.Description != f.doc {
			t.Errorf("key %s: %+v, want description %q", f.name, got, f.doc)
		}
	}
	agent := s.Properties["agent"]
	if s.AdditionalProperties || s.Properties["worlds"].Default != 32.0 || !slices.Equal(agent.Properties["name"].Enum, agents.Names()) {
		t.Errorf("schema: %s", b.String()[:500])
	}
	if got := agent.AllOf[0].Then.Properties.Options.Properties["every"].Default; got != 50.0 {
		t.Errorf("default of an agent's option is %v, want 50", got)
	}
}

// TestTextOption checks an option that is a number in Go and a word in YAML.
func TestTextOption(t *testing.T) {
	type options struct {
		Activation nn.Activation `json:"activation"`
	}
	decode := func(text string) (o options, err error) {
		tree, err := parseYAML("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return o, tree.decode(&o, "")
	}
	if o, err := decode("activation: elu"); err != nil || o.Activation != nn.ELU {
		t.Errorf("decoded %v, %v", o, err)
	}
	if _, err := decode("activation: tahn"); err == nil || !strings.HasPrefix(err.Error(), `x.yaml:1:13: activation: unknown activation "tahn"`) {
		t.Errorf("error %v", err)
	}
	if _, err := decode("activation: 2"); fmt.Sprint(err) != "x.yaml:1:13: activation: want text, have the number 2" {
		t.Errorf("error %v", err)
	}
	s := schemaOf(&options{})
	if a, ok := s.Properties.Get("activation"); !ok || a.Type != "string" {
		t.Errorf("schema %+v", a)
	}
}

func FuzzConfig(f *testing.F) {
	for _, text := range []string{example, killed, "", "a: &x [*x]", "env: {name: cartpole-v0, options: {max_steps: 1}}", "? [a, b]\n: c", "a: |\n b", "{a: {b: [1, 2]}}"} {
		f.Add(text, "agent.name=hill")
	}
	f.Fuzz(func(t *testing.T, text, set string) {
		p, err := ParsePlan("x.yaml", []byte(text), []string{set})
		if err != nil {
			if s := err.Error(); !strings.HasPrefix(s, "x.yaml:") && !strings.HasPrefix(s, "--set ") {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		out, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePlan("x.yaml", out, nil); err != nil {
			t.Errorf("cannot read its own output: %v\n%s", err, out)
		}
	})
}
