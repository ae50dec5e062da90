package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"
)

// benchWatch says what is being measured: on a terminal in a line that changes, elsewhere now and then.
type benchWatch struct {
	ctx        context.Context
	w          io.Writer
	live       bool
	begun, all int // measurements
	said       time.Time
	width      int // of the line on the terminal
}

func newBenchWatch(ctx context.Context, w io.Writer, all int) *benchWatch {
	f, ok := w.(*os.File)
	return &benchWatch{ctx: ctx, w: w, all: all, live: ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())), said: time.Now()}
}

// begin says that a benchmark is measured. It is an error after an interrupt.
func (p *benchWatch) begin(b *benchmark, round int) error {
	if p.ctx.Err() != nil {
		return interrupted(errors.New("interrupted; what had been measured is printed"))
	}
	p.begun++
	line := fmt.Sprintf("round %d, %s: %s (%d of %d)", round, b.name, strings.ReplaceAll(b.metric, "_", " "), p.begun, p.all)
	switch {
	case p.live:
		p.erase()
		fmt.Fprint(p.w, line)
		p.width = len(line)
	case b.alone || time.Since(p.said) >= plainPause:
		p.said = time.Now()
		fmt.Fprintln(p.w, line)
	}
	return nil
}

func (p *benchWatch) erase() {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%*s\r", p.width, "")
	}
	p.width = 0
}

// benchOutput prints rows: JSON at once, a table when there are no more.
type benchOutput struct {
	w     io.Writer
	json  bool
	n     int
	table []BenchRow
}

func (o *benchOutput) add(rows []BenchRow) error {
	o.n += len(rows)
	if !o.json {
		o.table = append(o.table, rows...)
		return nil
	}
	for _, r := range rows {
		if err := printJSON(o.w, r); err != nil {
			return err
		}
	}
	return nil
}

// end prints what is left to print.
func (o *benchOutput) end() error {
	device := engineDevice()
	if o.json {
		return printJSON(o.w, map[string]any{"summary": map[string]any{"benchmarks": o.n, "cpu": cpuModel(), "device": device, "version": programVersion()}})
	}
	if o.n == 0 {
		return nil
	}
	if device != "" {
		fmt.Fprintln(o.w, "device:", device)
	}
	t := tabwriter.NewWriter(o.w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "name\tengine\tworlds\tworkers\tmedian\tof rounds\tratio\t  measures\n")
	for _, r := range o.table {
		ratio, measures := "", strings.ReplaceAll(r.Metric, "_", " ")
		if r.Steps > 0 {
			measures += fmt.Sprintf(", %s at a time", plural(r.Steps, "step"))
		}
		if r.Ratio != 0 {
			ratio = fmt.Sprintf("%.2fx", r.Ratio)
			vs, metric, _ := strings.Cut(r.Vs, " ")
			if measures += "; ratio to " + vs; metric != r.Metric {
				measures += ", " + strings.ReplaceAll(metric, "_", " ")
			}
		}
		if r.LeftOut != "" {
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t-\t-\t-\t  %s: left out: %s\n", r.Name, r.Engine, r.Worlds, r.Workers, r.Metric, r.LeftOut)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s-%s\t%s\t  %s\n", r.Name, r.Engine, r.Worlds, r.Workers,
			short(r.Value), short(r.Lo), short(r.Hi), ratio, measures)
	}
	return t.Flush()
}
