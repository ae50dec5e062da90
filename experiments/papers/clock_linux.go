package papers

import (
	"syscall"
	"time"
)

// threadTime returns how long the calling thread has kept a processor busy.
func threadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD, see getrusage(2)
	var u syscall.Rusage
	if syscall.Getrusage(thread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
