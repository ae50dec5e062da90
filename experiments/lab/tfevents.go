package lab

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// appendEvent appends a TensorBoard record of the scalars to dst: a tensorflow.Event message
// in TFRecord framing,
//
//	u64 length | u32 masked CRC-32C of length | message | u32 masked CRC-32C of message
//
// The first record of a file has no scalars; it carries the version of the format instead.
func appendEvent(dst []byte, seconds float64, step int64, names []string, values []float64) []byte {
	// Field numbers are those of tensorflow/core/util/event.proto and framework/summary.proto.
	event := protowire.AppendTag(nil, 1, protowire.Fixed64Type) // wall_time
	event = protowire.AppendFixed64(event, math.Float64bits(seconds))
	if len(names) == 0 {
		event = protowire.AppendTag(event, 3, protowire.BytesType) // file_version
		event = protowire.AppendString(event, "brain.Event:2")
		return appendRecord(dst, event)
	}
	event = protowire.AppendTag(event, 2, protowire.VarintType) // step
	event = protowire.AppendVarint(event, uint64(step))
	var summary []byte
	for i, name := range names {
		value := protowire.AppendTag(nil, 1, protowire.BytesType) // tag
		value = protowire.AppendString(value, name)
		value = protowire.AppendTag(value, 2, protowire.Fixed32Type) // simple_value
		value = protowire.AppendFixed32(value, math.Float32bits(float32(values[i])))
		summary = protowire.AppendTag(summary, 1, protowire.BytesType) // repeated value
		summary = protowire.AppendBytes(summary, value)
	}
	event = protowire.AppendTag(event, 5, protowire.BytesType) // summary
	event = protowire.AppendBytes(event, summary)
	return appendRecord(dst, event)
}

func appendRecord(dst, message []byte) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(message)))
	dst = binary.LittleEndian.AppendUint32(dst, maskedCRC(dst[at:]))
	dst = append(dst, message...)
	return binary.LittleEndian.AppendUint32(dst, maskedCRC(message))
}

// maskedCRC is TensorFlow's rotated and shifted CRC-32C.
func maskedCRC(p []byte) uint32 {
	c := crc32.Checksum(p, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
