package playback

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/scene"
)

var update = flag.Bool("update", false, "rewrite the golden images")

// save records the first episode of each of n worlds in files of dir: cart-poles under a rule
// that keeps them up for some seconds.
func save(t testing.TB, dir string, n int) {
	t.Helper()
	c, err := env.Open("cartpole-v0", nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: n})
	if err != nil {
		t.Fatal(err)
	}
	origin, err := traj.OriginOf(c, "test", 1)
	if err != nil {
		t.Fatal(err)
	}
	v.Reset(1)
	recorders := make([]*traj.Recorder, n)
	for i := range recorders {
		if recorders[i], err = traj.NewRecorder(v, i, origin); err != nil {
			t.Fatal(err)
		}
	}
	b := env.NewBatch(v.Spec(), n)
	saved := map[int]bool{}
	for len(saved) < n {
		for _, r := range recorders {
			r.Begin()
		}
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		for i, r := range recorders {
			r.Observed(b)
			b.Act[i] = 0
			if o := b.Obs[4*i : 4*i+4]; o[2]+o[3]/float32(3+i) > 0 {
				b.Act[i] = 1
			}
		}
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		for i, r := range recorders {
			if ep := r.Stepped(b); ep != nil && !saved[i] {
				saved[i] = true
				if err := ep.Save(filepath.Join(dir, fmt.Sprintf("eval-%05d.replay", i))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}

// load returns a state with n episodes.
func load(t testing.TB, n int) *State {
	t.Helper()
	dir := t.TempDir()
	save(t, dir, n)
	files, err := Find(dir)
	if err != nil || len(files) != n {
		t.Fatalf("%d files, want %d: %v", len(files), n, err)
	}
	s := &State{}
	for _, file := range files {
		track, err := OpenReplay(file)
		if err != nil {
			t.Fatal(err)
		}
		s.Tracks = append(s.Tracks, track)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// tap presses a key.
func (s *State) tap(key string) { s.Key(key, false) }

// paint draws s on a new picture.
func (s *State) paint(width, height int) *image.RGBA {
	p := NewPicture(width, height)
	s.Paint(p, 1)
	return p.Img
}

// clickAt presses and releases the mouse.
func (s *State) clickAt(x, y int) { s.Release(s.Press(x, y), x, y, true) }

func (s *State) mustAdvance(t testing.TB, dt float64) {
	t.Helper()
	for ; dt > longest; dt -= longest {
		s.Advance(longest)
	}
	s.Advance(dt)
	if s.Failed {
		t.Fatal(s.Message)
	}
}

func TestClock(t *testing.T) {
	s := load(t, 2)
	s.mustAdvance(t, 1)
	if s.Time != 0 || s.Tracks[0].Step() != 0 {
		t.Errorf("at rest the time is %v, step %d", s.Time, s.Tracks[0].Step())
	}
	s.tap("Space")
	s.mustAdvance(t, 0.2)
	if s.Tracks[0].Step() != 10 || s.Tracks[1].Step() != 10 {
		t.Errorf("after 0.2 s of 0.02 s steps: %d and %d, want 10", s.Tracks[0].Step(), s.Tracks[1].Step())
	}
	s.tap("ArrowUp")
	s.tap("ArrowUp")
	s.mustAdvance(t, 0.1)
	if got := s.Tracks[0].Step(); got != 30 || s.Speed() != 4 {
		t.Errorf("0.1 s later at speed %v: step %d, want 30 at 4", s.Speed(), got)
	}
	for range 20 {
		s.tap("ArrowDown")
	}
	if s.Speed() != 1.0/32 {
		t.Errorf("slowest is %v, want 1/32", s.Speed())
	}
	s.Faster = 0
	s.Scrub(1)
	s.mustAdvance(t, 0)
	for i, p := range s.Tracks {
		if p.Step() != p.Len() {
			t.Errorf("at the end episode %d is at step %d of %d", i, p.Step(), p.Len())
		}
	}
	s.tap("Space")
	s.mustAdvance(t, rest+0.1)
	if s.Time != 0 || s.Tracks[0].Step() != 0 {
		t.Errorf("after the end and a rest the time is %v", s.Time)
	}
}

func TestStepsAndJumps(t *testing.T) {
	s := load(t, 1)
	n := s.Tracks[0].Len()
	if n < 60 {
		t.Fatalf("%d steps are too few for this test", n)
	}
	for _, c := range []struct {
		key  string
		want int
	}{
		{"ArrowRight", 1}, {"ArrowRight", 2}, {"PageDown", 27}, {"ArrowLeft", 26}, {"PageUp", 1}, {"PageUp", 0},
		{"ArrowLeft", 0}, {"End", n}, {"ArrowRight", n}, {"ArrowLeft", n - 1}, {"Home", 0},
	} {
		s.tap(c.key)
		s.mustAdvance(t, 1)
		if got := s.Tracks[0].Step(); got != c.want {
			t.Fatalf("after %s: step %d, want %d", c.key, got, c.want)
		}
	}
}

func TestSelection(t *testing.T) {
	s := load(t, 4)
	s.paint(640, 400)
	for i := range s.Tracks {
		mid := s.screen.place(i).Min.Add(s.screen.cell.Div(2))
		if got, ok := s.screen.at(mid.X, mid.Y); !ok || got != i {
			t.Errorf("the middle of cell %d is in cell %d, %v", i, got, ok)
		}
	}
	at := s.screen.place(2).Min.Add(image.Pt(9, 9))
	s.clickAt(at.X, at.Y)
	if s.Selected != 2 || s.Solo {
		t.Errorf("a click selected %d, alone %v; want 2 among all", s.Selected, s.Solo)
	}
	s.clickAt(at.X, at.Y)
	if s.Selected != 2 || !s.Solo {
		t.Errorf("another click selected %d, alone %v; want 2 alone", s.Selected, s.Solo)
	}
	s.tap("N")
	s.tap("N")
	if s.Selected != 0 {
		t.Errorf("two further is %d, want 0, around", s.Selected)
	}
	s.tap("P")
	if s.Selected != 3 {
		t.Errorf("one back is %d, want 3", s.Selected)
	}
	s.tap("Enter")
	if s.Solo {
		t.Error("enter does not show all again")
	}
}

func TestBarScrubs(t *testing.T) {
	s := load(t, 1)
	s.Playing = true
	s.paint(640, 400)
	b := s.screen.bar
	s.clickAt(b.Min.X+b.Dx()/4, b.Min.Y+5)
	s.mustAdvance(t, 1)
	if f := s.Time / s.Length(); f < 0.24 || f > 0.26 || s.Playing {
		t.Errorf("a click at a quarter of the bar goes to %.3f, playing %v", f, s.Playing)
	}
	if _, ok := s.screen.onBar(b.Min.X, b.Min.Y-1); ok {
		t.Error("above the bar is on the bar")
	}
}

func TestZoomAndPan(t *testing.T) {
	s := load(t, 1)
	s.paint(640, 400)
	var l scene.List
	view := func() (width, left float32) {
		s.Tracks[0].Draw(&l)
		s.frame(&l)
		lo, hi := l.Bounds()
		return hi.X - lo.X, lo.X
	}
	w0, x0 := view()
	s.tap("Equal")
	s.Wheel(3)
	w2, _ := view()
	if r := w0 / w2; r < 1.56 || r > 1.57 {
		t.Errorf("two steps closer magnify by %v, want 1.25 squared", r)
	}
	s.tap("F")
	s.Drag(-s.screen.cell.X/2, 0)
	if w, x := view(); w != w0 || x-x0 < 0.49*w0 || x-x0 > 0.51*w0 {
		t.Errorf("dragged by half a cell the view begins at %v, want half of %v right of %v", x, w0, x0)
	}
}

func TestKeysAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Keys {
		id := fmt.Sprint(k.Name, k.Level, k.Label, k.Room)
		listed := k.Doc != "" && k.Shown != "" || k.Room && k.Doc == "" && k.Shown == "" // another way to the same
		if seen[id] || !listed || k.Do == nil {
			t.Errorf("key %q is listed twice or incomplete", k.Name)
		}
		seen[id] = true
	}
}

func TestOpenReplayRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenReplay(filepath.Join(dir, "no")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	bad := filepath.Join(dir, "bad.replay")
	if err := os.WriteFile(bad, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReplay(bad); !errors.Is(err, traj.ErrDamaged) || !strings.Contains(err.Error(), "bad.replay") {
		t.Errorf("damaged: %v", err)
	}
}

// Evaluations come before training.
func TestFindOrders(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"train-1.replay", "a.replay", "train-0.replay", "eval-0.replay", "x.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Find(dir)
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	if err != nil || fmt.Sprint(files) != "[a.replay eval-0.replay train-0.replay train-1.replay]" {
		t.Errorf("%v, %v", files, err)
	}
}

// The pictures are drawn three times and compared with those of their test's name.
func TestGolden(t *testing.T) {
	level := func(s *State) {
		s.Solo, s.NoGhosts = true, true
		s.tap("L")
		s.Editor.Select(2)
	}
	draw := func(s *State) {
		car, err := sandbox.Named("car")
		if err != nil {
			t.Fatal(err)
		}
		s.Draw(car, "car.json")
	}
	for name, set := range map[string]func(s *State){
		"room":   func(s *State) { draw(s); s.RoomEditor.Picked = Pick{PickBody, 6} },
		"motor":  func(s *State) { draw(s); s.Dark, s.RoomEditor.Picked = true, Pick{PickJoint, 1} },
		"level":  level,
		"terms":  func(s *State) { s.Time, s.Solo, s.Terms, s.Judged = 1, true, true, true },
		"grid":   func(s *State) { s.Time, s.Selected = 0.5, 1 },
		"solo":   func(s *State) { s.Time, s.Solo, s.Panel, s.Graph = 1, true, true, true },
		"closer": func(s *State) { s.Time, s.Solo, s.Zoom, s.Dark = 1, true, 3, true },
		"help":   func(s *State) { s.Help, s.Dark = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			s := load(t, 5)
			set(s)
			s.mustAdvance(t, 0)
			path := filepath.Join("testdata", filepath.FromSlash(t.Name())+".png")
			for range 3 {
				img := s.paint(900, 560)
				if *update {
					if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), scene.WritePNG(path, img)); err != nil {
						t.Fatal(err)
					}
				}
				if by := farthest(t, img, path); by > 2 {
					failed := strings.TrimSuffix(path, ".png") + ".failed.png"
					if err := scene.WritePNG(failed, img); err != nil {
						t.Error(err)
					}
					t.Fatalf("a pixel differs by %d from %s; what was drawn is in %s", by, path, failed)
				}
			}
		})
	}
}

// farthest returns by how much img differs most from an image file.
func farthest(t *testing.T, img *image.RGBA, path string) (by int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := png.Decode(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if want.Bounds() != img.Rect {
		return 256
	}
	rgba := image.NewRGBA(img.Rect)
	draw.Draw(rgba, rgba.Rect, want, image.Point{}, draw.Src)
	for i := range rgba.Pix {
		by = max(by, int(rgba.Pix[i])-int(img.Pix[i]), int(img.Pix[i])-int(rgba.Pix[i]))
	}
	return by
}

func BenchmarkPaint64(b *testing.B) {
	b.ReportAllocs()
	s := load(b, 64)
	p := NewPicture(1280, 800)
	for b.Loop() {
		s.Paint(p, 1)
	}
}

// No key that steers means anything else but by arrows and numbers, which are wanted for both.
func TestControlsAreFree(t *testing.T) {
	for name := range controlKeys {
		for _, k := range Keys {
			if k.Name == name && !strings.HasPrefix(name, "Arrow") && !k.Room {
				t.Errorf("%s steers, and means %q", name, k.Doc)
			}
		}
	}
}

// On a display with twice the pixels everything is twice as large.
func TestHiDPI(t *testing.T) {
	s := load(t, 3)
	s.Graph, s.Panel = true, true
	s.tap("L")
	small, large := NewPicture(700, 440), NewPicture(1400, 880)
	s.Paint(small, 1)
	bar, cell, slider := s.screen.bar, s.screen.cell, s.screen.sliders[0]
	s.Paint(large, 2)
	for name, pair := range map[string][2]int{
		"bar": {bar.Dy(), s.screen.bar.Dy()}, "cell": {cell.X, s.screen.cell.X}, "slider": {slider.Dx(), s.screen.sliders[0].Dx()},
		"row": {slider.Min.Y, s.screen.sliders[0].Min.Y},
	} {
		if d := pair[1] - 2*pair[0]; d > 4 || d < -4 {
			t.Errorf("%s: %d, and with twice the pixels %d", name, pair[0], pair[1])
		}
	}
	half := image.NewRGBA(small.Img.Rect)
	for y := range 440 {
		for x := range 700 {
			half.SetRGBA(x, y, large.Img.RGBAAt(2*x, 2*y))
		}
	}
	var sum float64
	for i := range half.Pix {
		sum += math.Abs(float64(half.Pix[i]) - float64(small.Img.Pix[i]))
	}
	if mean := sum / float64(len(half.Pix)); mean > 6 {
		t.Errorf("the mean difference from the large picture made small is %.1f", mean)
	}
}

// The map of training is drawn where its cells are, and a key chooses what of it.
func TestPlane(t *testing.T) {
	s := load(t, 1)
	s.Solo = true
	s.tap("Digit5")
	if s.Overlay != OverlayNone || s.Message == "" {
		t.Errorf("without a map overlay %d is shown", s.Overlay)
	}
	s.mustAdvance(t, 0)
	before := s.paint(600, 400)
	lo, hi := s.screen.list.Bounds()
	nan := math.NaN()
	s.Plane = &Plane{Metres: true, Lo: lo, Hi: hi, Cols: 2, Rows: 2, Visits: []float64{0, 0, 0, 9}, Bonus: []float64{nan, nan, nan, 1}}
	for _, want := range []Overlay{OverlayVisits, OverlayBonus} {
		s.tap("Digit5")
		if s.Overlay != want {
			t.Fatalf("overlay %d, want %d", s.Overlay, want)
		}
		s.Message = ""
		after := s.paint(600, 400)
		cell := s.screen.area
		mid := cell.Min.Add(cell.Max).Div(2)
		for name, at := range map[string]image.Point{"upper right": mid.Add(image.Pt(40, -40)), "upper left": mid.Add(image.Pt(-40, -40)), "lower right": mid.Add(image.Pt(40, 40))} {
			if changed := before.RGBAAt(at.X, at.Y) != after.RGBAAt(at.X, at.Y); changed != (name == "upper right") {
				t.Errorf("overlay %d: %s changed: %v", want, name, changed)
			}
		}
	}
	s.tap("Digit5")
	if s.Overlay != OverlayNone {
		t.Errorf("a third time the overlay is %d", s.Overlay)
	}
}
