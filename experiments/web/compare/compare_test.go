package compare_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/experiments/web"
	"github.com/terrarium-rl/terrarium/experiments/web/compare"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

// episodes records n episodes of random landers.
func episodes(t *testing.T, n int) (eps []*traj.Episode) {
	t.Helper()
	c := lander.New()
	v, err := env.NewVec(c, env.VecOptions{Worlds: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Reset(7)
	o, err := traj.OriginOf(c, "test", 7)
	if err != nil {
		t.Fatal(err)
	}
	r, err := traj.NewRecorder(v, 0, o)
	if err != nil {
		t.Fatal(err)
	}
	b := env.NewBatch(v.Spec(), 1)
	for step := 0; len(eps) < n; step++ {
		r.Begin()
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		r.Observed(b)
		envtest.RandomActions(v.Spec(), b, rng.New(1), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		if ep := r.Stepped(b); ep != nil {
			data, err := ep.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			c := new(traj.Episode)
			if err := c.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			eps = append(eps, c)
		}
	}
	return eps
}

// desk returns a desk with n questions.
func desk(t *testing.T, n int) label.Desk {
	t.Helper()
	d := label.Desk{Dir: filepath.Join(t.TempDir(), "labels")}
	if err := compare.Sample(d, episodes(t, 6), n, 25, 1); err != nil {
		t.Fatal(err)
	}
	return d
}

// serve serves the page of desks until the test ends, and returns its address and the page.
func serve(t *testing.T, desks ...label.Desk) (string, *compare.Page) {
	t.Helper()
	p, err := compare.NewPage(desks)
	if err != nil {
		t.Fatal(err)
	}
	s, err := web.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Mount(s); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.URL(), p
}

// A client asks as the page does.
type client struct {
	t         *testing.T
	url, csrf string
}

func newClient(t *testing.T, url string) *client {
	t.Helper()
	c := &client{t: t, url: url}
	r, err := http.Get(url + "session")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var session struct{ CSRF string }
	if err := json.NewDecoder(r.Body).Decode(&session); err != nil {
		t.Fatal(err)
	}
	c.csrf = session.CSRF
	return c
}

// post returns the next question, or the error of the server.
func (c *client) post(path string, body any) (q compare.Question, problem string) {
	c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequest("POST", c.url+compare.Path+path, strings.NewReader(string(text)))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Origin", strings.Join(strings.Split(c.url, "/")[:3], "/"))
	r.Header.Set("X-Csrf-Token", c.csrf)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode != 200 {
		return q, string(data)
	}
	if err := json.Unmarshal(data, &q); err != nil {
		c.t.Fatal(err)
	}
	return q, ""
}

// Two people answer all questions, one changes their mind, and a new page goes on from the log.
func TestAnswers(t *testing.T) {
	d := desk(t, 6)
	url, p := serve(t, d)
	c := newClient(t, url)
	q, problem := c.post("next", compare.Request{Name: "Ada"})
	if problem != "" || q.Place == nil || q.Asked != 6 || q.Left.Steps != 25 || q.Left.Reel == "" || q.Left.FPS != 50 {
		t.Fatalf("%+v %s", q, problem)
	}
	for i, how := range []string{"left", "right", "tie", "skip", "cannot-tell", "left"} {
		place := *q.Place
		if q, problem = c.post("answer", compare.Answer{
			Name: "Ada", Place: place, Answer: how, Strength: 0, Seconds: float32(i), Left: []compare.Mark{{Step: 3, Value: -1}},
		}); problem != "" || q.Done != i+1 {
			t.Fatalf("%s: %+v %s", how, q, problem)
		}
	}
	if q.Place != nil {
		t.Fatalf("a seventh question: %+v", q.Place)
	}
	q, problem = c.post("undo", compare.Request{Name: "Ada"})
	if problem != "" || q.Place == nil || q.Done != 5 {
		t.Fatalf("undo: %+v %s", q, problem)
	}
	if q, problem = c.post("answer", compare.Answer{Name: "Ada", Place: *q.Place, Answer: "right", Strength: 2}); problem != "" || q.Done != 6 {
		t.Fatal(q, problem)
	}
	for range 6 {
		q, _ = c.post("next", compare.Request{Name: "  Bob   B. "})
		if q, problem = c.post("answer", compare.Answer{Name: "Bob B.", Place: *q.Place, Answer: "left"}); problem != "" {
			t.Fatal(problem)
		}
	}
	s, err := p.Progress()
	if err != nil {
		t.Fatal(err)
	}
	ada, bob := s.Annotators[0], s.Annotators[1]
	if s.Questions != 6 || s.Answered != 6 || ada.Name != "Ada" || ada.Left != 1 || ada.Right != 2 || ada.Ties != 1 || ada.Skipped != 1 || ada.CannotTell != 1 ||
		bob.Name != "Bob B." || bob.Left != 6 {
		t.Errorf("progress %+v", s)
	}
	// Of the four that both decided, Ada said left once.
	if a := s.Agreement[0]; len(s.Agreement) != 1 || a.Both != 4 || a.Share != 0.25 || a.Kappa != 0 {
		t.Errorf("agreement %+v", s.Agreement)
	}
	rs, err := d.Answers()
	if err != nil {
		t.Fatal(err)
	}
	marked, latest := 0, feedback.Latest(rs)
	for _, r := range rs {
		if r.Kind == feedback.Marked && r.Steps[0] == (feedback.Mark{Step: 3, Value: -1}) {
			marked++
		}
	}
	if n := len(feedback.Marks(rs)); n != 5 { // Ada's last answer was taken back, and given anew without marks
		t.Errorf("%d marks count, want 5", n)
	}
	if marked != 6 || len(latest) != 12 || latest[5].Strength != -2 || latest[1].Seconds != 1 || latest[0].Source != compare.Source {
		t.Errorf("%d marks, %d answers %+v", marked, len(latest), latest)
	}
	again, err := compare.NewPage([]label.Desk{d})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if s2, err := again.Progress(); err != nil || s2.Answered != 6 || len(s2.Annotators) != 2 {
		t.Errorf("a new page: %+v %v", s2, err)
	}
}

func TestBadAnswers(t *testing.T) {
	d := desk(t, 2)
	url, _ := serve(t, d)
	c := newClient(t, url)
	good := compare.Answer{Name: "Ada", Answer: "left"}
	for text, change := range map[string]func(*compare.Answer){
		"no desk 3":               func(a *compare.Answer) { a.Place.Desk = 3 },
		"no question -1":          func(a *compare.Answer) { a.Place.Question = -1 },
		"want left, right, tie":   func(a *compare.Answer) { a.Answer = "up" },
		"seconds is -1":           func(a *compare.Answer) { a.Seconds = -1 },
		"strength is 7":           func(a *compare.Answer) { a.Strength = 7 },
		"want 1 to 64 bytes":      func(a *compare.Answer) { a.Name = " " },
		"mark 1 at step 25 of 25": func(a *compare.Answer) { a.Left = []compare.Mark{{Step: 25, Value: 1}} },
	} {
		a := good
		change(&a)
		if _, problem := c.post("answer", a); !strings.Contains(problem, text) {
			t.Errorf("%q, want %s", problem, text)
		}
	}
	if rs, err := d.Answers(); err != nil || len(rs) != 0 {
		t.Errorf("refused answers were kept: %v %v", rs, err)
	}
	if _, problem := c.post("undo", compare.Request{Name: "Ada"}); !strings.Contains(problem, "no answer of Ada") {
		t.Error(problem)
	}
}

// An answer that was being written when its program was killed is cut off, which the next one says, and a
// name whose line was torn does not run into the next.
func TestTornAnswers(t *testing.T) {
	d := desk(t, 3)
	p, err := compare.NewPage([]label.Desk{d})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.Dir, "answers.feedback")
	log, _, err := d.AnswerLog()
	if err != nil {
		t.Fatal(err)
	}
	qs, err := d.Questions()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range qs[:2] {
		r := feedback.Better(q.A, q.B)
		r.Annotator = 1
		if err := log.Append(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-3); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Dir, "annotators.txt"), []byte("Ad"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p, err = compare.NewPage([]label.Desk{d}); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if lines := p.Torn(); len(lines) != 1 || !strings.Contains(lines[0], "the last answer was not finished") {
		t.Errorf("%q", lines)
	}
	if s, err := p.Progress(); err != nil || s.Answered != 1 {
		t.Errorf("%+v %v", s, err)
	}
	if n, err := d.Annotator("Bob"); err != nil || n != 2 {
		t.Errorf("Bob is annotator %d, %v", n, err)
	}
}

// Requests that no page of this server makes change nothing: of another host or origin, without the key, without
// the secret, by another method.
func TestForeignAnswersAreRefused(t *testing.T) {
	d := desk(t, 2)
	url, _ := serve(t, d)
	c := newClient(t, url)
	origin := strings.Join(strings.Split(url, "/")[:3], "/")
	const body = `{"name":"Eve","place":{"desk":0,"question":0},"answer":"left"}`
	send := func(method, to string, change func(*http.Request)) int {
		t.Helper()
		r, err := http.NewRequest(method, to+compare.Path+"answer", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		r.Header.Set("X-Csrf-Token", c.csrf)
		change(r)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	as := func(*http.Request) {}
	for _, x := range []struct {
		name, method, to string
		change           func(*http.Request)
		status           int
	}{
		{"another host", "POST", url, func(r *http.Request) { r.Host = "evil.example" }, 403},
		{"another origin", "POST", url, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403},
		{"no origin", "POST", url, func(r *http.Request) { r.Header.Del("Origin") }, 403},
		{"no secret", "POST", url, func(r *http.Request) { r.Header.Del("X-Csrf-Token") }, 403},
		{"another secret", "POST", url, func(r *http.Request) { r.Header.Set("X-Csrf-Token", strings.Repeat("0", 32)) }, 403},
		{"another site", "POST", url, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		{"no key", "POST", origin + "/", as, 403},
		{"another key", "POST", origin + "/" + strings.Repeat("0", 32) + "/", as, 403},
		{"by GET", "GET", url, as, 404},
		{"by PUT", "PUT", url, as, 405},
		{"by DELETE", "DELETE", url, as, 405},
	} {
		if got := send(x.method, x.to, x.change); got != x.status {
			t.Errorf("%s: status %d, want %d", x.name, got, x.status)
		}
	}
	if rs, err := d.Answers(); err != nil || len(rs) != 0 {
		t.Fatalf("foreign answers were kept: %v, %v", rs, err)
	}
	if got := send("POST", url, as); got != 200 {
		t.Errorf("an answer of the page's own: status %d", got)
	}
	if rs, err := d.Answers(); err != nil || len(rs) != 1 {
		t.Errorf("%d answers, want 1; %v", len(rs), err)
	}
}

// A recording that does not play as it did, or is gone, is named and passed over.
func TestBrokenQuestions(t *testing.T) {
	d := desk(t, 8)
	files, err := filepath.Glob(filepath.Join(d.Dir, "segments", "*.replay"))
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	break1 := func(path string, f func(*traj.Episode)) {
		ep, err := traj.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		f(ep)
		if err := ep.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	break1(files[0], func(ep *traj.Episode) { ep.Level.Params = ep.Level.Params[:3] })
	break1(files[1], func(ep *traj.Episode) { ep.Act[0], ep.Act[1], ep.Act[2] = 2, 2, 2 })
	if err := os.Remove(files[2]); err != nil {
		t.Fatal(err)
	}
	url, p := serve(t, d)
	c := newClient(t, url)
	shown := 0
	for q, _ := c.post("next", compare.Request{Name: "Ada"}); q.Place != nil; shown++ {
		var problem string
		if q, problem = c.post("answer", compare.Answer{Name: "Ada", Place: *q.Place, Answer: "left"}); problem != "" {
			t.Fatal(problem)
		}
	}
	s, err := p.Progress()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(s.Problems, "\n")
	if shown == 0 || shown == 8 {
		t.Errorf("%d of 8 questions shown", shown)
	}
	for _, text := range []string{"level has 3 parameters", "it goes differently from step", "no such file"} {
		if !strings.Contains(all, text) {
			t.Errorf("no problem says %q:\n%s", text, all)
		}
	}
}
