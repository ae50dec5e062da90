package traj

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"

	"github.com/terrarium-rl/terrarium/env"
)

// A replay file, all numbers little endian:
//
//	+--------------------+
//	| "TERRPLAY"         | 8 bytes
//	| version            | u32, 1
//	| header bytes       | u32
//	| steps T            | u32
//	| observation values | u32, of all agents at one step
//	| action values      | u32
//	| fact values        | u32
//	+--------------------+
//	| header             | JSON: the fields of Episode but the arrays
//	| Obs                | f32 x (T+1) x observation values
//	| Act                | f32 x T x action values
//	| Facts              | f32 x T x fact values
//	| Reward             | f32 x T x agents
//	| Hashes             | u64 x T/every
//	+--------------------+
//	| CRC-32C            | u32, of everything above
//	+--------------------+
const (
	magic   = "TERRPLAY"
	version = 1
	fixed   = len(magic) + 6*4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Errors of files that are not replays of this version. Load and UnmarshalBinary wrap them.
var (
	ErrDamaged = errors.New("damaged replay")
	ErrVersion = errors.New("replay of another version")
)

// AppendBinary appends the file form of e to dst.
func (e *Episode) AppendBinary(dst []byte) ([]byte, error) {
	header, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	begin, t := len(dst), e.Len()
	u32 := binary.LittleEndian.AppendUint32
	dst = append(dst, magic...)
	dst = u32(dst, version)
	dst = u32(dst, uint32(len(header)))
	dst = u32(dst, uint32(t))
	dst = u32(dst, uint32(len(e.Obs)/(t+1)))
	dst = u32(dst, uint32(len(e.Act)/max(t, 1)))
	dst = u32(dst, uint32(len(e.Facts)/max(t, 1)))
	dst = append(dst, header...)
	for _, x := range [][]float32{e.Obs, e.Act, e.Facts, e.Reward} {
		for _, v := range x {
			dst = u32(dst, math.Float32bits(v))
		}
	}
	for _, h := range e.Hashes {
		dst = binary.LittleEndian.AppendUint64(dst, h)
	}
	return u32(dst, crc32.Checksum(dst[begin:], castagnoli)), nil
}

// UnmarshalBinary sets e from its file form. It leaves e as it was if it returns an error.
func (e *Episode) UnmarshalBinary(data []byte) error {
	damaged := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
	}
	u32 := binary.LittleEndian.Uint32
	if len(data) < fixed+4 {
		return damaged("%d bytes are too few", len(data))
	}
	if string(data[:len(magic)]) != magic {
		return damaged("it does not begin with %q", magic)
	}
	if v := u32(data[8:]); v != version {
		return fmt.Errorf("%w: version %d, this program reads version %d", ErrVersion, v, version)
	}
	end := len(data) - 4
	if u32(data[end:]) != crc32.Checksum(data[:end], castagnoli) {
		return damaged("the checksum does not match: the file is truncated or changed")
	}
	head, t := uint64(u32(data[12:])), uint64(u32(data[16:]))
	if head > uint64(end-fixed) {
		return damaged("a header of %d bytes in a file of %d", head, len(data))
	}
	var next Episode
	body := data[fixed+int(head) : end]
	if err := json.Unmarshal(data[fixed:fixed+int(head)], &next); err != nil {
		return damaged("header: %v", err)
	}
	if next.Agents < 1 || next.Agents > len(data) || next.Every < 1 || next.Last > env.Truncated {
		return damaged("header: agents %d, every %d, end %d", next.Agents, next.Every, next.Last)
	}
	// A file has at most 2^32 steps of 2^32 values, so the products are checked one by one.
	left := uint64(len(body))
	take := func(n, w uint64) []float32 {
		if w != 0 && n > left/4/w {
			left = math.MaxUint64
			return nil
		}
		x := make([]float32, n*w)
		for i := range x {
			x[i] = math.Float32frombits(u32(body[4*i:]))
		}
		body, left = body[4*len(x):], left-4*n*w
		return x
	}
	for _, a := range []struct {
		dst  *[]float32
		n, w uint64
	}{
		{&next.Obs, t + 1, uint64(u32(data[20:]))},
		{&next.Act, t, uint64(u32(data[24:]))},
		{&next.Facts, t, uint64(u32(data[28:]))},
		{&next.Reward, t, uint64(next.Agents)},
	} {
		if *a.dst = take(a.n, a.w); left == math.MaxUint64 {
			return damaged("%d rows of %d values do not fit in it", a.n, a.w)
		}
	}
	if left != 8*(t/uint64(next.Every)) {
		return damaged("%d bytes where the state hashes of %d steps belong", left, t)
	}
	for ; len(body) > 0; body = body[8:] {
		next.Hashes = append(next.Hashes, binary.LittleEndian.Uint64(body))
	}
	*e = next
	return nil
}

// Save writes e to a file, which appears whole or not at all, even if the power fails.
func (e *Episode) Save(path string) error {
	data, err := e.AppendBinary(nil)
	if err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err = write(tmp, data); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}

func write(path string, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// Load reads an episode from a file.
func Load(path string) (*Episode, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	e := new(Episode)
	if err := e.UnmarshalBinary(data); err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return e, nil
}
