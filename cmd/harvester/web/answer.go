package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"harvester/parse/count"
	"harvester/store/engine"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Problem is the body of every answer that is no success.
type Problem struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

func problem(w http.ResponseWriter, status int, text, hint string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{text, hint}) // whoever asked is gone when it fails
}

// answer writes v, with an entity tag that a client can ask with again
// (RFC 9110 §8.8.3, §13.1.2).
func answer(w http.ResponseWriter, r *http.Request, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		problem(w, http.StatusInternalServerError, err.Error(), "")
		return
	}
	if r.Method == http.MethodGet {
		sum := sha256.Sum256(body)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "private, no-cache")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // whoever asked is gone when it fails
}

// fail answers an error: what the client did wrong, or what is wrong here,
// which goes to the log in full.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var wrong badRequest
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &wrong):
		s.refuse(w, r, http.StatusBadRequest, wrong.Error(), wrong.hint)
	case errors.As(err, &long):
		s.refuse(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", long.Limit), "send it in parts")
	case errors.Is(err, engine.ErrNotFound):
		s.refuse(w, r, http.StatusNotFound, err.Error(), "")
	case r.Context().Err() != nil:
		// Nobody waits for an answer.
	default:
		s.Log.Error("answering failed", slog.String("path", r.URL.Path), slog.Any("err", err))
		s.refuse(w, r, http.StatusInternalServerError, "the database can't be read or written now", "see the log of the service")
	}
}

// refuse says what is wrong: to programs as JSON, to people as a page.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, status int, text, hint string) {
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		problem(w, status, text, hint)
		return
	}
	s.render(w, r, status, "problem", struct {
		frame
		Problem
	}{s.frame(r, ""), Problem{text, hint}})
}

// missing is an error about what there is not.
func missing(what error) error { return fmt.Errorf("%w: %w", what, engine.ErrNotFound) }

// badRequest is what a client can mend.
type badRequest struct {
	error
	hint string
}

func (b badRequest) Unwrap() error { return b.error }

func bad(hint, format string, args ...any) error {
	return badRequest{fmt.Errorf(format, args...), hint}
}

// body reads the JSON of a request into v; what v does not know is an error.
func body(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return err
		}
		return bad("see /v1/openapi.json", "the body is not what is asked for: %w", err)
	}
	if d.More() {
		return bad("see /v1/openapi.json", "the body holds more than one JSON value")
	}
	return nil
}

// params are those of a request, with the first error in them.
type params struct {
	values map[string][]string
	known  []string
	err    error
}

// newQuery takes a plus for a plus, in an address as in the offset of a time:
// only forms mean a blank by it, and programs forget to escape it.
func newParams(r *http.Request) *params {
	u := url.URL{RawQuery: strings.ReplaceAll(r.URL.RawQuery, "+", "%2B")}
	return &params{values: u.Query()}
}

func (q *params) text(name string) string {
	q.known = append(q.known, name)
	v := q.values[name]
	switch {
	case len(v) == 0:
		return ""
	case len(v) > 1 && q.err == nil:
		q.err = bad("", "the parameter %s is given %s", name, count.Of(len(v), "time"))
	}
	return v[0]
}

func (q *params) number(name string, otherwise, least, most int64) int64 {
	v := q.text(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if (err != nil || n < least || n > most) && q.err == nil {
		q.err = bad("", "%s must be a number from %d to %d", name, least, most)
	}
	return n
}

func (q *params) time(name string) time.Time {
	v := q.text(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil && q.err == nil {
		q.err = bad("write 2026-01-31T00:00:00Z", "%s is no time", name)
	}
	return t
}

// done is the first error; a parameter that nobody asked for is one, since it
// would have narrowed the answer.
func (q *params) done() error {
	for name := range q.values {
		found := false
		for _, k := range q.known {
			found = found || k == name
		}
		if !found && q.err == nil {
			q.err = bad("see /v1/openapi.json", "there is no parameter %q", name)
		}
	}
	return q.err
}
