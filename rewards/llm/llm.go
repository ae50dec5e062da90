// Package llm asks language models, through the interface that OpenAI's servers and most others
// have (llama.cpp, vLLM, Ollama, hosted ones): POST BASE/chat/completions.
//
//	c, err := llm.New(llm.Options{BaseURL: "http://127.0.0.1:8080/v1", Model: "qwen", Cache: "answers"})
//	text, err := c.Ask(ctx, []llm.Message{{Role: "user", Content: "..."}})
//
// Answers are kept in a folder, one file a request, by a hash of the request: what was asked
// once is never asked again, and a folder of answers replaces the server where there is none.
// The key comes from the environment variable LLM_API_KEY and is written nowhere.
package llm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/terrarium-rl/terrarium/env/rng"
)

const waitPurpose rng.Purpose = 0x6c6c6d

// Options are the options of New. Zero values mean the defaults.
type Options struct {
	BaseURL string        // such as http://127.0.0.1:8080/v1; the default is the environment variable LLM_BASE_URL
	Model   string        // the default is LLM_MODEL
	Cache   string        // folder of answers; the default is none
	Timeout time.Duration // of a request; the default is a minute
	Retries int           // of requests that fail for a while; the default is 5
	Most    int           // requests in all, those answered from the folder not counted; the default is no limit
	Tokens  int           // of an answer at most; the default is 64
	Seed    int64         // of the model's choice of words
}

// Errors of Ask.
var (
	ErrBudget = errors.New("llm: as many requests as allowed were made")
	ErrMiss   = errors.New("llm: the folder of answers lacks this one, and there is no server")
)

// A Client asks a model. It is safe for concurrent use.
type Client struct {
	o    Options
	key  string
	http *http.Client

	mu    sync.Mutex
	asked int
}

// A Message is a part of a conversation.
type Message struct {
	Role    string `json:"role"` // system, user or assistant
	Content string `json:"content"`
}

// request is the body of a call. Its JSON is canonical: it is what answers are filed under.
type request struct {
	Model       string    `json:"model"`
	Messages    []Message `json:"messages"`
	Temperature float64   `json:"temperature"`
	MaxTokens   int       `json:"max_tokens"`
	Seed        int64     `json:"seed"`
}

// response is what counts of the answer of a server.
type response struct {
	Choices []struct {
		Message Message `json:"message"`
	} `json:"choices"`
}

// maxAnswer is the size of the largest answer, in bytes.
const maxAnswer = 1 << 20

// New checks the options. A client with a folder of answers and no server answers from the folder
// alone.
func New(o Options) (*Client, error) {
	set := func(s *string, name string) {
		if *s == "" {
			*s = os.Getenv(name)
		}
	}
	set(&o.BaseURL, "LLM_BASE_URL")
	set(&o.Model, "LLM_MODEL")
	if o.BaseURL == "" && o.Cache == "" {
		return nil, errors.New("llm: no server: give its address, or set LLM_BASE_URL, such as http://127.0.0.1:8080/v1")
	}
	if o.BaseURL != "" {
		u, err := url.Parse(o.BaseURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("llm: address %q: want one such as http://127.0.0.1:8080/v1", o.BaseURL)
		}
		o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	}
	if o.Model == "" {
		return nil, errors.New("llm: no model: name one, or set LLM_MODEL")
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Retries == 0 {
		o.Retries = 5
	}
	if o.Tokens == 0 {
		o.Tokens = 64
	}
	if o.Timeout < 0 || o.Retries < 0 || o.Most < 0 || o.Tokens < 0 {
		return nil, errors.New("llm: timeout, retries, most and tokens have to be 0 or more")
	}
	return &Client{o: o, key: os.Getenv("LLM_API_KEY"), http: &http.Client{Timeout: o.Timeout}}, nil
}

// Asked returns the number of requests that were sent, retries not counted.
func (c *Client) Asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// Ask returns the model's answer to a conversation: the likeliest words.
func (c *Client) Ask(ctx context.Context, messages []Message) (string, error) {
	body, err := json.Marshal(request{c.o.Model, messages, 0, c.o.Tokens, c.o.Seed})
	if err != nil {
		return "", fmt.Errorf("llm: %w", err)
	}
	sum := sha256.Sum256(body)
	path := filepath.Join(c.o.Cache, hex.EncodeToString(sum[:])+".json")
	if c.o.Cache != "" {
		data, err := os.ReadFile(path)
		if err == nil {
			if text, err := answer(data); err == nil {
				return text, nil
			}
		}
	}
	if c.o.BaseURL == "" {
		return "", fmt.Errorf("%w: %s", ErrMiss, path)
	}
	c.mu.Lock()
	full := c.o.Most > 0 && c.asked >= c.o.Most
	if !full {
		c.asked++
	}
	c.mu.Unlock()
	if full {
		return "", fmt.Errorf("%w: %d", ErrBudget, c.o.Most)
	}
	data, err := c.post(ctx, body)
	if err != nil {
		return "", err
	}
	text, err := answer(data)
	if err != nil {
		return "", err
	}
	return text, c.keep(path, data)
}

// answer returns the text of a server's answer.
func answer(data []byte) (string, error) {
	var r response
	if err := json.Unmarshal(data, &r); err != nil {
		return "", fmt.Errorf("llm: the answer is malformed: %w", err)
	}
	if len(r.Choices) == 0 {
		return "", errors.New("llm: the answer has no choices")
	}
	return r.Choices[0].Message.Content, nil
}

// keep files an answer, whole or not at all.
func (c *Client) keep(path string, data []byte) error {
	if c.o.Cache == "" {
		return nil
	}
	if err := os.MkdirAll(c.o.Cache, 0o755); err != nil {
		return fmt.Errorf("llm: %w", err)
	}
	f, err := os.CreateTemp(c.o.Cache, ".answer-*")
	if err != nil {
		return fmt.Errorf("llm: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("llm: %w", err)
	}
	return nil
}

// A temporary error may be gone when the request is sent again.
type temporary struct {
	error
	after time.Duration // the server wants; 0 if it does not say
}

func (t temporary) Unwrap() error { return t.error }

// post sends a request, again and again for a while.
func (c *Client) post(ctx context.Context, body []byte) (data []byte, err error) {
	for try := 0; ; try++ {
		data, err = c.send(ctx, body)
		var t temporary
		if err == nil || !errors.As(err, &t) || try == c.o.Retries || ctx.Err() != nil {
			return data, err
		}
		// Exponential, and not the same for all requests, which would come back at once.
		random := rng.New(uint64(crc32.ChecksumIEEE(body))).Stream(waitPurpose, uint32(try), 0)
		wait := time.Duration(float64(200*time.Millisecond<<min(try, 6)) * (0.5 + random.Float64()))
		select {
		case <-time.After(max(wait, min(t.after, time.Minute))):
		case <-ctx.Done():
			return nil, fmt.Errorf("llm: %w", ctx.Err())
		}
	}
}

func (c *Client) send(ctx context.Context, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.BaseURL+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, temporary{fmt.Errorf("llm: %w", err), 0}
	}
	defer func() { _ = res.Body.Close() }() // what counts was read
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, temporary{fmt.Errorf("llm: %w", err), 0}
	case len(data) > maxAnswer:
		return nil, fmt.Errorf("llm: an answer of more than %d bytes", maxAnswer)
	case res.StatusCode == http.StatusOK:
		if _, err := answer(data); err != nil {
			return nil, temporary{err, 0} // cut off, perhaps
		}
		return data, nil
	}
	err = fmt.Errorf("llm: %s says %s: %.200s", c.o.BaseURL, res.Status, strings.TrimSpace(string(data)))
	if res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusRequestTimeout {
		return nil, err
	}
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // without, 0
	return nil, temporary{err, time.Duration(max(seconds, 0)) * time.Second}
}
