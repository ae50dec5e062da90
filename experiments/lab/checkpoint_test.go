package lab

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var sections = checkpoint{"agent": []byte{1, 2, 3}, "loop": []byte("{}"), "recorder": {}}

func same(a, b checkpoint) bool {
	return maps.EqualFunc(a, b, func(x, y []byte) bool { return string(x) == string(y) })
}

func TestCheckpointFile(t *testing.T) {
	data := sections.appendTo(nil)
	c, err := decodeCheckpoint(data)
	if err != nil || !same(c, sections) {
		t.Fatalf("read %v, %v", c, err)
	}
	// Every truncation and every flipped bit is noticed.
	for n := range data {
		if _, err := decodeCheckpoint(data[:n]); !errors.Is(err, errDamaged) {
			t.Errorf("%d of %d bytes: %v", n, len(data), err)
		}
		for bit := range 8 {
			bad := append([]byte{}, data...)
			bad[n] ^= 1 << bit
			if _, err := decodeCheckpoint(bad); err == nil {
				t.Errorf("bit %d of byte %d flipped: no error", bit, n)
			}
		}
	}
	newer := append([]byte{}, data...)
	newer[8] = 2
	if _, err := decodeCheckpoint(newer); err == nil || !strings.Contains(err.Error(), "version 2, this program reads version 1") {
		t.Errorf("newer version: %v", err)
	}
}

func TestSaveCheckpointKeeps(t *testing.T) {
	dir := t.TempDir()
	for step := range int64(6) {
		if err := saveCheckpoint(dir, step*1000, checkpoint{"step": {byte(step)}}, step == 2, 3); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	const want = "best.ckpt step-000000000003000.ckpt step-000000000004000.ckpt step-000000000005000.ckpt"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	best, err := loadCheckpoint(filepath.Join(dir, bestCheckpoint))
	if err != nil || best["step"][0] != 2 {
		t.Errorf("best is %v, %v", best, err)
	}
	if c, err := newestCheckpoint(dir); err != nil || c["step"][0] != 5 {
		t.Errorf("newest is %v, %v", c, err)
	}
}

// TestSaveCheckpointFails lets the second of two files fail, as a full disk might.
func TestSaveCheckpointFails(t *testing.T) {
	dir := t.TempDir()
	if err := saveCheckpoint(dir, 1, sections, true, 3); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir, bestCheckpoint))
	// A folder where the file should go makes the rename fail, after the data was written.
	if err := os.Mkdir(filepath.Join(dir, "step-000000000000002.ckpt"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := saveCheckpoint(dir, 2, checkpoint{"agent": {9}}, false, 3)
	if err == nil || !strings.Contains(err.Error(), "earlier checkpoints are intact") {
		t.Errorf("error %v", err)
	}
	if exitCode(err) != exitLacking {
		t.Errorf("exit code %d", exitCode(err))
	}
	after, _ := os.ReadFile(filepath.Join(dir, bestCheckpoint))
	if c, err := loadCheckpoint(filepath.Join(dir, "step-000000000000001.ckpt")); err != nil || !same(c, sections) || string(before) != string(after) {
		t.Errorf("the checkpoint before is %v, %v", c, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".tmp-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLoadCheckpointNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "step-1.ckpt")
	writeFile(t, path, "not a checkpoint, whatever it may be")
	var where *fs.PathError
	if _, err := loadCheckpoint(path); !errors.As(err, &where) || where.Path != path {
		t.Errorf("error %v does not name %s", err, path)
	}
}

func FuzzCheckpoint(f *testing.F) {
	f.Add(sections.appendTo(nil))
	f.Add([]byte(checkpointMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4 { // beyond the checksum, which keeps most inputs out
			body := append([]byte{}, data[:len(data)-4]...)
			data = binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
		}
		c, err := decodeCheckpoint(data)
		if err != nil {
			return
		}
		again, err := decodeCheckpoint(c.appendTo(nil))
		if err != nil || !same(c, again) {
			t.Errorf("read back %v, %v, want %v", again, err, c)
		}
	})
}
