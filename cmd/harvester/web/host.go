package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// addressed refuses requests that were meant for another server: a page of
// somebody else whose name has come to mean this machine (DNS rebinding) asks
// under that name, and for a browser it is of the same origin. An IP address
// can't be such a name.
func addressed(next http.Handler, names []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := hostOf(r.Host); !ownName(host, names) {
			problem(w, http.StatusMisdirectedRequest, "this server is not called "+host, "ask for localhost, or write web.hosts in harvester.toml where a proxy hands on its own name")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf is the name in a Host field (RFC 9110 §7.2), in lower case and without
// its port.
func hostOf(field string) string {
	if host, _, err := net.SplitHostPort(field); err == nil {
		field = host
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(field, "[]"), "."))
}

// ownName tells whether a client may call this server so. "" is a client of
// HTTP/1.0, which no browser is.
func ownName(host string, names []string) bool {
	if _, err := netip.ParseAddr(host); err == nil || host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	return slices.Contains(names, host)
}
