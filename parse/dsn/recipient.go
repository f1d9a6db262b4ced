package dsn

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/mime"
)

// recipient reads the fields of one group.
func (r *Report) recipient(fields mime.Header) Recipient {
	out := Recipient{Fields: fields}
	actions := 0
	diagnostic, score := "", 0
	for i, f := range fields {
		switch fieldOf(f.Name) {
		case final:
			if out.FinalRecipient == "" {
				var odd bool
				out.FinalRecipient, odd = r.address(f, false)
				out.Odd = out.Odd || odd
			}
			fields[i].Value = unmark(f.Value)
		case original:
			if out.OriginalRecipient == "" {
				var odd bool
				out.OriginalRecipient, odd = r.address(f, true)
				out.Odd = out.Odd || odd
			}
			fields[i].Value = unmark(f.Value)
		case action:
			if actions++; actions == 1 {
				out.ActionText = f.Value
				out.Action = r.action(f.Value)
			} else {
				r.addNote("second Action of a group left out")
			}
		case status:
			if out.Status == "" {
				v := mime.DecodeWords(f.Value)
				out.Status, out.StatusComment = Code(v), comment(v)
				if out.Status == "" {
					r.addNote("Status without a code")
				}
			}
		case recipient:
			switch {
			case strings.EqualFold(f.Name, "Remote-MTA"):
				if out.RemoteMTA == "" {
					out.RemoteMTA = mtaName(f.Value)
				}
			case strings.EqualFold(f.Name, "Diagnostic-Code"):
				if n := specific(f.Value); n > score {
					diagnostic, score = f.Value, n
				}
			case strings.EqualFold(f.Name, "Last-Attempt-Date"):
				out.LastAttempt = mime.Date(f.Value)
			case strings.EqualFold(f.Name, "Will-Retry-Until"):
				out.WillRetryUntil = mime.Date(f.Value)
			}
		}
	}
	// QUIRK: some encode every sign of an ORCPT. What the final address agrees
	// with is no plus tag.
	if at := strings.IndexByte(out.OriginalRecipient, '+'); at >= 0 && out.FinalRecipient != "" && strings.EqualFold(xtext(out.OriginalRecipient), out.FinalRecipient) {
		out.OriginalRecipient = out.FinalRecipient
	}
	if out.FinalRecipient == "" && out.OriginalRecipient == "" {
		if v := fields.Get("X-Actual-Recipient"); v != "" {
			out.FinalRecipient, _ = r.address(mime.Field{Name: "X-Actual-Recipient", Value: v}, false)
		}
	}
	if diagnostic == "" {
		// QUIRK: some Exim set-ups write the reply into a field of their own.
		for _, name := range []string{"X-Exim-Diagnostic", "X-Supplementary-Info", "X-SMTP-Diagnostic"} {
			if diagnostic = fields.Get(name); diagnostic != "" {
				r.addNote("reply taken from " + name)
				break
			}
		}
	}
	out.DiagnosticType, out.Diagnostic = splitDiagnostic(mime.DecodeWords(diagnostic))
	if actions == 0 {
		r.addNote("group without Action")
	}
	return out
}

// action reads the first word of an Action (RFC 3464 §2.3.3).
func (r *Report) action(v string) bounce.Action {
	v = strings.TrimLeft(v, " \t\"'<(")
	n := 0
	for n < len(v) && (v[n]|0x20 >= 'a' && v[n]|0x20 <= 'z') {
		n++
	}
	switch strings.ToLower(v[:n]) {
	case "failed":
		return bounce.Failed
	case "delayed":
		return bounce.Delayed
	case "delivered":
		return bounce.Delivered
	case "relayed":
		return bounce.Relayed
	case "expanded":
		return bounce.Expanded
	// QUIRK: OpenSMTPD 5, SendGrid and mail scripts.
	case "error", "expired", "failure", "fail", "bounced":
		r.addNote("unknown Action read as failed: " + v[:n])
		return bounce.Failed
	case "delay", "deferred":
		r.addNote("unknown Action read as delayed: " + v[:n])
		return bounce.Delayed
	// QUIRK: Postfix reports probes (sendmail -bv) this way: nothing failed.
	case "deliverable", "undeliverable":
		r.addNote("probe, no delivery: " + v[:n])
	default:
		r.addNote("unknown Action")
	}
	return bounce.ActionNone
}

// comment returns what stands between the first bracket of a field and its last.
func comment(v string) string {
	from, to := strings.IndexByte(v, '('), strings.LastIndexByte(v, ')')
	if from < 0 || to < from {
		return ""
	}
	return strings.TrimSpace(v[from+1 : to])
}

// Code returns the first enhanced status code (RFC 3463) in s, "" when there is
// none.
func Code(s string) string {
	for i := 0; i+4 < len(s); i++ {
		if c := s[i]; c != '2' && c != '4' && c != '5' || s[i+1] != '.' || i > 0 && (digit(s[i-1]) || s[i-1] == '.') {
			continue
		}
		j := digits(s, i+2)
		if j == i+2 || j > i+5 || j >= len(s) || s[j] != '.' {
			continue
		}
		k := digits(s, j+1)
		if k == j+1 || k > j+4 || k+1 < len(s) && s[k] == '.' && digit(s[k+1]) {
			continue
		}
		return s[i:k]
	}
	return ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func digits(s string, i int) int {
	for i < len(s) && digit(s[i]) {
		i++
	}
	return i
}

// mtaName takes type and comment off the name of an MTA.
func mtaName(v string) string {
	if i := strings.IndexByte(v, ';'); i >= 0 {
		v = v[i+1:]
	}
	v = strings.TrimSpace(v)
	if i := strings.IndexAny(v, " \t("); i >= 0 {
		v = v[:i]
	}
	return strings.Trim(v, `"<>,;`)
}

// specific tells how much a Diagnostic-Code says. Of several the first with an
// enhanced code counts, else the first with a reply code, else the first with a
// text.
func specific(v string) int {
	_, text := splitDiagnostic(v)
	switch {
	case text == "":
		return 1 // the type alone
	case len(text) > 2 && text[0] == '2' && digit(text[1]) && digit(text[2]):
		return 2
	case Code(text) != "":
		return 5
	case len(text) > 2 && (text[0] == '4' || text[0] == '5') && digit(text[1]) && digit(text[2]):
		return 4
	}
	return 3
}

// splitDiagnostic splits `type; text` (RFC 3464 §2.3.6). Without a type all is
// text.
func splitDiagnostic(v string) (typ, text string) {
	v = strings.TrimSpace(v)
	n := 0
	for n < len(v) && n < 40 && (v[n]|0x20 >= 'a' && v[n]|0x20 <= 'z' || v[n] == '-' || v[n] == '_' || v[n] == '/' || n > 0 && digit(v[n])) {
		n++
	}
	rest := strings.TrimLeft(v[n:], " \t")
	switch {
	case n == 0 || rest == "":
		if strings.EqualFold(v, "smtp") {
			return "smtp", ""
		}
		return "", v
	case rest[0] == ';':
		return strings.ToLower(v[:n]), strings.TrimSpace(rest[1:])
	case strings.EqualFold(v[:n], "smtp") && (rest[0] == ':' || digit(rest[0])):
		return "smtp", strings.TrimLeft(rest, ": ")
	}
	return "", v
}
