package playback

import (
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	_ "github.com/terrarium-rl/terrarium/env/tasks/lander"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/replay"
)

// still never does anything; it believes in the first observation.
type still struct{}

func (still) Act(b *env.Batch, _ rng.Key, _ bool) { clear(b.Act) }

func (still) Judge(b *env.Batch, value, entropy []float32) { value[0], entropy[0] = b.Obs[0], 0.5 }

// play returns a state with n new episodes of an environment, which still plays.
func play(t testing.TB, name string, n int) *State {
	t.Helper()
	c, err := env.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	var tracks []*Track
	for i := range n {
		p, err := replay.Play(replay.Scene{Config: c, World: i, Seed: 1, Purpose: "play"}, still{})
		if err != nil {
			t.Fatal(err)
		}
		tracks = append(tracks, &Track{Player: p, Name: "still", Judge: still{}})
	}
	s := New(DefaultSettings(), tracks)
	s.Folder = t.TempDir()
	if n > 0 {
		s.Drivers = []Driver{{"still", still{}, tracks[0].Spec()}}
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// The user takes over in mid-air, time waits for the first key, and what is done is recorded.
func TestTakeOver(t *testing.T) {
	s := play(t, "lander-v0", 1)
	s.mustAdvance(t, 0.5)
	s.tap("B")
	if len(s.Tracks) != 2 || s.Selected != 1 || s.Playing || s.Tracks[1].Kin != s.Tracks[0].Kin {
		t.Fatalf("after b: %d tracks, number %d, playing %v", len(s.Tracks), s.Selected, s.Playing)
	}
	hand := s.selected()
	from := hand.Step()
	s.Hold(nil, Rest)
	s.mustAdvance(t, 1)
	if hand.Step() != from || from != 25 {
		t.Errorf("time went on without a hand: from step %d to %d", from, hand.Step())
	}
	if !s.Hold([]string{"ArrowUp"}, Rest) || !s.Playing {
		t.Error("the first key does not begin")
	}
	s.tap("ArrowUp")
	if s.Faster != 0 {
		t.Error("an arrow that steers also changes the speed")
	}
	s.mustAdvance(t, 0.2)
	s.Hold([]string{"ArrowLeft"}, Rest)
	s.mustAdvance(t, 0.2)
	s.Hold(nil, Controls{Number: 3})
	s.mustAdvance(t, 0.2)
	s.Hold(nil, Rest)
	s.mustAdvance(t, 0.2)
	ep := hand.Episode()
	for at, want := range map[int]float32{from + 2: 2, from + 12: 1, from + 22: 3, from + 32: 0, from - 1: 0} {
		if got := ep.Action(at)[0]; got != want {
			t.Errorf("action %d at step %d, want %v", int(got), at, want)
		}
	}
	if ghost := s.Tracks[0]; ghost.Step() != hand.Step() && ghost.Live() {
		t.Errorf("the ghost is at step %d, the hand at %d", s.Tracks[0].Step(), hand.Step())
	}
	for hand.Live() {
		s.mustAdvance(t, 0.2)
	}
	files, err := filepath.Glob(filepath.Join(s.Folder, "*.replay"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v saved, %v; want one demonstration", files, err)
	}
	saved, err := traj.Load(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, d, err := traj.Verify([]*traj.Episode{saved}, 1); err != nil || d != nil || saved.Purpose != "by hand" {
		t.Errorf("the demonstration of %q: %v, %v", saved.Purpose, d, err)
	}
	s.tap("X")
	if len(s.Tracks) != 1 || s.Selected != 0 {
		t.Errorf("after x: %d tracks, number %d", len(s.Tracks), s.Selected)
	}
}

func TestLetOn(t *testing.T) {
	s := load(t, 1)
	elsewhere := *s.Tracks[0].Spec()
	elsewhere.ID = "elsewhere-v0"
	s.Drivers = []Driver{{"still", still{}, s.Tracks[0].Spec()}, {"stranger", still{}, &elsewhere}, {"other", still{}, s.Tracks[0].Spec()}}
	s.Time, s.Solo = 0.4, true
	s.mustAdvance(t, 0)
	s.tap("C")
	s.tap("V")
	if len(s.Tracks) != 2 || s.selected().Name != "other" || s.selected().Left != 20 || s.selected().Judge == nil {
		t.Fatalf("%d tracks, %+v", len(s.Tracks), s.selected())
	}
	for s.selected().Live() {
		s.mustAdvance(t, 0.1)
	}
	end := s.selected().Len()
	if end <= 20 || end >= s.Tracks[0].Len() {
		t.Errorf("pushed one way the pole falls at step %d of %d", end, s.Tracks[0].Len())
	}
	s.tap("Y")
	if n := len(s.visible()); n != 2 {
		t.Errorf("side by side are %d", n)
	}
	s.Scrub(1)
	s.mustAdvance(t, 0)
	if s.Tracks[0].Step() != s.Tracks[0].Len() || s.Tracks[1].Step() != end {
		t.Errorf("at the end they are at %d and %d", s.Tracks[0].Step(), s.Tracks[1].Step())
	}
	s.tap("V")
	if len(s.Tracks) != 2 || !strings.Contains(s.Message, "ends here") {
		t.Errorf("a branch from the end: %d tracks, %q", len(s.Tracks), s.Message)
	}
}

// Left is counter-clockwise for a pendulum.
func TestHandTurns(t *testing.T) {
	s := play(t, "pendulum-v0", 1)
	s.tap("B")
	s.Hold([]string{"ArrowLeft"}, Rest)
	s.mustAdvance(t, 0.2)
	s.Hold(nil, Controls{Axes: [4]float32{0.5}, Number: -1})
	s.mustAdvance(t, 0.2)
	ep := s.selected().Episode()
	hi := s.selected().Spec().Act[0].Hi
	if a, b := ep.Action(1)[0], ep.Action(ep.Len() - 1)[0]; a != hi || b != -hi/2 {
		t.Errorf("torques %v and %v, want %v and %v", a, b, hi, -hi/2)
	}
}

func TestLevelEditor(t *testing.T) {
	s := play(t, "lander-v0", 2)
	s.tap("L")
	e := s.Editor
	if e == nil || e.Err != nil || e.Hard < 0 {
		t.Fatalf("editor %+v", e)
	}
	s.paint(900, 700)
	g := s.screen.sliders[1]
	x, y := g.Min.X+g.Dx()/4, g.Min.Y+2
	grip := s.Press(x, y)
	x = g.Max.X
	s.Move(grip, x, y)
	s.Release(grip, x, y, false)
	if p := e.Spec.Params[1]; e.Row != 1 || e.Level.Params[1] != p.Hi || grip != GripLevel {
		t.Fatalf("row %d, %s is %v, want %v", e.Row, p.Name, e.Level.Params[1], p.Hi)
	}
	if len(s.Tracks) != 3 || s.selected().Episode().Level.Params[1] != e.Level.Params[1] || s.selected().Name != "still" {
		t.Fatalf("%d tracks; the selected one has level %v", len(s.Tracks), s.selected().Episode().Level)
	}
	for _, key := range []string{"M", "N", "G", "ArrowDown", "ArrowRight", "ArrowLeft"} {
		before := e.Level.Seed
		s.tap(key)
		if e.Err != nil || len(s.Tracks) != 3 {
			t.Errorf("after %s: %v, %d tracks", key, e.Err, len(s.Tracks))
		}
		if key == "N" && e.Level.Seed == before {
			t.Error("the seed is the same")
		}
		if got := s.selected().Episode().Level; got.ID(e.Spec) != e.Level.ID(e.Spec) {
			t.Errorf("after %s another level is played: %v, want %v", key, got, e.Level)
		}
	}
	s.tap("S")
	files, err := filepath.Glob(filepath.Join(s.Folder, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v saved, %v", files, err)
	}
	l, err := LoadLevel(files[0], e.Spec)
	if err != nil || l.ID(e.Spec) != e.Level.ID(e.Spec) {
		t.Errorf("loaded %v, want %v: %v", l, e.Level, err)
	}
	s.tap("N")
	s.Drop(files[0])
	if got := s.selected().Episode().Level; got.ID(e.Spec) != l.ID(e.Spec) {
		t.Errorf("after dropping the file the level is %v, want %v", got, l)
	}
	for text, want := range map[string]string{
		`{"params": [1], "seed": 1}`: "parameters",
		`{`:                          "a level is",
	} {
		bad := filepath.Join(s.Folder, "bad.json")
		if err := os.WriteFile(bad, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadLevel(bad, e.Spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What the graphs show is what was recorded.
func TestTermsAndJudgement(t *testing.T) {
	s := play(t, "lander-v0", 1)
	s.mustAdvance(t, 1)
	track := s.Tracks[0]
	sums := track.terms()
	n := len(track.Spec().Reward)
	if len(sums) != (track.Step()+1)*n {
		t.Fatalf("%d sums after %d steps", len(sums), track.Step())
	}
	total := 0.0
	for _, v := range sums[track.Step()*n:] {
		total += v
	}
	if d := total - track.Return(); d > 1e-3 || d < -1e-3 {
		t.Errorf("the terms sum up to %v, the return is %v", total, track.Return())
	}
	ep := track.Episode()
	for i, j := range track.judge() {
		if j[0] != ep.Obs[8*i] || j[1] != 0.5 {
			t.Fatalf("judgement %v at step %d, want %v", j, i, ep.Obs[8*i])
		}
	}
	s.tap("M")
	visits := 0
	for _, c := range s.heat.count {
		visits += c
	}
	if visits != track.Len()+1 {
		t.Errorf("%d places visited in %d steps", visits, track.Len())
	}
	s.mustAdvance(t, 0.2)
	visits = 0
	for _, c := range s.heat.count {
		visits += c
	}
	if visits != track.Len()+1 {
		t.Errorf("%d places visited in %d steps", visits, track.Len())
	}
	s.paint(600, 400)
}

func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "viewer.json")
	if s, err := ReadSettings(path); err != nil || s != DefaultSettings() {
		t.Errorf("without a file: %+v, %v", s, err)
	}
	want := DefaultSettings()
	want.Dark, want.Forces, want.Faster, want.Width = true, true, -2, 900
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadSettings(path); err != nil || s != want {
		t.Errorf("read %+v, %v; want %+v", s, err, want)
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadSettings(path); err == nil || s != DefaultSettings() {
		t.Errorf("damaged: %+v, %v", s, err)
	}
}

// News of a run: a first policy, recordings, and a better policy in the place of the first.
func TestFeed(t *testing.T) {
	s := play(t, "lander-v0", 1)
	news := make(chan News, 4)
	s.Feed = &Feed{News: news}
	news <- News{Text: "first", Driver: &Driver{"at 1", still{}, s.Tracks[0].Spec()}}
	news <- News{Text: "second", Driver: &Driver{"at 2", still{}, s.Tracks[0].Spec()}}
	s.mustAdvance(t, 0)
	s.mustAdvance(t, 0)
	if len(s.Drivers) != 2 || s.Drivers[0].Name != "at 2" || !strings.Contains(s.Message, "second") {
		t.Errorf("drivers %v, message %q", s.Drivers, s.Message)
	}
	other := load(t, 2)
	news <- News{Text: "recorded", Tracks: []*Track{other.Tracks[0]}}
	s.mustAdvance(t, 0)
	other.Tracks = other.Tracks[1:]
	if len(s.Tracks) != 2 {
		t.Errorf("%d tracks", len(s.Tracks))
	}
	news <- News{Err: os.ErrPermission}
	s.Advance(0)
	if !s.Failed {
		t.Error("trouble with the run is not shown")
	}
}

// After the first pass nothing is allocated as time goes by.
func TestAdvanceDoesNotAllocate(t *testing.T) {
	s := load(t, 8)
	s.Playing = true
	for range 400 {
		s.mustAdvance(t, 0.1)
	}
	s.Solo, s.Selected = false, 0
	if n := testing.AllocsPerRun(300, func() {
		s.Hold(nil, Rest)
		s.Advance(1.0 / 60)
	}); n != 0 {
		t.Errorf("%v allocations an update", n)
	}
}

// A click on the map plays the nearest elite, in the place of the one before.
func TestMap(t *testing.T) {
	s := play(t, "pendulum-v0", 1)
	played := -1
	s.Map = &Map{
		Title: "m", Axes: [2]Axis{{"a", 0, 10}, {"b", -1, 1}},
		Points: []Point{{[2]float32{1, 0}, 3}, {[2]float32{9, -0.8}, 5}, {[2]float32{9, 0.8}, 4}},
		Play: func(i int) (*Track, error) {
			played = i
			other := play(t, "pendulum-v0", 1)
			track := other.Tracks[0]
			other.Tracks = nil
			return track, nil
		},
	}
	s.paint(900, 600)
	for i := range s.Map.Points {
		at := s.Map.pixel(&s.Map.Points[i])
		if g := s.Press(at.X+3, at.Y-2); g != GripMap || played != i || s.Map.Chosen != i || len(s.Tracks) != 2 || s.Selected != 1 {
			t.Errorf("point %d: grip %v, played %d, %d tracks", i, g, played, len(s.Tracks))
		}
	}
	if at := s.Map.pixel(&s.Map.Points[2]); at.X <= s.Map.box.Min.X+s.Map.box.Dx()/2 || at.Y >= s.Map.box.Min.Y+s.Map.box.Dy()/2 {
		t.Errorf("the point with large measures lies at %v of %v, want right and up", at, s.Map.box)
	}
	s.tap("E")
	if g := s.Press(s.Map.box.Min.X+5, s.Map.box.Min.Y+5); g == GripMap {
		t.Error("a hidden map takes clicks")
	}
}

// A search that has found one policy, or only equal ones, has a map too.
func TestMapOfEquals(t *testing.T) {
	s := play(t, "pendulum-v0", 1)
	s.Map = &Map{Axes: [2]Axis{{"a", 0, 10}}, Points: []Point{{[2]float32{1, 0}, 500}, {[2]float32{8, 0}, 500}}}
	img := s.paint(900, 600)
	at := s.Map.pixel(&s.Map.Points[1])
	if got, want := img.RGBAAt(at.X, at.Y), color.RGBAModel.Convert(heatColour(0.5)); got != want {
		t.Errorf("a point is %v, want %v", got, want)
	}
}
