//go:build viewer

package main

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"io/fs"
	"os"
	"time"

	"github.com/hajimehoshi/ebiten/v2"
	"github.com/hajimehoshi/ebiten/v2/inpututil"

	_ "github.com/terrarium-rl/terrarium/experiments/standard"
	"github.com/terrarium-rl/terrarium/render/scene"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
)

func main() {
	dark := flag.Bool("dark", false, "begin with the dark theme")
	shot := flag.String("screenshot", "", "write a PNG of the window after a second, and end")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: viewer [flags] RUN|REPLAY...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := view(flag.Args(), *dark, *shot); err != nil {
		fmt.Fprintln(os.Stderr, "viewer:", err)
		var path *fs.PathError
		if errors.As(err, &path) {
			os.Exit(3)
		}
		os.Exit(2)
	}
}

func view(paths []string, dark bool, shot string) error {
	players, left, err := playback.Load(paths)
	if err != nil {
		return err
	}
	if left > 0 {
		fmt.Fprintf(os.Stderr, "viewer: %d more episodes are not shown\n", left)
	}
	w := &window{state: &playback.State{Players: players, Playing: true, Dark: dark, Solo: len(players) == 1}, shot: shot}
	ebiten.SetWindowTitle("Terrarium")
	ebiten.SetWindowSize(1280, 800)
	ebiten.SetWindowResizingMode(ebiten.WindowResizingModeEnabled)
	err = ebiten.RunGame(w)
	return errors.Join(err, w.state.Close())
}

// A window is the viewer as a game of Ebitengine.
type window struct {
	state   *playback.State
	img     *image.RGBA
	last    time.Time
	begun   time.Time
	keys    []ebiten.Key
	held    bool // the mouse button, since a press
	scrubs  bool // the press was on the bar
	x, y    int  // of the mouse
	moved   int  // pixels since the press
	shot    string
	frames  int
	painted time.Duration
}

// Update takes input and lets time pass.
func (w *window) Update() error {
	now := time.Now()
	if w.last.IsZero() {
		w.last, w.begun = now, now
	}
	w.keyboard()
	w.mouse()
	err := w.state.Advance(now.Sub(w.last).Seconds())
	w.last = now
	if err == nil && w.shot != "" && now.Sub(w.begun) > time.Second && w.img != nil {
		fmt.Printf("%d frames in %.2f s, %.2f ms each to paint\n", w.frames, now.Sub(w.begun).Seconds(),
			w.painted.Seconds()*1000/float64(max(w.frames, 1)))
		err = scene.WritePNG(w.shot, w.img)
		if err == nil {
			err = ebiten.Termination
		}
	}
	if inpututil.IsKeyJustPressed(ebiten.KeyQ) || inpututil.IsKeyJustPressed(ebiten.KeyEscape) {
		return ebiten.Termination
	}
	return err
}

// Repeated presses of a held key begin after wait and come every pace updates.
const wait, pace = 20, 3

func (w *window) keyboard() {
	w.keys = inpututil.AppendPressedKeys(w.keys[:0])
	for _, key := range w.keys {
		n := inpututil.KeyPressDuration(key)
		for i := range playback.Keys {
			k := &playback.Keys[i]
			if k.Name == key.String() && (n == 1 || k.Again && n > wait && n%pace == 0) {
				k.Do(w.state)
			}
		}
	}
}

func (w *window) mouse() {
	x, y := ebiten.CursorPosition()
	dx, dy := x-w.x, y-w.y
	w.x, w.y = x, y
	_, turn := ebiten.Wheel()
	w.state.Wheel(turn)
	switch {
	case inpututil.IsMouseButtonJustPressed(ebiten.MouseButtonLeft):
		w.held, w.moved = true, 0
		_, w.scrubs = w.state.OnBar(x, y)
	case inpututil.IsMouseButtonJustReleased(ebiten.MouseButtonLeft):
		if w.moved < 4 {
			w.state.Click(x, y)
		}
		w.held = false
	case w.held && !w.scrubs:
		w.moved += max(dx, -dx) + max(dy, -dy)
		w.state.Drag(dx, dy)
	}
	if w.held && w.scrubs {
		w.state.Click(x, y)
	}
}

// Draw paints the state and puts it on the screen.
func (w *window) Draw(screen *ebiten.Image) {
	size := screen.Bounds().Size()
	if w.img == nil || w.img.Rect.Size() != size {
		w.img = image.NewRGBA(image.Rectangle{Max: size})
	}
	began := time.Now()
	w.state.Paint(w.img)
	w.painted += time.Since(began)
	w.frames++
	screen.WritePixels(w.img.Pix)
}

// Layout makes the picture as sharp as the display.
func (w *window) Layout(width, height int) (int, int) {
	scale := ebiten.Monitor().DeviceScaleFactor()
	return int(float64(width) * scale), int(float64(height) * scale)
}
