package lab

import (
	"context"
	"image"
	"image/gif"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env/traj"
)

const filmed = `
version: 1
doc: A run to look at, with a <b>tag</b> & more.
env: {name: cartpole-v0}
worlds: 4
agent: {name: hill, options: {every: 23}}
reward:
  - {name: task, weight: 0.5}
  - {name: fact, as: upright, weight: 0.25, options: {fact: alive}}
steps: 20000
seeds: [3, 4]
eval: {episodes: 8}
replays: {steps: 4000, eval: 5}
`

// filmedRun returns the folder of a finished run.
func filmedRun(t *testing.T) string {
	t.Helper()
	p, err := ParsePlan("filmed.yaml", []byte(filmed), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := Train(context.Background(), p, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRecordStills(t *testing.T) {
	run, dir := filmedRun(t), t.TempDir()
	replay := filepath.Join(run, "seed-4", "replays", "eval-00001.replay")
	for _, c := range []struct {
		args string
		size image.Point
	}{
		{run + " --width 200 --height 100", image.Pt(200, 100)},
		{run + " --width 300 --worlds 2x1", image.Pt(300, 74)}, // two of 148 x 74: the view is 6 by 3
		{run + " --height 206 --worlds 4 --seed 4 --episode last", image.Pt(408, 206)},
		{run + " --width 100 --height 50 --episode 3 --plain --theme dark", image.Pt(100, 50)},
		{replay + " --width 412 --moments 4", image.Pt(412, 50)},
		{"cartpole-v0 --width 120 --height 60 --agent random --seed 5", image.Pt(120, 60)},
		{"pendulum-v0 --width 120 --height 120 --agent random", image.Pt(120, 120)},
		{"pendulum-v0 cartpole-v0 " + run + " --width 248 --height 80", image.Pt(248, 80)},
		{"pendulum-v0 cartpole-v0 --worlds 2x2 --width 164 --height 164", image.Pt(164, 164)},
	} {
		out := filepath.Join(dir, "x.png")
		if code := Run(append([]string{"record", "-o", out}, strings.Fields(c.args)...)); code != exitDone {
			t.Fatalf("%s: exit %d", c.args, code)
		}
		f, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil || img.Bounds().Size() != c.size {
			t.Errorf("%s: size %v, want %v; %v", c.args, img.Bounds().Size(), c.size, err)
		}
	}
}

func TestParseGrid(t *testing.T) {
	for in, want := range map[string][2]int{"1": {1, 1}, "3": {3, 2}, "6": {6, 3}, "3x2": {6, 3}, "2x3": {6, 2}, "256": {256, 16}} {
		if n, cols, err := parseGrid(in); err != nil || n != want[0] || cols != want[1] {
			t.Errorf("%s is %d in %d columns, want %v; %v", in, n, cols, want, err)
		}
	}
	for _, in := range []string{"", "0", "-1", "x", "3x", "3x0", "257", "100x100", "4611686018427387904x4"} {
		if _, _, err := parseGrid(in); err == nil {
			t.Errorf("%q is no error", in)
		}
	}
}

// A film of several episodes lasts as long as the longest, and a second more.
func TestRecordFilm(t *testing.T) {
	run, out := filmedRun(t), filepath.Join(t.TempDir(), "x.gif")
	eps, err := loadEpisodes(run, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(eps) != 10 {
		t.Fatalf("%d evaluation episodes, want 5 of each of 2 seeds", len(eps))
	}
	longest := 0
	for _, ep := range eps {
		longest = max(longest, ep.Len())
	}
	if code := Run([]string{"record", run, "-o", out, "--worlds", "4x3", "--width", "320", "--fps", "10", "--speed", "2"}); code != exitDone {
		t.Fatalf("exit %d", code)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := gif.DecodeAll(f)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, d := range g.Delay {
		total += d
	}
	if want := float64(longest)*0.02/2 + 1; math.Abs(float64(total)/100-want) > 0.2 {
		t.Errorf("plays %v s, want %v", float64(total)/100, want)
	}
	if w, h := g.Config.Width, g.Config.Height; w != 320 || h != 3*38+8 {
		t.Errorf("size %d x %d, want 320 x 122", w, h)
	}
}

// An episode that Train recorded plays to the recorded end.
func TestRecordedEpisodesPlay(t *testing.T) {
	eps, err := loadEpisodes(filmedRun(t), 3, false)
	if err != nil {
		t.Fatal(err)
	}
	ps, err := openPlayers(eps)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range ps {
		if err := p.Seek(p.Len()); err != nil {
			t.Fatal(err)
		}
		if p.Return() != eps[i].Return() || p.Batch().End[0] != eps[i].Last {
			t.Errorf("episode %d: return %v and %v, want %v and %v", i, p.Return(), p.Batch().End[0], eps[i].Return(), eps[i].Last)
		}
	}
	if err := closePlayers(ps); err != nil {
		t.Error(err)
	}
}

func TestChooseEpisodes(t *testing.T) {
	var eps []*traj.Episode
	for _, r := range []float32{3, 9, 1, 5} {
		eps = append(eps, &traj.Episode{Agents: 1, Reward: []float32{r}})
	}
	for _, c := range []struct {
		which string
		n     int
		want  []float64
	}{
		{"best", 2, []float64{9, 5}}, {"best", 9, []float64{9, 5, 3, 1}}, {"first", 2, []float64{3, 9}},
		{"last", 1, []float64{5}}, {"last", 3, []float64{9, 1, 5}}, {"2", 5, []float64{1, 5}},
	} {
		got, err := chooseEpisodes(eps, c.which, c.n)
		if err != nil || len(got) != len(c.want) {
			t.Fatalf("%+v: %d episodes, %v", c, len(got), err)
		}
		for i, ep := range got {
			if ep.Return() != c.want[i] {
				t.Errorf("%+v: episode %d has return %v", c, i, ep.Return())
			}
		}
	}
}

func TestRecordRefuses(t *testing.T) {
	run, empty := filmedRun(t), t.TempDir()
	out := filepath.Join(empty, "x.gif")
	for _, c := range []struct {
		name string
		o    recordOptions
		from string
		code int
		says string
	}{
		{"typo", recordOptions{}, "cartpol-v0", exitInput, `"cartpole-v0"`},
		{"number", recordOptions{episode: "10"}, run, exitInput, "a number from 0 to 9"},
		{"word", recordOptions{episode: "bset"}, run, exitInput, "want best, last, first"},
		{"grid", recordOptions{worlds: "3by2"}, run, exitInput, "a grid such as 3x2"},
		{"few", recordOptions{worlds: "0"}, run, exitInput, "want a number"},
		{"huge", recordOptions{worlds: "1000x1000"}, run, exitInput, "at most 256"},
		{"seed", recordOptions{seed: 7}, run, exitLacking, "seed-7"},
		{"agent", recordOptions{agent: "nobody"}, "cartpole-v0", exitInput, "nobody"},
		{"levels", recordOptions{preset: "nowhere"}, "cartpole-v0", exitInput, "nowhere"},
		{"ending", recordOptions{out: "x.avi"}, run, exitInput, "unknown ending"},
		{"folder", recordOptions{out: filepath.Join(empty, "no", "x.png")}, run, exitLacking, "no such file"},
		{"fps", recordOptions{picture: pictureOptions{fps: 1000}}, run, exitInput, "--fps 1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var defaults pictureOptions
			cmd := recordCommand()
			defaults.flags(cmd.InheritedFlags())
			o := c.o
			if o.picture.fps > 0 {
				defaults.fps = o.picture.fps
			}
			o.picture, o.anySeed = defaults, o.seed == 0
			if o.out == "" {
				o.out = out
			}
			if o.worlds == "" {
				o.worlds = "1"
			}
			if o.episode == "" {
				o.episode = "best"
			}
			err := record([]string{c.from}, o)
			if err == nil || !strings.Contains(err.Error(), c.says) || exitCode(err) != c.code {
				t.Errorf("error %v with exit code %d, want one with %q and %d", err, exitCode(err), c.says, c.code)
			}
		})
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Errorf("%v is left behind", left)
	}
}

// Without ffmpeg the program says how to get it, before it plays anything.
func TestRecordWithoutFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	o := pictureOptions{fps: 25, speed: 1, seconds: 1, moments: 1}
	if err := o.check("x.mp4"); err == nil || !strings.Contains(err.Error(), "apt-get install ffmpeg") || exitCode(err) != exitLacking {
		t.Errorf("error %v with exit code %d, want a hint and %d", err, exitCode(err), exitLacking)
	}
}

func TestRecordRefusesDamagedReplay(t *testing.T) {
	run := filmedRun(t)
	path := filepath.Join(run, "seed-3", "replays", "eval-00000.replay")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(data[:len(data)/2]))
	if _, err := loadEpisodes(run, 3, false); err == nil || !strings.Contains(err.Error(), "eval-00000.replay") {
		t.Errorf("error %v, want one that names the file", err)
	}
}
