package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What makes guessing a token no use: each wrong one is answered late, and after
// some in a row nobody's is looked at for a while, however many are sent at once.
const (
	slow        = time.Second
	fewWrong    = 5           // tokens, after which each takes longer
	longestWait = time.Minute // after wrong tokens
)

// tries counts wrong tokens since the last right one.
type tries struct {
	mu    sync.Mutex
	wrong int
	until time.Time // no token is looked at before
}

// wait is how long the next one has to wait; 0 when it may be tried, which counts
// it as wrong until right says otherwise.
func (t *tries) wait(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := t.until.Sub(now); d > 0 {
		return min(d, longestWait) // the clock may have been set back
	}
	if t.wrong++; t.wrong >= fewWrong {
		t.until = now.Add(min(slow<<min(t.wrong-fewWrong, 10), longestWait))
	}
	return 0
}

func (t *tries) right() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrong, t.until = 0, time.Time{}
}

// signIn is what the page for signing in shows.
type signIn struct {
	Configured bool // there is a token
	Wrong      bool // the one that was given is not it
	Cookieless bool // it was, and the browser keeps no cookie
}

func (s *server) loginPage(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "login", signIn{Configured: s.Token != "", Cookieless: r.URL.Query().Get("cookies") == "none"})
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	if d := s.tries.wait(time.Now()); d > 0 {
		seconds := int(d/time.Second) + 1
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		problem(w, http.StatusTooManyRequests, "too many wrong tokens", fmt.Sprintf("try again in %d s", seconds))
		return
	}
	if !s.isToken(strings.TrimSpace(r.PostFormValue("token"))) {
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
			return
		}
		s.render(w, r, http.StatusForbidden, "login", signIn{Configured: s.Token != "", Wrong: true})
		return
	}
	s.tries.right()
	s.session.start(w, r)
	http.Redirect(w, r, "/?in=1", http.StatusSeeOther)
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	s.session.end(w, r)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
