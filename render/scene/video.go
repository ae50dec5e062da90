package scene

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNoFFmpeg is what Create returns for a video where the ffmpeg program is not installed.
var ErrNoFFmpeg = errors.New("MP4 and WebM need the ffmpeg program, which is not installed: " +
	"apt-get install ffmpeg (Debian, Ubuntu), brew install ffmpeg (macOS), or choose .gif or .png")

// video pipes frames into ffmpeg.
type video struct {
	path, tmp string
	fps       float64
	codec     []string
	ffmpeg    string
	size      image.Point
	cmd       *exec.Cmd
	in        io.WriteCloser
	stderr    bytes.Buffer
}

func newVideo(path, ext string, fps float64) (*video, error) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, fmt.Errorf("film %s: %w", path, ErrNoFFmpeg)
	}
	codec := []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-movflags", "+faststart"}
	if ext == ".webm" {
		codec = []string{"-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1"}
	}
	// ffmpeg picks the container by the ending, so the temporary name keeps it.
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+strings.TrimSuffix(filepath.Base(path), ext)+"-*"+ext)
	if err != nil {
		return nil, fmt.Errorf("film %s: %w", path, err)
	}
	return &video{path: path, tmp: tmp.Name(), fps: fps, codec: codec, ffmpeg: ffmpeg}, tmp.Close()
}

// start runs ffmpeg for frames of v.size.
func (v *video) start() error {
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-y",
		"-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", v.size.X, v.size.Y),
		"-r", strconv.FormatFloat(v.fps, 'f', -1, 64), "-i", "pipe:0", "-an",
		"-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"}
	v.cmd = exec.Command(v.ffmpeg, append(append(args, v.codec...), v.tmp)...)
	v.cmd.Stderr = &v.stderr
	in, err := v.cmd.StdinPipe()
	if err != nil {
		return err
	}
	v.in = in
	return v.cmd.Start()
}

// Add pipes a frame.
func (v *video) Add(img *image.RGBA) error {
	size := img.Rect.Size()
	if size.X*size.Y == 0 || v.cmd != nil && size != v.size {
		return errFrameSize
	}
	if v.cmd == nil {
		v.size = size
		if err := v.start(); err != nil {
			return v.wrap(err)
		}
	}
	for y := range size.Y {
		if _, err := v.in.Write(img.Pix[y*img.Stride : y*img.Stride+4*size.X]); err != nil {
			return v.wrap(err)
		}
	}
	return nil
}

// Close waits for ffmpeg and names the file.
func (v *video) Close() error {
	err := errNoFrames
	if v.cmd != nil {
		err = errors.Join(v.in.Close(), v.cmd.Wait())
	}
	if err == nil {
		err = errors.Join(os.Chmod(v.tmp, 0o644), os.Rename(v.tmp, v.path))
	}
	if err != nil {
		_ = os.Remove(v.tmp) // the first error tells more
		return v.wrap(err)
	}
	return nil
}

// wrap adds to err what ffmpeg said.
func (v *video) wrap(err error) error {
	if said := strings.TrimSpace(v.stderr.String()); said != "" {
		return fmt.Errorf("film %s: ffmpeg: %s (%w)", v.path, said, err)
	}
	return fmt.Errorf("film %s: %w", v.path, err)
}
