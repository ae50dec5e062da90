package qdtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

// list is the simplest archive: it keeps everything. A fault makes it break one rule.
type list struct {
	fault string
	elite []qd.Elite
	adds  int
}

func (l *list) Len() int             { return len(l.elite) }
func (l *list) Elite(i int) qd.Elite { return l.elite[i] }

func (l *list) Add(b *qd.Batch) error {
	n, m := len(b.Sol)/b.N, len(b.Measures)/b.N
	if l.fault != "accepts NaN" {
		g, _ := qd.NewGrid([]int{1, 1}, [][2]float32{{-1, 1}, {-1, 1}})
		probe, _ := qd.NewCells(g, 4, qd.CellOptions{})
		c := clone(b)
		if err := probe.Add(c); err != nil {
			return err
		}
	}
	l.adds++
	for i := range b.N {
		keep := func(x []float32) []float32 {
			if l.fault == "retains the batch" {
				return x
			}
			return append([]float32(nil), x...)
		}
		b.Status[i], b.Gain[i] = qd.New, b.Objective[i]
		if l.fault == "is silent" {
			b.Status[i] = 77
		}
		l.elite = append(l.elite, qd.Elite{Sol: keep(b.Sol[i*n : (i+1)*n]), Objective: b.Objective[i], Measures: keep(b.Measures[i*m : (i+1)*m])})
	}
	switch {
	case l.fault == "changes the batch":
		b.Sol[0]++
	case l.fault == "keeps twice":
		l.elite = append(l.elite, l.elite[0])
	case l.fault == "does not repeat" && l.adds == 3:
		instances++
		l.elite[0].Objective += float32(instances)
	}
	return nil
}

var instances int

// walker proposes random points. A fault makes it break one rule.
type walker struct {
	fault string
	asked uint64
}

func (w *walker) Ask(b *qd.Batch, a qd.Archive, k rng.Key) {
	w.asked++
	if w.fault == "own randomness" {
		instances++
		k = rng.New(uint64(instances))
	}
	r := k.Stream(0, 0, 0)
	for i := range b.Sol {
		if w.fault == "leaves rows out" && i == 17 {
			continue
		}
		b.Sol[i] = r.Norm()
		if w.fault == "stands still" {
			b.Sol[i] = 0
		}
	}
	if w.fault == "forgets when loaded" {
		b.Sol[0] = float32(w.asked)
	}
	if w.fault == "changes the archive" && a.Len() > 0 {
		a.Elite(0).Sol[0]++
	}
}

func (w *walker) Tell(b *qd.Batch, _ qd.Archive, _ rng.Key) {
	if w.fault == "changes the told" {
		b.Gain[0]++
	}
}

func (w *walker) AppendBinary(dst []byte) ([]byte, error) { return append(dst, 1), nil }

func (w *walker) UnmarshalBinary(data []byte) error {
	if len(data) != 1 {
		return os.ErrInvalid
	}
	return nil
}

var archiveFaults = map[string]string{
	"": "", "accepts NaN": "Add accepted", "retains the batch": "never offered", "is silent": "has to write both",
	"changes the batch": "Add changed", "keeps twice": "there twice", "does not repeat": "two equal archives differ",
}

var emitterFaults = map[string]string{
	"": "", "own randomness": "two equal emitters", "leaves rows out": "is NaN", "stands still": "does not explore",
	"forgets when loaded": "two equal emitters", "changes the archive": "Ask changed the archive", "changes the told": "Tell changed",
}

// TestFault runs the suite on what the variables ask for, within TestFaults.
func TestFault(t *testing.T) {
	kind, fault := os.Getenv("QDTEST_KIND"), os.Getenv("QDTEST_FAULT")
	switch kind {
	case "archive":
		Archive(t, 4, 2, func() qd.Archive { return &list{fault: fault} })
	case "emitter":
		Emitter(t, 4, func() qd.Emitter { return &walker{fault: fault} })
	}
}

// TestFaults checks that what keeps the contract passes, and that each fault is found and named.
func TestFaults(t *testing.T) {
	for kind, faults := range map[string]map[string]string{"archive": archiveFaults, "emitter": emitterFaults} {
		for fault, want := range faults {
			c := exec.Command(os.Args[0], "-test.run", "^TestFault$")
			c.Env = append(os.Environ(), "QDTEST_KIND="+kind, "QDTEST_FAULT="+fault)
			out, err := c.CombinedOutput()
			if (err == nil) != (want == "") || !strings.Contains(string(out), want) {
				t.Errorf("%s that %q: %v, want %q in\n%s", kind, fault, err, want, out)
			}
		}
	}
}
