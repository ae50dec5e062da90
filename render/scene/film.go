package scene

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A Film takes frames, which must all have the same size, and writes them to a file.
type Film interface {
	// Add appends a frame. It does not retain img.
	Add(img *image.RGBA) error

	// Close finishes the file.
	Close() error
}

// Formats are the file name endings that Create knows.
var Formats = []string{".gif", ".apng", ".mp4", ".webm"}

// Create begins a film of fps frames a second in the file called path, in the format that the
// ending of path names: .gif; .apng, which is a PNG that moves; .mp4 and .webm by the ffmpeg
// program, which has to be installed. A GIF or PNG is made of the theme's palette.
// The file appears when the film is closed; nothing is left of a film that failed.
func Create(path string, fps float64, t *Theme) (Film, error) {
	if !(fps > 0 && fps <= 200) {
		return nil, fmt.Errorf("film %s: %v frames a second, want more than 0 to 200", path, fps)
	}
	ext := strings.ToLower(filepath.Ext(path))
	switch ext {
	case ".gif":
		return &file{path: path, film: NewGIF(fps, t)}, nil
	case ".apng":
		return &file{path: path, film: NewAPNG(fps, t)}, nil
	case ".mp4", ".webm":
		return newVideo(path, ext, fps)
	}
	return nil, fmt.Errorf("film %s: unknown ending %q, want one of %s", path, ext, strings.Join(Formats, " "))
}

// WritePNG writes img to the file called path, which it replaces only when all is written.
func WritePNG(path string, img image.Image) error {
	return atomically(path, func(w io.Writer) error {
		return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, img)
	})
}

// An encoder collects frames and writes them when all are known.
type encoder interface {
	Add(img *image.RGBA) error
	Encode(w io.Writer) error
}

// A file is a film that is encoded when it is complete.
type file struct {
	path string
	film encoder
}

func (f *file) Add(img *image.RGBA) error { return f.film.Add(img) }

func (f *file) Close() error { return atomically(f.path, f.film.Encode) }

// atomically replaces the file called path by what write writes, or leaves it as it was.
func atomically(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(tmp)
	err = errors.Join(write(buf), buf.Flush(), tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error tells more
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
