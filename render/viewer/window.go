//go:build viewer

package main

import (
	"fmt"
	"image"
	"image/color"
	"time"

	"github.com/hajimehoshi/ebiten/v2"
	"github.com/hajimehoshi/ebiten/v2/inpututil"

	"github.com/terrarium-rl/terrarium/render/scene"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
)

// A window is the viewer as a game of Ebitengine.
type window struct {
	state         *playback.State
	card          card
	scale         float64
	last          time.Time
	begun         time.Time
	keys          []ebiten.Key
	names         []string
	held          bool // the mouse button, since a press
	grip          playback.Grip
	x, y          int // of the mouse
	moved         int // pixels since the press
	width, height int
	pads          []ebiten.GamepadID
	stirred       bool // the mouse moved or is held
	still         int  // updates since the picture may last have changed
	size          image.Point

	shot    string
	after   time.Duration
	taken   bool
	snap    bool // a picture is asked for
	err     error
	measure bool
	frames  int
	updates time.Duration
	paints  time.Duration
	worst   time.Duration
	before  time.Duration // of processors, before the first frame
}

// Update takes input and lets time pass.
func (w *window) Update() error {
	now := time.Now()
	if w.last.IsZero() {
		w.last, w.begun, w.before = now, now, cpuTime()
	}
	if w.taken || w.err != nil {
		if w.err != nil {
			return w.err
		}
		return ebiten.Termination
	}
	w.dropped()
	if inpututil.IsKeyJustPressed(ebiten.KeyF12) {
		w.snap = true
	}
	w.keyboard()
	w.mouse()
	w.state.Advance(now.Sub(w.last).Seconds())
	w.last = now
	if w.busy() {
		w.still = 0
	} else {
		w.still++
	}
	w.updates += time.Since(now)
	if inpututil.IsKeyJustPressed(ebiten.KeyQ) || inpututil.IsKeyJustPressed(ebiten.KeyEscape) {
		return ebiten.Termination
	}
	return nil
}

// busy reports whether the picture may change.
func (w *window) busy() bool {
	s := w.state
	_, turn := ebiten.Wheel()
	return s.Restless() || w.stirred || turn != 0 || len(w.keys) > 0 || len(w.pads) > 0 || w.shot != ""
}

// Repeated presses of a held key begin after wait and come every pace updates.
const wait, pace = 20, 3

// keyboard hands on keys and sticks.
func (w *window) keyboard() {
	w.keys = inpututil.AppendPressedKeys(w.keys[:0])
	w.names = w.names[:0]
	for _, key := range w.keys {
		w.names = append(w.names, key.String())
	}
	w.state.Hold(w.names, w.sticks())
	for i, key := range w.keys {
		switch n := inpututil.KeyPressDuration(key); {
		case n == 1:
			w.state.Key(w.names[i], false)
		case n > wait && n%pace == 0:
			w.state.Key(w.names[i], true)
		}
	}
}

// sticks returns what gamepads and the right mouse button ask for.
func (w *window) sticks() playback.Controls {
	c := playback.Rest
	w.pads = ebiten.AppendGamepadIDs(w.pads[:0])
	for _, id := range w.pads {
		if !ebiten.IsStandardGamepadLayoutAvailable(id) {
			continue
		}
		for i, a := range [4]ebiten.StandardGamepadAxis{
			ebiten.StandardGamepadAxisLeftStickHorizontal, ebiten.StandardGamepadAxisLeftStickVertical,
			ebiten.StandardGamepadAxisRightStickHorizontal, ebiten.StandardGamepadAxisRightStickVertical,
		} {
			v := float32(ebiten.StandardGamepadAxisValue(id, a))
			if v > 0.15 || v < -0.15 { // sticks do not rest exactly
				c.Axes[i] = v * [4]float32{1, -1, 1, -1}[i]
			}
		}
		for i, b := range [4]ebiten.StandardGamepadButton{
			ebiten.StandardGamepadButtonRightBottom, ebiten.StandardGamepadButtonRightRight,
			ebiten.StandardGamepadButtonRightLeft, ebiten.StandardGamepadButtonRightTop,
		} {
			if ebiten.IsStandardGamepadButtonPressed(id, b) {
				c.Number = i
			}
		}
	}
	if ebiten.IsMouseButtonPressed(ebiten.MouseButtonRight) {
		size := w.card.Size()
		c.Axes[0] = 3 * (2*float32(w.x)/float32(max(size.X, 1)) - 1)
		c.Axes[1] = 3 * (1 - 2*float32(w.y)/float32(max(size.Y, 1)))
		c.Axes[0], c.Axes[1] = max(-1, min(c.Axes[0], 1)), max(-1, min(c.Axes[1], 1))
	}
	return c
}

func (w *window) mouse() {
	x, y := ebiten.CursorPosition()
	dx, dy := x-w.x, y-w.y
	w.x, w.y = x, y
	w.stirred = dx != 0 || dy != 0 || w.held
	_, turn := ebiten.Wheel()
	w.state.Wheel(turn)
	switch {
	case inpututil.IsMouseButtonJustPressed(ebiten.MouseButtonLeft):
		w.held, w.moved = true, 0
		w.grip = w.state.Press(x, y)
	case inpututil.IsMouseButtonJustReleased(ebiten.MouseButtonLeft):
		w.state.Release(w.grip, x, y, w.moved < 4)
		w.held = false
	case w.held:
		w.moved += max(dx, -dx) + max(dy, -dy)
		if w.grip == playback.GripView {
			w.state.Drag(dx, dy)
		} else {
			w.state.Move(w.grip, x, y)
		}
	}
}

// Draw draws the state, for screenshots alone: what is seen is drawn by DrawFinalScreen, without
// the way through another picture, which a display without a graphics card takes long to copy.
func (w *window) Draw(offscreen *ebiten.Image) {
	size := offscreen.Bounds().Size()
	if size == w.size && w.still > 20 && !w.snap {
		return // Ebitengine shows the last picture for as long as nothing is drawn here
	}
	w.size = size
	start := time.Now()
	w.card.Reset(offscreen.Bounds().Size())
	w.state.Paint(&w.card, w.scale)
	took := time.Since(start)
	w.paints += took
	if w.frames++; w.frames > 10 {
		w.worst = max(w.worst, took)
	}
	if w.frames == 1 && w.measure {
		fmt.Printf("first frame after %.0f ms\n", time.Since(began).Seconds()*1000)
	}
	w.card.prepare()
	if w.shot != "" && !w.taken && time.Since(w.begun) > w.after {
		w.taken = true
		w.err = w.picture(offscreen, w.shot)
	}
	if w.snap {
		w.snap = false
		w.state.KeepPicture(func(path string) error { return w.picture(offscreen, path) })
	}
	offscreen.SubImage(image.Rect(0, 0, 1, 1)).(*ebiten.Image).Fill(color.Black)
}

// picture writes what is seen to a file.
func (w *window) picture(offscreen *ebiten.Image, path string) error {
	w.card.draw(offscreen)
	img := image.NewRGBA(offscreen.Bounds())
	offscreen.ReadPixels(img.Pix)
	return scene.WritePNG(path, img)
}

// DrawFinalScreen puts what Draw has prepared on the screen.
func (w *window) DrawFinalScreen(screen ebiten.FinalScreen, _ *ebiten.Image, _ ebiten.GeoM) {
	w.card.draw(screen)
}

// report prints what has been measured.
func (w *window) report() {
	seconds := time.Since(w.begun).Seconds()
	n := float64(max(w.frames, 1))
	fmt.Printf("%d frames in %.2f s: %.1f a second; update %.2f ms, draw %.2f ms a frame (worst %.1f), %.1f ms of processors in all; %d triangles\n",
		w.frames, seconds, n/seconds, w.updates.Seconds()*1000/n, w.paints.Seconds()*1000/n, w.worst.Seconds()*1000,
		(cpuTime()-w.before).Seconds()*1000/n, w.card.triangles)
}

// Layout makes the picture as sharp as the display.
func (w *window) Layout(width, height int) (int, int) {
	w.width, w.height = width, height
	w.scale = 1
	if m := ebiten.Monitor(); m != nil {
		w.scale = m.DeviceScaleFactor()
	}
	return int(float64(width) * w.scale), int(float64(height) * w.scale)
}
