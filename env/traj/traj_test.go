package traj_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/env/traj"
)

// drive steps a Vec with random pushes and calls done with every recorded episode of world w.
func drive(t testing.TB, v env.Vec, r *traj.Recorder, from, to int, done func(*traj.Episode)) {
	t.Helper()
	b := env.NewBatch(v.Spec(), v.Len())
	for i := from; i < to; i++ {
		r.Begin()
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		r.Observed(b)
		for j := range b.Act {
			s := rng.New(9).Stream(1, uint32(j), uint32(i))
			b.Act[j] = float32(s.IntN(2))
		}
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		if ep := r.Stepped(b); ep != nil {
			ep.Step = int64(i + 1)
			done(ep)
		}
	}
}

func open(t testing.TB) (env.Vec, *traj.Recorder) {
	t.Helper()
	c := cartpole.New()
	v, err := env.NewVec(c, env.VecOptions{Worlds: 3, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	v.Reset(5)
	o, err := traj.OriginOf(c, "train", 5)
	if err != nil {
		t.Fatal(err)
	}
	r, err := traj.NewRecorder(v, 1, o)
	if err != nil {
		t.Fatal(err)
	}
	return v, r
}

// episodes records some episodes, each by way of its file form.
func episodes(t testing.TB) (eps []*traj.Episode) {
	v, r := open(t)
	drive(t, v, r, 0, 200, func(e *traj.Episode) {
		data, err := e.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		back := new(traj.Episode)
		if err := back.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if back.Len() != e.Len() || back.Number != uint64(len(eps)) || back.Last != env.Terminated {
			t.Fatalf("episode %d: %d steps, number %d, end %v, want %d steps", len(eps), back.Len(), back.Number, back.Last, e.Len())
		}
		eps = append(eps, back)
	})
	if len(eps) < 4 {
		t.Fatalf("%d episodes in 200 steps", len(eps))
	}
	return eps
}

func TestVerify(t *testing.T) {
	eps := episodes(t)
	var want int64
	for _, e := range eps {
		want += int64(e.Len())
	}
	for _, workers := range []int{1, 2, 3, 7} {
		steps, d, err := traj.Verify(eps, workers)
		if steps != want || d != nil || err != nil {
			t.Errorf("%d workers: %d steps, %v, %v; want %d steps", workers, steps, d, err, want)
		}
	}
}

func TestVerifyNamesTheFirstDivergence(t *testing.T) {
	long := -1
	eps := episodes(t)
	for i, e := range eps {
		if len(e.Hashes) > 0 {
			long = i
		}
	}
	if long < 1 {
		t.Fatal("no episode is long enough for a state hash")
	}
	for _, c := range []struct {
		name   string
		change func(*traj.Episode)
		want   string
	}{
		{"observation", func(e *traj.Episode) { e.Obs[4*3+2] += 1 }, `step 3: observation "angle": recorded`},
		{"first observation", func(e *traj.Episode) { e.Obs[0] += 1 }, `step 0: observation`},
		{"fact", func(e *traj.Episode) { e.Facts[2*len(e.Facts)/e.Len()] += 1 }, `step 3: fact`},
		{"reward", func(e *traj.Episode) { e.Reward[4] = 7 }, `step 5: reward: recorded 7, replayed 1`},
		{"action", func(e *traj.Episode) { e.Act[4] = 1 - e.Act[4] }, `step 5: observation`},
		{"end", func(e *traj.Episode) { e.Last = env.Truncated }, `end: recorded 2, replayed 1`},
		{"state", func(e *traj.Episode) { e.Hashes[0]++ }, `step 16: state: recorded `},
	} {
		eps := episodes(t)
		c.change(eps[long])
		_, d, err := traj.Verify(eps, 2)
		if err != nil || d == nil || d.Episode != long || !strings.Contains(d.String(), c.want) {
			t.Errorf("%s: %v, %v; want episode %d, %s", c.name, d, err, long, c.want)
		}
	}
}

func TestRecorderResumes(t *testing.T) {
	var whole, parts []*traj.Episode
	keep := func(eps *[]*traj.Episode) func(*traj.Episode) {
		return func(e *traj.Episode) {
			data, _ := e.AppendBinary(nil)
			c := new(traj.Episode)
			if err := c.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			*eps = append(*eps, c)
		}
	}
	v, r := open(t)
	var states [][]byte
	for at := range 120 {
		drive(t, v, r, at, at+1, keep(&whole))
		state, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, state)
	}

	v, r = open(t)
	for at := range 120 {
		drive(t, v, r, at, at+1, keep(&parts))
		state, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(state, states[at]) {
			t.Fatalf("after %d steps in parts the recorder differs from one that watched them in one go", at+1)
		}
		// Another recorder watches the same worlds from here on.
		fresh, err := traj.NewRecorder(v, 1, traj.Origin{Env: cartpole.ID, Options: whole[0].Options, Purpose: "train", Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		if err := fresh.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		r = fresh
	}
	if !reflect.DeepEqual(whole, parts) {
		t.Errorf("%d episodes recorded in parts differ from %d recorded in one go", len(parts), len(whole))
	}
}

func TestFile(t *testing.T) {
	e := episodes(t)[0]
	path := filepath.Join(t.TempDir(), "x.replay")
	if err := e.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := traj.Load(path)
	if err != nil || !reflect.DeepEqual(e, back) {
		t.Fatalf("loaded %+v, %v", back, err)
	}
	data, _ := os.ReadFile(path)
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"truncated", data[:len(data)-7], traj.ErrDamaged},
		{"empty", nil, traj.ErrDamaged},
		{"flipped", append(append([]byte{}, data[:100]...), append([]byte{data[100] ^ 4}, data[101:]...)...), traj.ErrDamaged},
		{"newer", append([]byte("TERRPLAY\x02"), data[9:]...), traj.ErrVersion},
		{"other", []byte("PK\x03\x04 this is some other file, long enough"), traj.ErrDamaged},
	} {
		os.WriteFile(path, c.data, 0o666)
		if _, err := traj.Load(path); !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %v naming the file", c.name, err, c.want)
		}
	}
	if err := e.Save(filepath.Join(path, "under-a-file")); err == nil {
		t.Error("saved below a file")
	}
}

func TestForeignEpisode(t *testing.T) {
	for name, change := range map[string]func(*traj.Episode){
		"unknown environment":      func(e *traj.Episode) { e.Env = "cartpol-v0" },
		"recorded options":         func(e *traj.Episode) { e.Options = []byte(`{"wheels":4}`) },
		"have other widths":        func(e *traj.Episode) { e.Act = e.Act[1:] },
		"level has 0 parameters":   func(e *traj.Episode) { e.Level.Params = nil },
		"malformed state of 1 byt": func(e *traj.Episode) { e.Start = []byte{0} },
	} {
		e := episodes(t)[0]
		change(e)
		if _, err := e.Open(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

func FuzzEpisode(f *testing.F) {
	data, err := episodes(f)[0].AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		var e traj.Episode
		// Most inputs die at the checksum, so the rest of the decoder is reached through a right one.
		for _, d := range [][]byte{data, traj.WithChecksum(data)} {
			if e.UnmarshalBinary(d) != nil {
				continue
			}
			again, err := e.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			var e2 traj.Episode
			if err := e2.UnmarshalBinary(again); err != nil {
				t.Fatalf("cannot read what it wrote: %v", err)
			}
			if v, err := e.Open(); err == nil {
				v.Close()
			}
		}
	})
}

func ExampleRecorder() {
	c := cartpole.New()
	v, _ := env.NewVec(c, env.VecOptions{Worlds: 1})
	defer v.Close()
	v.Reset(1)
	origin, _ := traj.OriginOf(c, "train", 1)
	r, _ := traj.NewRecorder(v, 0, origin)
	b := env.NewBatch(v.Spec(), 1)
	for {
		r.Begin()
		v.Observe(b)
		r.Observed(b)
		b.Act[0] = 1 // always push right
		v.Step(b)
		if ep := r.Stepped(b); ep != nil {
			_, divergence, err := traj.Verify([]*traj.Episode{ep}, 1)
			fmt.Println(ep.Last, ep.Return() == float64(ep.Len()), divergence == nil, err)
			return
		}
	}
	// Output: terminated true true <nil>
}
