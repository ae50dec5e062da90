package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxBody is the size of the largest request, in bytes.
const maxBody = 1 << 20

// An Error is one that the page's user can do something about. Other errors are 500.
type Error struct {
	Status int // of HTTP, such as http.StatusBadRequest
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// BadRequest says what is wrong with a request.
func BadRequest(format string, args ...any) error {
	return &Error{http.StatusBadRequest, fmt.Errorf(format, args...)}
}

// Call makes a function a call of the page: a POST has In as JSON, with no keys that In lacks; of
// a GET, In is its zero value. The answer is Out as JSON, or {"error": "..."} with the error's
// status.
func Call[In, Out any](f func(r *http.Request, in In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		var out Out
		err := decode(w, r, &in)
		if err == nil {
			out, err = f(r, in)
		}
		if err != nil {
			status := http.StatusInternalServerError
			var e *Error
			if errors.As(err, &e) {
				status = e.Status
			}
			answer(w, status, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, out)
	})
}

func decode(w http.ResponseWriter, r *http.Request, in any) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return BadRequest("the request: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return BadRequest("the request: more than one value")
	}
	return nil
}

func answer(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer has no JSON form"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // nobody is left to tell
}
