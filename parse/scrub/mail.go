package scrub

import (
	"bytes"
	"fmt"
	"strings"

	"harvester/parse/mime"
)

// Mail makes a sample of a mail that can be given away: addresses, hosts, ids
// and people's names are replaced, each by the same word wherever it stands,
// signatures, attachments and the text of the mail that came back are left
// out. What tells a layout stays: its fields, parts, words and codes. Texts
// are written as UTF-8, HTML as text. A person's name in the words of a notice
// is known only from the header fields: read a sample before it is sent.
func Mail(raw []byte) []byte {
	root, _ := mime.Read(raw, mime.Limits{})
	w := writer{names: newNames()}
	w.survey(root)
	w.part(root)
	return w.Bytes()
}

type writer struct {
	bytes.Buffer
	*names
	parts int
}

// people are the fields whose display names are people's.
var people = []string{"From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Resent-From", "Resent-To", "Disposition-Notification-To", "Return-Receipt-To"}

// survey learns the names in the header fields of the mail and of what came
// back with it.
func (w *writer) survey(p *mime.Part) {
	h := p.Header
	if headers(p) {
		h = mime.ReadHeader([]byte(p.Text()), 0)
	}
	for _, f := range people {
		for _, v := range h.All(f) {
			w.learn(mime.DecodeWords(v))
		}
	}
	if p.Depth > 0 && w.subject == "" && h.Has("Subject") {
		if s := strings.TrimSpace(mime.DecodeWords(h.Get("Subject"))); len(s) > 3 {
			w.subject = s
		}
	}
	for _, c := range p.Children {
		w.survey(c)
	}
}

// headers tells whether the part is the header of the mail that came back.
func headers(p *mime.Part) bool { return p.Is("text/rfc822-headers", "message/rfc822-headers") }

func (w *writer) part(p *mime.Part) {
	switch {
	case strings.HasPrefix(p.Type, "multipart/"):
		w.multipart(p)
	case p.Is("message/rfc822", "message/global", "message/news"):
		w.fields(p.Header, "")
		w.WriteString("Content-Type: " + p.Type + "\n\n")
		for _, c := range p.Children {
			w.fields(c.Header, "a subject")
			w.WriteString("\n[the text is left out]\n")
		}
	case headers(p):
		w.leaf(p, "")
		w.fields(mime.ReadHeader([]byte(p.Text()), 0), "a subject")
	case p.Is("text/plain", "text/html", "message/delivery-status", "message/global-delivery-status", "message/feedback-report", "message/disposition-notification"):
		text := p.Text()
		if p.Is("text/html") {
			text = mime.HTMLText(text)
		}
		w.leaf(p, "; charset=utf-8")
		w.WriteString(w.text(w.returned(text)))
		w.ensureLine()
	default:
		w.leaf(p, "")
		fmt.Fprintf(w, "[%d bytes are left out]\n", len(p.Body()))
	}
}

func (w *writer) multipart(p *mime.Part) {
	w.parts++
	boundary := fmt.Sprintf("part-%d", w.parts)
	w.fields(p.Header, "")
	more := ""
	if t := p.Param("report-type"); t != "" {
		more = "; report-type=" + w.text(t)
	}
	fmt.Fprintf(w, "Content-Type: %s%s; boundary=\"%s\"\n", p.Type, more, boundary)
	if p.Depth == 0 {
		w.WriteString("MIME-Version: 1.0\n")
	}
	for _, c := range p.Children {
		fmt.Fprintf(w, "\n--%s\n", boundary)
		w.part(c)
	}
	fmt.Fprintf(w, "\n--%s--\n", boundary)
}

// leaf writes the header of a part without parts, as UTF-8.
func (w *writer) leaf(p *mime.Part, more string) {
	w.fields(p.Header, "")
	kind := p.Type
	if p.Is("text/html") {
		kind = "text/plain"
	}
	if p.Depth == 0 && !p.Header.Has("Content-Type") { // QUIRK: old MTAs send no MIME at all
		w.WriteString("\n")
		return
	}
	fmt.Fprintf(w, "Content-Type: %s%s\n\n", kind, more)
}

// dropped are fields without words: signatures, traces, and what is written
// anew.
var dropped = []string{"dkim-signature", "domainkey-signature", "authentication-results", "received-spf", "received", "content-type",
	"content-transfer-encoding", "mime-version", "content-disposition", "content-description", "content-id", "content-length"}

// fields writes header fields with their names replaced; a subject, where one
// is given, stands in place of the field's own.
func (w *writer) fields(h mime.Header, subject string) {
fields:
	for _, f := range h {
		name := strings.ToLower(f.Name)
		if strings.HasPrefix(name, "arc-") || strings.HasPrefix(name, "x-google-dkim") || strings.HasPrefix(name, "x-received") {
			continue
		}
		for _, d := range dropped {
			if name == d {
				continue fields
			}
		}
		value := mime.DecodeWords(f.Value)
		for _, p := range people {
			if strings.EqualFold(p, f.Name) {
				value = w.list(value)
			}
		}
		if name == "subject" && subject != "" {
			value = subject
		}
		fmt.Fprintf(w, "%s: %s\n", f.Name, strings.ReplaceAll(w.text(value), "\n", " "))
	}
}

// list leaves the display names of people out of a list of addresses.
func (w *writer) list(v string) string {
	var out []string
	for entry := range strings.SplitSeq(v, ",") {
		addr, _ := mime.Address(entry)
		local, _, _ := strings.Cut(strings.ToLower(addr), "@")
		switch {
		case addr == "" || systems[local]:
			out = append(out, strings.TrimSpace(entry))
		default:
			out = append(out, "<"+addr+">")
		}
	}
	return strings.Join(out, ", ")
}

// returned leaves out what stands behind the header of a mail that came back
// within a text.
func (w *writer) returned(text string) string {
	lines := strings.SplitAfter(text, "\n")
	seen := map[string]bool{}
	for i, line := range lines {
		field := strings.ToLower(mime.FieldName(strings.TrimLeft(line, "> |")))
		switch field {
		case "from", "subject", "date", "to", "message-id", "received", "return-path":
			seen[field] = true
		}
		if field == "subject" { // it may name anybody
			name, _, _ := strings.Cut(line, ":")
			lines[i] = name + ": a subject\n"
		}
		if strings.TrimSpace(line) == "" {
			if len(seen) > 2 && seen["from"] {
				return strings.Join(lines[:i], "") + "\n[the text is left out]\n"
			}
			clear(seen)
		}
	}
	return strings.Join(lines, "")
}

func (w *writer) ensureLine() {
	if b := w.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		w.WriteString("\n")
	}
}
