package lab

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A page with the viewer holds it whole, with recordings, and loads nothing.
func TestReportWithViewer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if code := Run([]string{"run", "cartpole", "--set", "steps=4096", "--set", "eval.episodes=2", "--out", dir}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	web := t.TempDir()
	out := filepath.Join(t.TempDir(), "report.html")
	if code := Run([]string{"report", dir, "--viewer", web, "-o", out}); code != 3 {
		t.Errorf("without a viewer: exit code %d, want 3", code)
	}
	for name, text := range map[string]string{viewerFile: "the wasm", "wasm_exec.js": "class Go { } // </script>"} {
		if err := os.WriteFile(filepath.Join(web, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if code := Run([]string{"report", dir, "--viewer", web, "-o", out}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	page, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	ep, err := os.ReadFile(filepath.Join(SeedDir(dir, 1), "replays", "eval-00001.replay"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	if !strings.Contains(text, base64.StdEncoding.EncodeToString(ep)) || !strings.Contains(text, `id="viewer"`) {
		t.Error("the page lacks the viewer or a recording")
	}
	if strings.Contains(text, "// </script>") {
		t.Error("what the viewer holds ends a script of the page")
	}
	for _, bad := range []string{`src="http`, `href="http`, "fetch("} {
		if strings.Contains(text, bad) {
			t.Errorf("the page loads something: %s", bad)
		}
	}
}
