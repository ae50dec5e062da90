package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A checkpoint file, all numbers little endian:
//
//	+-----------------+
//	| "TERRCKPT"      | 8 bytes
//	| version         | u32, 1
//	| sections        | u32
//	+-----------------+
//	| name bytes      | u32     \
//	| data bytes      | u64      | for each section, sorted by name
//	| name, data      |         /
//	+-----------------+
//	| CRC-32C         | u32, of everything above
//	+-----------------+
//
// The sections of a training run are
//
//	agent     the agent's own encoding; absent if it does not learn
//	bonus     the state of the bonus, if there is one, and in expression what it is
//	start     where episodes start on ways, if they do; see explore/goexplore
//	visits    where training was, and the bonus it got there; see explore/visits
//	clock     wall-clock seconds, JSON
//	files     sizes of the log files, JSON: what was written later is cut off on resume
//	loop      counters and accumulators of the training loop, JSON
//	recorder  the unfinished recording of world 0; absent if the agent lives on a device
//	reward    the state of the reward terms that learn
//	rewards   module and version of each reward term, JSON
//	worlds    for each world: u32 bytes, state
const (
	checkpointMagic   = "TERRCKPT"
	checkpointVersion = 1
	checkpointHead    = len(checkpointMagic) + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("damaged checkpoint")

// A checkpoint holds the sections of a checkpoint file by name.
type checkpoint map[string][]byte

// appendTo appends the file form of c to dst.
func (c checkpoint) appendTo(dst []byte) []byte {
	begin, le := len(dst), binary.LittleEndian
	size := checkpointHead + 4
	for name, data := range c {
		size += 12 + len(name) + len(data)
	}
	dst = slices.Grow(dst, size)
	dst = append(dst, checkpointMagic...)
	dst = le.AppendUint32(dst, checkpointVersion)
	dst = le.AppendUint32(dst, uint32(len(c)))
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		dst = le.AppendUint32(dst, uint32(len(name)))
		dst = le.AppendUint64(dst, uint64(len(c[name])))
		dst = append(dst, name...)
		dst = append(dst, c[name]...)
	}
	return le.AppendUint32(dst, crc32.Checksum(dst[begin:], castagnoli))
}

// decodeCheckpoint reads the file form. The sections share memory with data.
func decodeCheckpoint(data []byte) (checkpoint, error) {
	damaged := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
	}
	le := binary.LittleEndian
	if len(data) < checkpointHead+4 {
		return nil, damaged("%d bytes are too few", len(data))
	}
	if string(data[:len(checkpointMagic)]) != checkpointMagic {
		return nil, damaged("it does not begin with %q", checkpointMagic)
	}
	if v := le.Uint32(data[8:]); v != checkpointVersion {
		return nil, fmt.Errorf("checkpoint of version %d, this program reads version %d", v, checkpointVersion)
	}
	end := len(data) - 4
	if le.Uint32(data[end:]) != crc32.Checksum(data[:end], castagnoli) {
		return nil, damaged("the checksum does not match: it is truncated or changed")
	}
	c, body := checkpoint{}, data[checkpointHead:end]
	for range le.Uint32(data[12:]) {
		if len(body) < 12 {
			return nil, damaged("a section is cut off")
		}
		name, size := uint64(le.Uint32(body)), le.Uint64(body[4:])
		body = body[12:]
		if name > uint64(len(body)) || size > uint64(len(body))-name {
			return nil, damaged("a section of %d bytes does not fit in it", size)
		}
		c[string(body[:name])] = body[name : name+size : name+size]
		body = body[name+size:]
	}
	if len(body) != 0 {
		return nil, damaged("%d bytes too many", len(body))
	}
	return c, nil
}

func loadCheckpoint(path string) (checkpoint, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := decodeCheckpoint(data)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return c, nil
}

const (
	checkpointPattern = "step-%015d.ckpt"
	bestCheckpoint    = "best.ckpt"
)

// checkpoints lists the checkpoint files in a folder that are named for their step, oldest first.
func checkpoints(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(globEscape(dir), "step-*.ckpt"))
	slices.Sort(paths)
	return paths, err
}

// globEscape makes dir match itself alone in filepath.Glob.
func globEscape(dir string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(dir)
}

// newestCheckpoint loads the newest checkpoint in a folder, or returns nil if there is none. A
// damaged one is an error that names the newest good one: going back is the user's choice.
func newestCheckpoint(dir string) (checkpoint, error) {
	paths, err := checkpoints(dir)
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	last := len(paths) - 1
	c, err := loadCheckpoint(paths[last])
	if err == nil {
		return c, nil
	}
	for i := last - 1; i >= 0; i-- {
		if _, err2 := loadCheckpoint(paths[i]); err2 == nil {
			return nil, fmt.Errorf("%w; to go on from %s, delete the newer ones", err, filepath.Base(paths[i]))
		}
	}
	return nil, fmt.Errorf("%w; no older one is good: delete the folder %s to train this seed again", err, dir)
}

// saveCheckpoint writes c as the checkpoint of a step, and as the best one if told so. Then it
// removes all but the newest keep. Whatever fails, the files before it stay good.
func saveCheckpoint(dir string, step int64, c checkpoint, best bool, keep int) error {
	data := c.appendTo(nil)
	var also []string
	if best {
		also = []string{filepath.Join(dir, bestCheckpoint)}
	}
	if err := writeAtomic(filepath.Join(dir, fmt.Sprintf(checkpointPattern, step)), data, also); err != nil {
		return fmt.Errorf("checkpoint: %w; earlier checkpoints are intact", err)
	}
	paths, err := checkpoints(dir)
	if err != nil {
		return err
	}
	for _, p := range paths[:max(0, len(paths)-keep)] {
		if err := os.Remove(p); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	return nil
}

// temporary begins the names of files that are being written.
const temporary = ".tmp-"

// writeFileAtomic makes a file appear whole, and survive a power cut, or not at all.
func writeFileAtomic(path string, data []byte) error { return writeAtomic(path, data, nil) }

// writeAtomic is writeFileAtomic. Before path the file appears by other names, in the same folder: as
// links where the system has them, which saves writing it again.
func writeAtomic(path string, data []byte, also []string) error {
	f, err := os.CreateTemp(filepath.Dir(path), temporary+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	for _, other := range also {
		if err == nil {
			err = linkAtomic(f.Name(), other, data)
		}
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// linkAtomic makes path another name of a file that is whole, or writes its content there.
func linkAtomic(file, path string, data []byte) error {
	link := file + "-link"
	if os.Link(file, link) != nil {
		return writeFileAtomic(path, data)
	}
	if err := os.Rename(link, path); err != nil {
		os.Remove(link)
		return err
	}
	return nil
}

// syncDir makes renames in a folder durable. Some systems cannot, and need not.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
