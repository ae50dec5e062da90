package playback

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Settings are what the viewer remembers from one time to the next.
type Settings struct {
	Dark     bool `json:"dark"`
	Panel    bool `json:"panel"` // observation, action and facts of the selected episode
	Graph    bool `json:"graph"` // its return so far
	Terms    bool `json:"terms"` // the terms of its reward
	Judged   bool `json:"judged"`
	Contacts bool `json:"contacts"`
	Joints   bool `json:"joints"`
	Forces   bool `json:"forces"`
	NoRays   bool `json:"no_rays"`
	NoGhosts bool `json:"no_ghosts"`
	Faster   int  `json:"faster"` // the speed is 2 to this power
	Width    int  `json:"width"`  // of the window
	Height   int  `json:"height"`
}

// DefaultSettings returns those of the first time.
func DefaultSettings() Settings { return Settings{Width: 1280, Height: 800} }

// SettingsPath returns the file that settings are kept in.
func SettingsPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "terrarium", "viewer.json"), nil
}

// ReadSettings reads settings from a file. Without one they are the defaults, as are those that
// come with an error.
func ReadSettings(path string) (Settings, error) {
	s := DefaultSettings()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return DefaultSettings(), fmt.Errorf("settings in %s are ignored: %w", path, err)
	}
	s.Faster = max(-maxFaster, min(s.Faster, maxFaster))
	s.Width, s.Height = max(320, min(s.Width, 8192)), max(240, min(s.Height, 8192))
	return s, nil
}

// Write keeps s in a file.
func (s Settings) Write(path string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
