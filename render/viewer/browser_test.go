package main

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The viewer, compiled to WebAssembly, plays recordings of a run in headless Chromium, as
// `terrarium serve` offers them.
func TestBrowser(t *testing.T) {
	needs(t, "REQUIRE_CHROMIUM", "apt-get install chromium", "chromium")
	dir := t.TempDir()
	web, runs := filepath.Join(dir, "web"), filepath.Join(dir, "runs")
	replays := filepath.Join(runs, "lander", "seed-1", "replays")
	for _, d := range []string{web, replays} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(runs, "lander", "config.yaml"), []byte("env: {name: lander-v0}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	record(t, filepath.Join(replays, "eval-00000.replay"), 2)
	record(t, filepath.Join(replays, "eval-00001.replay"), 3)
	c := exec.Command("go", "build", "-tags", "viewer", "-ldflags=-s -w", "-o", filepath.Join(web, "viewer.wasm"), ".")
	c.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOEXPERIMENT=nosimd")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"), "web/index.html", "web/start.css", "web/start.js"} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(web, filepath.Base(from)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "terrarium")
	if out, err := exec.Command("go", "build", "-o", program, "../../experiments/terrarium").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	address := served(t, program, runs, web)
	query := url.Values{"time": {"1"}, "keys": {"o,r"}}
	for _, name := range []string{"eval-00000", "eval-00001"} {
		query.Add("replay", "../replay?"+url.Values{"run": {"lander"}, "file": {"seed-1/replays/" + name + ".replay"}}.Encode())
	}
	shot := filepath.Join(dir, "shot.png")
	browse(t, shot, address+"viewer/?"+query.Encode())
	like(t, shot, filepath.Join("testdata", "TestBrowser.png"))
}

// browse makes a picture of a page.
func browse(t *testing.T, shot, address string) {
	t.Helper()
	c := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--enable-unsafe-swiftshader", "--use-gl=angle", "--use-angle=swiftshader",
		"--virtual-time-budget=20000", "--window-size=900,600", "--user-data-dir="+t.TempDir(),
		"--screenshot="+shot, address)
	done := time.AfterFunc(5*time.Minute, func() { c.Process.Kill() })
	out, err := c.CombinedOutput()
	done.Stop()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// served starts `terrarium serve` and returns its address.
func served(t *testing.T, program, runs, web string) string {
	t.Helper()
	c := exec.Command(program, "serve", runs, "--viewer", web)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("terrarium serve: %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("terrarium serve says nothing")
	}
	address, ok := strings.CutPrefix(lines.Text(), "open ")
	if !ok {
		t.Fatalf("terrarium serve says %q", lines.Text())
	}
	return address
}
