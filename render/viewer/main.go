//go:build viewer && !js

package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hajimehoshi/ebiten/v2"

	_ "github.com/terrarium-rl/terrarium/experiments/standard"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
	"github.com/terrarium-rl/terrarium/render/viewer/source"
)

const usage = `usage: viewer [flags] SOURCE...

A source is the folder of a run (its recorded episodes; with -play its policy plays new ones, with
-live the viewer follows it while it trains), a replay file, a checkpoint file, the name of an
environment, or the JSON file of a room to draw, which need not exist yet. Press h in the window for
its keys.

  viewer runs/lander                                   recorded episodes
  viewer runs/qd-arm                                   the map of what a search found
  viewer -live runs/lander                             a run that goes on
  viewer -worlds 64 lander-v0                          64 new episodes
  viewer -agent scripted -agent runs/lander lander-v0  two policies on the same levels
  viewer -level level.json lander-v0                   a level
  viewer room.json                                     the level editor

The processor steps the worlds, with the results of the engines auto, simd and go; episodes that were recorded
on box2d are played on it.

`

// began is when the program started, about.
var began = time.Now()

func main() {
	var o source.Options
	w := &window{}
	dark := flag.Bool("dark", false, "begin with the dark theme")
	forget := flag.Bool("forget", false, "ignore the settings of last time, and do not remember this one's")
	folder := flag.String("folder", "", "where episodes and levels are saved; default: the current folder")
	flag.Func("agent", "who plays: scripted, random, the folder of a run, or a checkpoint; again for another one", func(name string) error {
		o.Agents = append(o.Agents, name)
		return nil
	})
	flag.IntVar(&o.Worlds, "worlds", 0, "number of new episodes of each agent")
	flag.Uint64Var(&o.Seed, "seed", 1, "of new episodes")
	flag.StringVar(&o.Preset, "levels", "", "named levels of new episodes; see terrarium describe env")
	flag.StringVar(&o.Level, "level", "", "file of a level to play")
	flag.BoolVar(&o.Play, "play", false, "let the policy of a run play new episodes")
	flag.BoolVar(&o.Live, "live", false, "follow a run while it trains")
	flag.StringVar(&w.shot, "screenshot", "", "write a PNG of the window, and end")
	flag.DurationVar(&w.after, "after", time.Second, "when to write it")
	flag.BoolVar(&w.measure, "measure", false, "print the time to the first frame, and the frame rate when the viewer ends")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 && len(o.Agents) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	show, err := source.Open(flag.Args(), o)
	if err == nil {
		err = w.run(show, *forget, *dark, *folder, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "viewer:", err)
		os.Exit(exitCode(err))
	}
}

// errDisplay marks what the display cannot do.
var errDisplay = errors.New("no window: pictures and films need none: terrarium record RUN -o film.gif")

func exitCode(err error) int {
	var path *fs.PathError
	if errors.As(err, &path) || errors.Is(err, errDisplay) {
		return 3
	}
	return 2
}

// run shows what is to be shown until the user has seen enough.
func (w *window) run(show *source.Show, forget, dark bool, folder string, o source.Options) error {
	settings, path := playback.DefaultSettings(), ""
	if !forget {
		var err error
		if path, err = playback.SettingsPath(); err == nil {
			settings, err = playback.ReadSettings(path)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "viewer:", err)
		}
	}
	settings.Dark = settings.Dark || dark
	w.state = playback.New(settings, show.Tracks)
	w.state.Drivers, w.state.Feed, w.state.Folder = show.Drivers, show.Feed, folder
	w.state.Map, w.state.Plane = show.Map, show.Plane
	if show.Room != nil {
		w.state.Draw(show.Room, show.Path)
	}
	w.state.Renew = o.Live || o.Play
	if show.Left > 0 {
		w.state.Say(fmt.Sprintf("%d more episodes are not shown", show.Left))
	}
	if show.Trouble != nil {
		w.state.Say(show.Trouble.Error())
		fmt.Fprintln(os.Stderr, "viewer:", show.Trouble)
	}
	if o.Live && len(show.Tracks) == 0 {
		w.state.Say("waiting for the first checkpoint")
	}
	if len(o.Agents) > 1 && max(o.Worlds, 1) == 1 {
		w.state.Solo, w.state.Beside = true, true
	}
	ebiten.SetWindowTitle("Terrarium")
	ebiten.SetWindowSize(settings.Width, settings.Height)
	ebiten.SetScreenClearedEveryFrame(false) // every pixel is drawn anyway
	ebiten.SetWindowResizingMode(ebiten.WindowResizingModeEnabled)
	err := ebiten.RunGame(w)
	if err != nil && w.err == nil && w.frames == 0 {
		err = fmt.Errorf("%w (%w)", errDisplay, err)
	}
	if w.measure {
		w.report()
	}
	if path != "" && err == nil {
		err = w.remember(path)
	}
	return errors.Join(err, w.state.Close())
}

func (w *window) remember(path string) error {
	s := w.state.Settings
	if w.width > 0 {
		s.Width, s.Height = w.width, w.height
	}
	return s.Write(path)
}

// dropped opens files that were dropped on the window.
func (w *window) dropped() {
	files := ebiten.DroppedFiles()
	if files == nil {
		return
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		// Ebitengine hands over the content, but not the place, of what was dropped.
		tmp, err := os.CreateTemp("", "*"+strings.ToLower(filepath.Ext(name)))
		if err != nil {
			return err
		}
		_, err = tmp.Write(data)
		if err = errors.Join(err, tmp.Close()); err == nil {
			w.state.Drop(tmp.Name())
		}
		return errors.Join(err, os.Remove(tmp.Name()))
	})
	if err != nil {
		w.state.Say(err.Error())
	}
}
