// Package wasm runs rewards compiled to WebAssembly: those of people one does not trust, and
// those for machines without a Go toolchain. They see nothing but the batch: no files, no
// network, no clock, no more memory and time than they are given.
//
// Importing the package registers the reward "wasm":
//
//	reward: [{name: wasm, options: {file: reward.wasm, reward: smooth, options: {scale: 2}}}]
//
// Package rewards/wasm/guest says how a module is made. The interface is one call a batch over
// the module's linear memory, into which the batch is copied; a module is compiled once, when
// it is opened. Before that, counters are written into its code, at each turn of a loop and each
// call, so that it cannot run on without being allowed to. A batch of 4096 rows costs 10 to 50 ns
// a row, without allocation.
package wasm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { rewards.Register("wasm", func() rewards.Config { return New() }) }

// Config holds the options of a reward in a WebAssembly module.
type Config struct {
	File      string         `json:"file" doc:"the module, a .wasm file; recorded with its whole path"`
	Sum       string         `json:"sum" doc:"SHA-256 of the file in hexadecimal, which is refused if it is another; recorded if it is empty"`
	Reward    string         `json:"reward" doc:"name of the reward within the module"`
	Options   map[string]any `json:"options,omitempty" doc:"options of the reward"`
	MemoryMiB int            `json:"memory_mib" doc:"most memory of the module, 1 to 4096 MiB"`
	Seconds   float64        `json:"seconds" doc:"longest that one batch may take"`
}

// New returns the default options: 256 MiB, ten seconds a batch.
func New() *Config { return &Config{MemoryMiB: 256, Seconds: 10} }

// Doc says what the reward is, in one line.
func (*Config) Doc() string {
	return "A reward in a WebAssembly module, kept apart from everything else."
}

// Build compiles the module and opens the reward in it. Where Sum is empty, it fills in Sum and
// makes File a whole path; a config that several goroutines build must have been built before.
func (c *Config) Build(s *env.Spec) (rewards.Func, error) {
	fail := func(err error) (rewards.Func, error) { return nil, fmt.Errorf("reward wasm: %w", err) }
	switch {
	case c.File == "":
		return fail(errors.New("file is missing: name a .wasm file"))
	case c.MemoryMiB < 1 || c.MemoryMiB > 4096:
		return fail(fmt.Errorf("memory_mib is %d, want 1 to 4096", c.MemoryMiB))
	case !(c.Seconds > 0 && c.Seconds < 1e6):
		return fail(fmt.Errorf("seconds is %v, want a positive number", c.Seconds))
	}
	code, err := c.read()
	if err != nil {
		return fail(err)
	}
	m := &module{c: c, spec: s, limit: time.Duration(c.Seconds * float64(time.Second))}
	if err := m.open(code); err != nil {
		m.close()
		return fail(fmt.Errorf("%s: %w", c.File, err))
	}
	return m, nil
}

// read reads the file, and notes which it is, so that a run goes on with the same one.
func (c *Config) read() ([]byte, error) {
	file, err := filepath.Abs(c.File)
	if err != nil {
		return nil, err
	}
	code, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(code)
	sum := hex.EncodeToString(hash[:])
	switch {
	case c.Sum == "": // else nothing is written: seeds build theirs at once
		c.File, c.Sum = file, sum
	case !strings.EqualFold(c.Sum, sum):
		return nil, fmt.Errorf("%s has SHA-256 %s, and sum says %s: use the file that it was, or leave sum out", c.File, sum, c.Sum)
	}
	return code, nil
}

// request mirrors guest.Request, which only builds for WebAssembly.
type request struct {
	Name    string
	Options []byte
	Spec    env.Spec
}

type module struct {
	c     *Config
	spec  *env.Spec
	limit time.Duration
	ctx   context.Context // of the runtime

	runtime  wazero.Runtime
	instance api.Module
	deadline time.Time // of the call that runs
	stderr   tail
	memory   api.Memory
	prepare  api.Function
	score    api.Function
	stack    [1]uint64
	rows     int // that the module has room for
	at       [8]uint32
}

// cache keeps compiled modules, in memory and, where there is a place for it, between runs.
var cache = sync.OnceValue(func() wazero.CompilationCache {
	if dir, err := os.UserCacheDir(); err == nil {
		if c, err := wazero.NewCompilationCacheWithDir(filepath.Join(dir, "terrarium", "wasm")); err == nil {
			return c
		}
	}
	return wazero.NewCompilationCache()
})

func (m *module) open(code []byte) error {
	m.ctx = context.Background()
	code, err := meter(code)
	if err != nil {
		return fmt.Errorf("this is no WebAssembly module: %w", err)
	}
	m.runtime = wazero.NewRuntimeWithConfig(m.ctx, wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(uint32(m.c.MemoryMiB)*16).WithCompilationCache(cache()))
	if _, err := wasi_snapshot_preview1.Instantiate(m.ctx, m.runtime); err != nil {
		return err
	}
	_, err = m.runtime.NewHostModuleBuilder(meterModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(m.refill), nil, []api.ValueType{api.ValueTypeI32}).Export(meterName).Instantiate(m.ctx)
	if err != nil {
		return err
	}
	compiled, err := m.runtime.CompileModule(m.ctx, code)
	if err != nil {
		return fmt.Errorf("this is no WebAssembly module: %w", err)
	}
	m.deadline = time.Now().Add(m.limit)
	sandbox := wazero.NewModuleConfig().WithStartFunctions("_initialize").WithStderr(&m.stderr)
	if m.instance, err = m.runtime.InstantiateModule(m.ctx, compiled, sandbox); err != nil {
		return m.explain(err)
	}
	m.memory = m.instance.Memory()
	find := func(name string) api.Function {
		f := m.instance.ExportedFunction("terrarium_" + name)
		if f == nil && err == nil {
			err = fmt.Errorf("it has no function terrarium_%s: its main must import rewards/wasm/guest and be built with -buildmode=c-shared", name)
		}
		return f
	}
	room, open, message := find("room"), find("open"), find("message")
	m.prepare, m.score = find("prepare"), find("score")
	if err != nil {
		return err
	}
	return m.openReward(room, open, message)
}

func (m *module) openReward(room, open, message api.Function) error {
	r := request{Name: m.c.Reward, Spec: *m.spec}
	var err error
	if len(m.c.Options) > 0 {
		if r.Options, err = json.Marshal(m.c.Options); err != nil {
			return fmt.Errorf("options: %w", err)
		}
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(&r); err != nil {
		return err
	}
	at, err := room.Call(m.ctx, uint64(buf.Len()))
	if err != nil {
		return m.explain(err)
	}
	if !m.memory.Write(uint32(at[0]), buf.Bytes()) {
		return errors.New("the module has no room for the request")
	}
	n, err := open.Call(m.ctx)
	if err != nil {
		return m.explain(err)
	}
	if n := int32(n[0]); n != 0 {
		at, err := message.Call(m.ctx)
		if err != nil {
			return m.explain(err)
		}
		text, ok := m.memory.Read(uint32(at[0]), uint32(n))
		if !ok {
			return errors.New("the module refuses without saying why")
		}
		return errors.New(string(text))
	}
	return nil
}

// errTooLong ends a call that takes longer than the limit.
var errTooLong = errors.New("too long")

// refill lets the module go on for another ration while there is time. See meter.
func (m *module) refill(_ context.Context, stack []uint64) {
	if time.Now().After(m.deadline) {
		panic(errTooLong) // the runtime returns it from the call
	}
	stack[0] = ration
}

// explain makes plain what the runtime reports.
func (m *module) explain(err error) error {
	if errors.Is(err, errTooLong) {
		return fmt.Errorf("it took longer than %v, the limit (option seconds)", m.limit)
	}
	if said := m.stderr.String(); said != "" {
		hint := ""
		if strings.Contains(said, "out of memory") {
			hint = fmt.Sprintf(" (option memory_mib is %d)", m.c.MemoryMiB)
		}
		return fmt.Errorf("it broke down: %s%s", said, hint)
	}
	return err
}

// tail keeps the beginning of what a module prints as it breaks down.
type tail struct{ text []byte }

// Write keeps up to 2000 bytes.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p[:min(len(p), 2000-len(t.text))]...)
	return len(p), nil
}

// String returns the first paragraph.
func (t *tail) String() string {
	first, _, _ := strings.Cut(string(t.text), "\n\n")
	return strings.TrimSpace(first)
}

func (m *module) close() {
	if m.runtime != nil {
		_ = m.runtime.Close(m.ctx)
	}
}

// A CallError is what Score panics with when the module fails: a reward cannot go on without
// its value. Programs that run rewards recover it and stop the run.
type CallError struct {
	File, Reward string
	Err          error
}

// Error names the module and the cause.
func (e *CallError) Error() string {
	return fmt.Sprintf("reward wasm: %s: %s: %v", e.File, e.Reward, e.Err)
}

// Unwrap returns the cause.
func (e *CallError) Unwrap() error { return e.Err }

func (m *module) fail(err error) { panic(&CallError{m.c.File, m.c.Reward, m.explain(err)}) }

// Score copies the batch into the module, lets it score, and copies the result back. It panics
// with a *CallError if the module panics, takes too long, or returns what is not finite.
func (m *module) Score(dst []float32, b *env.Batch) {
	m.deadline = time.Now().Add(m.limit)
	if b.N > m.rows {
		m.makeRoom(b)
	}
	// The batch in the module is one of m.rows rows, of which the first b.N matter.
	m.write(0, b.Obs)
	m.write(1, b.Act)
	m.write(2, b.Next)
	m.write(3, b.Facts)
	m.write(4, b.Reward)
	m.memory.Write(m.at[5], unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b.End))), len(b.End)))
	m.memory.Write(m.at[6], unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b.Level))), 8*len(b.Level)))
	if err := m.score.CallWithStack(m.ctx, m.stack[:0]); err != nil {
		m.fail(err)
	}
	raw, ok := m.memory.Read(m.at[7], uint32(4*b.N))
	if !ok {
		m.fail(errors.New("its memory shrank"))
	}
	copy(bytesOf(dst[:b.N]), raw)
	for i, x := range dst[:b.N] {
		if !geom.Finite(x) {
			m.fail(fmt.Errorf("row %d scores %v", i, x))
		}
	}
}

func (m *module) write(slot int, x []float32) { m.memory.Write(m.at[slot], bytesOf(x)) }

// bytesOf views numbers as bytes. Linear memory is little-endian, as are the machines that
// this is built for.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func (m *module) makeRoom(b *env.Batch) {
	worlds := (b.N + m.spec.Agents - 1) / m.spec.Agents
	at, err := m.prepare.Call(m.ctx, uint64(worlds))
	if err != nil {
		m.fail(err)
	}
	table, ok := m.memory.Read(uint32(at[0]), 32)
	if !ok {
		m.fail(errors.New("it returned an address outside its memory"))
	}
	for i := range m.at {
		m.at[i] = binary.LittleEndian.Uint32(table[4*i:])
	}
	m.rows = worlds * m.spec.Agents
}
