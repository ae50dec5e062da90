// Package configs holds the experiments that come with the program, one YAML file each.
// `terrarium run NAME` runs one, and `terrarium describe experiment NAME` prints it.
package configs

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/terrarium-rl/terrarium/env/registry"
)

//go:embed *.yaml
var files embed.FS

// Names returns the names of the experiments, sorted.
func Names() (names []string) {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("configs: " + err.Error()) // the directory is part of the program
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
	}
	return names
}

// Read returns the text of the named experiment. Its error suggests a name there is.
func Read(name string) ([]byte, error) {
	text, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("unknown experiment %q%s", name, registry.Suggest(name, Names()))
	}
	return text, nil
}
