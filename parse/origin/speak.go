package origin

import (
	"strings"

	"harvester/parse/domain"
)

// Daemon tells whether addr is one that mail systems write from.
func Daemon(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	local = strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	switch local {
	case "mailerdaemon", "maildaemon", "postmaster", "postmasterdsn", "mailsystem", "mailer", "mdaemon", "smtpdaemon":
		return true
	}
	return strings.HasPrefix(local, exchange)
}

// reserved tells whether addr is one that only a mail system writes from: no
// operator gives these names to a customer. Whoever has a mailbox at a domain can
// write in his own name, and so can't report the failure of his neighbour.
func reserved(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	switch local {
	case "mailer-daemon", "postmaster":
		return true
	}
	return strings.HasPrefix(local, exchange)
}

// exchange begins the local part of what Exchange writes its notices from.
const exchange = "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e"

// reporter tells whether addr is one that feedback loops report complaints from.
func reporter(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	switch strings.NewReplacer("-", "", "_", "").Replace(local) {
	case "feedback", "feedbackloop", "fbl", "fblnoreply", "complaints", "abuse", "staff", "arf":
		return true
	}
	return false
}

// operator is somebody who runs the mail of others: the domains that his mail
// system writes notices from, the domains of recipients that are his own, and
// the hosts that refuse in his name.
type operator struct{ daemons, recipients, hosts []string }

var operators = []operator{
	{[]string{"googlemail.com", "google.com", "gmail.com"}, []string{"gmail.com", "googlemail.com"}, []string{"google.com", "googlemail.com"}},
	{[]string{"outlook.com", "hotmail.com", "live.com", "microsoft.com"}, []string{"outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.co.uk", "hotmail.fr", "hotmail.de", "hotmail.it", "live.co.uk", "live.fr", "live.nl", "outlook.fr", "outlook.de"},
		[]string{"outlook.com", "hotmail.com"}},
	{[]string{"yahoo.com", "yahoo.co.jp", "yahoodns.net", "aol.com", "arf.mail.yahoo.com"}, []string{"yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "aim.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "yahoo.es", "yahoo.it", "yahoo.ca", "yahoo.in", "myyahoo.com"},
		[]string{"yahoodns.net", "yahoo.com", "aol.com"}},
	{[]string{"icloud.com", "apple.com", "me.com"}, []string{"icloud.com", "me.com", "mac.com"}, []string{"icloud.com"}},
	{[]string{"gmx.net", "gmx.com", "web.de", "kundenserver.de"}, []string{"gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.com", "web.de", "mail.com"}, []string{"gmx.net", "gmx.com", "web.de"}},
	{[]string{"mail.ru", "corp.mail.ru"}, []string{"mail.ru", "bk.ru", "inbox.ru", "list.ru"}, []string{"mail.ru"}},
	{[]string{"mimecast.com"}, nil, []string{"mimecast.com"}},
	{[]string{"pphosted.com", "ppe-hosted.com"}, nil, []string{"pphosted.com", "ppe-hosted.com"}},
	{[]string{"messagelabs.com"}, nil, []string{"messagelabs.com"}},
	{[]string{"zoho.com", "zoho.eu"}, []string{"zoho.com", "zoho.eu", "zohomail.com"}, []string{"zoho.com", "zoho.eu"}},
}

// Ours tells whether an author is one of ours, or of the relays that we send
// through.
func (t *Trust) Ours(author string) bool {
	return t != nil && (domain.Below(author, t.OwnDomains) || domain.Below(author, t.Relays))
}

// May tells whether the author of a notice, a domain whose mail was
// authenticated, may speak about a recipient's domain, where remote is the host
// that refused according to the notice: we ourselves and the relays that we
// send through about anybody, the owner of the recipient's domain, and who runs
// its mail. All in lower case.
func (t *Trust) May(author, recipientDomain, remote string) bool {
	switch {
	case t == nil || author == "" || recipientDomain == "":
		return false
	case t.Ours(author):
		return true
	case Organisation(author) == Organisation(recipientDomain):
		return true
	}
	for _, o := range operators {
		if domain.Below(author, o.daemons) {
			// Many let their customers send on through hosts of their own, whose
			// words the notice then repeats.
			refused := domain.Below(remote, o.hosts)
			return refused || remote == "" && domain.Below(recipientDomain, o.recipients)
		}
	}
	return false
}
