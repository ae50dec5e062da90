//go:build !linux

package papers

import "time"

// threadTime returns 0: it is not known here.
func threadTime() time.Duration { return 0 }
