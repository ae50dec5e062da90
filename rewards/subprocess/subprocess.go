// Package subprocess lets programs in any language score transitions: a Python model, an
// annotator that asks a person or a language model. They are separate processes that read
// length-prefixed Protocol Buffers messages from standard input and write them to standard
// output, as reward.proto says; python/example.py is one in a hundred lines without any library.
//
// A process is for relabelling what was recorded, which may take its time. Batches are handed
// over by Submit and come back through Results, in any order; nothing waits for the slowest.
// Rewards that training waits for at every step belong into a Go module or package rewards/wasm.
//
//	p, err := subprocess.Start(ctx, spec, subprocess.Options{Command: []string{"python3", "my.py"}})
//	go func() {
//		for _, b := range batches {
//			p.Submit(b)
//		}
//		p.Done()
//	}()
//	for r := range p.Results() { ... }
//	err = p.Close()
package subprocess

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards"
)

// Options of a process.
type Options struct {
	Command []string      // the program and its arguments
	Dir     string        // folder to run it in; default: this one
	Start   time.Duration // longest time until it is ready; default a minute
	Batch   time.Duration // longest time that a Score waits; default ten minutes
}

// A Result is the scores of a batch.
type Result struct {
	ID     uint64 // as Submit returned it
	Reward []float32
	Err    error // why the program could not score the batch
}

// A Process is a running program that scores transitions.
type Process struct {
	o       Options
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	stderr  tail
	results chan Result
	next    atomic.Uint64
	write   sync.Mutex
	done    sync.Once

	mu      sync.Mutex
	waiting map[uint64]int // rows of the batches under way
	broken  error          // why nothing more is received
}

// Start starts the program and waits until it is ready to score transitions of an environment.
// Cancelling ctx kills it.
func Start(ctx context.Context, s *env.Spec, o Options) (*Process, error) {
	if len(o.Command) == 0 || o.Command[0] == "" {
		return nil, errors.New("reward subprocess: no command")
	}
	if o.Start == 0 {
		o.Start = time.Minute
	}
	if o.Batch == 0 {
		o.Batch = 10 * time.Minute
	}
	p := &Process{o: o, waiting: map[uint64]int{}, results: make(chan Result, 16)}
	p.cmd = exec.CommandContext(ctx, o.Command[0], o.Command[1:]...)
	p.cmd.Dir, p.cmd.Stderr = o.Dir, &p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, p.errorf("%w", err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, p.errorf("%w", err)
	}
	p.out = bufio.NewReaderSize(out, 1<<16)
	if err := p.cmd.Start(); err != nil {
		return nil, p.errorf("%w", err)
	}
	slow := time.AfterFunc(o.Start, func() { _ = p.cmd.Process.Kill() })
	err = p.greet(s)
	if !slow.Stop() && err != nil {
		err = fmt.Errorf("it was not ready within %v", o.Start)
	}
	if err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		return nil, p.errorf("%w%s", err, p.stderr.said())
	}
	go p.receive()
	return p, nil
}

func (p *Process) errorf(format string, args ...any) error {
	return fmt.Errorf("reward subprocess: %s: %w", strings.Join(p.o.Command, " "), fmt.Errorf(format, args...))
}

// greet exchanges Hello and Ready.
func (p *Process) greet(s *env.Spec) error {
	if err := writeFrame(p.in, hello(s)); err != nil {
		return fmt.Errorf("it does not read its input: %w", err)
	}
	m, err := readFrame(p.out)
	if errors.Is(err, io.EOF) {
		return errors.New("it ended before it was ready")
	}
	if err != nil {
		return err
	}
	return fields(m, func(num protowire.Number, data []byte, _ uint64) error {
		if num == 1 && len(data) > 0 {
			return errors.New(string(data))
		}
		return nil
	})
}

// Submit sends a batch, which is copied, and returns its number. It waits while the program is
// busy reading. It may be called by several goroutines.
func (p *Process) Submit(b *env.Batch) (id uint64, err error) {
	id = p.next.Add(1)
	p.mu.Lock()
	err = p.broken
	p.waiting[id] = b.N
	p.mu.Unlock()
	if err != nil {
		return 0, p.errorf("%w%s", err, p.stderr.said())
	}
	p.write.Lock()
	defer p.write.Unlock()
	if err := writeFrame(p.in, batchMessage(id, b)); err != nil {
		return 0, p.errorf("it stopped reading: %w%s", err, p.stderr.said())
	}
	return id, nil
}

// Done says that no more batches come. Results ends once the program has answered all.
func (p *Process) Done() { p.done.Do(func() { _ = p.in.Close() }) }

// Results returns the channel of results, which has to be read. It is closed when the program
// has answered everything after Done, or has failed, which Close tells.
func (p *Process) Results() <-chan Result { return p.results }

// receive reads scores until the program ends.
func (p *Process) receive() {
	defer close(p.results)
	for {
		m, err := readFrame(p.out)
		var r Result
		if err == nil {
			r, err = p.result(m)
		}
		if err != nil {
			p.mu.Lock()
			if left := len(p.waiting); !errors.Is(err, io.EOF) || left > 0 {
				if errors.Is(err, io.EOF) {
					err = fmt.Errorf("it ended with %d batches unanswered", left)
				}
				p.broken = err
			}
			p.mu.Unlock()
			return
		}
		p.results <- r
	}
}

func (p *Process) result(m []byte) (Result, error) {
	id, reward, problem, err := readScores(m)
	if err != nil {
		return Result{}, err
	}
	p.mu.Lock()
	n, known := p.waiting[id]
	delete(p.waiting, id)
	p.mu.Unlock()
	r := Result{ID: id, Reward: reward}
	switch {
	case !known:
		return r, fmt.Errorf("it answers batch %d, which it was not sent or has answered", id)
	case problem != "":
		r.Err = p.errorf("%s", problem)
	case len(reward) != n:
		r.Err = p.errorf("it returned %d scores for %d rows", len(reward), n)
	}
	for i, x := range reward {
		if !geom.Finite(x) && r.Err == nil {
			r.Err = p.errorf("row %d scores %v", i, x)
		}
	}
	return r, nil
}

// Close waits until the program ends, which it should after Done, and reports how it failed if
// it did. What it has not answered within ten seconds is lost.
func (p *Process) Close() error {
	p.Done()
	timer := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	for range p.results {
	}
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil { // its last words may come later than the end of its output
		err = p.broken
	}
	if err != nil {
		return p.errorf("%w%s", err, p.stderr.said())
	}
	return nil
}

// Func returns a reward that sends each batch to the program and waits for its answer, for tools
// that compare rewards. Results must not be read beside it. Its Score panics with an error if the
// program fails.
func (p *Process) Func() rewards.Func {
	return rewards.FuncOf(func(dst []float32, b *env.Batch) {
		if _, err := p.Submit(b); err != nil {
			panic(err)
		}
		timer := time.NewTimer(p.o.Batch)
		defer timer.Stop()
		select {
		case r, ok := <-p.results:
			if !ok {
				panic(p.Close())
			}
			if r.Err != nil {
				panic(r.Err)
			}
			copy(dst, r.Reward)
		case <-timer.C:
			_ = p.cmd.Process.Kill()
			panic(p.errorf("it took longer than %v", p.o.Batch))
		}
	})
}

// Serve is the other side, for rewards in Go: it reads a Hello and batches from r and writes
// scores to w until r ends. The reward is built for spec, which has to be that of the batches.
func Serve(r io.Reader, w io.Writer, spec *env.Spec, f rewards.Func) error {
	in, out := bufio.NewReaderSize(r, 1<<16), bufio.NewWriterSize(w, 1<<16)
	if _, err := readFrame(in); err != nil {
		return fmt.Errorf("reward subprocess: hello: %w", err)
	}
	if err := reply(out, nil); err != nil {
		return err
	}
	for {
		m, err := readFrame(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reward subprocess: %w", err)
		}
		id, b, err := readBatch(m, spec)
		if err != nil {
			return fmt.Errorf("reward subprocess: %w", err)
		}
		dst := make([]float32, b.N)
		f.Score(dst, b)
		if err := reply(out, scoresMessage(id, dst, "")); err != nil {
			return err
		}
	}
}

func reply(out *bufio.Writer, m []byte) error {
	err := writeFrame(out, m)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("reward subprocess: %w", err)
	}
	return nil
}

// tail keeps the end of what a program prints to standard error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps the last 2000 bytes.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-2000):]
	return len(p), nil
}

// said returns the last line, where programs say what went wrong.
func (t *tail) said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.text))
	if text == "" {
		return ""
	}
	return "; it said: " + text[strings.LastIndex(text, "\n")+1:]
}
