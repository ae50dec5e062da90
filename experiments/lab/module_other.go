//go:build !unix

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// become runs another program in the place of this one, and exits as it does.
func become(ctx context.Context, path string, args, env []string) error {
	c := exec.CommandContext(ctx, path, args...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	c.Cancel = func() error { return nil } // it gets the interrupt too
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(exitDone)
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	}
	return lacking(fmt.Errorf("cannot start %s: %w", path, err))
}
