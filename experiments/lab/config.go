package lab

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/explore/goexplore"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/rewards"
)

// configVersion is the newest version of experiment files that the program understands.
const configVersion = 1

// A Config is an experiment: everything about a run but the program that runs it.
type Config struct {
	Version    int              `json:"version" doc:"version of this format; 1"`
	Name       string           `json:"name" doc:"name of the experiment; default: that of its file"`
	Doc        string           `json:"doc" doc:"what the experiment shows, in one line"`
	Env        Choice           `json:"env" doc:"the environment"`
	Levels     env.LevelSet     `json:"levels" doc:"the levels to train on"`
	Worlds     int              `json:"worlds" doc:"worlds stepped side by side, 1 to 262144"`
	Agent      Choice           `json:"agent" doc:"the agent"`
	QD         *QDConfig        `json:"qd,omitempty" doc:"a quality-diversity search in place of an agent"`
	Reward     []RewardTerm     `json:"reward" doc:"terms whose weighted sum the agent learns from, or an expression over facts, such as 2*progress - 0.1*energy; default: the task's own reward"`
	Modules    []string         `json:"modules,omitempty" doc:"Go modules that register what is named elsewhere, such as bonuses; as in module of env, agent and reward"`
	Bonus      string           `json:"bonus,omitempty" doc:"intrinsic reward, added to the reward or learned apart, such as 0.5 * norm(rnd * e3b); terrarium list bonuses names what there is"`
	Start      *StartConfig     `json:"start,omitempty" doc:"training episodes start on recorded ways, at first near their ends; default: where the environment has them start"`
	Steps      int64            `json:"steps" doc:"most transitions to train on, each agent of each world counting one"`
	Seeds      []uint64         `json:"seeds" doc:"seeds, each trained apart from the others"`
	Engine     string           `json:"engine" doc:"what steps the worlds: auto, simd, go, or one that terrarium doctor lists; results are the same, but for box2d"`
	Eval       EvalConfig       `json:"eval" doc:"the evaluation after training"`
	Checkpoint CheckpointConfig `json:"checkpoint" doc:"when the state is saved"`
	Replays    ReplayConfig     `json:"replays" doc:"which episodes are recorded"`
	Metrics    MetricsConfig    `json:"metrics" doc:"how often the learning curve gets a point"`
}

// A Choice names a registered thing and its options.
type Choice struct {
	Module  string `json:"module,omitempty" doc:"Go module that registers it, such as example.com/me/task@v0.3.0 or a folder ./task; default: the program itself"`
	Name    string `json:"name" doc:"registered name; see terrarium list"`
	Options any    `json:"options" doc:"its options; see terrarium describe"`
}

// A RewardTerm is a weighted term of the reward.
type RewardTerm struct {
	Module  string  `json:"module,omitempty" doc:"Go module that registers it, such as example.com/me/reward@v0.3.0 or a folder ./reward; default: the program itself"`
	Name    string  `json:"name" doc:"registered name; see terrarium list rewards"`
	As      string  `json:"as" doc:"name in logs, where a reward is used twice; default: its name"`
	Weight  float32 `json:"weight" doc:"factor of the term; default: 1"`
	Options any     `json:"options" doc:"its options; see terrarium describe reward"`
}

// EvalConfig says how the trained policy is evaluated.
type EvalConfig struct {
	Episodes int           `json:"episodes" doc:"fresh episodes with the best actions it knows; 0 for none"`
	Levels   *env.LevelSet `json:"levels" doc:"default: the training levels with seeds that training never has"`
}

// CheckpointConfig says when the state is saved. It is saved at the end and on interruption too.
type CheckpointConfig struct {
	Steps   int64   `json:"steps" doc:"transitions between two checkpoints"`
	Seconds float64 `json:"seconds" doc:"seconds after which one is due in any case; 0 for never"`
	Keep    int     `json:"keep" doc:"number of newest checkpoints to keep, beside the best"`
}

// ReplayConfig says which episodes are recorded. The first of world 0 and its best always are.
type ReplayConfig struct {
	Steps int64 `json:"steps" doc:"transitions after which another training episode is recorded; 0 for never"`
	Eval  int   `json:"eval" doc:"evaluation episodes to record, from the first"`
}

// MetricsConfig says how often metrics are written.
type MetricsConfig struct {
	Steps int64 `json:"steps" doc:"least transitions between two rows of metrics"`
}

// DefaultConfig returns what holds where an experiment file says nothing.
func DefaultConfig() Config {
	return Config{
		Version:    configVersion,
		Worlds:     32,
		Agent:      Choice{Name: "ppo"},
		Reward:     []RewardTerm{{Name: "task", Weight: 1}},
		Steps:      1_000_000,
		Seeds:      []uint64{1},
		Engine:     "auto",
		Eval:       EvalConfig{Episodes: 100},
		Checkpoint: CheckpointConfig{Steps: 100_000, Seconds: 30, Keep: 3},
		Replays:    ReplayConfig{Steps: 100_000, Eval: 10},
		Metrics:    MetricsConfig{Steps: 1000},
	}
}

// A Plan is a Config with all its names resolved: what a run is made of.
type Plan struct {
	Config
	EnvConfig   env.Config
	AgentConfig agents.Config
	Spec        *env.Spec
	levels      env.Levels
	evalLevels  env.Levels
	rewards     []rewards.Config
	qdArchive   qd.ArchiveConfig
	qdResult    qd.ArchiveConfig // nil without
	qdEmitters  []qd.EmitterConfig
	source      *tree
	force       bool // go on with a run whose rewards were others
}

// ReadPlan reads an experiment: the name of one that comes with the program, or a file. Each of
// sets is a "path=value" that overrides it.
func ReadPlan(experiment string, sets []string) (*Plan, error) {
	text, source, err := readExperiment(experiment)
	if err != nil {
		return nil, err
	}
	return ParsePlan(source, text, sets)
}

func readExperiment(experiment string) (text []byte, source string, err error) {
	isFile := strings.ContainsAny(experiment, `/\`) || filepath.Ext(experiment) != ""
	if !isFile {
		text, err = configs.Read(experiment)
		if err != nil {
			return nil, "", fmt.Errorf("%w (a file needs its ending, such as %s.yaml)", err, experiment)
		}
		return text, experiment + ".yaml", nil
	}
	text, err = os.ReadFile(experiment)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("no experiment file %s; terrarium list experiments names those that come with the program", experiment)
	}
	if err != nil {
		return nil, "", fmt.Errorf("experiment: %w", err)
	}
	if filepath.Ext(experiment) == ".json" {
		text, err = levelExperiment(experiment, text)
	}
	return text, experiment, err
}

// ParsePlan resolves the text of an experiment. The source names it in errors.
func ParsePlan(source string, text []byte, sets []string) (*Plan, error) {
	t, err := parseYAML(source, text)
	if err != nil {
		return nil, err
	}
	if t.kind != mapping {
		return nil, t.place.errorf("an experiment is a mapping of keys to values, this is %s", t.describe())
	}
	for _, s := range sets {
		if err := t.set(s); err != nil {
			return nil, err
		}
	}
	if err := checkVersion(t); err != nil {
		return nil, err
	}
	expandReward(t)
	if err := checkModules(t); err != nil {
		return nil, err
	}
	p := &Plan{Config: DefaultConfig(), source: t}
	p.Name = strings.TrimSuffix(filepath.Base(source), filepath.Ext(source))
	if t.get("start") != nil {
		p.Start = &StartConfig{BackwardConfig: goexplore.DefaultBackward()}
	}
	if err := t.decode(&p.Config, ""); err != nil {
		return nil, err
	}
	if err := p.resolve(); err != nil {
		return nil, err
	}
	return p, nil
}

// A newerError is about a file of a version that this program does not know.
type newerError struct{ version int64 }

func (e *newerError) Error() string {
	return fmt.Sprintf("the experiment is of version %d, this program understands up to %d; use a newer terrarium", e.version, configVersion)
}

// checkVersion comes before all else: a newer format may have keys that this one lacks.
func checkVersion(t *tree) error {
	v := t.get("version")
	if v == nil {
		return nil
	}
	n, ok := whole(v.scalar)
	switch {
	case !ok || n < 1:
		return v.place.errorf("version: want a whole number from 1, have %s", v.describe())
	case n > configVersion:
		return v.place.errorf("version: %w", &newerError{n})
	}
	return nil
}

// at returns err as an error about the value at path. If err names a key within that value,
// the place is that of the key.
func (p *Plan) at(path string, err error) error {
	var placed placedError
	if err == nil || errors.As(err, &placed) {
		return err
	}
	t, exact := p.source.lookup(path)
	if exact {
		t, path = t.mentioned(path, whose.ReplaceAllString(err.Error(), ""))
	}
	return t.place.errorf("%s: %w", path, err)
}

// whose is the word that errors of options begin with, such as "reward fact: ...". It is no key.
var whose = regexp.MustCompile(`^(?:reward|agent|bonus|env) `)

// mentioned returns the innermost value within t whose key occurs as a word of text, or t. Of
// several keys it is the first in the text: an error begins with what is wrong.
func (t *tree) mentioned(path, text string) (*tree, string) {
	found, foundPath, _ := t.firstMentioned(path, text)
	return found, foundPath
}

// firstMentioned also returns where in the text the key is, or its length if it is nowhere.
func (t *tree) firstMentioned(path, text string) (found *tree, foundPath string, first int) {
	found, foundPath, first = t, path, len(text)
	if t.kind != mapping {
		return found, foundPath, first
	}
	for i, key := range t.keys {
		inner := join(path, key)
		v, p, at := t.items[i].firstMentioned(inner, text)
		if p == inner {
			if m := regexp.MustCompile(`\b` + regexp.QuoteMeta(key) + `\b`).FindStringIndex(text); m != nil {
				at = m[0]
			}
		}
		if at < first {
			found, foundPath, first = v, p, at
		}
	}
	return found, foundPath, first
}

// options returns a function that decodes the options at path over a struct of defaults.
func (p *Plan) options(given any, path string) func(any) error {
	return func(dst any) error {
		t, ok := given.(*tree)
		if !ok {
			return nil
		}
		return t.decode(dst, path)
	}
}

func (p *Plan) resolve() (err error) {
	if err := p.checkRanges(); err != nil {
		return err
	}
	if err := p.resolveEnv(); err != nil {
		return err
	}
	if err := p.checkBonus(); err != nil {
		return err
	}
	if err := p.resolveRewards(); err != nil {
		return err
	}
	if err := p.resolveStart(); err != nil {
		return err
	}
	if p.QD != nil {
		return p.resolveQD()
	}
	if p.AgentConfig, err = agents.Open(p.Agent.Name, p.options(p.Agent.Options, "agent.options")); err != nil {
		return p.at("agent.name", err)
	}
	p.Agent.Options = p.AgentConfig
	return nil
}

func (p *Plan) resolveRewards() error {
	p.rewards = nil
	for i := range p.Reward {
		r, path := &p.Reward[i], fmt.Sprintf("reward.%d", i)
		if r.As == "" {
			r.As = r.Name
		}
		if t, given := p.source.lookup(path); given && t.get("weight") == nil {
			r.Weight = 1
		}
		if slices.ContainsFunc(p.Reward[:i], func(q RewardTerm) bool { return q.As == r.As }) {
			return p.at(path, fmt.Errorf("there is a term %q already: name this one with `as`", r.As))
		}
		c, err := rewards.Open(r.Name, p.options(r.Options, path+".options"))
		if err != nil {
			return p.at(path+".name", err)
		}
		r.Options = c
		p.rewards = append(p.rewards, c)
	}
	_, err := p.buildReward()
	return err
}

func (p *Plan) resolveEnv() (err error) {
	if p.Env.Name == "" {
		return p.at("env", fmt.Errorf("missing: name an environment, such as env: {name: %s}", env.Names()[0]))
	}
	if !slices.Contains(env.Names(), p.Env.Name) {
		return p.at("env.name", fmt.Errorf("unknown environment %q%s", p.Env.Name, registry.Suggest(p.Env.Name, env.Names())))
	}
	if p.EnvConfig, err = env.Open(p.Env.Name, p.options(p.Env.Options, "env.options")); err != nil {
		return p.at("env.options", err)
	}
	p.Env.Options = p.EnvConfig
	if p.Spec, err = p.EnvConfig.Spec(); err != nil {
		return p.at("env.options", err)
	}
	if p.levels, err = p.Levels.Compile(p.Spec); err != nil {
		return p.at("levels", err)
	}
	if p.Eval.Levels == nil {
		held := p.Levels
		held.HeldOut = true
		p.Eval.Levels = &held
	}
	if p.evalLevels, err = p.Eval.Levels.Compile(p.Spec); err != nil {
		return p.at("eval.levels", err)
	}
	return nil
}

// buildReward returns a new instance of the reward.
func (p *Plan) buildReward() (*rewards.Sum, error) {
	terms := make([]rewards.Term, len(p.rewards))
	for i, c := range p.rewards {
		f, err := c.Build(p.Spec)
		if err != nil {
			return nil, p.at(fmt.Sprintf("reward.%d.options", i), err)
		}
		terms[i] = rewards.Term{Name: p.Reward[i].As, Weight: p.Reward[i].Weight, Func: f}
	}
	sum, err := rewards.NewSum(terms)
	if err != nil {
		return nil, p.at("reward", err)
	}
	return sum, nil
}

// Check reports what is wrong with the options of the agent, which only building one tells, with
// rewards that would ask nothing, and with the ways that episodes start on.
func (p *Plan) Check() error {
	if p.QD != nil {
		_, err := p.buildSearch(p.Seeds[0])
		return err
	}
	policy, err := p.buildPolicy(p.Seeds[0], 1)
	if err != nil {
		return err
	}
	if err := p.checkResident(policy); err != nil {
		return err
	}
	if err := p.checkQuestions(); err != nil {
		return err
	}
	return p.checkStart()
}

// buildPolicy returns a new instance of the agent for a seed.
func (p *Plan) buildPolicy(seed uint64, workers int) (agents.Policy, error) {
	policy, err := p.AgentConfig.Build(agents.Setup{
		Spec: p.Spec, Rows: p.Worlds * p.Spec.Agents, Steps: p.Steps,
		Key: rng.New(seed).Fold(learnPurpose), Workers: workers,
	})
	if err != nil {
		return nil, p.at("agent.options", err)
	}
	return policy, nil
}

// checkRanges reports the first number that is out of its range.
func (p *Plan) checkRanges() error {
	for _, c := range []struct {
		path     string
		v        float64
		min, max float64
	}{
		{"worlds", float64(p.Worlds), 1, 262144},
		{"steps", float64(p.Steps), 1, 1e15},
		{"eval.episodes", float64(p.Eval.Episodes), 0, 1e6},
		{"checkpoint.steps", float64(p.Checkpoint.Steps), 1, 1e15},
		{"checkpoint.seconds", p.Checkpoint.Seconds, 0, 1e9},
		{"checkpoint.keep", float64(p.Checkpoint.Keep), 1, 1000},
		{"replays.steps", float64(p.Replays.Steps), 0, 1e15},
		{"replays.eval", float64(p.Replays.Eval), 0, 1e6},
		{"metrics.steps", float64(p.Metrics.Steps), 1, 1e15},
	} {
		if !(c.v >= c.min && c.v <= c.max) {
			return p.at(c.path, fmt.Errorf("%v is out of range: want %v to %v", c.v, c.min, c.max))
		}
	}
	for i, r := range p.Reward {
		if math.IsNaN(float64(r.Weight)) || math.IsInf(float64(r.Weight), 0) {
			return p.at(fmt.Sprintf("reward.%d.weight", i), fmt.Errorf("%v: want a finite number", r.Weight))
		}
	}
	if p.Name == "" || strings.ContainsAny(p.Name, "/\\\n") {
		return p.at("name", fmt.Errorf("%q: want a name fit for a folder", p.Name))
	}
	if len(p.Seeds) == 0 {
		return p.at("seeds", errors.New("want at least one"))
	}
	for i, s := range p.Seeds {
		if slices.Contains(p.Seeds[:i], s) {
			return p.at(fmt.Sprintf("seeds.%d", i), fmt.Errorf("seed %d is listed twice", s))
		}
	}
	return p.at("engine", checkEngine(p.Engine))
}

// YAML returns p as an experiment file in which nothing is left to defaults.
func (p *Plan) YAML() ([]byte, error) {
	text, err := yaml.MarshalWithOptions(p.Config, yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return append([]byte("# The experiment with every default written out. Run it again: terrarium run "+
		"THIS-FILE --out DIR\n"), text...), nil
}
