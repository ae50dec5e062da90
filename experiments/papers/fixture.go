package papers

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// fixtures keeps what several cells of a run begin from, encoded: in files below dir, or in memory if
// that is empty.
type fixtures struct {
	dir     string
	program string
	mu      sync.Mutex
	locks   map[string]*sync.Mutex // one of each fixture that was asked for
	memory  map[string][]byte
}

func newFixtures(cache, program string) (*fixtures, error) {
	f := &fixtures{program: program, locks: map[string]*sync.Mutex{}, memory: map[string][]byte{}}
	if cache == "" {
		return f, nil
	}
	f.dir = filepath.Join(cache, "fixtures")
	return f, os.MkdirAll(f.dir, 0o755)
}

// lock returns the mutex of a fixture: who asks while another cell builds it waits for that.
func (f *fixtures) lock(key string) *sync.Mutex {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.locks[key]
	if !ok {
		l = new(sync.Mutex)
		f.locks[key] = l
	}
	return l
}

func (f *fixtures) read(key string) ([]byte, bool) {
	if f.dir != "" {
		data, err := os.ReadFile(filepath.Join(f.dir, key+".gob"))
		return data, err == nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	data, ok := f.memory[key]
	return data, ok
}

func (f *fixtures) write(key string, data []byte) error {
	if f.dir != "" {
		return writeWhole(filepath.Join(f.dir, key+".gob"), data)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.memory[key] = data
	return nil
}

// Fixture returns what build makes, which is made once for all cells of a run and, with a cache, of
// later runs of the same program: models that all arms of a seed share, say. The key of the cache is a
// hash of the name of the fixture and of config, as JSON, which has to hold everything that the fixture
// depends on, seeds and sizes included. Each call yields a copy of its own, by way of encoding/gob:
// exported fields alone. A Cell that was made by hand, as in tests, caches nothing.
func Fixture[T any](c Cell, name string, config any, build func() (T, error)) (out T, err error) {
	if c.fixtures == nil {
		return build()
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("fixture %s: %w", name, err)
		}
	}()
	depends, err := json.Marshal(config)
	if err != nil {
		return out, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %T %s %s", name, out, depends, c.fixtures.program))
	key := hex.EncodeToString(sum[:12])
	l := c.fixtures.lock(key)
	l.Lock()
	defer l.Unlock()
	if data, ok := c.fixtures.read(key); ok {
		var read T // what a torn file yields is thrown away
		if gob.NewDecoder(bytes.NewReader(data)).Decode(&read) == nil {
			return read, nil
		}
	}
	made, err := build()
	if err != nil {
		return out, err
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(made); err != nil {
		return out, err
	}
	if err := c.fixtures.write(key, b.Bytes()); err != nil {
		return out, err
	}
	return out, gob.NewDecoder(&b).Decode(&out)
}

// writeWhole writes a file such that it appears whole or not at all.
func writeWhole(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
