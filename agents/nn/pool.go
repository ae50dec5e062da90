package nn

import (
	"runtime"
	"sync/atomic"

	"github.com/terrarium-rl/terrarium/env/relay"
)

// A Pool runs the parts of a task on a fixed set of goroutines. It allocates nothing per call.
// Its methods must not be called by several goroutines at once.
type Pool struct {
	*team
}

// team is what the goroutines hold, so that a forgotten Pool can be collected and stop them.
type team struct {
	workers int
	task    func(worker, i int)
	n       int64
	next    atomic.Int64
	wake    []*relay.Flag // of workers 1, 2, ...; worker 0 is the caller
	closed  atomic.Bool
	done    relay.Count
}

// NewPool returns a pool of the given number of workers, of which the calling goroutine of Do is
// one. Fewer than 1 counts as 1.
func NewPool(workers int) *Pool {
	t := &team{workers: max(workers, 1)}
	for w := 1; w < t.workers; w++ {
		f := relay.New()
		t.wake = append(t.wake, f)
		go t.work(w, f)
	}
	p := &Pool{t}
	runtime.AddCleanup(p, (*team).stop, t)
	return p
}

// Workers returns the number of workers.
func (p *Pool) Workers() int { return p.workers }

// Do calls task(worker, i) once for each i of 0 to n-1 and returns when all have returned. Calls
// with the same worker number, of 0 to Workers()-1, do not overlap; which worker takes which i
// differs from run to run, so results must not depend on it. Make task once and keep it: a
// function literal that captures variables is allocated where it stands.
func (p *Pool) Do(n int, task func(worker, i int)) {
	t := p.team
	helpers := min(t.workers, n) - 1
	if helpers < 1 {
		for i := range n {
			task(0, i)
		}
		return
	}
	t.task, t.n = task, int64(n)
	t.next.Store(0)
	t.done.Begin(helpers)
	for _, f := range t.wake[:helpers] {
		f.Raise()
	}
	t.take(0)
	t.done.Wait()
	t.task = nil
}

// Close ends the goroutines of the pool. It must not be used afterwards.
func (p *Pool) Close() { p.stop() }

func (t *team) stop() {
	t.closed.Store(true)
	for _, f := range t.wake {
		f.Raise()
	}
	t.wake = nil
}

func (t *team) work(worker int, wake *relay.Flag) {
	for {
		wake.Wait()
		if t.closed.Load() {
			return
		}
		t.take(worker)
		t.done.Done()
	}
}

func (t *team) take(worker int) {
	for {
		i := t.next.Add(1) - 1
		if i >= t.n {
			return
		}
		t.task(worker, int(i))
	}
}
