//go:build !race

package physics

import "sync"

// pool keeps what goroutines take and put back.
type pool = sync.Pool
