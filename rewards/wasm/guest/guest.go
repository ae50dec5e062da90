//go:build wasip1

// Package guest is what a reward imports to be compiled to WebAssembly and used through
// package rewards/wasm. A module is a main of five lines:
//
//	package main
//
//	import (
//		_ "example.org/my/reward" // registers it, as for a compiled-in reward
//		_ "github.com/terrarium-rl/terrarium/rewards/wasm/guest"
//	)
//
//	func main() {}
//
// compiled by plain Go:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o reward.wasm
package guest

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"strings"
	"unsafe"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

// Request is what the host sends to open a reward.
type Request struct {
	Name    string
	Options []byte // JSON
	Spec    env.Spec
}

var (
	request []byte
	message []byte
	reward  rewards.Func
	spec    *env.Spec
	batch   *env.Batch
	dst     []float32
	table   [8]uint32
)

func address[T any](x []T) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(x)))) }

// fail keeps err for the host to read.
func fail(err error) int32 {
	message = []byte(err.Error())
	return int32(len(message))
}

// room returns where the host may write a request of n bytes.
//
//go:wasmexport terrarium_room
func room(n uint32) uint32 {
	request = make([]byte, max(n, 1))
	return address(request)
}

// text returns where the message of the last error lies.
//
//go:wasmexport terrarium_message
func text() uint32 { return address(message) }

// open builds the reward of the request in room; 0, or the length of a message.
//
//go:wasmexport terrarium_open
func open() int32 {
	var r Request
	if err := gob.NewDecoder(bytes.NewReader(request)).Decode(&r); err != nil {
		return fail(fmt.Errorf("the module was built with another version of Terrarium: %w", err))
	}
	c, err := rewards.Open(r.Name, func(dst any) error {
		if len(r.Options) == 0 {
			return nil
		}
		d := json.NewDecoder(bytes.NewReader(r.Options))
		d.DisallowUnknownFields()
		return d.Decode(dst)
	})
	if err != nil {
		return fail(fmt.Errorf("%w (the module has %s)", err, strings.Join(rewards.Names(), ", ")))
	}
	spec = &r.Spec
	if reward, err = c.Build(spec); err != nil {
		return fail(err)
	}
	return 0
}

// prepare makes room for batches of the given number of worlds and returns where a table of
// addresses lies: obs, act, next, facts, reward, end, level, result.
//
//go:wasmexport terrarium_prepare
func prepare(worlds uint32) uint32 {
	batch = env.NewBatch(spec, int(worlds))
	dst = make([]float32, batch.N)
	table = [8]uint32{
		address(batch.Obs), address(batch.Act), address(batch.Next), address(batch.Facts),
		address(batch.Reward), address(batch.End), address(batch.Level), address(dst),
	}
	return uint32(uintptr(unsafe.Pointer(&table)))
}

// score scores the batch.
//
//go:wasmexport terrarium_score
func score() { reward.Score(dst, batch) }
