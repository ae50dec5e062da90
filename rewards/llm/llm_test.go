package llm_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/rewards/llm"
)

// TestMain lets the test binary be the server, in a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("LLM_TEST_SERVER") != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

// serve answers with the last word that it is asked. By a hash of the request and of how often it
// came, some answers are late, cut off, no JSON, or errors.
func serve() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	var mu sync.Mutex
	tries := map[string]int{}
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Messages []llm.Message
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "no: "+r.URL.Path, http.StatusUnauthorized)
			return
		}
		text := in.Messages[len(in.Messages)-1].Content
		mu.Lock()
		tries[text]++
		try := tries[text]
		mu.Unlock()
		h := fnv.New32()
		fmt.Fprint(h, text, try)
		body := fmt.Sprintf(`{"choices":[{"message":{"role":"assistant","content":%q}}]}`, text[strings.LastIndexByte(text, ' ')+1:])
		switch {
		case strings.HasPrefix(text, "refuse"):
			http.Error(w, "the model does not exist", http.StatusNotFound)
		case strings.HasPrefix(text, "fail"):
			http.Error(w, "broken", http.StatusInternalServerError)
		case try > 2:
			fmt.Fprint(w, body)
		case h.Sum32()%10 == 0:
			http.Error(w, "busy", http.StatusTooManyRequests)
		case h.Sum32()%10 == 1:
			fmt.Fprint(w, body[:len(body)/2])
		case h.Sum32()%10 == 2:
			fmt.Fprint(w, "<html>garbage")
		case h.Sum32()%10 == 3:
			time.Sleep(50 * time.Millisecond)
			fmt.Fprint(w, body)
		default:
			fmt.Fprint(w, body)
		}
	}))
}

// start starts the server and returns its address.
func start(t *testing.T) string {
	t.Helper()
	t.Setenv("LLM_API_KEY", "secret")
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "LLM_TEST_SERVER=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + strings.TrimSpace(line) + "/v1"
}

func ask(c *llm.Client, text string) (string, error) {
	return c.Ask(context.Background(), []llm.Message{{Role: "user", Content: text}})
}

// Many requests at once, to a server with faults: none is lost, and the folder then gives the same
// answers without a server.
func TestAsk(t *testing.T) {
	o := llm.Options{BaseURL: start(t), Model: "m", Cache: filepath.Join(t.TempDir(), "answers"), Timeout: 10 * time.Second}
	c, err := llm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	const n = 400
	check := func(c *llm.Client) {
		t.Helper()
		var wg sync.WaitGroup
		errs := make([]error, n)
		for worker := range 16 {
			wg.Go(func() {
				for i := worker; i < n; i += 16 {
					text, err := ask(c, fmt.Sprintf("say %d", i))
					if err == nil && text != fmt.Sprint(i) {
						err = fmt.Errorf("request %d is answered %q", i, text)
					}
					errs[i] = err
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	check(c)
	if c.Asked() != n {
		t.Errorf("%d requests, want %d", c.Asked(), n)
	}
	o.BaseURL = ""
	replay, err := llm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	check(replay)
	if _, err := ask(replay, "say something new"); !errors.Is(err, llm.ErrMiss) {
		t.Errorf("%v, want ErrMiss", err)
	}
	files, err := filepath.Glob(filepath.Join(o.Cache, "*"))
	if err != nil || len(files) != n {
		t.Errorf("%d files, want %d; %v", len(files), n, err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(f); err != nil || strings.Contains(string(text), "secret") {
			t.Fatal(f, err)
		}
	}
}

func TestErrors(t *testing.T) {
	address := start(t)
	o := llm.Options{BaseURL: address, Model: "m", Retries: 1, Most: 3}
	c, err := llm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(c, "refuse this"); err == nil || !strings.Contains(err.Error(), "404") || !strings.Contains(err.Error(), "does not exist") {
		t.Error(err)
	}
	if _, err := ask(c, "fail this"); err == nil || !strings.Contains(err.Error(), "500") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Ask(ctx, []llm.Message{{Role: "user", Content: "x"}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := ask(c, "a fourth"); !errors.Is(err, llm.ErrBudget) {
		t.Error(err)
	}
	t.Setenv("LLM_BASE_URL", "")
	t.Setenv("LLM_MODEL", "")
	for _, o := range []llm.Options{{Model: "m"}, {BaseURL: address}, {BaseURL: "127.0.0.1:8080", Model: "m"}, {BaseURL: address, Model: "m", Retries: -1}} {
		if _, err := llm.New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	c, err = llm.New(llm.Options{BaseURL: "http://127.0.0.1:1", Model: "m", Retries: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(c, "x"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}
