package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"
)

// session lets a browser in that showed the token once. Its cookie holds when
// it ends and a code over that; nothing is kept here, so a new token ends all.
type session struct{ key []byte }

const (
	cookieName  = "harvester"
	sessionTime = 12 * time.Hour
)

func newSession(token string) session {
	if token == "" {
		return session{}
	}
	key := sha256.Sum256([]byte("harvester session\x00" + token))
	return session{key[:]}
}

func (s session) seal(end int64) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(end)) //nolint:gosec // a time
	mac := hmac.New(sha256.New, s.key)
	mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(b))
}

func (s session) valid(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	if err != nil || s.key == nil {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(b) < 8 {
		return false
	}
	end := int64(binary.BigEndian.Uint64(b)) //nolint:gosec // a time
	return hmac.Equal([]byte(c.Value), []byte(s.seal(end))) && time.Now().Unix() < end
}

// start and end a session. Secure is set behind a proxy that speaks TLS; this
// server itself listens on this machine only.
func (s session) start(w http.ResponseWriter, r *http.Request) {
	s.cookie(w, r, s.seal(time.Now().Add(sessionTime).Unix()), int(sessionTime/time.Second))
}

func (s session) end(w http.ResponseWriter, r *http.Request) { s.cookie(w, r, "", -1) }

func (session) cookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.Header.Get("X-Forwarded-Proto") == "https"})
}
