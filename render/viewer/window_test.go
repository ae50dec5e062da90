package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

var update = flag.Bool("update", false, "rewrite the golden images")

// needs skips a test where a program is missing, or fails it if the environment variable says that it
// has to run.
func needs(t *testing.T, require, get string, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing(t, require, p+" is missing: "+get)
		}
	}
	if testing.Short() {
		t.Skip("takes long")
	}
}

func missing(t *testing.T, require, what string) {
	t.Helper()
	if os.Getenv(require) != "" {
		t.Fatalf("%s is set, and %s", require, what)
	}
	t.Skip(what)
}

// needsDisplay skips a test where no window can be built or opened.
func needsDisplay(t *testing.T) {
	t.Helper()
	const require, get = "REQUIRE_DISPLAY", "apt-get install xvfb xauth xdotool, and see the package comment"
	needs(t, require, get, "xvfb-run", "xauth", "xdotool", "gcc", "pkg-config")
	if out, err := exec.Command("pkg-config", "--exists", "--print-errors", "gl", "xcursor", "xi", "xinerama", "xrandr", "xxf86vm", "alsa").CombinedOutput(); err != nil {
		missing(t, require, fmt.Sprintf("the viewer cannot be built: %s: %s", get, out))
	}
}

// glide fires the main engine every third step.
type glide struct{ n int }

func (g *glide) Act(b *env.Batch, _ rng.Key, _ bool) {
	b.Act[0] = 0
	if g.n++; g.n%3 == 0 {
		b.Act[0] = 2
	}
}

// record writes an episode to a file.
func record(t *testing.T, path string, seed uint64) *traj.Episode {
	t.Helper()
	p, err := replay.Play(replay.Scene{Config: lander.New(), Seed: seed, Purpose: "test"}, &glide{})
	if err != nil {
		t.Fatal(err)
	}
	for p.Live() {
		if err := p.Seek(p.Step() + 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.Save(path), p.Close()); err != nil {
		t.Fatal(err)
	}
	return p.Episode()
}

// build compiles the viewer and returns its path.
func build(t *testing.T, tags string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "viewer")
	if out, err := exec.Command("go", "build", "-tags", tags, "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// A window is opened and driven with keys and the mouse: it scrubs in a replay, hands over to
// the user, edits and saves a level, and labels two pairs. What it saves is sound, and it looks as
// it should.
func TestWindow(t *testing.T) {
	needsDisplay(t)
	bin, dir := build(t, "viewer"), t.TempDir()
	whole := record(t, filepath.Join(dir, "a.replay"), 2)
	record(t, filepath.Join(dir, "b.replay"), 3)
	script := `
		size() { stat -c %s "$LABELS" 2>/dev/null || echo 0; }
		answer() { # presses a key until the answer is on the disk
			before=$(size)
			for try in 1 2 3 4 5; do
				key $1
				for wait in 1 2 3 4 5 6 7 8 9 10 11 12; do
					[ $(size) -gt $before ] && return
					sleep 0.25
				done
			done
		}
		"$VIEWER" -folder "$DIR/out" "$DIR/a.replay" "$DIR/b.replay" & viewer=$!
		xdotool search --sync --onlyvisible --name Terrarium >/dev/null
		sleep 3
		key Return; sleep 1
		key space; sleep 1
		xdotool mousemove 532 782; sleep 0.5; xdotool mousedown 1; sleep 0.5; xdotool mouseup 1
		sleep 0.3
		key o; sleep 0.4; key i; sleep 0.4
		key F12; sleep 1
		key b; sleep 1
		xdotool keydown Up; sleep 1; xdotool keyup Up; sleep 1
		key space; sleep 1; key s; sleep 1
		key l; sleep 0.3; key m; sleep 0.5; key s; sleep 0.5
		key l; sleep 0.3; key t; sleep 0.3
		key w; sleep 2; answer Left; sleep 1; answer Right; sleep 1; key w; sleep 1
		key Escape
		wait $viewer`
	inWindow(t, script, "VIEWER="+bin, "DIR="+dir, "XDG_CONFIG_HOME="+filepath.Join(dir, "config"),
		"LABELS="+filepath.Join(dir, "out", playback.LabelFile))

	ep, err := traj.Load(filepath.Join(dir, "out", "by-hand-lander-v0-00001.replay"))
	if err != nil {
		t.Fatal(err)
	}
	if _, d, err := traj.Verify([]*traj.Episode{ep}, 1); err != nil || d != nil {
		t.Errorf("the branch: %v, %v", d, err)
	}
	same, fired := 0, 0
	for same < ep.Len() && ep.Action(same)[0] == whole.Action(same)[0] {
		same++
	}
	for i := same; i < ep.Len(); i++ {
		if ep.Action(i)[0] == 2 {
			fired++
		}
	}
	if half := whole.Len() / 2; same < half-2 || same > half+2 || fired < 3 {
		t.Errorf("the branch leaves at step %d of %d, then fires %d times; want half-way, and some fire", same, whole.Len(), fired)
	}
	spec, err := lander.New().Spec()
	if err != nil {
		t.Fatal(err)
	}
	l, err := playback.LoadLevel(filepath.Join(dir, "out", "level-lander-v0-00001.json"), spec)
	if err != nil {
		t.Fatal(err)
	}
	if l.ID(spec) == whole.Level.ID(spec) {
		t.Error("the mutated level is the original")
	}
	text, err := os.ReadFile(filepath.Join(dir, "config", "terrarium", "viewer.json"))
	var s playback.Settings
	if err := errors.Join(err, json.Unmarshal(text, &s)); err != nil || !s.Dark || !s.Terms {
		t.Errorf("remembered %+v: %v", s, err)
	}
	log, answers, err := feedback.OpenLog(filepath.Join(dir, "out", playback.LabelFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != 2 || answers[0].Label != 1 || answers[1].Label != 0 {
		t.Errorf("answers %+v, want the left one and the right one", answers)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	like(t, filepath.Join(dir, "out", "viewer-00001.png"), filepath.Join("testdata", "TestWindow.png"))
}

// pressing is the command of scripts that presses a key for as long as a picture may take: a key that is
// let go before the viewer looks was never pressed.
//
// A display on a busy machine may take longer than xvfb-run waits for it.
const pressing = `key() { xdotool keydown $1; sleep 0.25; xdotool keyup $1; sleep 0.3; }
for try in $(seq 60); do xdotool getmouselocation >/dev/null 2>&1 && break; sleep 0.5; done
`

// inWindow runs a script of bash on a display of its own, which does not begin anew when the last of
// its clients has gone: nobody could connect meanwhile.
func inWindow(t *testing.T, script string, environment ...string) {
	t.Helper()
	c := exec.Command("xvfb-run", "-a", "-s", "-screen 0 1280x800x24 -noreset", "bash", "-ec", pressing+script)
	c.Env = append(append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(t.TempDir(), "config")), environment...)
	done := time.AfterFunc(3*time.Minute, func() { c.Process.Kill() })
	out, err := c.CombinedOutput()
	done.Stop()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// In the level editor a box is drawn with the mouse, moved, taken back and made again; the room is
// saved, looks as it should, and is played at once.
func TestDrawInWindow(t *testing.T) {
	needsDisplay(t)
	bin, dir := build(t, "viewer"), t.TempDir()
	room, err := sandbox.Named("car")
	if err != nil {
		t.Fatal(err)
	}
	text, err := room.Text()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "room.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	inWindow(t, `
		drag() { xdotool mousemove $1 $2; sleep 0.4; xdotool mousedown 1; sleep 0.4; xdotool mousemove $(( ($1+$3)/2 )) $(( ($2+$4)/2 ))
			sleep 0.4; xdotool mousemove $3 $4; sleep 0.4; xdotool mouseup 1; sleep 0.4; }
		"$VIEWER" -forget -folder "$DIR/out" "$DIR/room.json" & viewer=$!
		xdotool search --sync --onlyvisible --name Terrarium >/dev/null
		sleep 3
		key 2; sleep 0.3
		drag 400 300 480 340
		key 1; sleep 0.3
		drag 440 320 640 220
		key z; sleep 0.3; key y; sleep 0.3; key r; sleep 0.3; key x; sleep 0.3
		key s; sleep 0.5
		xdotool mousemove 700 500; sleep 7
		key F12; sleep 1
		key Return; sleep 0.5
		xdotool keydown Right; sleep 1; xdotool keyup Right; sleep 0.2
		key space; sleep 0.3; key s; sleep 0.5; key l; sleep 0.5
		key Escape
		wait $viewer`, "VIEWER="+bin, "DIR="+dir)
	saved, err := playback.LoadRoom(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(saved.Bodies) != len(room.Bodies)+1 {
		t.Fatalf("%d bodies are saved, want one more than %d", len(saved.Bodies), len(room.Bodies))
	}
	box := saved.Bodies[len(room.Bodies)]
	if box.Role != env.RoleAgent || box.Kind != "static" || box.Position.X < 4 || box.Position.X > 5.5 || box.Position.Y < 3 {
		t.Errorf("the box is %+v", box)
	}
	eps, err := filepath.Glob(filepath.Join(dir, "out", "by-hand-sandbox-v0-*.replay"))
	if err != nil || len(eps) != 1 {
		t.Fatalf("played by hand: %q, %v", eps, err)
	}
	ep, err := traj.Load(eps[0])
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i := range ep.Len() {
		if ep.Action(i)[0] == 1 {
			right++
		}
	}
	if right < 3 { // how many fit into a second depends on the machine
		t.Errorf("of %d steps %d went right", ep.Len(), right)
	}
	like(t, filepath.Join(dir, "out", "viewer-00001.png"), filepath.Join("testdata", "TestDrawInWindow.png"))
}

// like compares a picture with a golden one. Cards differ in rounding, so a few pixels may.
func like(t *testing.T, got, golden string) {
	t.Helper()
	a := decode(t, got)
	if *update {
		data, err := os.ReadFile(got)
		if err == nil {
			err = errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, data, 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b := decode(t, golden)
	if a.Rect != b.Rect {
		t.Fatalf("the picture is %v, want %v", a.Rect, b.Rect)
	}
	off := 0
	for i := range a.Pix {
		if d := int(a.Pix[i]) - int(b.Pix[i]); d > 24 || d < -24 {
			off++
		}
	}
	if share := float64(off) / float64(len(a.Pix)); share > 0.005 {
		failed := strings.TrimSuffix(golden, ".png") + ".failed.png"
		if data, err := os.ReadFile(got); err == nil {
			os.WriteFile(failed, data, 0o644)
		}
		t.Errorf("%.2f %% of the picture is unlike %s; it is in %s", 100*share, golden, failed)
	}
}

func decode(t *testing.T, path string) *image.RGBA {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	rgba := image.NewRGBA(img.Bounds())
	draw.Draw(rgba, rgba.Rect, img, image.Point{}, draw.Src)
	return rgba
}

// Without a display the viewer says what to do instead, whether it has a window or not.
func TestNoDisplay(t *testing.T) {
	tags := []string{""}
	if built := exec.Command("pkg-config", "--exists", "gl", "xcursor", "xi", "xinerama", "xrandr", "xxf86vm", "alsa"); runtime.GOOS == "linux" && built.Run() == nil && !testing.Short() {
		tags = append(tags, "viewer")
	}
	for _, tag := range tags {
		c := exec.Command(build(t, tag), "lander-v0")
		c.Env = append(os.Environ(), "DISPLAY=", "WAYLAND_DISPLAY=")
		out, err := c.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(string(out), "terrarium record") {
			t.Errorf("tags %q: %v, %s; want exit code 3 and a hint", tag, err, out)
		}
	}
}
