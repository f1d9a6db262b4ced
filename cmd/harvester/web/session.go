package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"net/http"
	"sync"
	"time"
)

// session lets a browser in that showed the token once. Its cookie holds when
// it ends, a number of its own and a code over both; only those that signed out
// before their time are kept here. A new token ends all.
type session struct {
	key []byte

	mu   *sync.Mutex
	left map[string]int64 // cookies that signed out, and when they end
}

const (
	cookieName  = "harvester"
	sessionTime = 12 * time.Hour // of one sign-in
)

func newSession(token string) session {
	s := session{mu: new(sync.Mutex), left: map[string]int64{}}
	if token != "" {
		key := sha256.Sum256([]byte("harvester session\x00" + token))
		s.key = key[:]
	}
	return s
}

// sessionHead is how many bytes the code is over: the end and the number.
const sessionHead = 16

func (s session) seal(end int64) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(end)) //nolint:gosec // a time
	b = append(b, make([]byte, sessionHead-len(b))...)
	_, _ = rand.Read(b[8:]) // it never fails (crypto/rand)
	return s.sealed(b)
}

func (s session) sealed(head []byte) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(head)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(head[:sessionHead:sessionHead]))
}

// of is the session of a request, while it lasts.
func (s session) of(r *http.Request) (cookie string, end int64, ok bool) {
	c, err := r.Cookie(cookieName)
	if err != nil || s.key == nil {
		return "", 0, false
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(b) < sessionHead {
		return "", 0, false
	}
	end = int64(binary.BigEndian.Uint64(b)) //nolint:gosec // a time
	if !hmac.Equal([]byte(c.Value), []byte(s.sealed(b[:sessionHead]))) || time.Now().Unix() >= end {
		return "", 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, left := s.left[c.Value]
	return c.Value, end, !left
}

func (s session) valid(r *http.Request) bool {
	_, _, ok := s.of(r)
	return ok
}

// start and end a session. Secure is set behind a proxy that speaks TLS; this
// server itself listens on this machine only.
func (s session) start(w http.ResponseWriter, r *http.Request) {
	s.cookie(w, r, s.seal(time.Now().Add(sessionTime).Unix()), int(sessionTime/time.Second))
}

func (s session) end(w http.ResponseWriter, r *http.Request) {
	if cookie, end, ok := s.of(r); ok {
		s.mu.Lock()
		now := time.Now().Unix()
		maps.DeleteFunc(s.left, func(_ string, end int64) bool { return end <= now })
		s.left[cookie] = end
		s.mu.Unlock()
	}
	s.cookie(w, r, "", -1)
}

func (session) cookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.Header.Get("X-Forwarded-Proto") == "https"})
}
