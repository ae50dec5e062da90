package lab

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"

	_ "embed" // for the script
)

//go:embed report_viewer.js
var viewerScript string

// mostPlayed is the number of recordings that a page hands to the viewer in it.
const mostPlayed = 16

// An embeddedViewer is the viewer for browsers as part of a page, with recordings to play.
type embeddedViewer struct {
	Wasm    string   `json:"wasm"` // gzip, base64
	Exec    string   `json:"exec"` // Go's script that starts it
	Replays []string `json:"replays"`
}

// embedViewer returns a script that plays recordings of the runs in the viewer. The viewer is read
// from a folder that make wasm has filled.
func embedViewer(dir string, runs []*runRecord) (template.JS, error) {
	wasm, err := os.ReadFile(filepath.Join(dir, viewerFile))
	if err != nil {
		return "", fmt.Errorf("the viewer for browsers: %w", err)
	}
	exec, err := os.ReadFile(filepath.Join(dir, "wasm_exec.js"))
	if err != nil {
		return "", fmt.Errorf("the viewer for browsers: %w", err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(wasm); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	v := embeddedViewer{Wasm: base64.StdEncoding.EncodeToString(packed.Bytes()), Exec: string(exec)}
	for _, r := range runs {
		paths, err := filepath.Glob(filepath.Join(globEscape(r.Dir), "seed-*", "replays", "eval-*.replay"))
		if err != nil {
			return "", err
		}
		for _, path := range paths[:min(len(paths), mostPlayed/len(runs))] {
			data, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			v.Replays = append(v.Replays, base64.StdEncoding.EncodeToString(data))
		}
	}
	if len(v.Replays) == 0 {
		return "", fmt.Errorf("%s has no recorded evaluation to play", runs[0].Dir)
	}
	text, err := json.Marshal(v) // escapes what could end the script
	if err != nil {
		return "", err
	}
	return template.JS(fmt.Sprintf("const viewer = %s;\n%s", text, viewerScript)), nil
}
