package modules

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// Sum returns a hash of the files of a folder that matter to a program: Go and assembly files,
// what they embed, go.mod and go.sum. It has the form of a line in a go.sum file. Tests, nested
// modules and hidden folders do not count.
func Sum(dir string) (string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && (hidden(d.Name()) || d.Name() == "testdata" || exists(path, "go.mod") || exists(path, "provenance.json")):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		name := d.Name()
		switch ext := filepath.Ext(name); {
		case strings.HasSuffix(name, "_test.go"):
		case ext == ".go":
			files = append(files, path)
			embedded, err := embeds(path)
			files = append(files, embedded...)
			return err
		case slices.Contains([]string{".s", ".c", ".h", ".cc", ".cpp", ".syso"}, ext), filepath.Dir(path) == filepath.Clean(dir) && (name == "go.mod" || name == "go.sum"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("module folder: %w", err)
	}
	for i, f := range files {
		if files[i], err = filepath.Rel(dir, f); err != nil {
			return "", fmt.Errorf("module folder: %w", err)
		}
		files[i] = filepath.ToSlash(files[i])
	}
	slices.Sort(files)
	return dirhash.Hash1(slices.Compact(files), func(name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	})
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// embeds lists the files that a Go file embeds.
func embeds(path string) (files []string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(text, []byte("//go:embed")) {
		return nil, nil
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "//go:embed ")
		if !ok {
			continue
		}
		for _, pattern := range patterns(rest) {
			pattern = strings.TrimPrefix(pattern, "all:")
			found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), filepath.FromSlash(pattern)))
			for _, f := range found {
				err := filepath.WalkDir(f, func(p string, d fs.DirEntry, err error) error {
					if err == nil && d.Type().IsRegular() {
						files = append(files, p)
					}
					return err
				})
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return files, nil
}

// patterns splits the patterns of an embed line, some of which may be quoted.
func patterns(line string) (list []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil { // a plain word
			word, rest, _ := strings.Cut(line, " ")
			list, line = append(list, word), rest
			continue
		}
		word, _ := strconv.Unquote(quoted) // it is well-formed
		list, line = append(list, word), line[len(quoted):]
	}
	return list
}
