//go:build race

package physics

import "sync"

// pool is a sync.Pool that forgets nothing. When races are looked for, the real one forgets a part of
// what it is given, at random, so that steps would allocate.
type pool struct {
	New  func() any
	mu   sync.Mutex
	free []any
}

func (p *pool) Get() any {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return p.New()
	}
	x := p.free[n-1]
	p.free = p.free[:n-1]
	return x
}

func (p *pool) Put(x any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, x)
}
