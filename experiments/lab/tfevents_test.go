package lab

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// records cuts TFRecord framing, checking both checksums by TensorFlow's formula.
func records(t *testing.T, data []byte) (messages [][]byte) {
	t.Helper()
	check := func(part, sum []byte) {
		c := crc32.Checksum(part, crc32.MakeTable(crc32.Castagnoli))
		if want := ((c >> 15) | (c << 17)) + 0xa282ead8; binary.LittleEndian.Uint32(sum) != want {
			t.Fatalf("checksum of %x is %x, want %x", part, sum, want)
		}
	}
	for len(data) > 0 {
		n := binary.LittleEndian.Uint64(data)
		check(data[:8], data[8:12])
		check(data[12:12+n], data[12+n:16+n])
		messages, data = append(messages, data[12:12+n]), data[16+n:]
	}
	return messages
}

// fields decodes one message to its fields: numbers as uint64, bytes as string.
func fields(t *testing.T, message []byte) map[protowire.Number][]any {
	t.Helper()
	m := map[protowire.Number][]any{}
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		message = message[n:]
		var v any
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var f uint32
			f, n = protowire.ConsumeFixed32(message)
			v = uint64(f)
		case protowire.BytesType:
			var b []byte
			b, n = protowire.ConsumeBytes(message)
			v = string(b)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		m[number], message = append(m[number], v), message[n:]
	}
	return m
}

func TestEvents(t *testing.T) {
	data := appendEvent(nil, 12.5, 0, nil, nil)
	data = appendEvent(data, 13, 400, []string{"return_mean", "loss/policy"}, []float64{-2.5, 1e-3})
	got := records(t, data)
	if len(got) != 2 {
		t.Fatalf("%d records, want 2", len(got))
	}
	first := fields(t, got[0])
	if first[1][0] != math.Float64bits(12.5) || first[3][0] != "brain.Event:2" {
		t.Errorf("first record %v", first)
	}
	second := fields(t, got[1])
	if second[1][0] != math.Float64bits(13) || second[2][0] != uint64(400) {
		t.Errorf("second record %v", second)
	}
	values := fields(t, []byte(second[5][0].(string)))[1]
	for i, want := range []struct {
		tag   string
		value float32
	}{{"return_mean", -2.5}, {"loss/policy", 1e-3}} {
		v := fields(t, []byte(values[i].(string)))
		if v[1][0] != want.tag || v[2][0] != uint64(math.Float32bits(want.value)) {
			t.Errorf("value %d is %v, want %v", i, v, want)
		}
	}
}

// TestEventBytes compares with a record that TensorFlow's own writer begins every file with,
// at wall time 0: the framing of the 24 bytes of Event{file_version: "brain.Event:2"}.
func TestEventBytes(t *testing.T) {
	const want = "1800000000000000" + "a37f4b22" + // length 24 and its checksum
		"09" + "0000000000000000" + "1a0d" + "627261696e2e4576656e743a32"
	got := hex.EncodeToString(appendEvent(nil, 0, 0, nil, nil))
	if got[:len(want)] != want {
		t.Errorf("record %s, want it to begin with %s", got, want)
	}
}
