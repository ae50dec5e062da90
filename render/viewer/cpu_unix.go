//go:build viewer && unix

package main

import (
	"syscall"
	"time"
)

// cpuTime returns the time that processors have spent on this program.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
