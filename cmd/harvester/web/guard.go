package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// guard sets what holds for every answer, and refuses what another site makes
// a browser send.
func guard(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policyOf("'self'"))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if err := sameOrigin.Check(r); err != nil {
			problem(w, http.StatusForbidden, "the request comes from another site", "")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
		next.ServeHTTP(w, r)
	})
}

// policyOf is the content security policy of a page with a source of styles:
// nothing runs, nothing is loaded from elsewhere, no other page shows this one.
func policyOf(styles string) string {
	return "default-src 'none'; style-src " + styles + "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

func bodyLimit(r *http.Request) int64 {
	if r.URL.Path == "/v1/ledger" {
		return maxLedger
	}
	return maxBody
}

// admit lets a request through to a route when it may see what is there.
func (s *server) admit(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case rt.access == open, s.shows(r), rt.access == visitor && s.session.valid(r):
			rt.serve(w, r)
		case s.Token == "" && rt.access == visitor:
			s.render(w, r, http.StatusForbidden, "login", signIn{})
		case s.Token == "":
			problem(w, http.StatusForbidden, "no token is configured, and this shows addresses", "set web.token in harvester.toml")
		case rt.access == visitor && r.Method == http.MethodGet:
			to := "/login"
			if r.URL.Query().Get("in") != "" {
				to += "?cookies=none" // the token was right, and the cookie did not come back
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="harvester"`)
			problem(w, http.StatusUnauthorized, "the token is missing or wrong", "send the header Authorization: Bearer TOKEN")
		}
	}
}

// shows tells that a request carries the token (RFC 6750 §2.1).
func (s *server) shows(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && s.isToken(strings.TrimSpace(token))
}

// isToken compares in a time that tells nothing, not even a length.
func (s *server) isToken(given string) bool {
	sum := sha256.Sum256([]byte(given))
	return s.Token != "" && subtle.ConstantTimeCompare(sum[:], s.tokenSum[:]) == 1
}
