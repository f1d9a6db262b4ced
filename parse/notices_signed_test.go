package parse

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"harvester/parse/dkim"
	"harvester/parse/origin"
)

// signing is how a mail of ours is signed.
type signing struct {
	name            string
	rsa, simple     bool
	fields          []string // h=
	partial         bool     // l=
	expires, folded bool     // x=; the signature and fields of the mail are folded
}

var signings = func() (all []signing) {
	usual := []string{"From", "To", "Subject", "Date", "Message-ID"}
	for _, rsa := range []bool{true, false} {
		for _, simple := range []bool{false, true} {
			for _, s := range []signing{
				{name: "usual", fields: usual},
				{name: "oversigned", fields: slices.Concat([]string{"From", "To", "Cc", "Subject", "Reply-To"}, usual)},
				{name: "few fields", fields: []string{"From", "To", "Message-ID"}},
				{name: "l=", fields: usual, partial: true},
				{name: "x=", fields: usual, expires: true},
				{name: "folded", fields: usual, folded: true},
				{name: "oversigned, l=, x=, folded", fields: slices.Concat([]string{"From", "To"}, usual), partial: true, expires: true, folded: true},
			} {
				s.rsa, s.simple = rsa, simple
				all = append(all, s)
			}
		}
	}
	return all
}()

// signer holds the keys of a run.
type signer struct {
	rsa *rsa.PrivateKey
	ed  ed25519.PrivateKey
}

func newSigner(t *testing.T) signer {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, e, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{r, e}
}

func (s signer) keys(domain, selector string) []dkim.Key {
	switch {
	case domain != "example.org":
		return nil
	case selector == "rsa":
		return []dkim.Key{{Public: s.rsa.Public()}}
	}
	return []dkim.Key{{Public: s.ed.Public()}}
}

// mail is one of ours, signed; its lines end in LF. go-msgauth signs all but
// those with l=, which it refuses to make.
func (s signer) mail(t *testing.T, how *signing, to, id string) string {
	subject := "Your order"
	if how.folded {
		subject = "Your order of the ninth of November,\n\twhich we have sent\n  today"
	}
	m := fmt.Sprintf("From: Example Shop <shop@example.org>\nTo: Jane Doe <%s>\nSubject: %s\nDate: %s\nMessage-ID: <%s@example.org>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\nHello Jane,\n\nit is on its way.\n",
		to, subject, time.Now().Format(time.RFC1123Z), id)
	crlf := strings.ReplaceAll(m, "\n", "\r\n")
	o := &msgauth.SignOptions{Domain: "example.org", Selector: "ed", Signer: s.ed, Hash: crypto.SHA256, HeaderKeys: how.fields,
		HeaderCanonicalization: msgauth.CanonicalizationRelaxed, BodyCanonicalization: msgauth.CanonicalizationSimple}
	if how.rsa {
		o.Selector, o.Signer = "rsa", s.rsa
	}
	if how.simple {
		o.HeaderCanonicalization = msgauth.CanonicalizationSimple
	}
	if how.expires {
		o.Expiration = time.Now().Add(7 * 24 * time.Hour)
	}
	if how.partial {
		return strings.ReplaceAll(s.partial(t, how, o, crlf), "\r\n", "\n")
	}
	var b bytes.Buffer
	if err := msgauth.Sign(&b, strings.NewReader(crlf), o); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

// partial signs the first line of the body only (RFC 6376 §3.4.5).
func (s signer) partial(t *testing.T, how *signing, o *msgauth.SignOptions, mail string) string {
	head, body, _ := strings.Cut(mail, "\r\n\r\n")
	length := strings.Index(body, "\r\n") + 2
	sum := sha256.Sum256([]byte(body[:length]))
	algorithm := "ed25519-sha256"
	if how.rsa {
		algorithm = "rsa-sha256"
	}
	expires := ""
	if how.expires {
		expires = fmt.Sprintf(" x=%d;", o.Expiration.Unix())
	}
	field := fmt.Sprintf("DKIM-Signature: v=1; a=%s; c=%s/simple; d=example.org; s=%s; t=%d;%s l=%d;\r\n\th=%s;\r\n\tbh=%s;\r\n\tb=",
		algorithm, o.HeaderCanonicalization, o.Selector, time.Now().Unix(), expires, length, strings.Join(how.fields, ":"), base64.StdEncoding.EncodeToString(sum[:]))
	h := sha256.New()
	left := unfoldedFields(head)
	for _, name := range how.fields {
		for i := len(left) - 1; i >= 0; i-- {
			if strings.HasPrefix(left[i], name+":") {
				h.Write([]byte(canonical(left[i], how.simple) + "\r\n"))
				left = slices.Delete(left, i, i+1)
				break
			}
		}
	}
	h.Write([]byte(canonical(field, how.simple)))
	sig, err := o.Signer.Sign(rand.Reader, h.Sum(nil), map[bool]crypto.SignerOpts{true: crypto.SHA256, false: crypto.Hash(0)}[how.rsa])
	if err != nil {
		t.Fatal(err)
	}
	return field + base64.StdEncoding.EncodeToString(sig) + "\r\n" + mail
}

// unfoldedFields are the fields of a header, each with its folds.
func unfoldedFields(head string) (all []string) {
	for line := range strings.SplitSeq(head, "\r\n") {
		if line[0] == ' ' || line[0] == '\t' {
			all[len(all)-1] += "\r\n" + line
		} else {
			all = append(all, line)
		}
	}
	return all
}

func canonical(field string, simple bool) string {
	if simple {
		return field
	}
	name, value, _ := strings.Cut(field, ":")
	return strings.ToLower(name) + ":" + strings.Join(strings.Fields(value), " ")
}

// ownServer is how a notice reads that our mailbox server took from the program.
const ownServer = "Received: from relay.example.net (relay.example.net [192.0.2.10])\r\n\tby mx.example.org with ESMTP id 1 for <bounces@example.org>; Mon, 30 Nov 2026 12:00:00 +0000\r\n"

// 224 mails of ours, signed in 28 ways, come back from real programs: how many
// prove themselves by their signature, and how many notices by who wrote them,
// in a mailbox on the same host and in one of another server of ours.
func TestNoticesOfSignedMails(t *testing.T) {
	root := os.Getenv("HARVESTER_NOTICES")
	if root == "" {
		t.Skip("run make notices: it unpacks the programs that return the mails")
	}
	loopbackUp(t)
	nameServer(t)
	came := receiver(t)
	keys := newSigner(t)
	signed := &Options{OwnDomains: []string{"example.org"}, Keys: keys.keys,
		Trust: &origin.Trust{OwnDomains: []string{"example.org"}, Hosts: []string{"relay.example.net"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}}}
	const to = "nouser@remote.example"
	var all tally
	ran := 0
	for _, prog := range programs {
		t.Run(prog.name, func(t *testing.T) {
			prog.install(t, root)
			sent := map[string]*signing{}
			for i := range signings {
				id := fmt.Sprintf("%s-%d-%d", prog.name, i, time.Now().UnixNano())
				sent[id] = &signings[i]
				prog.submit(t, root, []string{to}, keys.mail(t, &signings[i], to, id))
			}
			var of tally
			for len(sent) > 0 {
				var raw []byte
				select {
				case raw = <-came:
				case <-time.After(time.Minute):
					t.Fatalf("%d of %d mails did not come back", len(sent), len(signings))
				}
				res := Parse(raw, signed)
				id := strings.TrimSuffix(strings.Trim(res.Original.MessageID, "<>"), "@example.org")
				how := sent[id]
				if how == nil {
					continue // it answers a mail of a test before
				}
				delete(sent, id)
				if dir := os.Getenv("HARVESTER_NOTICES_KEEP"); dir != "" {
					if err := os.WriteFile(filepath.Join(dir, "signed-"+id+".eml"), raw, 0o644); err != nil {
						t.Error(err)
					}
				}
				of.back++
				if s := res.Provenance.Signature; s == nil || s.Problem != "" || !slices.Equal(s.Recipients, []string{to}) {
					t.Errorf("%s, rsa %v, simple %v: %+v\n%s", how.name, how.rsa, how.simple, s, raw)
				} else {
					of.verify++
				}
				if res.Provenance.Host != "" {
					of.alone++
				}
				if Parse(append([]byte(ownServer), raw...), signed).Provenance.Host == "" {
					t.Errorf("a server of ours brought it, and nobody wrote it:\n%s", raw)
				} else {
					of.behind++
				}
			}
			t.Logf("%-10s %s", prog.name, of)
			all.back, all.verify, all.alone, all.behind = all.back+of.back, all.verify+of.verify, all.alone+of.alone, all.behind+of.behind
			ran++
		})
	}
	t.Logf("%d programs: %s", ran, all)
}

type tally struct{ back, verify, alone, behind int }

func (n tally) String() string {
	return fmt.Sprintf("%3d came back, %3d verify; authentic without a signature: %3d in a mailbox on its host, %3d in one of another server of ours", n.back, n.verify, n.alone, n.behind)
}
