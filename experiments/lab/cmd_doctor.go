package lab

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/experiments/modules"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { commands = append(commands, doctorCommand, versionCommand) }

// A Finding is what the doctor says about one thing.
type Finding struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok, missing or note
	Value  string `json:"value"`
	Remedy string `json:"remedy,omitempty"` // how to get what is missing
}

func doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this build and this machine offer, and how to get what is missing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := diagnose()
			w := cmd.OutOrStdout()
			if !asJSON {
				printFindings(w, findings)
				return nil
			}
			missing := 0
			for _, f := range findings {
				if f.State == "missing" {
					missing++
				}
				if err := printJSON(w, f); err != nil {
					return err
				}
			}
			return printJSON(w, map[string]any{"summary": map[string]int{"findings": len(findings), "missing": missing}})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line, the last one a summary")
	return c
}

func printFindings(w io.Writer, findings []Finding) {
	for _, f := range findings {
		mark := map[string]string{"ok": "✓", "missing": "✗", "note": "·"}[f.State]
		fmt.Fprintf(w, "%s %-14s %s\n", mark, f.Name, f.Value)
		if f.Remedy != "" {
			fmt.Fprintf(w, "  %-14s %s\n", "", f.Remedy)
		}
	}
}

// diagnose looks at everything. Training needs none of what may be missing.
func diagnose() []Finding {
	p, err := newProvenance()
	if err != nil {
		return []Finding{{"program", "missing", err.Error(), ""}}
	}
	findings := []Finding{
		{"terrarium", "ok", programVersion(), ""},
		{"Go", "ok", fmt.Sprintf("%s, %s/%s", p.Go, p.OS, p.Arch), ""},
		{"processor", "ok", fmt.Sprintf("%s, %s, %s", p.CPU, plural(p.CPUs, "CPU"), orNone(strings.Join(p.Features, " "))), ""},
		kernelFinding(),
		engineFinding(),
		otherFinding(),
		{"registered", "ok", fmt.Sprintf("%s, %s, %s, %s", plural(len(env.Names()), "environment"),
			plural(len(agents.Names()), "agent"), plural(len(rewards.Names()), "reward"), plural(len(configs.Names()), "experiment")), ""},
		folderFinding(),
	}
	return append(findings, vulkanFinding(), displayFinding(), ffmpegFinding())
}

func kernelFinding() Finding {
	f := Finding{"networks", "ok", fmt.Sprintf("kernel %s, of %s", nn.Kernel(), strings.Join(nn.Kernels(), ", ")), ""}
	if nn.Kernel() != "blas" {
		return f
	}
	f.State = "note"
	built := strings.Contains(buildSetting("GOEXPERIMENT"), "simd")
	switch {
	case runtime.GOARCH != "amd64":
		f.Remedy = "SIMD kernels exist for amd64 only so far"
	case !built:
		f.Remedy = "3 times faster with SIMD: build with GOEXPERIMENT=simd and Go 1.26 or newer"
	case os.Getenv("TERRARIUM_KERNEL") != "":
		f.Remedy = "chosen by TERRARIUM_KERNEL"
	default:
		f.Remedy = "SIMD is built in, but this processor lacks AVX2 with FMA"
	}
	return f
}

func buildSetting(key string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
	}
	return ""
}

// folderFinding checks that results can be written where run puts them.
func folderFinding() Finding {
	f, err := os.CreateTemp(".", ".terrarium-*")
	if err != nil {
		return Finding{"folder", "missing", err.Error(), "go to a folder you may write to, or use --out"}
	}
	f.Close()
	os.Remove(f.Name())
	return Finding{"folder", "ok", "results can be written here, in runs/", ""}
}

func displayFinding() Finding {
	if slices.Contains([]string{"windows", "darwin"}, runtime.GOOS) {
		return Finding{"display", "ok", "of the system; only the viewer needs it", ""}
	}
	for _, key := range []string{"WAYLAND_DISPLAY", "DISPLAY"} {
		if v := os.Getenv(key); v != "" {
			return Finding{"display", "ok", key + "=" + v + "; only the viewer needs it", ""}
		}
	}
	return Finding{"display", "note", "none; only the viewer needs one", "pictures and films need none: terrarium record DIR -o film.gif"}
}

func ffmpegFinding() Finding {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return Finding{"ffmpeg", "missing", "not found; only films as MP4 or WebM need it, GIF and PNG do not",
			"on Debian and Ubuntu: sudo apt-get install ffmpeg"}
	}
	return Finding{"ffmpeg", "ok", path, ""}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "terrarium %s\n", programVersion())
			for _, b := range modules.Built {
				if l, ok := modules.Providing(b.Path); ok && b.Path != modules.Terrarium {
					fmt.Fprintf(w, "with %s\t%s\t%s\n", b.Path, l.Version, l.Sum)
				}
			}
			return w.Flush()
		},
	}
}

// programVersion is the version of Terrarium, or the revision of a development build.
func programVersion() string {
	l, _ := modules.Providing(modules.Terrarium)
	v := l.Version
	if v == "" || v == "(devel)" {
		v = "development build"
	}
	if r := buildSetting("vcs.revision"); len(r) >= 12 && !strings.Contains(v, r[:12]) {
		v += " " + r[:12]
	}
	if e := buildSetting("GOEXPERIMENT"); e != "" {
		v += ", GOEXPERIMENT=" + e
	}
	return v + ", " + runtime.Version()
}
