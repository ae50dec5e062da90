//go:build viewer && js

package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall/js"
	"time"

	"github.com/hajimehoshi/ebiten/v2"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
	"github.com/terrarium-rl/terrarium/render/viewer/source"
)

var began = time.Now()

// In a page the viewer shows what the page's address asks for,
//
//	?replay=first.replay&replay=second.replay    recorded episodes, by their addresses
//	?env=lander-v0&worlds=16&seed=3              new episodes
//
// and the recordings that the page holds itself: strings of base64 in the array
// terrariumReplays. The keys in keys=2,o are pressed at the start, and time=1.5 stops there.
func main() {
	err := show()
	if err != nil {
		doc := js.Global().Get("document")
		p := doc.Call("createElement", "p")
		p.Set("textContent", "Terrarium viewer: "+err.Error())
		doc.Get("body").Call("append", p)
	}
}

func show() error {
	query, err := url.ParseQuery(strings.TrimPrefix(js.Global().Get("location").Get("search").String(), "?"))
	if err != nil {
		return err
	}
	tracks, err := recordings(query)
	if err != nil {
		return err
	}
	if name := query.Get("env"); name != "" {
		more, err := episodes(name, query)
		if err != nil {
			return err
		}
		tracks = append(tracks, more...)
	}
	if len(tracks) == 0 {
		return errors.New("nothing to show: give the page ?replay=FILE or ?env=NAME")
	}
	tracks = tracks[:min(len(tracks), playback.Most)]
	s := playback.New(playback.DefaultSettings(), tracks)
	if s.Drivers, err = source.Standard(tracks[0].Spec()); err != nil {
		return err
	}
	if text := query.Get("time"); text != "" {
		if s.Time, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("time=%s: want seconds", text)
		}
		s.Playing = false
	}
	for key := range strings.SplitSeq(query.Get("keys"), ",") {
		if _, err := strconv.Atoi(key); err == nil {
			key = "Digit" + key
		}
		s.Key(strings.ToUpper(key[:min(1, len(key))])+key[min(1, len(key)):], false)
	}
	ebiten.SetScreenClearedEveryFrame(false)
	return ebiten.RunGame(&window{state: s})
}

// recordings opens those that the page names or holds.
func recordings(query url.Values) (tracks []*playback.Track, err error) {
	open := func(name string, data []byte) error {
		ep := new(traj.Episode)
		if err := ep.UnmarshalBinary(data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		t, err := playback.FromEpisode(ep)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		tracks = append(tracks, t)
		return nil
	}
	for _, address := range query["replay"] {
		data, err := get(address)
		if err == nil {
			err = open(address, data)
		}
		if err != nil {
			return nil, err
		}
	}
	held := js.Global().Get("terrariumReplays")
	if held.Type() != js.TypeObject {
		return tracks, nil
	}
	for i := range held.Length() {
		data, err := base64.StdEncoding.DecodeString(held.Index(i).String())
		if err == nil {
			err = open(fmt.Sprintf("terrariumReplays[%d]", i), data)
		}
		if err != nil {
			return nil, err
		}
	}
	return tracks, nil
}

// get fetches a file from beside the page.
func get(address string) ([]byte, error) {
	base, err := url.Parse(js.Global().Get("location").Get("href").String())
	if err != nil {
		return nil, err
	}
	at, err := base.Parse(address)
	if err != nil {
		return nil, err
	}
	r, err := http.Get(at.String())
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, r.Status)
	}
	return io.ReadAll(r.Body)
}

// episodes begins new ones.
func episodes(name string, query url.Values) ([]*playback.Track, error) {
	c, err := env.Open(name, nil)
	if err != nil {
		return nil, err
	}
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	ds, err := source.Standard(spec)
	if err != nil {
		return nil, err
	}
	stage := source.Stage{Config: c, Seed: 1, Worlds: 1}
	if n, err := strconv.Atoi(query.Get("worlds")); err == nil {
		stage.Worlds = max(1, min(n, playback.Most))
	}
	if n, err := strconv.ParseUint(query.Get("seed"), 10, 64); err == nil {
		stage.Seed = n
	}
	return source.Play(stage, ds[:1])
}

// dropped is for windows: a page takes no files.
func (w *window) dropped() {}
