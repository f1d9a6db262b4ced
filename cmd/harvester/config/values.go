package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"harvester/harvest"
	"harvester/parse/domain"
)

// Zone is an IANA time zone; the zero Zone is the system's.
type Zone struct{ loc *time.Location }

// UnmarshalText reads a name such as Europe/Berlin; "" is the system's zone.
func (z *Zone) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		z.loc = nil
		return nil
	}
	loc, err := time.LoadLocation(string(b))
	if err != nil {
		return fmt.Errorf("unknown time zone %q: write a name such as Europe/Berlin or UTC", b)
	}
	z.loc = loc
	return nil
}

// Location is the zone for package time.
func (z Zone) Location() *time.Location {
	if z.loc != nil {
		return z.loc
	}
	// time.Local has no name; reports want one.
	if target, err := os.Readlink("/etc/localtime"); err == nil && os.Getenv("TZ") == "" {
		if _, name, ok := strings.Cut(target, "/zoneinfo/"); ok {
			if loc, err := time.LoadLocation(strings.TrimPrefix(name, "Etc/")); err == nil {
				return loc
			}
		}
	}
	if _, offset := time.Now().Zone(); offset == 0 && os.Getenv("TZ") == "" {
		return time.UTC
	}
	return time.Local
}

// MarshalText writes the zone's name.
func (z Zone) MarshalText() ([]byte, error) { return []byte(z.Location().String()), nil }

// Pin is the SHA-256 of a certificate, in hex.
type Pin string

// UnmarshalText reads 64 hexadecimal digits, with or without colons.
func (p *Pin) UnmarshalText(b []byte) error {
	if digits, err := hex.DecodeString(strings.ReplaceAll(string(b), ":", "")); len(b) > 0 && (err != nil || len(digits) != sha256.Size) {
		return fmt.Errorf("%q is not the SHA-256 of a certificate, 64 hexadecimal digits: openssl s_client -connect HOST:993 </dev/null | openssl x509 -noout -fingerprint -sha256 prints it", b)
	}
	*p = Pin(b)
	return nil
}

// Day is a day of the calendar; the zero Day is none.
type Day struct{ utc time.Time }

// UnmarshalText reads YYYY-MM-DD; "" is none.
func (d *Day) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Day{}
		return nil
	}
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return fmt.Errorf("%q is not a day: write YYYY-MM-DD", b)
	}
	d.utc = t
	return nil
}

// Start is the moment at which the day begins in a zone; zero for none.
func (d Day) Start(loc *time.Location) time.Time {
	if d.utc.IsZero() {
		return time.Time{}
	}
	return time.Date(d.utc.Year(), d.utc.Month(), d.utc.Day(), 0, 0, 0, 0, loc)
}

// Domain is a domain name as it stands in DNS: lower case, A-labels.
type Domain string

// UnmarshalText reads a domain in any case, internationalised or not.
func (d *Domain) UnmarshalText(b []byte) error {
	s := string(b)
	if strings.Contains(s, "@") {
		return fmt.Errorf("%q is an address, not a domain", s)
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
	if err != nil || !strings.Contains(ascii, ".") {
		return fmt.Errorf("%q is not a domain name", s)
	}
	*d = Domain(ascii)
	return nil
}

// OwnDomain is a Domain with what stands below it or, with "=" before it, that
// domain alone.
type OwnDomain string

// UnmarshalText reads example.org and =example.org.
func (d *OwnDomain) UnmarshalText(b []byte) error {
	name, exact := strings.CutPrefix(string(b), domain.Exact)
	var read Domain
	if err := read.UnmarshalText([]byte(name)); err != nil {
		return err
	}
	if *d = OwnDomain(read); exact {
		*d = domain.Exact + *d
	}
	return nil
}

// Own are the domains of ours, as package domain reads them.
func (c *Config) Own() []string {
	out := make([]string, len(c.OwnDomains))
	for i, d := range c.OwnDomains {
		out[i] = string(d)
	}
	return out
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Name is what a mailbox or an export is called in logs, reports and commands.
type Name string

// UnmarshalText reads letters, digits, dot, hyphen and underscore.
func (n *Name) UnmarshalText(b []byte) error {
	if !namePattern.Match(b) {
		return fmt.Errorf("%q is not a name: use letters, digits, dot, hyphen and underscore", b)
	}
	*n = Name(b)
	return nil
}

// Server is a host and a port.
type Server string

// UnmarshalText reads host:port.
func (s *Server) UnmarshalText(b []byte) error {
	host, port, err := net.SplitHostPort(string(b))
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("%q is not host:port: write imap.example.org:993", b)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q is not a port", port)
	}
	*s = Server(b)
	return nil
}

// Host is the server without its port.
func (s Server) Host() string {
	host, _, _ := net.SplitHostPort(string(s))
	return host
}

// Port is the server's port.
func (s Server) Port() int {
	_, port, _ := net.SplitHostPort(string(s))
	n, _ := strconv.Atoi(port) // it was checked
	return n
}

// Loopback tells that the server is this machine.
func (s Server) Loopback() bool { return loopback(s.Host()) }

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// oneOf reads one of a few words.
func oneOf[T ~string](into *T, text []byte, what string, words ...T) error {
	var known []string
	for _, w := range words {
		if string(w) == string(text) {
			*into = w
			return nil
		}
		known = append(known, string(w))
	}
	last := len(known) - 1
	return fmt.Errorf("%q is not %s: %s or %s", text, what, strings.Join(known[:last], ", "), known[last])
}

// TLS says how a connection is protected.
type TLS string

// The ways to protect a connection.
const (
	TLSImplicit TLS = "implicit" // TLS from the first byte, port 993
	TLSStart    TLS = "starttls" // STARTTLS before signing in, port 143
	TLSNone     TLS = "none"     // nothing, on loopback only
)

// UnmarshalText reads implicit, starttls or none.
func (t *TLS) UnmarshalText(b []byte) error {
	return oneOf(t, b, "a TLS mode", TLSImplicit, TLSStart, TLSNone)
}

// Done says what becomes of an understood message on the server.
type Done struct {
	Disposition harvest.Disposition
	Folder      string // of a move
}

// UnmarshalText reads keep, seen, move:FOLDER or delete.
func (d *Done) UnmarshalText(b []byte) error {
	word, folder, colon := strings.Cut(string(b), ":")
	switch {
	case word == "keep" && !colon:
		*d = Done{Disposition: harvest.Keep}
	case word == "seen" && !colon:
		*d = Done{Disposition: harvest.Seen}
	case word == "delete" && !colon:
		*d = Done{Disposition: harvest.Delete}
	case word == "move" && folder != "":
		*d = Done{Disposition: harvest.Move, Folder: folder}
	case word == "move":
		return errors.New("move needs a folder: move:Harvested")
	default:
		return fmt.Errorf("%q is not a disposition: keep, seen, move:FOLDER or delete", b)
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Done) MarshalText() ([]byte, error) {
	if d.Disposition == harvest.Move {
		return []byte("move:" + d.Folder), nil
	}
	return []byte(d.Disposition.String()), nil
}
