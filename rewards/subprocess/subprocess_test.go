package subprocess

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/rewards"
)

// TestMain is also the program of the tests: with HELPER set, it misbehaves as told.
func TestMain(m *testing.M) {
	how := os.Getenv("HELPER")
	if how == "" {
		os.Exit(m.Run())
	}
	spec := fastSpec()
	f := rewards.FuncOf(func(dst []float32, b *env.Batch) {
		switch how {
		case "nan":
			dst[0] = float32(math.NaN())
		case "exit":
			fmt.Fprintln(os.Stderr, "out of patience")
			os.Exit(7)
		case "hang":
			time.Sleep(time.Hour)
		default:
			copy(dst, b.Facts[:b.N])
		}
	})
	switch how {
	case "garbage":
		fmt.Println("hello, I am a program that prints")
	case "refuse":
		in := bufio.NewReader(os.Stdin)
		_, _ = readFrame(in)
		_ = writeFrame(os.Stdout, appendText(nil, 1, "I know no such world"))
	case "short":
		in := bufio.NewReader(os.Stdin)
		_, _ = readFrame(in)
		_ = writeFrame(os.Stdout, nil)
		m, _ := readFrame(in)
		id, _, _ := readBatch(m, spec)
		_ = writeFrame(os.Stdout, scoresMessage(id, []float32{1}, ""))
	case "reverse": // answers two batches the other way round
		in := bufio.NewReader(os.Stdin)
		_, _ = readFrame(in)
		_ = writeFrame(os.Stdout, nil)
		for range 2 {
			m1, _ := readFrame(in)
			m2, _ := readFrame(in)
			for _, m := range [][]byte{m2, m1} {
				id, b, _ := readBatch(m, spec)
				_ = writeFrame(os.Stdout, scoresMessage(id, b.Facts[:b.N], ""))
			}
		}
	default:
		if err := Serve(os.Stdin, os.Stdout, spec, f); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func fastSpec() *env.Spec {
	s, err := envtest.NewFast().Spec()
	if err != nil {
		panic(err)
	}
	return s
}

func helper(t *testing.T, how string) *Process {
	t.Helper()
	p, err := startHelper(t, how)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func startHelper(t *testing.T, how string) (*Process, error) {
	t.Setenv("HELPER", how)
	batch := time.Minute // on machines that are busy, answers take their time
	if how == "hang" {
		batch = 300 * time.Millisecond
	}
	return Start(context.Background(), fastSpec(), Options{Command: []string{os.Args[0]}, Start: time.Minute, Batch: batch})
}

func numbered(n int, from float32) *env.Batch {
	b := env.NewBatch(fastSpec(), n)
	for i := range b.Facts {
		b.Facts[i] = from + float32(i)
	}
	return b
}

// Batches come back by their number, in whatever order.
func TestAsynchronous(t *testing.T) {
	p := helper(t, "reverse")
	want := map[uint64]*env.Batch{}
	for i := range 4 {
		b := numbered(3+i, float32(100*i))
		id, err := p.Submit(b)
		if err != nil {
			t.Fatal(err)
		}
		want[id] = b
	}
	p.Done()
	var order []uint64
	for r := range p.Results() {
		order = append(order, r.ID)
		b := want[r.ID]
		if r.Err != nil || b == nil || len(r.Reward) != b.N || r.Reward[1] != b.Facts[1] {
			t.Errorf("result %+v of %+v", r, b)
		}
		delete(want, r.ID)
	}
	if len(want) != 0 || order[0] < order[1] {
		t.Errorf("order %v, unanswered %d", order, len(want))
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestMisbehaviour(t *testing.T) {
	for how, want := range map[string]string{
		"garbage": "malformed message",
		"refuse":  "I know no such world",
	} {
		if _, err := startHelper(t, how); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", how, err, want)
		}
	}
	for how, want := range map[string]string{
		"nan":   "row 0 scores NaN",
		"exit":  "unanswered; it said: out of patience",
		"hang":  "longer than 300ms",
		"short": "returned 1 scores for 3 rows",
	} {
		p := helper(t, how)
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %s", how, err, want)
				}
			}()
			p.Func().Score(make([]float32, 3), numbered(3, 0))
		}()
		_ = p.Close()
	}
	if _, err := Start(context.Background(), fastSpec(), Options{Command: []string{"./no-such-program"}}); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("missing program: %v", err)
	}
}

// TestPython runs the example against the same reward in Go.
func TestPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 on this system")
	}
	start := func(fact string) (*Process, error) {
		return Start(context.Background(), fastSpec(), Options{Command: []string{"python3", "python/example.py", fact}})
	}
	p, err := start("distance")
	if err != nil {
		t.Fatal(err)
	}
	b := numbered(200, -40)
	dst := make([]float32, b.N)
	p.Func().Score(dst, b)
	for i, x := range dst {
		d := float64(b.Facts[2*i])
		if want := 1 / (1 + d*d); math.Abs(float64(x)-want) > 1e-6 {
			t.Errorf("row %d scores %v, want %v", i, x, want)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := start("distanc"); err == nil || !strings.Contains(err.Error(), "no fact distanc") {
		t.Errorf("wrong fact: %v", err)
	}
}

// FuzzRead: no message makes the decoders panic or allocate without limit.
func FuzzRead(f *testing.F) {
	f.Add(batchMessage(3, numbered(2, 0)))
	f.Add(scoresMessage(9, []float32{1, 2}, ""))
	f.Add(hello(fastSpec()))
	f.Add([]byte{0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, m []byte) {
		_, _, _, _ = readScores(m)
		if id, b, err := readBatch(m, fastSpec()); err == nil {
			id2, b2, err := readBatch(batchMessage(id, b), fastSpec())
			if err != nil || id2 != id || b2.N != b.N {
				t.Errorf("a batch does not survive: %v", err)
			}
		}
		var frame bytes.Buffer
		if err := writeFrame(&frame, m); err != nil {
			t.Fatal(err)
		}
		back, err := readFrame(bufio.NewReader(&frame))
		if err != nil || !bytes.Equal(back, m) {
			t.Errorf("a frame does not survive: %v", err)
		}
		if _, err := readFrame(bufio.NewReader(bytes.NewReader(m))); err == nil && len(m) == 0 {
			t.Error("a frame of nothing")
		}
	})
}
