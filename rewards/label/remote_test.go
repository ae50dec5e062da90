package label_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	. "github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/llm"
)

var remoteSpec = &env.Spec{
	ID: "toy-v0", Doc: "Be large.", Dt: 0.5,
	Facts: []env.Field{{Name: "size", Len: 1, Unit: "m", Doc: "how large"}, {Name: "pair", Len: 2}},
}

// judge answers by the mean of the fact size in the caption; it is late, and says what status says.
func judge(t *testing.T, asked *atomic.Int32, status int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if status != http.StatusOK {
			http.Error(w, "no", status)
			return
		}
		var in struct{ Messages []llm.Message }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		_, text, _ := strings.Cut(in.Messages[1].Content, "FIRST:")
		first, second, _ := strings.Cut(text, "SECOND:")
		size := func(s string) (x float64) {
			_, s, _ = strings.Cut(s, "size: mean ")
			if _, err := fmt.Sscanf(s, "%g", &x); err != nil {
				t.Error(err, s)
			}
			return x
		}
		word := "SECOND."
		if size(first) > size(second) {
			word = "It is the FIRST."
		}
		time.Sleep(5 * time.Millisecond)
		fmt.Fprintf(w, `{"choices":[{"message":{"content":%q}}]}`, word)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// The model's answers become labels, of whichever order a pair is asked in, and training need not
// wait for them.
func TestRemote(t *testing.T) {
	var asked atomic.Int32
	c, err := llm.New(llm.Options{BaseURL: judge(t, &asked, http.StatusOK), Model: "m", Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s, segs := store(t, 40)
	size := func(seg feedback.Segment) (x float32) {
		v, err := s.View(seg)
		if err != nil {
			t.Fatal(err)
		}
		for i := range v.Len() {
			x += v.Facts[3*i]
		}
		return x
	}
	for _, wait := range []bool{false, true} {
		r := &Remote{Client: c, Spec: remoteSpec, Wait: wait}
		for i := 0; i < 40; i += 2 {
			q := Query{A: segs[i], B: segs[i+1]}
			for turn := range 2 {
				if turn == 1 {
					q.A, q.B = q.B, q.A
				}
				rec, ok, err := r.Label(s, q)
				for began := time.Now(); errors.Is(err, ErrLater) && !wait && time.Since(began) < 10*time.Second; {
					rec, ok, err = r.Label(s, q)
				}
				if err != nil || !ok || rec.Source != "remote" {
					t.Fatalf("wait %v: %+v %v %v", wait, rec, ok, err)
				}
				if better := size(q.A) > size(q.B); better != (rec.Label == 1) {
					t.Errorf("sizes %v and %v: label %v", size(q.A), size(q.B), rec.Label)
				}
			}
		}
	}
	if asked.Load() != 20 {
		t.Errorf("%d requests of 20 questions", asked.Load())
	}
}

// A server that answers nothing ends the run with its own words; one that fails later does not.
func TestRemoteFails(t *testing.T) {
	var asked atomic.Int32
	c, err := llm.New(llm.Options{BaseURL: judge(t, &asked, http.StatusUnauthorized), Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	s, segs := store(t, 40)
	r := &Remote{Client: c, Spec: remoteSpec, Wait: true}
	for i := 0; i < 40; i += 2 {
		if _, _, err = r.Label(s, Query{A: segs[i], B: segs[i+1]}); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "none of 8 questions") || !strings.Contains(err.Error(), "401") {
		t.Error(err)
	}
}

func TestParseAnswer(t *testing.T) {
	for text, want := range map[string]float32{
		"FIRST": 1, "second.": 0, "I think it is a tie": 0.5, "The first one, yes: FIRST": 1,
		"UNKNOWN": -1, "": -1, "first or second": -1, "both": -1, "firstly": -1, "tie? unknown": -1,
	} {
		got, ok := ParseAnswer(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestCaption(t *testing.T) {
	s, segs := store(t, 3)
	v, err := s.View(segs[1])
	if err != nil {
		t.Fatal(err)
	}
	got := Caption(remoteSpec, v)
	for _, want := range []string{"4 steps of 0.5 s", "size: mean ", " m (how large)", "pair[1]: mean", "terminated with the last step"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
