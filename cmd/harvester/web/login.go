package web

import (
	"net/http"
	"strings"
	"time"
)

// slow makes guessing a token no use.
const slow = time.Second

func (s *server) loginPage(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "login", struct {
		Configured, Wrong bool
	}{Configured: s.Token != ""})
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	if !s.isToken(strings.TrimSpace(r.PostFormValue("token"))) {
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
			return
		}
		s.render(w, r, http.StatusForbidden, "login", struct {
			Configured, Wrong bool
		}{s.Token != "", true})
		return
	}
	s.session.start(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	s.session.end(w, r)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
