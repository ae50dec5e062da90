package feedback

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
)

// A log file, all numbers little-endian:
//
//	+-------------------+
//	| "TERRFEED"        | 8 bytes
//	| version           | u32, 1
//	+-------------------+
//	| length            | u32, of the record   \
//	| CRC-32C of length | u32                   |
//	| record            | see below             | for each record
//	| CRC-32C of record | u32                  /
//	+-------------------+
//
// and a record:
//
//	| kind u8 | label f32 | annotator u32 | strength, margin, weight f32 | level i32 | seconds f32 |
//	| n u32, n x (traj u64, from i32, to i32) | n u32, ratings f32 | n u32, n x (step i32, value f32) |
//	| n u32, tokens u16 | n u32, context f32 | n u32, source |
//
// The length has a checksum of its own, so that damage in the middle is told from an end that
// was torn off while it was written: only the latter is cut away.
const (
	logMagic   = "TERRFEED"
	logVersion = 1
	logHead    = len(logMagic) + 4
	maxRecord  = 1 << 24
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged says that a log is broken elsewhere than at its end, or is no log.
var ErrDamaged = errors.New("damaged log of feedback")

// A Log is an append-only file of records. Only one program may have it open.
type Log struct {
	f   *os.File
	buf []byte

	// Torn is the number of bytes of an unfinished record that OpenLog has cut off the end.
	Torn int
}

// OpenLog opens a log, or begins a new one, and returns the records in it. What a program killed
// or a power cut left of the last record is cut off. It fails with ErrDamaged, naming the place,
// if the file is broken before that.
func OpenLog(path string) (*Log, []Record, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, nil, err
	}
	l := &Log{f: f}
	rs, err := l.load()
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, rs, nil
}

func (l *Log) load() ([]Record, error) {
	data, err := io.ReadAll(l.f)
	if err != nil {
		return nil, err
	}
	head := binary.LittleEndian.AppendUint32([]byte(logMagic), logVersion)
	if len(data) < logHead && bytes.HasPrefix(head, data) { // new, or torn before its first record
		l.Torn = len(data)
		if _, err := l.f.WriteAt(head, 0); err != nil {
			return nil, err
		}
		_, err := l.f.Seek(0, io.SeekEnd)
		return nil, errors.Join(err, l.f.Sync())
	}
	rs, end, err := ReadLog(data)
	if err != nil {
		return nil, err
	}
	if l.Torn = len(data) - end; l.Torn > 0 {
		if err := errors.Join(l.f.Truncate(int64(end)), l.f.Sync()); err != nil {
			return nil, err
		}
	}
	_, err = l.f.Seek(int64(end), io.SeekStart)
	return rs, err
}

// ReadLog decodes the bytes of a log. It returns the records and where they end; what follows is
// part of a record that was never finished.
func ReadLog(data []byte) (rs []Record, end int, err error) {
	if len(data) < logHead || string(data[:len(logMagic)]) != logMagic {
		return nil, 0, fmt.Errorf("%w: it does not begin with %q", ErrDamaged, logMagic)
	}
	le := binary.LittleEndian
	if v := le.Uint32(data[len(logMagic):]); v != logVersion {
		return nil, 0, fmt.Errorf("log of feedback has version %d, this program reads version %d", v, logVersion)
	}
	for at := logHead; ; {
		rest := data[at:]
		if len(rest) < 8 || allZero(rest) { // a file system may leave zeros where data was to come
			return rs, at, nil
		}
		n := int(le.Uint32(rest))
		damaged := func(what string) error {
			return fmt.Errorf("%w: record %d, at byte %d: %s; the records before it are good: cut the file there to keep them", ErrDamaged, len(rs), at, what)
		}
		switch {
		case allZero(rest[8:]):
			return rs, at, nil
		case le.Uint32(rest[4:]) != crc32.Checksum(rest[:4], castagnoli):
			return nil, 0, damaged("its length is changed")
		case n > maxRecord:
			return nil, 0, damaged(fmt.Sprintf("%d bytes are too many", n))
		case len(rest) < 12+n:
			return rs, at, nil
		}
		body := rest[8 : 8+n]
		if le.Uint32(rest[8+n:]) != crc32.Checksum(body, castagnoli) {
			if allZero(rest[12+n:]) { // the last one: its blocks were not all written
				return rs, at, nil
			}
			return nil, 0, damaged("its content is changed")
		}
		r, ok := decodeRecord(body)
		if !ok {
			return nil, 0, damaged("its content cannot be read")
		}
		if err := r.Validate(); err != nil {
			return nil, 0, damaged(err.Error())
		}
		rs = append(rs, r)
		at += 12 + n
	}
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// Append writes a record and returns when it is on the disk. It fails, writing nothing, if the
// record is not valid.
func (l *Log) Append(r *Record) error {
	if err := r.Validate(); err != nil {
		return err
	}
	le := binary.LittleEndian
	b := appendRecord(append(l.buf[:0], make([]byte, 8)...), r)
	if len(b)-8 > maxRecord {
		return fmt.Errorf("feedback: record of %d bytes, the most is %d", len(b)-8, maxRecord)
	}
	le.PutUint32(b, uint32(len(b)-8))
	le.PutUint32(b[4:], crc32.Checksum(b[:4], castagnoli))
	b = le.AppendUint32(b, crc32.Checksum(b[8:], castagnoli))
	l.buf = b
	if _, err := l.f.Write(b); err != nil {
		return fmt.Errorf("feedback: %w; open the log again before the next record", err)
	}
	return l.f.Sync()
}

// Close closes the file.
func (l *Log) Close() error { return l.f.Close() }

// AppendRecords appends records in their binary form, the number of them first.
func AppendRecords(b []byte, rs []Record) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(rs)))
	for i := range rs {
		at := len(b)
		b = appendRecord(append(b, 0, 0, 0, 0), &rs[i])
		binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	}
	return b
}

// DecodeRecords reads what AppendRecords wrote and returns the bytes that follow.
func DecodeRecords(data []byte) (rs []Record, rest []byte, err error) {
	d := decoder{data: data}
	for range d.u32() {
		r, ok := decodeRecord(d.bytes(int(d.u32())))
		if d.bad || !ok {
			return nil, nil, fmt.Errorf("feedback: record %d is cut off or damaged", len(rs))
		}
		rs = append(rs, r)
	}
	if d.bad {
		return nil, nil, errors.New("feedback: records are missing")
	}
	return rs, d.data, nil
}

func appendRecord(b []byte, r *Record) []byte {
	le := binary.LittleEndian
	count := func(n int) { b = le.AppendUint32(b, uint32(n)) }
	f32 := func(x float32) { b = le.AppendUint32(b, math.Float32bits(x)) }
	b = append(b, byte(r.Kind))
	f32(r.Label)
	b = le.AppendUint32(b, r.Annotator)
	f32(r.Strength)
	f32(r.Margin)
	f32(r.Weight)
	b = le.AppendUint32(b, uint32(r.Level))
	f32(r.Seconds)
	count(len(r.Segments))
	for _, s := range r.Segments {
		b = le.AppendUint64(b, s.Traj)
		b = le.AppendUint32(b, uint32(s.From))
		b = le.AppendUint32(b, uint32(s.To))
	}
	count(len(r.Ratings))
	b = appendFloats(b, r.Ratings)
	count(len(r.Steps))
	for _, m := range r.Steps {
		b = le.AppendUint32(b, uint32(m.Step))
		f32(m.Value)
	}
	count(len(r.Tokens))
	for _, t := range r.Tokens {
		b = le.AppendUint16(b, t)
	}
	count(len(r.Context))
	b = appendFloats(b, r.Context)
	count(len(r.Source))
	return append(b, r.Source...)
}

func decodeRecord(data []byte) (r Record, ok bool) {
	d := decoder{data: data}
	r.Kind = Kind(d.u8())
	r.Label = d.f32()
	r.Annotator = d.u32()
	r.Strength, r.Margin, r.Weight = d.f32(), d.f32(), d.f32()
	r.Level = int32(d.u32())
	r.Seconds = d.f32()
	for range d.count(16) {
		r.Segments = append(r.Segments, Segment{d.u64(), int32(d.u32()), int32(d.u32())})
	}
	r.Ratings = d.floats(d.count(4))
	for range d.count(8) {
		r.Steps = append(r.Steps, Mark{int32(d.u32()), d.f32()})
	}
	for range d.count(2) {
		r.Tokens = append(r.Tokens, binary.LittleEndian.Uint16(d.bytes(2)))
	}
	r.Context = d.floats(d.count(4))
	r.Source = string(d.bytes(d.count(1)))
	return r, !d.bad && len(d.data) == 0
}

func appendFloats(b []byte, x []float32) []byte {
	at := len(b)
	b = slices.Grow(b, 4*len(x))[:at+4*len(x)]
	for to := b[at:]; len(x) > 0; x, to = x[1:], to[4:] {
		binary.LittleEndian.PutUint32(to, math.Float32bits(x[0]))
	}
	return b
}

// A decoder reads numbers from the front of data. Where too few are left it sets bad and reads zeros.
type decoder struct {
	data []byte
	bad  bool
	zero [8]byte
}

func (d *decoder) bytes(n int) []byte {
	if n < 0 || n > len(d.data) {
		d.bad, d.data = true, nil
		if n < 0 || n > len(d.zero) {
			return nil
		}
		return d.zero[:n]
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) u8() byte     { return d.bytes(1)[0] }
func (d *decoder) u32() uint32  { return binary.LittleEndian.Uint32(d.bytes(4)) }
func (d *decoder) u64() uint64  { return binary.LittleEndian.Uint64(d.bytes(8)) }
func (d *decoder) f32() float32 { return math.Float32frombits(d.u32()) }

// count reads the number of elements of the given size that follow.
func (d *decoder) count(size int) int {
	n := uint64(d.u32())
	if n*uint64(size) > uint64(len(d.data)) {
		d.bad, d.data = true, nil
		return 0
	}
	return int(n)
}

func (d *decoder) floats(n int) []float32 {
	if n < 1 || n > len(d.data)/4 {
		d.bad = d.bad || n != 0
		return nil
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = d.f32()
	}
	return x
}
