package lab

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/experiments/web"
	"github.com/terrarium-rl/terrarium/experiments/web/watch"
)

// served serves a folder until the test ends.
func served(t *testing.T, dir, viewer string) (get func(path string, want int) string) {
	t.Helper()
	s, err := web.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gallery{dir: dir, viewer: viewer}
	s.Files(watch.Files())
	if err := g.mount(s); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return func(path string, want int) string {
		t.Helper()
		r, err := http.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != want {
			t.Errorf("%s: status %d, want %d: %.200s", path, r.StatusCode, want, body)
		}
		return string(body)
	}
}

// The page learns which runs there are, how they go, and gets their episodes as films and as files.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "a run")
	if code := Run([]string{"run", "cartpole", "--set", "steps=8192", "--set", "eval.episodes=3", "--out", run}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	viewer := filepath.Join(dir, "web")
	if err := os.MkdirAll(viewer, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(viewer, viewerFile), []byte("wasm"), 0o644); err != nil {
		t.Fatal(err)
	}
	get := served(t, dir, viewer)
	var list struct {
		Runs   []runLine
		Viewer bool
	}
	read := func(path string, into any) {
		t.Helper()
		if err := json.Unmarshal([]byte(get(path, 200)), into); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	read("runs", &list)
	if len(list.Runs) != 1 || !list.Viewer || list.Runs[0].Name != "a run" || list.Runs[0].State != "done" || list.Runs[0].Steps < 8000 || list.Runs[0].Mean == nil {
		t.Fatalf("runs %+v", list)
	}
	name := "run=" + url.QueryEscape("a run")
	var page runPage
	read("run?"+name, &page)
	if !strings.Contains(page.Summary, "done, 8.19k steps, 1 seed; evaluated return ") {
		t.Errorf("summary %q", page.Summary)
	}
	if !page.Plays || len(page.Curves) != 1 || len(page.Curves[0].Steps) != len(page.Curves[0].Values) || len(page.Episodes) < 4 {
		t.Fatalf("page %+v", page)
	}
	e := page.Episodes[0]
	file := name + "&file=" + url.QueryEscape(e.File)
	ep := new(traj.Episode)
	if err := ep.UnmarshalBinary([]byte(get("replay?"+file, 200))); err != nil || ep.Len() != e.Steps || ep.Return() != e.Return || e.Purpose != "eval" {
		t.Errorf("the recording has %d steps and return %v, the list says %+v: %v", ep.Len(), ep.Return(), e, err)
	}
	var film struct {
		Reel, Title string
		Ratio       float64
	}
	read("film?"+file, &film)
	if len(film.Reel) < 100 || film.Ratio <= 0 || !strings.Contains(film.Title, "eval-") {
		t.Errorf("film %+v", film)
	}
	read("film?"+name+"&now=1&seed=3", &film)
	if len(film.Reel) < 100 || !strings.Contains(film.Title, "the policy after 8.19k steps") {
		t.Errorf("film of now %+v", film)
	}
	if text := get("report?"+name, 200); !strings.Contains(text, "<h1>") {
		t.Error("no report")
	}
	if get("viewer/viewer.wasm", 200) != "wasm" || !strings.Contains(get("", 200), "watch.js") || !strings.Contains(get("reel.js", 200), "terrariumReel") {
		t.Error("the pages are not served")
	}

	// What is not of the run is not handed out.
	secret := filepath.Join(dir, "secret.replay")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"replay?" + name + "&file=../secret.replay", "replay?" + name + "&file=config.yaml", "replay?run=..&file=secret.replay",
		"replay?" + name + "&file=" + url.QueryEscape(secret), "run?run=none", "run?run=../x", "report?run=none",
	} {
		if strings.Contains(get(path, http.StatusNotFound), "secret\n") {
			t.Errorf("%s hands out a file", path)
		}
	}
	get("film?"+name+"&now=1&seed=x", http.StatusBadRequest)
	get("film?"+name+"&file="+url.QueryEscape("seed-1/replays/none.replay"), http.StatusNotFound)
}

// A run that is being written is shown as far as it is, and one that is damaged says so.
func TestServeUnfinished(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"new": "env: {name: cartpole-v0}\n", "bad": "env: {name: none-v0}\n", "newer": "version: 99\n"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, configFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	get := served(t, dir, "")
	if text := get("runs", 200); !strings.Contains(text, "use a newer terrarium") || !strings.Contains(text, `"not finished"`) {
		t.Errorf("runs %s", text)
	}
	if text := get("run?run=new", 200); !strings.Contains(text, `"plays":false`) {
		t.Errorf("run %s", text)
	}
	get("run?run=bad", 200)
	get("film?run=new&now=1&seed=1", http.StatusNotFound)
}
