package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/terrarium-rl/terrarium/agents/ppo"
	_ "github.com/terrarium-rl/terrarium/agents/random"
	"github.com/terrarium-rl/terrarium/env"
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	_ "github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/experiments/lab"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
)

const experiment = `
env: {name: cartpole-v0}
worlds: 4
steps: 2048
eval: {episodes: 4}
replays: {eval: 3}
checkpoint: {steps: 1024}
agent: {name: ppo, options: {hidden: [8]}}
`

// train returns the folder of a short run.
func train(t *testing.T) string {
	t.Helper()
	p, err := lab.ParsePlan("tiny.yaml", []byte(experiment), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "tiny")
	if _, err := lab.Train(context.Background(), p, dir, lab.Options{Workers: 1}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// open opens sources and plays a second of them.
func open(t *testing.T, sources []string, o Options) *Show {
	t.Helper()
	show, err := Open(sources, o)
	if err != nil {
		t.Fatalf("%v, %+v: %v", sources, o, err)
	}
	t.Cleanup(func() {
		if err := show.close(); err != nil {
			t.Error(err)
		}
	})
	s := playback.New(playback.DefaultSettings(), show.Tracks)
	for range 10 {
		s.Advance(0.1)
	}
	if s.Failed {
		t.Errorf("%v, %+v: %s", sources, o, s.Message)
	}
	return show
}

func names(ds []playback.Driver) string {
	var out []string
	for _, d := range ds {
		out = append(out, d.Name)
	}
	return strings.Join(out, ", ")
}

func TestOpen(t *testing.T) {
	dir := train(t)
	ckpts, err := filepath.Glob(filepath.Join(dir, "seed-1", "checkpoints", "step-*.ckpt"))
	if err != nil || len(ckpts) < 2 {
		t.Fatalf("checkpoints %v, %v", ckpts, err)
	}
	level := filepath.Join(t.TempDir(), "level.json")
	for _, c := range []struct {
		what    string
		sources []string
		o       Options
		tracks  int
		first   string // name of the first track
		drivers string
	}{
		{"recordings", []string{dir}, Options{}, -1, "eval", "tiny at 2048, scripted, random"},
		{"a recording", []string{filepath.Join(dir, "seed-1", "replays", "eval-00001.replay")}, Options{}, 1, "eval", "tiny at 2048, scripted, random"},
		{"the policy", []string{dir}, Options{Play: true, Worlds: 3}, 3, "tiny at 2048", "tiny at 2048, scripted, random"},
		{"a seed", []string{filepath.Join(dir, "seed-1")}, Options{Play: true}, 1, "tiny at 2048", "tiny at 2048, scripted, random"},
		{"a checkpoint", ckpts[:1], Options{}, 1, "tiny at 1024", "tiny at 1024, scripted, random"},
		{"an environment", []string{"lander-v0"}, Options{Worlds: 5, Preset: "classic"}, 5, "scripted", "scripted, random"},
		{"two policies", []string{"cartpole-v0"}, Options{Worlds: 2, Agents: []string{"random", dir}}, 4, "random", "random, tiny at 2048, scripted"},
		{"two checkpoints", nil, Options{Agents: ckpts}, 2, "tiny at 1024", "tiny at 1024, tiny at 2048, scripted, random"},
	} {
		show := open(t, c.sources, c.o)
		if n := len(show.Tracks); c.tracks >= 0 && n != c.tracks || c.tracks < 0 && n < 4 {
			t.Errorf("%s: %d tracks, want %d", c.what, n, c.tracks)
		}
		if got := show.Tracks[0].Name; got != c.first {
			t.Errorf("%s: %q plays, want %q", c.what, got, c.first)
		}
		if got := names(show.Drivers); got != c.drivers {
			t.Errorf("%s: drivers %s, want %s", c.what, got, c.drivers)
		}
		if judged := show.Tracks[0].Judge != nil; judged != strings.Contains(c.first+c.drivers[:4], "tiny") {
			t.Errorf("%s: judge %v", c.what, judged)
		}
	}

	// Policies that are compared play the same levels.
	show := open(t, []string{"lander-v0"}, Options{Worlds: 3, Agents: []string{"scripted", "random"}})
	for i := 0; i < 6; i += 2 {
		a, b := show.Tracks[i], show.Tracks[i+1]
		if a.Kin != b.Kin || a.Kin == 0 || a.Episode().Level.ID(a.Spec()) != b.Episode().Level.ID(b.Spec()) || a.Name == b.Name {
			t.Errorf("tracks %d and %d: kin %d and %d, %s and %s, or other levels", i, i+1, a.Kin, b.Kin, a.Name, b.Name)
		}
	}
	next, err := show.Tracks[0].Again()
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if l := next.Episode().Level; l.ID(next.Spec()) == show.Tracks[0].Episode().Level.ID(next.Spec()) || next.Kin != 1 {
		t.Error("the next episode has the same level, or another kin")
	}

	// A level from a file.
	c, err := show.Tracks[0].Episode().Config()
	if err != nil {
		t.Fatal(err)
	}
	e, err := playback.NewEditor(c, &show.Tracks[0].Episode().Level)
	if err != nil {
		t.Fatal(err)
	}
	e.Mutate()
	if err := e.Save(level); err != nil {
		t.Fatal(err)
	}
	show = open(t, []string{"lander-v0"}, Options{Level: level})
	if l := show.Tracks[0].Episode().Level; l.ID(e.Spec) != e.Level.ID(e.Spec) {
		t.Errorf("level %v, want %v", l, e.Level)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := train(t)
	empty := t.TempDir()
	damaged := filepath.Join(t.TempDir(), "x.replay")
	if err := os.WriteFile(damaged, []byte("TERRPLAY"), 0o644); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(empty, "a.ckpt")
	if err := os.WriteFile(orphan, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sources []string
		o       Options
		want    string
	}{
		{[]string{"landr-v0"}, Options{}, `did you mean "lander-v0"`},
		{[]string{empty}, Options{}, "no recorded episodes"},
		{[]string{damaged}, Options{}, "damaged replay"},
		{[]string{orphan}, Options{}, "no config.yaml"},
		{[]string{"lander-v0"}, Options{Agents: []string{dir}}, "trained in cartpole-v0"},
		{[]string{"lander-v0"}, Options{Agents: []string{"scriptd"}}, "scripted"},
		{[]string{"lander-v0"}, Options{Preset: "clasic"}, "classic"},
		{[]string{"lander-v0"}, Options{Worlds: 65}, "at most 64"},
		{[]string{"lander-v0"}, Options{Level: filepath.Join(empty, "no.json")}, "no such file"},
	} {
		show, err := Open(c.sources, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %+v: %v, %v; want %q", c.sources, c.o, show, err, c.want)
		}
	}
}

// A damaged recording is reported, and does not hide the others; environments may be mixed.
func TestMixed(t *testing.T) {
	dir := train(t)
	bad := filepath.Join(dir, "seed-1", "replays", "bad.replay")
	if err := os.WriteFile(bad, []byte("TERRPLAY"), 0o644); err != nil {
		t.Fatal(err)
	}
	show := open(t, []string{dir, "lander-v0"}, Options{})
	if show.Trouble == nil || !strings.Contains(show.Trouble.Error(), "bad.replay") {
		t.Errorf("trouble: %v", show.Trouble)
	}
	if got := names(show.Drivers); got != "tiny at 2048, scripted, scripted, random, random" && got != "tiny at 2048, scripted, random, scripted, random" && got != "tiny at 2048, scripted, random, random" {
		t.Errorf("drivers %s", got)
	}
	for i := range show.Tracks {
		s := playback.New(playback.DefaultSettings(), show.Tracks[:len(show.Tracks):len(show.Tracks)])
		s.Drivers, s.Selected, s.Solo = show.Drivers, i, true
		s.Key("Home", false)
		s.Advance(0)
		for range len(show.Drivers) {
			s.Key("C", false)
			s.Key("V", false)
			if s.Failed || len(s.Tracks) == len(show.Tracks) {
				t.Fatalf("track %d, %s: %q", i, show.Tracks[i].Spec().ID, s.Message)
			}
			branch := s.Tracks[len(s.Tracks)-1]
			s.Advance(0.1)
			if s.Failed || branch.Spec().ID != show.Tracks[i].Spec().ID {
				t.Fatalf("track %d, %s: %q", i, branch.Name, s.Message)
			}
			s.Key("X", false)
			s.Selected = i
			s.Key("Home", false)
			s.Advance(0)
		}
	}
}

// A run is followed from before its first checkpoint on.
func TestLive(t *testing.T) {
	dir := train(t)
	seed := filepath.Join(dir, "seed-1")
	hidden := filepath.Join(t.TempDir(), "hidden")
	if err := os.Rename(seed, hidden); err != nil {
		t.Fatal(err)
	}
	r, err := findRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	tail := &tail{run: r, stage: Stage{Config: r.plan.EnvConfig, Worlds: 2}, seen: map[string]bool{}}
	if n := tail.look(); n.Text != "" || n.Err != nil || n.Driver != nil {
		t.Errorf("before the first checkpoint: %+v", n)
	}
	if err := os.Rename(hidden, seed); err != nil {
		t.Fatal(err)
	}
	n := tail.look()
	if n.Err != nil || n.Driver == nil || n.Driver.Name != "tiny at 2048" || len(n.Tracks) < 2+3 {
		t.Fatalf("news %+v", n)
	}
	for _, track := range n.Tracks {
		defer track.Close()
	}
	if again := tail.look(); again.Text != "" || len(again.Tracks) > 0 {
		t.Errorf("old news: %+v", again)
	}
	bad := filepath.Join(seed, "checkpoints", "step-000000000009999.ckpt")
	if err := os.WriteFile(bad, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if n := tail.look(); n.Err == nil || !strings.Contains(n.Err.Error(), "damaged") {
		t.Errorf("a damaged checkpoint: %+v", n)
	}

	live, err := Open([]string{dir + "/."}, Options{Live: true, Worlds: 1})
	if err == nil {
		t.Error("a damaged checkpoint is opened")
		live.close()
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	show := open(t, []string{dir}, Options{Live: true, Worlds: 3})
	if len(show.Tracks) != 3 || show.Feed == nil || !show.Feed.Leads {
		t.Errorf("%d tracks, feed %v", len(show.Tracks), show.Feed)
	}
}

// JSON files are rooms to draw on, levels to play, or empty rooms that do not exist yet.
func TestOpenJSON(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s, err := Open([]string{filepath.Join(dir, "new.json")}, Options{})
	if err != nil || s.Room == nil || len(s.Room.Bodies) == 0 || len(s.Drivers) == 0 {
		t.Fatalf("a new room: %+v, %v", s, err)
	}
	s, err = Open([]string{write("room.json", `{"name": "x", "bodies": [], "rules": []}`)}, Options{})
	if err != nil || s.Room == nil || s.Room.Name != "x" {
		t.Fatalf("a room: %+v, %v", s, err)
	}
	c, err := env.Open("cartpole-v0", nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	l := env.LevelFile{Env: spec.ID, Level: env.Level{Params: make([]float32, len(spec.Params)), Seed: 77}}
	for i, p := range spec.Params {
		l.Params[i] = p.Hi
	}
	text, err := l.Text()
	if err != nil {
		t.Fatal(err)
	}
	s, err = Open([]string{write("level.json", string(text))}, Options{Seed: 1})
	if err != nil || len(s.Tracks) != 1 || s.Tracks[0].Episode().Level.Seed != 77 || s.Tracks[0].Episode().Level.Params[0] != spec.Params[0].Hi {
		t.Fatalf("a level: %+v, %v", s, err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if _, err := Open([]string{write("bad.json", `{"bodys": []}`)}, Options{}); err == nil || !strings.Contains(err.Error(), `unknown key "bodys"`) {
		t.Errorf("got error %v", err)
	}
}

// The map of a search has the measures of its archive as axes, which need not be the first ones.
func TestElites(t *testing.T) {
	p, err := lab.ParsePlan("search.yaml", []byte(`
env: {name: cartpole-v0}
eval: {episodes: 0}
qd:
  evaluations: 64
  measures:
    - {of: obs.position, take: last, lo: -2.4, hi: 2.4}
    - {of: obs.velocity, take: max, lo: 0, hi: 3}
    - {of: obs.angle, take: last, lo: -0.2, hi: 0.2}
  archive: {name: grid, options: {cells: [8, 4]}}
  archive_of: [2, 0]
  emitters: [{name: isoline}]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "search")
	if _, err := lab.Train(t.Context(), p, dir, lab.Options{Workers: 1}); err != nil {
		t.Fatal(err)
	}
	m := open(t, []string{dir}, Options{}).Map
	want := [2]playback.Axis{{Name: "obs.angle", Lo: -0.2, Hi: 0.2}, {Name: "obs.position", Lo: -2.4, Hi: 2.4}}
	if m == nil || m.Axes != want || len(m.Points) == 0 {
		t.Fatalf("the map is %+v, want axes %v", m, want)
	}
}
