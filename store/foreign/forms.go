package foreign

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/store/policy"
)

// form is one shape of list.
type form struct {
	name    string
	columns []string // that it is known by, in lower case
	whole   bool     // it has no other columns
	source  string   // where the shape is known from; "unverified: …" where nobody has seen such a file
	mute    bool     // it says nothing of kinds, so somebody has to
	read    func(*record)
}

// forms are the shapes that are known by their columns. The first that fits is
// taken, so those with more columns stand first.
var forms = []form{
	{name: "harvester", columns: []string{"email", "reason", "class", "since", "source"}, source: "our profiles csv, spreadsheet and ndjson", read: readOwn},
	{name: "sendgrid", columns: []string{"status", "reason", "email", "created"}, source: "the downloads of bounces and blocks, by three public readers of them",
		read: func(r *record) {
			r.address(r.get("email"))
			r.since(r.get("created"))
			r.failed(hardness(r.get("status")), r.get("reason"), r.get("status"))
		}},
	{name: "sendgrid-invalid", columns: []string{"email", "reason", "created"}, whole: true, source: "unverified: the download of invalid addresses",
		read: func(r *record) {
			r.address(r.get("email"))
			r.since(r.get("created"))
			r.failed(Hard, r.get("reason"), "")
		}},
	{name: "sendgrid-spam", columns: []string{"ip", "email", "created"}, whole: true, source: "unverified: the download of spam reports",
		read: func(r *record) {
			r.address(r.get("email"))
			r.since(r.get("created"))
			r.is(Complaint, "", "")
		}},
	{name: "mailgun", columns: []string{"address", "code", "error"}, source: "documentation.mailgun.com, bounces",
		read: func(r *record) {
			r.address(r.get("address"))
			r.since(r.get("created_at"))
			text := r.get("error")
			if _, ours := ourWords(text); !ours {
				text = strings.TrimSpace(r.get("code") + " " + text)
			}
			r.failed(hardness(r.get("code")), text, "")
		}},
	{name: "mailgun-unsubscribes", columns: []string{"address", "tags", "created_at"}, source: "documentation.mailgun.com, unsubscribes",
		read: func(r *record) {
			r.address(r.get("address"))
			r.since(r.get("created_at"))
			r.is(Unsubscribe, "", "")
			if tags := r.get("tags"); tags != "*" {
				r.says("unsubscribe from", tags)
			}
		}},
	{name: "mailgun-complaints", columns: []string{"address", "created_at"}, whole: true, source: "documentation.mailgun.com, complaints",
		read: func(r *record) {
			r.address(r.get("address"))
			r.since(r.get("created_at"))
			r.is(Complaint, "", "")
		}},
	{name: "sparkpost", columns: []string{"recipient", "type"}, source: "developers.sparkpost.com/api/suppression-list", read: readSparkPost},
	{name: "postmark", columns: []string{"emailaddress", "suppressionreason"}, source: "postmarkapp.com/developer, suppressions dump; unverified: the CSV of the console",
		read: func(r *record) {
			r.address(r.get("emailaddress"))
			r.since(r.get("createdat"))
			r.named(r.get("suppressionreason"), "")
			r.says(r.get("suppressionreason"), "by", r.get("origin"))
		}},
	{name: "ses", columns: []string{"emailaddress", "reason"}, source: "aws sesv2 list-suppressed-destinations, and our profile ses-json",
		read: func(r *record) {
			r.address(r.get("emailaddress"))
			r.since(r.get("lastupdatetime"))
			r.named(r.get("reason"), "")
		}},
	{name: "mandrill", columns: []string{"email", "reason", "detail"}, source: "the download of Mailchimp Transactional's rejects, by public readers of it",
		read: func(r *record) {
			r.address(r.get("email"))
			r.since(r.get("created_at"))
			r.until(r.get("expires_at"))
			r.named(r.get("reason"), r.get("detail"))
		}},
	{name: "brevo", columns: []string{"email", "reason.code"}, source: "developers.brevo.com, transactional blocked contacts",
		read: func(r *record) {
			r.address(r.get("email"))
			r.since(r.get("blockedat"))
			r.named(r.get("reason.code"), "")
			r.says(r.get("reason.message"))
		}},
	{name: "brevo", columns: []string{"email", "reason"}, whole: true, source: "our profile brevo",
		read: func(r *record) {
			r.address(r.get("email"))
			r.named(r.get("reason"), "")
		}},
	{name: "mailchimp", columns: []string{"email address", "clean_time"}, source: "unverified: cleaned_….csv of an audience's export",
		read: func(r *record) {
			r.address(r.get("email address"))
			r.since(r.get("clean_time"))
			r.is(Hard, "", "")
			r.says("cleaned", r.get("clean_campaign_title"))
		}},
	{name: "mailchimp", columns: []string{"email address", "unsub_time"}, source: "unverified: unsubscribed_….csv of an audience's export",
		read: func(r *record) {
			r.address(r.get("email address"))
			r.since(r.get("unsub_time"))
			r.is(Unsubscribe, "", "")
			r.says("unsubscribed", r.get("unsub_reason_other", "unsub_reason"))
		}},
	{name: "mailchimp", columns: []string{"email_address", "status"}, source: "mailchimp.com/developer, members of a list, and our profile mailchimp",
		read: func(r *record) {
			r.address(r.get("email_address"))
			r.since(r.get("last_changed"))
			switch s := r.get("status"); s {
			case "subscribed", "pending", "transactional":
				r.leave("Mailchimp may mail it (" + s + ")")
			default:
				r.named(s, "")
			}
		}},
	{name: "listmonk", columns: []string{"email", "name", "attributes"}, source: "source of knadh/listmonk, and our profile listmonk", read: readListmonk},
	{name: "mautic", columns: []string{"email", "donotemail"}, source: "our profile mautic", read: func(r *record) { readMautic(r, "donotemail") }},
	{name: "mautic", columns: []string{"email", "do not contact"}, source: "unverified: an export of contacts", read: func(r *record) { readMautic(r, "do not contact") }},
}

// plainForm has no header: one address a line.
var plainForm = form{name: "addresses", mute: true, source: "our profiles plain, mailman, phplist and sympa", read: func(r *record) {
	r.address(r.get("email"))
	r.is(KindUnknown, "", "")
}}

var (
	sesForm = form{name: "ses", source: "docs.aws.amazon.com/ses, CSV without header", read: func(r *record) {
		r.address(r.get("email"))
		r.named(r.get("reason"), "")
	}}
	cloudflareForm = form{name: "cloudflare", mute: true, source: "developers.cloudflare.com/email-service", read: func(r *record) {
		r.address(r.get("email"))
		r.until(r.get("expires"))
		r.is(KindUnknown, "", "")
	}}
)

// headless knows the lists without header by their first row; nil for others.
func headless(cells []string) (*form, head) {
	first := strings.TrimSpace(cells[0])
	if !policy.IsAddress(strings.Trim(first, "<>")) {
		return nil, nil
	}
	if len(cells) == 1 { // in quotes: others are read line by line
		return &plainForm, addressHead
	}
	if second := strings.TrimSpace(cells[1]); second == "BOUNCE" || second == "COMPLAINT" {
		return &sesForm, headOf([]string{"email", "reason"})
	} else if _, err := time.Parse(time.RFC3339, second); err == nil {
		return &cloudflareForm, headOf([]string{"email", "expires", "scope"})
	}
	return nil, nil
}

// recognise finds the form of a list with some columns.
func recognise(h head, kind Kind) (*form, error) {
	for i := range forms {
		if f := &forms[i]; h.has(f.columns...) && (!f.whole || len(h) == len(f.columns)) {
			return f, nil
		}
	}
	names := strings.Join(h.names(), ", ")
	if h.has("email address", "member_rating") || h.has("email address", "optin_time") {
		return nil, errors.New("it is Mailchimp's list of those who are subscribed: cleaned_….csv and unsubscribed_….csv of the same export are for the list")
	}
	if len(h) == 1 && len(h.names()) == 1 && isDigest(h.names()[0]) {
		return nil, errors.New("it holds digests, from which no address can be had: import the list that they were made of")
	}
	address, says := column(h, addressColumns), column(h, kindColumns)
	switch {
	case address == "":
		return nil, fmt.Errorf("no column holds addresses: its columns are %s, and one called email is expected", names)
	case says == "" && kind == KindUnknown:
		return nil, errKind
	}
	return &form{name: "table", source: "any table that names its columns so", read: func(r *record) { readAny(r, address, says) }}, nil
}

// The names of columns in tables that are nobody's in particular.
var (
	addressColumns = []string{"email", "email address", "emailaddress", "email_address", "e-mail", "e-mail address", "mail", "recipient", "address"}
	kindColumns    = []string{"kind", "type", "suppression type", "bounce type", "reason", "class", "status"}
	timeColumns    = []string{"since", "date", "created", "created_at", "createdat", "created at", "timestamp", "time", "updated", "updated_at"}
	wordColumns    = []string{"diagnostic", "error", "description", "detail", "details", "message", "comment", "reason"}
)

func column(h head, names []string) string {
	for _, n := range names {
		if h.has(n) {
			return n
		}
	}
	return ""
}

func isDigest(s string) bool {
	return (len(s) == 32 || len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

func readAny(r *record, address, says string) {
	r.address(r.get(address))
	r.since(r.get(timeColumns...))
	text := r.get(wordColumns...)
	if word := r.get(says); word != "" {
		if _, ok := kindOf(word); ok || r.o.Kind == KindUnknown {
			r.named(word, text)
			return
		}
	}
	r.is(KindUnknown, text, "")
	r.says(text)
}

// named is a row that names its kind by a word, with the other system's text.
func (r *record) named(word, text string) {
	k, ok := kindOf(word)
	switch {
	case ok:
		r.is(k, text, "")
	case word == "":
		r.is(KindUnknown, text, "")
	case r.o.Kind != KindUnknown:
		r.is(r.o.Kind, text, "")
	default:
		r.refuse("%q is no kind that is known (bounce, complaint, unsubscribe, manual): --kind says it for such rows", word)
	}
	if text == "" {
		text = word
	}
	r.says(text)
}

// failed is a row about a bounce with the reply of a server.
func (r *record) failed(k Kind, text, status string) {
	r.is(k, text, status)
	r.says(text)
}

// hardness tells by a status or reply code whether a failure is for good.
func hardness(code string) Kind {
	if strings.HasPrefix(code, "4") {
		return Soft
	}
	return Hard
}

// readOwn reads what our own profiles say in full.
func readOwn(r *record) {
	a := r.get("email")
	if guarded, ok := strings.CutPrefix(a, "'"); ok && strings.IndexAny(guarded, "=+-@") == 0 {
		a = guarded // as the profile spreadsheet writes them
	}
	r.address(a)
	r.since(r.get("since"))
	r.until(r.get("expires"))
	r.out.Entry.Stream = r.get("stream")
	r.says(r.get("reason"), r.get("status"), r.get("diagnostic"))
	e := &r.out.Entry
	if err := e.Source.UnmarshalText([]byte(r.get("source"))); err != nil {
		r.refuse("%w", err)
	}
	if e.Source == policy.SourceBounce {
		if err := e.Cause.UnmarshalText([]byte(r.get("reason"))); err != nil {
			r.refuse("%w", err)
		}
	}
}

func readSparkPost(r *record) {
	r.address(r.get("recipient"))
	r.since(r.get("created", "updated"))
	text := r.get("description")
	k, ok := kindOf(r.get("source"))
	if ours := spoken(text); ours != KindUnknown && (!ok || k == Manual) {
		k, ok = ours, true // our own profile, which SparkPost takes for entered by hand
	}
	switch {
	case ok && (k == Hard || k == Soft):
		r.failed(k, text, "")
		return
	case ok:
		r.is(k, "", "")
	case r.get("type") == "non_transactional":
		r.is(Unsubscribe, "", "")
	default:
		r.is(Manual, "", "")
	}
	r.says(r.get("source"), text)
}

func readListmonk(r *record) {
	r.address(r.get("email"))
	r.since(r.get("updated_at"))
	var attributes struct {
		Harvester struct {
			Reason string `json:"reason"`
			Status string `json:"status"`
		} `json:"harvester"`
	}
	status := r.get("status")
	// Attributes of others may be anything.
	_ = json.Unmarshal([]byte(r.get("attributes")), &attributes)
	ours := attributes.Harvester.Reason
	var cause bounce.Reason
	switch {
	case status != "" && status != "blocklisted":
		r.leave("listmonk may mail it (" + status + ")")
	case ours != "" && cause.UnmarshalText([]byte(ours)) == nil:
		r.failed(Hard, strings.TrimSpace(ours+" "+attributes.Harvester.Status), "")
	case ours != "":
		r.named(ours, "")
	case status == "blocklisted":
		r.is(Manual, "", "")
		r.says("blocklisted in listmonk")
	default:
		r.is(KindUnknown, "", "")
	}
}

// readMautic reads a column that is "do not contact" in PHP's spelling of yes and
// no, or in the name of a reason.
func readMautic(r *record, column string) {
	r.address(r.get("email"))
	switch v := strings.ToLower(r.get(column)); v {
	case "", "0", "no", "false", "off":
		r.leave("Mautic may mail it")
	case "1", "yes", "true", "on":
		r.is(Manual, "", "")
		r.says("do not contact")
	default:
		r.named(v, "")
	}
}
