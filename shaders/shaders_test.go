package shaders

import (
	"encoding/binary"
	"testing"
)

// Every committed kernel must have been compiled from the source beside it.
func TestManifest(t *testing.T) {
	if err := Check(); err != nil {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	b, err := Load("philox")
	if err != nil || len(b)%4 != 0 || binary.LittleEndian.Uint32(b) != 0x07230203 {
		t.Errorf("Load = %d bytes, %v", len(b), err)
	}
	if _, err := Load("nothing"); err == nil {
		t.Error("a kernel that does not exist is loaded")
	}
}
