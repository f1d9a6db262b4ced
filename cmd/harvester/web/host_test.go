package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A name that is not ours is answered by nobody, whatever it is asked for.
func TestHostIsOurs(t *testing.T) {
	h := addressed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), []string{"mail.example.org", "watch.example.org"})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:9717": 200, "LOCALHOST.": 200, "a.localhost:80": 200, "127.0.0.1:9717": 200, "[::1]:9717": 200, "[::1]": 200, "192.0.2.1": 200, "": 200,
		"watch.example.org": 200, "Watch.Example.org:443": 200, "mail.example.org": 200,
		"evil.example": 421, "evil.example:9717": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "x.watch.example.org": 421, "watch.example.org@evil.example": 421, "notlocalhost": 421,
	} {
		for _, path := range []string{"/", "/livez", "/v1/lookup?address=a%40b.example"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%q, %s: %d, want %d", host, path, w.Code, want)
			}
		}
	}
}

// It holds where a token can be asked for, and where names are configured.
func TestHostIsCheckedWhereATokenIs(t *testing.T) {
	c := start(t, func(o *Options) { o.CheckHost, o.Hosts = true, []string{"watch.example.org"} })
	ask := func(host string) int {
		r, err := http.NewRequest("GET", c.url+"/livez", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for host, want := range map[string]int{"": 200, "watch.example.org": 200, "rebound.example": 421} {
		if got := ask(host); got != want {
			t.Errorf("%q: %d, want %d", host, got, want)
		}
	}
}
