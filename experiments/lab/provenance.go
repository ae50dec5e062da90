package lab

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
)

const provenanceFile = "provenance.json"

// A Provenance says what made a run, for others to make it again.
type Provenance struct {
	Program    string            `json:"program"` // SHA-256 of the executable
	Main       Module            `json:"main"`
	Modules    []Module          `json:"modules"`
	Build      map[string]string `json:"build"` // settings, such as GOEXPERIMENT and vcs.revision
	Go         string            `json:"go"`
	OS         string            `json:"os"`
	Arch       string            `json:"arch"`
	CPU        string            `json:"cpu"`
	CPUs       int               `json:"cpus"`
	Features   []string          `json:"cpu_features"`
	Kernel     string            `json:"kernel"` // of the networks
	Engine     string            `json:"engine"` // of the worlds
	Host       string            `json:"host"`
	Experiment string            `json:"experiment"`
	Seeds      []uint64          `json:"seeds"`
	Rewards    []RewardOrigin    `json:"rewards"`
	Started    time.Time         `json:"started"`
	Command    []string          `json:"command"`
	Resumed    []Resumption      `json:"resumed,omitempty"`
}

// A Module is a Go module that is part of the program.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum,omitempty"`
}

// A Resumption says when a run went on, and whether by another program.
type Resumption struct {
	At      time.Time `json:"at"`
	Program string    `json:"program"`
	Kernel  string    `json:"kernel"`
	Forced  bool      `json:"forced,omitempty"` // --force made it go on although it differs

	Rewards []RewardOrigin `json:"rewards,omitempty"` // from then on, where it was forced
}

// newProvenance describes this program on this machine.
func newProvenance() (*Provenance, error) {
	program, err := programHash()
	if err != nil {
		return nil, err
	}
	p := &Provenance{
		Program: program, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPU: cpuModel(), CPUs: runtime.NumCPU(), Features: cpuFeatures(), Kernel: nn.Kernel(), Engine: env.Engine(),
		Build: map[string]string{}, Modules: []Module{},
	}
	if host, err := os.Hostname(); err == nil {
		p.Host = host
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		p.Main = module(&info.Main)
		for _, d := range info.Deps {
			p.Modules = append(p.Modules, module(d))
		}
		for _, s := range info.Settings {
			if s.Value != "" {
				p.Build[s.Key] = s.Value
			}
		}
	}
	return p, nil
}

func module(m *debug.Module) Module {
	if m.Replace != nil {
		return Module{m.Path + " => " + m.Replace.Path, m.Replace.Version, m.Replace.Sum}
	}
	return Module{m.Path, m.Version, m.Sum}
}

// programHash returns the SHA-256 of the running executable. Build information alone does not
// tell two builds of a changed working tree apart.
var programHash = sync.OnceValues(func() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", lacking(fmt.Errorf("cannot find the running program: %w", err))
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
})

func (p *Provenance) write(dir string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("provenance: %w", err)
	}
	return writeFileAtomic(filepath.Join(dir, provenanceFile), append(text, '\n'))
}

func readProvenance(dir string) (*Provenance, error) {
	path := filepath.Join(dir, provenanceFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := new(Provenance)
	if err := json.Unmarshal(text, p); err != nil {
		return nil, lacking(fmt.Errorf("%s is damaged: %w", path, err))
	}
	return p, nil
}

// differs says in what way now, this program here, is not the one that began p; "" if it is.
func (p *Provenance) differs(now *Provenance) string {
	if rounding(p.Kernel) != rounding(now.Kernel) {
		return fmt.Sprintf("it computes with kernel %s, the run with %s", now.Kernel, p.Kernel)
	}
	if p.Program == now.Program {
		return ""
	}
	if p.Go != now.Go {
		return fmt.Sprintf("it was built by %s, the run's by %s", now.Go, p.Go)
	}
	was := map[string]Module{}
	for _, m := range p.Modules {
		was[m.Path] = m
	}
	for _, m := range now.Modules {
		if was[m.Path] != m {
			return fmt.Sprintf("it has module %s %s, the run's %s", m.Path, m.Version, orNone(was[m.Path].Version))
		}
	}
	for _, key := range []string{"vcs.revision", "GOEXPERIMENT", "GOAMD64", "-tags"} {
		if p.Build[key] != now.Build[key] {
			return fmt.Sprintf("its %s is %s, the run's %s", key, orNone(now.Build[key]), orNone(p.Build[key]))
		}
	}
	return fmt.Sprintf("its SHA-256 is %.12s..., the run's %.12s...", now.Program, p.Program)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// cpuModel returns the name of the processor where the system tells it.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// rounding names the kernels that give the same bits as the given one: the SIMD kernels do.
func rounding(kernel string) string { return strings.TrimRight(kernel, "0123456789") }

// cpuFeatures lists the vector extensions that matter to the kernels.
func cpuFeatures() []string {
	found := []string{}
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"sse4.1", cpu.X86.HasSSE41}, {"avx", cpu.X86.HasAVX}, {"avx2", cpu.X86.HasAVX2}, {"fma", cpu.X86.HasFMA},
		{"avx512f", cpu.X86.HasAVX512F}, {"avx512bw", cpu.X86.HasAVX512BW}, {"avx512dq", cpu.X86.HasAVX512DQ},
		{"avx512vl", cpu.X86.HasAVX512VL}, {"asimd", cpu.ARM64.HasASIMD}, {"sve", cpu.ARM64.HasSVE},
	} {
		if f.has {
			found = append(found, f.name)
		}
	}
	return found
}
