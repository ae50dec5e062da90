// Package watch holds the page of `terrarium serve`: the runs of a folder, their curves while they
// grow, and their episodes. The calls that it makes are answered by package lab; the page of
// the viewer, which plays the same episodes in full, comes from a folder beside the program.
package watch

import (
	"embed"
	"io/fs"
)

//go:embed static
var static embed.FS

// Files returns the page.
func Files() fs.FS {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic("watch: " + err.Error()) // it is part of the program
	}
	return files
}
