package traj

import (
	"encoding/binary"
	"hash/crc32"
)

// WithChecksum returns data with its last four bytes made the checksum of the rest.
func WithChecksum(data []byte) []byte {
	if len(data) < 4 {
		return data
	}
	body := append([]byte{}, data[:len(data)-4]...)
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}
