//go:build unix

package lab

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time of this process so far, all threads together, the garbage
// collector's included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("lab: getrusage: " + err.Error()) // fails for bad arguments only
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
