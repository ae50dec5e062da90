package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/experiments/web"
	"github.com/terrarium-rl/terrarium/experiments/web/compare"
	"github.com/terrarium-rl/terrarium/experiments/web/watch"
)

func init() { commands = append(commands, serveCommand) }

// viewerFile is the viewer for browsers; beside it lie the page and the script that start it.
const viewerFile = "viewer.wasm"

func serveCommand() *cobra.Command {
	address, viewer := "127.0.0.1:0", ""
	c := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Show runs on a web page of this machine, while they train and afterwards",
		Long: `Show the runs of a folder, or one run, on a web page of this machine: curves that grow, recorded
episodes, what the policy does now, reports. Episodes are simulated again from their actions; there
are no video files.

Where the viewer for browsers has been built (make wasm), it opens the same episodes with all of its
overlays. The address that is printed holds a key: whoever has it may look.`,
		Example: `  terrarium serve
  terrarium serve runs/lander
  ssh -L 8080:127.0.0.1:8080 host terrarium serve runs --address 127.0.0.1:8080`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "runs"
			if len(args) > 0 {
				dir = args[0]
			}
			if viewer == "" {
				viewer = besideProgram()
			} else if _, err := os.Stat(filepath.Join(viewer, viewerFile)); err != nil {
				return fmt.Errorf("--viewer: %w", err)
			}
			return serve(cmd.Context(), cmd.OutOrStdout(), dir, address, viewer)
		},
	}
	f := c.Flags()
	f.StringVar(&address, "address", address, "host and port of this machine; port 0 takes a free one")
	f.StringVar(&viewer, "viewer", "", "folder of the viewer for browsers (default: web beside this program)")
	return c
}

// besideProgram returns the folder of the viewer for browsers that was built with this program, or "".
func besideProgram() string {
	program, err := os.Executable()
	if err != nil {
		return ""
	}
	dir := filepath.Join(filepath.Dir(program), "web")
	if _, err := os.Stat(filepath.Join(dir, viewerFile)); err != nil {
		return ""
	}
	return dir
}

func serve(ctx context.Context, w io.Writer, dir, address, viewer string) (failure error) {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("serve: %s is not a folder", dir)
	}
	s, err := web.Listen(address)
	if err != nil {
		return err
	}
	g := &gallery{dir: dir, viewer: viewer}
	s.Files(watch.Files())
	if err := g.mount(s); err != nil {
		return errors.Join(err, s.Close())
	}
	desks, err := desksOf(dir) // of a run that asks people
	if err != nil {
		return errors.Join(err, s.Close())
	}
	fmt.Fprintf(w, "open %s\n", s.URL())
	if len(desks) > 0 {
		p, done, err := openDesks(desks)
		if err != nil {
			return errors.Join(err, s.Close())
		}
		defer func() { failure = errors.Join(failure, done()) }()
		if err := p.Mount(s); err != nil {
			return errors.Join(err, s.Close())
		}
		fmt.Fprintf(w, "compare: %s%s\n", s.URL(), compare.Path)
	}
	if viewer == "" {
		fmt.Fprintln(w, "films play; for the viewer in the browser, build it: make wasm")
	}
	fmt.Fprintln(w, "Ctrl-C ends")
	return s.Serve(ctx)
}
