package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// browserTest is the environment variable that asks for the test in a browser, which needs
// Chromium.
const browserTest = "TERRARIUM_BROWSER_TEST"

// The viewer, compiled to WebAssembly, plays a recording in headless Chromium.
func TestBrowser(t *testing.T) {
	if os.Getenv(browserTest) == "" {
		t.Skipf("set %s=1 for the test in a browser", browserTest)
	}
	dir := t.TempDir()
	c := exec.Command("go", "build", "-tags", "viewer", "-ldflags=-s -w", "-o", filepath.Join(dir, "viewer.wasm"), ".")
	c.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOEXPERIMENT=nosimd")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{
		"wasm_exec.js": filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"), "page.html": "page.html",
	} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	record(t, filepath.Join(dir, "a.replay"), 2)
	record(t, filepath.Join(dir, "b.replay"), 3)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	shot := filepath.Join(dir, "shot.png")
	out, err := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--enable-unsafe-swiftshader", "--use-gl=angle", "--use-angle=swiftshader",
		"--virtual-time-budget=200000", "--window-size=900,600", "--user-data-dir="+filepath.Join(dir, "user"),
		"--screenshot="+shot, server.URL+"/page.html?replay=a.replay&replay=b.replay&time=1&keys=o,r").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	like(t, shot, filepath.Join("testdata", "TestBrowser.png"))
}
