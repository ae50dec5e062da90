package lab

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/experiments/modules"
)

func init() { commands = append(commands, buildCommand) }

func buildCommand() *cobra.Command {
	var with []string
	var out, source string
	var quiet bool
	c := &cobra.Command{
		Use:   "build --with MODULE[@VERSION][=DIR]... -o FILE",
		Short: "Compile a terrarium with other modules in it",
		Long: `Compile a terrarium that has rewards, tasks, agents or bonuses of other Go modules in it.
Needs the go command; its settings hold, such as GOOS, GOARCH, GOPRIVATE, GOPROXY and GOFLAGS.

A module is example.com/me/reward@v0.3.0, or a folder, ./reward, or a folder in the place of a
module that others require, example.com/me/lib=../lib. Replace lines in the go.mod of folders
are obeyed. Which Terrarium: this program's own, or --with ` + modules.Terrarium + `=DIR.

Offline: GOPROXY=off uses what was downloaded before. Private modules: GOPRIVATE=example.com/*.
Vendored: --source DIR keeps the program's source; there, go mod vendor and
CGO_ENABLED=0 go build.`,
		Example: `  terrarium build --with example.com/me/reward@v0.3.0 -o terrarium-me
  terrarium build --with ./reward --with example.com/you/task -o terrarium-me
  GOOS=windows terrarium build --with ./reward -o terrarium.exe`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(with) == 0 {
				return errors.New("build needs a module: --with example.com/me/reward@v0.3.0, or a folder, --with ./reward")
			}
			if out == "" && source == "" {
				return errors.New("build needs a file to write: -o FILE (or --source DIR to have the source alone)")
			}
			b := modules.Builder{Out: out, Source: source}
			for _, w := range with {
				s, err := modules.ParseSource(w, ".")
				if err != nil {
					return fmt.Errorf("--with: %w", err)
				}
				b.With = append(b.With, s)
			}
			if !quiet {
				b.Log = cmd.ErrOrStderr()
			}
			if err := b.Build(cmd.Context()); err != nil {
				return explained(err)
			}
			return built(cmd.OutOrStdout(), b.Out, source)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&with, "with", nil, "module to compile in: PATH, PATH@VERSION, PATH=DIR or ./DIR; any number of times")
	f.StringVarP(&out, "output", "o", "", "file to write")
	f.StringVar(&source, "source", "", "folder in which to keep the program's main.go and go.mod")
	f.BoolVarP(&quiet, "quiet", "q", false, "say nothing about the steps")
	return c
}

func built(w io.Writer, out, source string) error {
	var err error
	if source != "" {
		_, err = fmt.Fprintf(w, "source in %s\n", source)
	}
	if out != "" && err == nil {
		_, err = fmt.Fprintf(w, "built %s\n", out)
	}
	return err
}
