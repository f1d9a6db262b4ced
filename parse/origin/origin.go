package origin

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"harvester/parse/domain"
	"harvester/parse/mime"
)

// Trust says what of a header is believed. The zero value believes nothing.
type Trust struct {
	OwnDomains  []string       // that we send as, lower case (package domain); hosts below them are ours
	Hosts       []string       // further hosts of ours, or domains of them, as they name themselves in Received lines
	Networks    []netip.Prefix // of our hosts: what comes from there is no hop from outside
	AuthservIDs []string       // of our own servers, as in Authentication-Results
	Relays      []string       // domains of the relays and services that we send through
}

// Evidence is what our own server recorded about a notice.
type Evidence struct {
	// Host is our own server that wrote the notice; "" when it came from outside
	// or nobody knows.
	Host string `json:"host,omitempty"`
	// Outside tells that a line of our own server shows that the notice came from
	// outside, or that a program on a host of ours wrote it, which may have been told
	// what to; false where nobody knows.
	Outside bool `json:"outside,omitempty"`
	// Author is the domain of the notice's From where our server recorded that it
	// is authentic, and the writer a mail system; "" otherwise.
	Author string `json:"author,omitempty"`
	Method string `json:"method,omitempty"` // what authenticated Author: "dkim", "spf" or "dmarc"
	// Refuted tells that our own server found no valid SPF and DKIM, and DMARC
	// failing.
	Refuted bool   `json:"refuted,omitempty"`
	Server  string `json:"server,omitempty"` // the authserv-id that said so

	// Newest is the host that wrote the newest Received line, and Claims the
	// authserv-id on top of that line: what a mailbox's mail has in common there is
	// ours. Kept where neither is known as ours yet.
	Newest string `json:"newest,omitempty"`
	Claims string `json:"claims,omitempty"`
	// Verified is the domain of From where our own server recorded that it is
	// authentic, whoever wrote it.
	Verified string `json:"verified,omitempty"`
}

// maxHops is how many Received lines are read; more prove nothing.
const maxHops = 50

// Read tells who wrote the mail with the header h, from the address from.
// complaint tells that it is one: those come from other addresses than notices.
func Read(h mime.Header, from string, complaint bool, t *Trust) Evidence {
	var e Evidence
	if t == nil {
		return e
	}
	border, host, outside := t.trail(h)
	e.Outside = outside
	if host != "" && notice(h, from) {
		e.Host = host
	} else if host != "" {
		e.Outside = true
	}
	t.results(h, border, sole(h, from), complaint, &e)
	t.learn(h, &e)
	return e
}

// sole is from where the header names nobody else as its writer, else "": of two
// our server authenticated one, and did not say which.
func sole(h mime.Header, from string) string {
	if fields := h.All("From"); len(fields) == 1 && !strings.ContainsAny(fields[0], ":;") {
		if all, odd := mime.Entries(fields[0]); len(all) == 1 && odd == 0 && strings.EqualFold(all[0], from) {
			return from
		}
	}
	return ""
}

// learn notes who wrote on top of the mail, where that is not known.
func (t *Trust) learn(h mime.Header, e *Evidence) {
	claims := ""
	for i := range h {
		switch {
		case strings.EqualFold(h[i].Name, "Authentication-Results") && claims == "":
			if id, _, ok := readResults(h[i].Value); ok && strings.Contains(id, ".") && !strings.Contains(id, "=") {
				claims = id
			}
		case strings.EqualFold(h[i].Name, "Received"):
			by := readHop(h[i].Value).by
			if google(h, "mx.google.com") {
				claims = "mx.google.com"
			}
			if by != "" && len(by) <= 253 && !t.own(by) {
				e.Newest = by
			}
			if claims != "" && len(claims) <= 253 && !slices.Contains(t.AuthservIDs, claims) {
				e.Claims = claims
			}
			return
		}
	}
}

// trail follows the Received lines from the newest one. border is the index of
// the first that shows a hop from outside, -1 when there is none; host is our
// server that wrote the mail; outside tells that the border is a line of ours.
func (t *Trust) trail(h mime.Header) (border int, host string, outside bool) {
	border = -1
	lines, written := 0, ""
	for i := range h {
		if !strings.EqualFold(h[i].Name, "Received") {
			continue
		}
		if lines++; lines > maxHops {
			return i, "", false
		}
		line := readHop(h[i].Value)
		switch {
		case line.by == "" && line.from == "" && host != "":
			// QUIRK: nullmailer 2.2 and Haraka 3.3 name nobody in what they write on
			// top, of their own notices, too: "(Haraka outbound); Mon, …". A host of
			// ours brought it, and what it took from others stands below.
		case !t.own(line.by):
			return i, "", false
		case line.written():
			// Postfix writes such a line, too, when an alias leads on: the lines of
			// before stand below it.
			written = line.by
		case !line.within(t.Networks):
			return i, "", line.program() || t.outside(h[i:])
		case !line.lmtp():
			host = line.by // from a host of our networks, which may name nobody
		}
	}
	if written != "" {
		host = written
	}
	return border, host, false
}

// outside tells whether the newest lines show a hop from elsewhere.
func (t *Trust) outside(h mime.Header) bool {
	return t.shows(h, func(line hop) bool { return line.elsewhere(t.Networks) })
}

// shows tells whether the newest lines, as long as servers of ours wrote them, show
// a hop of a kind. Hops between hosts of ours are of none, by the name that the
// server looked up.
func (t *Trust) shows(h mime.Header, kind func(hop) bool) bool {
	lines := 0
	for i := range h {
		if !strings.EqualFold(h[i].Name, "Received") {
			continue
		}
		line := readHop(h[i].Value)
		if lines++; lines > maxHops || !t.own(line.by) {
			return false
		}
		if kind(line) && !t.own(line.lookedUp()) {
			return true
		}
	}
	return false
}

func (t *Trust) own(host string) bool {
	return host != "" && (domain.Below(host, t.Hosts) || domain.Below(host, t.OwnDomains))
}

// notice tells whether a mail that a host of ours wrote is one of its mail
// system's. Programs on our hosts write mail, too, and say what others told them:
// a form that anybody may fill in, a help desk that quotes what it answers.
func notice(h mime.Header, from string) bool {
	path := strings.Trim(h.Get("Return-Path"), " \t<>")
	null := path == "" || Daemon(path) // QUIRK: sendmail 8 writes MAILER-DAEMON@host for the null path
	report := strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "multipart/report")
	// QUIRK: dma 0.13 writes in words, from "MAILER-DAEMON <>", which is no address.
	return null && (Daemon(from) || h.Has("Return-Path") && (report || from == ""))
}

// google tells whether a mail lies in a mailbox of Google's. QUIRK: Gmail writes
// its Authentication-Results below its Received lines, always, and takes foreign
// ones in its name out: the newest is Gmail's.
func google(h mime.Header, id string) bool {
	if id != "mx.google.com" {
		return false
	}
	by := readHop(h.Get("Received")).by
	_, err := netip.ParseAddr(by) // "by 2002:a05:6504:1234:b0:2c3:: with SMTP"
	return err == nil || domain.Below(by, []string{"google.com"})
}

// results reads the Authentication-Results that our own server wrote: those
// above the border.
func (t *Trust) results(h mime.Header, border int, from string, complaint bool, e *Evidence) {
	if len(t.AuthservIDs) == 0 || border < 0 {
		return
	}
	var all []result
	for i := range h {
		if !strings.EqualFold(h[i].Name, "Authentication-Results") {
			continue
		}
		id, results, ok := readResults(h[i].Value) // the id is told even of a broken one
		if !slices.Contains(t.AuthservIDs, id) {
			continue
		}
		gmail := google(h, id)
		switch {
		case i > border && !gmail:
		case !ok:
			return
		case !gmail, len(all) == 0:
			all, e.Server = append(all, results...), id
		}
	}
	e.judge(all, h, from, complaint)
}

// judge draws the conclusions from what our own server recorded.
func (e *Evidence) judge(all []result, h mime.Header, from string, complaint bool) {
	author := domainOf(from)
	var dkim, spf, dmarc, half, anyPass, dmarcFail bool
	for _, r := range all {
		pass := r.value == "pass"
		switch r.method {
		case "dkim":
			anyPass = anyPass || pass
			d := r.props["header.d"]
			if d == "" {
				d = domainOf(r.props["header.i"])
			}
			if pass && aligned(d, author) {
				cut := partial(h, d)
				dkim, half = dkim || !cut, half || cut
			}
		case "spf":
			anyPass = anyPass || pass
			for _, p := range [...]string{"smtp.mailfrom", "smtp.mfrom", "smtp.helo"} {
				if id := r.props[p]; id != "" && id != "<>" {
					spf = spf || pass && aligned(domainOf("@"+id[strings.LastIndexByte(id, '@')+1:]), author)
					break
				}
			}
		case "dmarc":
			dmarc = dmarc || pass && aligned(r.props["header.from"], author)
			dmarcFail = dmarcFail || r.value == "fail" || r.value == "hardfail"
		}
	}
	e.Refuted = dmarcFail && !anyPass && !dmarc
	dmarc = dmarc && (dkim || spf || !half) // by half a signature DMARC passes, too
	if dmarcFail || author == "" {
		return
	}
	if dkim || dmarc {
		e.Verified = author // SPF speaks of the envelope's sender, who may be another at the domain
	}
	if !reserved(from) && !(complaint && reporter(from)) {
		return
	}
	for _, m := range [...]struct {
		name string
		ok   bool
	}{{"dkim", dkim}, {"dmarc", dmarc}, {"spf", spf}} {
		if m.ok {
			e.Author, e.Method = author, m.name
			return
		}
	}
}

// partial tells whether a signature of d covers only a part of the body (l=):
// then anybody may have written the rest.
func partial(h mime.Header, d string) bool {
	for _, v := range h.All("DKIM-Signature") {
		var domain string
		var cut bool
		for t := range strings.SplitSeq(v, ";") {
			k, v, _ := strings.Cut(t, "=")
			switch strings.TrimSpace(k) {
			case "d":
				domain = strings.ToLower(strings.TrimSpace(v))
			case "l":
				cut = true
			}
		}
		if cut && domain == d {
			return true
		}
	}
	return false
}

// shared are suffixes below which strangers get names, and which the public
// suffix list lacks.
var shared = []string{"onmicrosoft.com", "mail.onmicrosoft.com"}

// Organisation is the domain that somebody registered: "example.co.uk" of
// "mx1.mail.example.co.uk".
func Organisation(domain string) string {
	for _, s := range shared {
		if rest, ok := strings.CutSuffix(domain, "."+s); ok {
			return rest[strings.LastIndexByte(rest, '.')+1:] + "." + s
		}
	}
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return org
	}
	return domain
}

func aligned(a, b string) bool {
	return a != "" && b != "" && strings.Contains(a, ".") && Organisation(a) == Organisation(b)
}

func domainOf(addr string) string {
	i := strings.LastIndexByte(addr, '@')
	if i < 0 {
		return ""
	}
	return strings.Trim(strings.ToLower(addr[i+1:]), " <>.")
}
