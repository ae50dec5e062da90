package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"
)

// A Server serves pages and calls to programs on this machine that know its token. Add
// everything before Serve.
type Server struct {
	listener    net.Listener
	mux         *http.ServeMux // of paths below the token
	token, csrf string
}

//go:embed static
var static embed.FS

// Listen opens a port of this machine, such as "127.0.0.1:8080"; port 0 takes a free one. It
// fails if other machines could reach the address.
func Listen(address string) (*Server, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address %q: want host and port, such as 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("address %q: other machines could reach it; want 127.0.0.1 (for another machine, forward the port: ssh -L 8080:127.0.0.1:8080)", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s := &Server{listener: l, mux: http.NewServeMux(), token: secret(), csrf: secret()}
	common, _ := fs.Sub(static, "static") // it is embedded
	s.mux.Handle("GET /web/", http.StripPrefix("/web/", http.FileServerFS(common)))
	s.mux.Handle("GET /session", Call(func(*http.Request, struct{}) (any, error) {
		return map[string]string{"csrf": s.csrf}, nil
	}))
	return s, nil
}

// secret returns 128 random bits.
func secret() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// URL returns the address of the first page. Who has it may do what the pages offer.
func (s *Server) URL() string { return fmt.Sprintf("http://%s/%s/", s.listener.Addr(), s.token) }

// Files serves a folder at the root: its index.html is the first page.
func (s *Server) Files(files fs.FS) { s.mux.Handle("GET /", http.FileServerFS(files)) }

// Handle serves a pattern of http.ServeMux, relative to the root, such as "POST /answer".
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Serve answers until ctx is done. Requests that are being answered then are finished.
func (s *Server) Serve(ctx context.Context) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		// Streams of events end with ctx.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(s.listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("web: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("web: %w", err)
	}
	return srv.Close()
}

// Close releases the port of a server that was not served.
func (s *Server) Close() error { return s.listener.Close() }

// policy lets a page load its own files and nothing else, so that text from runs cannot become
// script.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
	"media-src 'self' blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP checks who asks, and answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address holds the token
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	token, path, slash := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
		http.Error(w, "This is a Terrarium server. Open the address that it printed: it holds a key.", http.StatusForbidden)
		return
	}
	if err := s.permitted(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if !slash {
		http.Redirect(w, r, "/"+token+"/", http.StatusMovedPermanently)
		return
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = "/"+path, ""
	s.mux.ServeHTTP(w, inner)
}

// permitted reports a request that a page of another origin may have caused.
func (s *Server) permitted(r *http.Request) error {
	port := s.listener.Addr().(*net.TCPAddr).Port
	host, own := r.Host, false
	for _, name := range []string{"127.0.0.1", "localhost", "[::1]"} {
		own = own || host == fmt.Sprintf("%s:%d", name, port)
	}
	if !own { // another name that was made to point here: DNS rebinding
		return fmt.Errorf("the host is %q, want 127.0.0.1:%d", host, port)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return errors.New("a page of another site asks")
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+host {
		return fmt.Errorf("the origin is %q, want http://%s", origin, host)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if r.Header.Get("Origin") == "" {
		return errors.New("a request that changes something needs its Origin")
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(s.csrf)) != 1 {
		return fmt.Errorf("a request that changes something needs %s: load the page again", csrfHeader)
	}
	return nil
}

// csrfHeader carries what only pages of this server can know: the answer to GET session.
const csrfHeader = "X-Csrf-Token"
