package env

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A LevelFile is a level in a file, which may say what it is a level of.
//
//	{"env": "lander-v0", "params": [9.8, 0, ...], "seed": 7}
type LevelFile struct {
	Env string `json:"env,omitempty"` // registered name
	Level
}

// ReadLevel reads a level from JSON. Of an environment s, which may be nil, it must be a level.
func ReadLevel(text []byte, s *Spec) (*LevelFile, error) {
	f := &LevelFile{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(f)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("something follows it")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("a level is {\"env\": name, \"params\": [numbers], \"seed\": number}: %w", err)
	}
	if s == nil {
		return f, nil
	}
	if f.Env != "" && f.Env != s.ID {
		return nil, fmt.Errorf("it is a level of %s, not of %s", f.Env, s.ID)
	}
	return f, f.Validate(s)
}

// Text returns the JSON form of f, for people to read.
func (f *LevelFile) Text() ([]byte, error) {
	text, err := json.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}
