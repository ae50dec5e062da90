package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() {
	rewards.Register("average", func() rewards.Config { return new(averageConfig) })
	rewards.Register("flawed", func() rewards.Config { return new(flawedConfig) })
}

// average scores how far the first observation is from what it was on average.
type average struct {
	n, mean float64
	width   int
}

type averageConfig struct{}

func (*averageConfig) Build(s *env.Spec) (rewards.Func, error) {
	return &average{width: env.Width(s.Obs)}, nil
}

func (a *average) Score(dst []float32, b *env.Batch) {
	for i := range b.N {
		dst[i] = float32(math.Abs(float64(b.Next[i*a.width]) - a.mean))
	}
}

func (a *average) Update(b *env.Batch, report func(string, float64)) error {
	for i := range b.N {
		a.n++
		a.mean += (float64(b.Next[i*a.width]) - a.mean) / a.n
	}
	report("average/mean", a.mean)
	return nil
}

func (a *average) AppendBinary(dst []byte) ([]byte, error) {
	for _, x := range []float64{a.n, a.mean} {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst, nil
}

func (a *average) UnmarshalBinary(data []byte) error {
	if len(data) != 16 {
		return fmt.Errorf("average: %d bytes", len(data))
	}
	a.n = math.Float64frombits(binary.LittleEndian.Uint64(data))
	a.mean = math.Float64frombits(binary.LittleEndian.Uint64(data[8:]))
	return nil
}

// flawed has a flaw of each kind.
type flawedConfig struct {
	Flaw string `json:"flaw" doc:"which"`
	Step int    `json:"step" doc:"transition at which the flaw \"at\" shows"`
}

// flawShows says whether the flaw "at" shows at all.
var flawShows atomic.Bool

func (c *flawedConfig) Build(s *env.Spec) (rewards.Func, error) {
	seen := 0
	return rewards.FuncOf(func(dst []float32, b *env.Batch) {
		for i := range b.N {
			seen++
			act, next := b.Act[i*env.Width(s.Act)], b.Next[i*env.Width(s.Obs):]
			switch c.Flaw {
			case "constant":
				dst[i] = 1
			case "still":
				dst[i] = 1 - act*act
			case "unbounded":
				energy := b.Facts[i*env.Width(s.Facts)+4]
				dst[i] = energy * energy * energy
			case "infinite":
				dst[i] = 1 / (next[0] - next[0]*0.5*2)
			case "panic":
				if b.End[i] != env.Running {
					dst[i] = b.Facts[len(b.Facts)]
				}
			case "at":
				dst[i] = b.Reward[i]
				if seen >= c.Step && b.End[i] != env.Running && flawShows.Load() {
					dst[i] = b.Facts[len(b.Facts)]
				}
			case "none":
				dst[i] = b.Reward[i]
			}
		}
	}), nil
}

const learning = `
env: {name: cartpole-v0}
worlds: 7
agent: {name: hill, options: {every: 23}}
reward: [{name: task}, {name: average, weight: 0.5}]
steps: 4000
metrics: {steps: 300}
`

// TestLearnerResumes interrupts training at every moment at which the state may be saved.
func TestLearnerResumes(t *testing.T) {
	whole, parts := t.TempDir(), t.TempDir()
	if err := openTestTrainer(t, learning, whole).train(context.Background()); err != nil {
		t.Fatal(err)
	}
	interruptions := 0
	for ; ; interruptions++ {
		tr := openTestTrainer(t, learning, parts)
		err := tr.train(canceled())
		tr.close()
		if err == nil {
			break
		}
		if !errors.Is(err, errInterrupted) || interruptions > 1000 {
			t.Fatal(err)
		}
	}
	a, err := os.ReadFile(filepath.Join(whole, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(parts, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) || interruptions < 10 || !strings.Contains(string(a), `"average/mean"`) || !strings.Contains(string(a), `"reward/average"`) {
		t.Errorf("after %d interruptions metrics are\n%s\nwithout\n%s", interruptions, b, a)
	}
	c, err := newestCheckpoint(filepath.Join(parts, "checkpoints"))
	if err != nil || !strings.Contains(string(c["rewards"]), `"term":"average","name":"average","module":"github.com/terrarium-rl/terrarium"`) {
		t.Errorf("the checkpoint says of the rewards %s (%v)", c["rewards"], err)
	}
	c["reward"] = c["reward"][1:]
	if _, err := openTestTrainer(t, learning, t.TempDir()).restore(c); err == nil {
		t.Error("a damaged state of a reward is loaded")
	}
}

// TestOtherReward: a run is not resumed under another version of a reward's module.
func TestOtherReward(t *testing.T) {
	tr := openTestTrainer(t, learning, t.TempDir())
	was := tr.plan.origins()
	was[1].Path, was[1].Version, was[1].Sum = "example.com/rw", "v0.3.0", "h1:x"
	err := tr.plan.sameRewards(was)
	if err == nil || !strings.Contains(err.Error(), `reward term "average" is of module github.com/terrarium-rl/terrarium`) || !strings.Contains(err.Error(), "was of module example.com/rw v0.3.0") {
		t.Errorf("another module: %v", err)
	}
	if err := tr.plan.sameRewardsJSON(mustJSON(was)); err == nil {
		t.Error("another module in a checkpoint is no error")
	}
	tr.plan.force = true
	if err := tr.plan.sameRewards(was); err != nil {
		t.Errorf("forced: %v", err)
	}
}

// TestPanic: a reward that panics ends the run with its name, the row and the place, and with the
// state before it saved: what then resumes is what a sound reward would have come to.
func TestPanic(t *testing.T) {
	text := strings.Replace(learning, "{name: average, weight: 0.5}", "{name: flawed, options: {flaw: at, step: 3010}}", 1)
	train := func(dir string, options Options) error {
		p, err := ParsePlan("x.yaml", []byte(text+"checkpoint: {steps: 2000, seconds: 0}\neval: {episodes: 0}\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); err == nil {
			_, err = Resume(context.Background(), dir, options)
			return err
		}
		_, err = Train(context.Background(), p, dir, options)
		return err
	}
	dir, sound := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	flawShows.Store(true)
	defer flawShows.Store(false)
	repeated := false
	err := train(dir, Options{Workers: 1, Notify: func(s Status) { repeated = repeated || s.Repeated }})
	seed := SeedDir(dir, 1)
	for _, want := range []string{
		"seed 1, step ", `reward term "flawed" of module github.com/terrarium-rl/terrarium`, "panicked on row ", " at reward_test.go:", "index out of range",
		"its stack is in " + filepath.Join(seed, panicFile), "; the state of step ", "terrarium resume " + dir + " --force goes on",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	saved, err := checkpoints(filepath.Join(seed, "checkpoints"))
	if err != nil || len(saved) == 0 || filepath.Base(saved[len(saved)-1]) < fmt.Sprintf(checkpointPattern, 2800) {
		t.Errorf("the checkpoints are %v (%v), want one shortly before step 3010", saved, err)
	}
	if !repeated {
		t.Error("nobody is told that steps are repeated")
	}
	said, err := os.ReadFile(filepath.Join(seed, panicFile))
	if err != nil || !strings.Contains(string(said), "goroutine") || !strings.Contains(string(said), "obs   angle") {
		t.Errorf("%s holds %s (%v)", panicFile, said, err)
	}
	flawShows.Store(false)
	if err := errors.Join(train(dir, Options{Workers: 1, Force: true}), train(sound, Options{Workers: 1})); err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(filepath.Join(seed, metricsFile))
	b, _ := os.ReadFile(filepath.Join(SeedDir(sound, 1), metricsFile))
	if len(a) == 0 || string(a) != string(b) {
		t.Errorf("once corrected, it comes to\n%s\nwant\n%s", a, b)
	}
}

// TestPanicElsewhere: what panics is named by its module, also if it is no reward.
func TestPanicElsewhere(t *testing.T) {
	tr := openTestTrainer(t, learning, t.TempDir())
	tr.rew = nil // the agent reads it
	tr.reward = nil
	err := tr.train(context.Background())
	var broken *rewardError
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "seed 3, step 0: module github.com/terrarium-rl/terrarium ") || !strings.Contains(broken.dump, "goroutine") {
		t.Errorf("error %v", err)
	}
}

// TestShortRewards: a reward of one term needs no list.
func TestShortRewards(t *testing.T) {
	for _, short := range []string{"task", "{name: task}", "[task]", "[{name: task}]"} {
		p, err := ParsePlan("x.yaml", []byte("env: {name: cartpole-v0}\nreward: "+short+"\n"), nil)
		if err != nil || len(p.Reward) != 1 || p.Reward[0].Name != "task" || p.Reward[0].Weight != 1 {
			t.Errorf("reward: %s becomes %+v (%v)", short, p, err)
		}
	}
	_, err := ParsePlan("x.yaml", []byte("env: {name: cartpole-v0}\nreward: {module: example.com/me/rw@v0.3.0, name: smooth}\n"), nil)
	var missing *MissingError
	if !errors.As(err, &missing) || missing.names("") != "example.com/me/rw@v0.3.0" {
		t.Errorf("a module without a list: %v", err)
	}
}

// TestModules: what is wrong with the modules of an experiment is said with its place.
func TestModules(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "go.mod"), "module example.com/here\n")
	for text, want := range map[string]string{
		"reward: [{module: example.com/rw, name: x}]":                     "has to name a version, such as example.com/rw@v0.3.0",
		"reward: [{module: example.com/rw@main, name: x}]":                "has to name a version",
		"reward: [{module: 7, name: x}]":                                  "x.yaml:2:19: reward.0.module: want text such as",
		"reward: [{module: ./nowhere, name: x}]":                          "x.yaml:2:19: reward.0.module: module folder ",
		"reward: [{module: \"https://a.b/c\", name: x}]":                  "write a.b/c",
		"modules: [example.com/b@v1.0.0, example.com/c@v2.0.0]\nbonus: x": "the experiment needs example.com/b@v1.0.0 and example.com/c@v2.0.0",
		"modules: [example.com/b]":                                        "x.yaml:2:11: modules.0: example.com/b has to name a version",
		"agent: {module: example.com/rw@v1.0.0, name: x}":                 "the experiment needs example.com/rw@v1.0.0, which this program lacks: terrarium build --with example.com/rw@v1.0.0",
		"reward: [{module: ., name: x}]":                                  "the experiment needs example.com/here=" + dir,
		"reward: [{module: github.com/terrarium-rl/terrarium, name: x}]":  `unknown reward "x"`,
	} {
		_, err := ParsePlan(filepath.Join(dir, "x.yaml"), []byte("env: {name: cartpole-v0}\n"+text+"\n"), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		var missing *MissingError
		if errors.As(err, &missing) != strings.HasPrefix(want, "the experiment needs") {
			t.Errorf("%s: %T", text, err)
		}
	}
}

// TestCheckFindsFlaws: each flaw is found, and a reward without one is left alone.
func TestCheckFindsFlaws(t *testing.T) {
	for flaw, want := range map[string]string{
		"constant":  "it is always the same",
		"still":     "standing still earns",
		"unbounded": "it grows without bound in fact energy",
		"infinite":  "it is not finite in ordinary play (still)",
		"none":      "",
	} {
		p, err := ParsePlan("x.yaml", []byte("env: {name: pendulum-v0}\nworlds: 8\nreward: [{name: flawed, options: {flaw: "+flaw+"}}]\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := checkBehaviour(p, 8)
		if err != nil {
			t.Errorf("%s: %v", flaw, err)
			continue
		}
		found := b.Terms[0].Loopholes
		if want == "" && len(found) > 0 || want != "" && !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%s: found %q, want %q", flaw, found, want)
		}
	}
}

func TestKendall(t *testing.T) {
	up, down := []float64{1, 2, 3, 4}, []float64{9, 7, 5, 1}
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{up, up, 1}, {up, down, -1}, {up, []float64{1, 3, 2, 4}, 2.0 / 3},
		{[]float64{1, 1, 2}, []float64{1, 2, 3}, 2 / math.Sqrt(6)}, // one tie: tau-b
	} {
		if got := kendall(c.x, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("tau of %v and %v is %v, want %v", c.x, c.y, got, c.want)
		}
	}
	if r := ranks([]float64{5, 9, 7}); !slices.Equal(r, []int{3, 1, 2}) {
		t.Errorf("ranks %v", r)
	}
}

func TestLint(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "go.mod"), "module example.com/x\n\nreplace a.b/c => ../c\n")
	writeFile(t, filepath.Join(dir, "x.go"), `package x

import (
	"math/rand"
	"time"
)

type Config struct {
	Scale float32
	Shape float32 `+"`json:\"shape\"`"+`
	inner int
}

func (c *Config) Build(s *env.Spec) (rewards.Func, error) { return &x{}, nil }

func Setup() { rewards.Register("x", nil) }

type x struct {
	last []float32
	b    *env.Batch
	n    int
}

func (r *x) Score(dst []float32, b *env.Batch) {
	r.last = b.Obs[:3]
	r.b = b
	r.n = b.N
	b.Facts[0] = 1
	b.N++
	_ = time.Now()
	_ = rand.Int()
	dst[0] = b.Reward[0]
}
`)
	found, _, err := lint(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(found, "\n")
	for _, want := range []string{
		"go.mod:3: a replace line", "no test runs a conformance suite", "x.go:4: math/rand makes runs differ",
		"x.go:9: option Scale has no json tag", "x.go:10: option Shape has no doc tag", "x.go:16: Register belongs in an init function",
		"x.go:25: Score keeps the batch", "x.go:26: Score keeps the batch", "x.go:28: Score changes the batch", "x.go:29: Score changes the batch",
		"x.go:30: time.Now", "x.go:31: rand.Int",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("lint does not find %q", want)
		}
	}
	if len(found) != 12 {
		t.Errorf("%d findings:\n%s", len(found), all)
	}
}

// TestFreeOptions: what a config does not know the type of arrives as plain values.
func TestFreeOptions(t *testing.T) {
	tr, err := parseYAML("x.yaml", []byte("free: {text: a, number: 1.5, deep: {list: [1, b], none: null}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Free map[string]any `json:"free"`
	}
	if err := tr.decode(&c, ""); err != nil {
		t.Fatal(err)
	}
	if got := string(mustJSON(c.Free)); got != `{"deep":{"list":[1,"b"],"none":null},"number":1.5,"text":"a"}` {
		t.Errorf("decoded as %s", got)
	}
}
