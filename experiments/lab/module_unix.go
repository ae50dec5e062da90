//go:build unix

package lab

import (
	"context"
	"fmt"
	"syscall"
)

// become replaces the process by another program.
func become(_ context.Context, path string, args, env []string) error {
	if err := syscall.Exec(path, append([]string{path}, args...), env); err != nil {
		return lacking(fmt.Errorf("cannot start %s: %w", path, err))
	}
	return nil
}
