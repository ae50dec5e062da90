//go:build !unix

package lab

import "time"

var processStart = time.Now()

// cpuTime returns wall time, where the system does not tell the processor time in this way.
func cpuTime() time.Duration { return time.Since(processStart) }
