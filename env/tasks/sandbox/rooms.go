package sandbox

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/terrarium-rl/terrarium/env/registry"
)

//go:embed rooms/*.json
var files embed.FS

// Names returns the names of the rooms that come with the program, sorted.
func Names() (names []string) {
	entries, err := files.ReadDir("rooms")
	if err != nil {
		panic("sandbox: " + err.Error()) // the folder is part of the program
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
	}
	return names
}

// Named returns a room that comes with the program.
func Named(name string) (*Room, error) {
	text, err := files.ReadFile("rooms/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("unknown room %q%s", name, registry.Suggest(name, Names()))
	}
	return Decode(text)
}
