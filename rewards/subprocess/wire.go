package subprocess

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/terrarium-rl/terrarium/env"
)

const (
	protocol = 1
	maxFrame = 1 << 28 // bytes of a message
)

var errMalformed = errors.New("malformed message")

// writeFrame writes a message with its length before it.
func writeFrame(w io.Writer, m []byte) error {
	if _, err := w.Write(protowire.AppendVarint(nil, uint64(len(m)))); err != nil {
		return err
	}
	_, err := w.Write(m)
	return err
}

// readFrame reads a message. The error is io.EOF where the stream ends before one.
func readFrame(r *bufio.Reader) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > maxFrame {
		return nil, fmt.Errorf("%w: %d bytes, at most %d: does the program print something else to standard output?", errMalformed, n, maxFrame)
	}
	m := make([]byte, n)
	if _, err := io.ReadFull(r, m); err != nil {
		return nil, fmt.Errorf("%w: cut off", errMalformed)
	}
	return m, nil
}

// fields calls f with each field of a message: its number, and its bytes or its integer.
func fields(m []byte, f func(num protowire.Number, data []byte, x uint64) error) error {
	for len(m) > 0 {
		num, typ, n := protowire.ConsumeTag(m)
		if n < 0 {
			return errMalformed
		}
		m = m[n:]
		var data []byte
		var x uint64
		switch typ {
		case protowire.BytesType:
			data, n = protowire.ConsumeBytes(m)
		case protowire.VarintType:
			x, n = protowire.ConsumeVarint(m)
		case protowire.Fixed32Type:
			var v uint32
			if v, n = protowire.ConsumeFixed32(m); n >= 0 {
				x, data = uint64(v), m[:4] // one number of a list that is not packed
			}
		default:
			n = protowire.ConsumeFieldValue(num, typ, m)
		}
		if n < 0 {
			return errMalformed
		}
		m = m[n:]
		if err := f(num, data, x); err != nil {
			return err
		}
	}
	return nil
}

func appendText(m []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return m
	}
	return protowire.AppendString(protowire.AppendTag(m, num, protowire.BytesType), s)
}

func appendUint(m []byte, num protowire.Number, x uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), x)
}

func appendFloat(m []byte, num protowire.Number, x float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(m, num, protowire.Fixed32Type), math.Float32bits(x))
}

// appendFloats appends a packed list.
func appendFloats(m []byte, num protowire.Number, x []float32) []byte {
	m = protowire.AppendVarint(protowire.AppendTag(m, num, protowire.BytesType), uint64(4*len(x)))
	for _, v := range x {
		m = binary.LittleEndian.AppendUint32(m, math.Float32bits(v))
	}
	return m
}

// floats adds the numbers of a packed list, or a single one, to dst.
func floats(dst []float32, data []byte) ([]float32, error) {
	if len(data)%4 != 0 {
		return nil, fmt.Errorf("%w: %d bytes of numbers", errMalformed, len(data))
	}
	for ; len(data) > 0; data = data[4:] {
		dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(data)))
	}
	return dst, nil
}

func hello(s *env.Spec) []byte {
	m := appendText(appendUint(nil, 1, protocol), 2, s.ID)
	for i, list := range [][]env.Field{s.Obs, s.Act, s.Facts} {
		for _, f := range list {
			x := appendUint(appendText(nil, 1, f.Name), 2, uint64(f.Len))
			x = appendUint(x, 3, uint64(f.Choices))
			x = appendFloat(appendFloat(x, 4, f.Lo), 5, f.Hi)
			m = protowire.AppendBytes(protowire.AppendTag(m, protowire.Number(3+i), protowire.BytesType), x)
		}
	}
	return m
}

func batchMessage(id uint64, b *env.Batch) []byte {
	m := appendUint(appendUint(nil, 1, id), 2, uint64(b.N))
	for i, x := range [][]float32{b.Obs, b.Act, b.Next, b.Facts, b.Reward} {
		m = appendFloats(m, protowire.Number(3+i), x)
	}
	ends := make([]byte, b.N)
	for i, e := range b.End {
		ends[i] = byte(e)
	}
	return protowire.AppendBytes(protowire.AppendTag(m, 8, protowire.BytesType), ends)
}

// readBatch reads a batch for an environment.
func readBatch(m []byte, s *env.Spec) (id uint64, b *env.Batch, err error) {
	b = &env.Batch{}
	into := []*[]float32{&b.Obs, &b.Act, &b.Next, &b.Facts, &b.Reward}
	err = fields(m, func(num protowire.Number, data []byte, x uint64) (err error) {
		switch {
		case num == 1:
			id = x
		case num == 2 && x <= maxFrame:
			b.N = int(x)
		case num >= 3 && num <= 7:
			*into[num-3], err = floats(*into[num-3], data)
		case num == 8:
			for _, e := range data {
				b.End = append(b.End, env.End(e))
			}
		}
		return err
	})
	if err != nil {
		return id, nil, err
	}
	b.Level = make([]uint64, len(b.End))
	if len(b.End) != b.N || len(b.Reward) != b.N || len(b.Obs) != b.N*env.Width(s.Obs) || len(b.Next) != len(b.Obs) ||
		len(b.Act) != b.N*env.Width(s.Act) || len(b.Facts) != b.N*env.Width(s.Facts) {
		return id, nil, fmt.Errorf("%w: a batch of %d rows does not have the widths of %s", errMalformed, b.N, s.ID)
	}
	return id, b, nil
}

func scoresMessage(id uint64, reward []float32, problem string) []byte {
	m := appendUint(nil, 1, id)
	if problem != "" {
		return appendText(m, 3, problem)
	}
	return appendFloats(m, 2, reward)
}

func readScores(m []byte) (id uint64, reward []float32, problem string, err error) {
	err = fields(m, func(num protowire.Number, data []byte, x uint64) (err error) {
		switch num {
		case 1:
			id = x
		case 2:
			reward, err = floats(reward, data)
		case 3:
			problem = string(data)
		}
		return err
	})
	return id, reward, problem, err
}
