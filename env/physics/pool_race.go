//go:build race

package physics

import "sync"

// pool is a sync.Pool that forgets nothing. When races are looked for, the real one forgets a part of
// what it is given, at random, so that steps would allocate. Like that one it is nothing that kernels know:
// its fields are of kinds that these leave out.
type pool struct {
	New  func() any
	mu   sync.Mutex
	free map[int]any // by number from 0 on
}

func (p *pool) Get() any {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return p.New()
	}
	x := p.free[n-1]
	delete(p.free, n-1)
	return x
}

func (p *pool) Put(x any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == nil {
		p.free = map[int]any{}
	}
	p.free[len(p.free)] = x
}
