package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/terrarium-rl/terrarium/experiments/web"
)

type question struct {
	A, B int
}

// start serves a page and a call that adds, which refuses 13, until the test ends.
func start(t *testing.T) *web.Server {
	t.Helper()
	s, err := web.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Files(fstest.MapFS{"index.html": {Data: []byte("<p>hello</p>")}})
	s.Handle("POST /add", web.Call(func(_ *http.Request, q question) (int, error) {
		switch q.A {
		case 13:
			return 0, web.BadRequest("13 is not added")
		case 14:
			return 0, errors.New("broken")
		}
		return q.A + q.B, nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends a request and returns status and body.
func ask(t *testing.T, method, url, body string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") || res.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%s %s: headers %v", method, url, res.Header)
	}
	return res.StatusCode, string(text)
}

func TestWhoMayAsk(t *testing.T) {
	s := start(t)
	url := s.URL()
	origin := strings.Join(strings.Split(url, "/")[:3], "/")
	status, text := ask(t, "GET", url+"session", "", nil)
	var session struct{ CSRF string }
	if err := json.Unmarshal([]byte(text), &session); status != 200 || err != nil || session.CSRF == "" {
		t.Fatal(status, text, err)
	}
	own := func(r *http.Request) {
		r.Header.Set("Origin", origin)
		r.Header.Set("X-Csrf-Token", session.CSRF)
	}
	for _, c := range []struct {
		name, method, url, body string
		change                  func(*http.Request)
		status                  int
		text                    string
	}{
		{"page", "GET", url, "", nil, 200, "<p>hello</p>"},
		{"without the slash", "GET", strings.TrimSuffix(url, "/"), "", nil, 200, "<p>hello</p>"},
		{"shared script", "GET", url + "web/web.js", "", nil, 200, "export"},
		{"no token", "GET", origin + "/", "", nil, 403, "Open the address"},
		{"another token", "GET", origin + "/00112233445566778899aabbccddeeff/", "", nil, 403, "Open the address"},
		{"part of the token", "GET", url[:len(url)-2] + "/", "", nil, 403, "Open the address"},
		{"rebound name", "GET", url, "", func(r *http.Request) { r.Host = "evil.example" }, 403, `"evil.example"`},
		{"another port", "GET", url, "", func(r *http.Request) { r.Host = "127.0.0.1:1" }, 403, "127.0.0.1:1"},
		{"cross-site", "GET", url, "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, "another site"},
		{"foreign origin", "GET", url, "", func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403, "evil.example"},
		{"call", "POST", url + "add", `{"A":1,"B":2}`, own, 200, "3"},
		{"call without origin", "POST", url + "add", `{}`, func(r *http.Request) { own(r); r.Header.Del("Origin") }, 403, "Origin"},
		{"call of another origin", "POST", url + "add", `{}`, func(r *http.Request) { own(r); r.Header.Set("Origin", "null") }, 403, `"null"`},
		{"call without secret", "POST", url + "add", `{}`, func(r *http.Request) { own(r); r.Header.Del("X-Csrf-Token") }, 403, "X-Csrf-Token"},
		{"unknown key", "POST", url + "add", `{"C":1}`, own, 400, "unknown field"},
		{"no JSON", "POST", url + "add", `A=1`, own, 400, "invalid character"},
		{"two values", "POST", url + "add", `{} {}`, own, 400, "more than one"},
		{"too large", "POST", url + "add", `{"A":` + strings.Repeat("1", 2<<20) + `}`, own, 400, "too large"},
		{"refused", "POST", url + "add", `{"A":13}`, own, 400, "13 is not added"},
		{"broken", "POST", url + "add", `{"A":14}`, own, 500, "broken"},
		{"method", "GET", url + "add", "", nil, 404, ""},
		{"another method", "PUT", url + "add", `{"A":1}`, own, 405, ""},
		{"another method without secret", "DELETE", url + "add", "", nil, 403, "Origin"},
		{"what a browser asks before", "OPTIONS", url + "add", "", func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403, "evil.example"},
		{"unknown path", "GET", url + "nothing", "", nil, 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := ask(t, c.method, c.url, c.body, c.change)
			if status != c.status || !strings.Contains(text, c.text) {
				t.Errorf("%d %s, want %d %s", status, text, c.status, c.text)
			}
		})
	}
}

func TestListenOnThisMachineOnly(t *testing.T) {
	for _, a := range []string{"0.0.0.0:0", ":0", "192.168.1.2:80", "example.com:80", "8080"} {
		if s, err := web.Listen(a); err == nil {
			s.Close()
			t.Errorf("%q was opened", a)
		} else if !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%q: %v does not say what would be right", a, err)
		}
	}
	a, err := web.Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if b, err := web.Listen("127.0.0.1:0"); err != nil {
		t.Error(err)
	} else {
		if a.URL() == b.URL() || a.URL()[len(a.URL())-33:] == b.URL()[len(b.URL())-33:] {
			t.Error("two servers have the same token")
		}
		b.Close()
	}
}
