package parse

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"harvester/parse/bounce"
)

var exhaustive = flag.Bool("exhaustive", false, "cut every sample mail at every byte (minutes)")

var failedField = regexp.MustCompile(`(?mi)^X-(?:Failed-Recipients:|Actual-Recipient: rfc822;) *([^\s,]+(?:,\s+[^\s,]+)*)\r?$`)

// nameable returns whom a mail may name however it is damaged: those whom
// people read in the whole of it, and the addresses that failed in their
// place, which are all that is left when the alias is lost.
func nameable(tb testing.TB) func(file string) []string {
	all, damaged := map[string][]string{}, map[string][]string{}
	for _, t := range truths(tb) {
		for _, r := range t.Recipients {
			all[t.File] = append(all[t.File], strings.ToLower(r.Recipient))
		}
		damaged[t.File] = t.Damaged
	}
	return func(file string) []string {
		names := slices.Clone(all[file])
		if m := failedField.FindSubmatch(fixture(tb, file)); m != nil && len(names) == 1 { // of Exim: an alias' target
			for name := range strings.FieldsFuncSeq(string(m[1]), func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
				names = append(names, strings.ToLower(name))
			}
		}
		whole := Parse(fixture(tb, file), ours)
		for _, r := range whole.Recipients {
			if len(names) > 0 || whole.FeedbackType != "" || whole.Kind.String() == "complaint" {
				names = append(names, strings.ToLower(r.FinalRecipient), strings.ToLower(r.Recipient))
			}
		}
		return append(names, damaged[file]...)
	}
}

// wrong returns the first recipient of a damaged mail that its whole does not
// name.
func wrong(got Result, names []string) string {
	for _, r := range got.Recipients {
		if len(names) == 0 && r.Action == bounce.Delivered {
			continue // a moderator's notice without its first words
		}
		if !slices.Contains(names, strings.ToLower(r.Recipient)) {
			return fmt.Sprintf("%s (%s, %q)", r.Recipient, got.Dialect, got.Notes)
		}
	}
	for _, n := range got.Notes {
		if strings.HasPrefix(n, "parser defect") {
			return n
		}
	}
	return ""
}

// eachMail runs f over every sample mail in parallel, over a tenth of them
// when tests are to be short.
func eachMail(t *testing.T, f func(t *testing.T, raw []byte, names []string)) {
	may := nameable(t)
	for i, file := range mails(t) {
		if testing.Short() && i%10 != 0 {
			continue
		}
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			f(t, fixture(t, file), may(file))
		})
	}
}

// A mail that ends early names nobody but those whom the whole one names: an
// address that the end has cut is another address.
func TestCutAnywhere(t *testing.T) {
	eachMail(t, func(t *testing.T, raw []byte, names []string) {
		for n := range raw {
			if !*exhaustive && !telling(raw, n) {
				continue
			}
			if w := wrong(Parse(raw[:n:n], ours), names); w != "" {
				t.Fatalf("cut at byte %d, behind %q: %s", n, raw[max(0, n-60):n], w)
			}
		}
	})
}

// telling chooses the bytes that a cut is likely to go wrong at: in and behind
// addresses, around line ends and delimiters; of the others one in sixty.
func telling(raw []byte, n int) bool {
	if n%61 == 0 {
		return true
	}
	line := raw[:n]
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	at := bytes.LastIndexByte(line, '@')
	return at >= 0 && len(line)-at < 30 && (n%3 == 0 || !address(raw[n]) || !address(raw[n-1]))
}

func address(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
}

// A mail that lost a line names nobody else.
func TestEveryLineDropped(t *testing.T) {
	eachMail(t, func(t *testing.T, raw []byte, names []string) {
		lines := bytes.SplitAfter(raw, []byte("\n"))
		for i := range lines {
			if !*exhaustive && len(lines) > 60 && i%3 != 0 || encoded(lines[i]) || typed(lines[i:]) {
				continue
			}
			if w := wrong(Parse(bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil), ours), names); w != "" {
				t.Errorf("without line %d, %q: %s", i+1, lines[i], w)
			}
		}
	})
}

// encoded tells whether a line is base64: without it, others read differently,
// and nothing shows that they do.
func encoded(line []byte) bool {
	line = bytes.TrimSpace(line)
	_, err := base64.StdEncoding.DecodeString(string(line))
	return err == nil && len(line) > 40
}

// typed tells whether the type of a feedback report comes next: without it, a
// report is a complaint.
func typed(lines [][]byte) bool {
	next := bytes.TrimSpace(bytes.Join(lines[:min(2, len(lines))], nil))
	return bytes.HasPrefix(next, []byte("Feedback-Type:"))
}

// Line ends tell nothing.
func TestLineEndsExchanged(t *testing.T) {
	eachMail(t, func(t *testing.T, raw []byte, names []string) {
		lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		want := said(Parse(lf, ours))
		for _, end := range []string{"\r\n", "\r"} {
			if got := said(Parse(bytes.ReplaceAll(lf, []byte("\n"), []byte(end)), ours)); got != want {
				t.Errorf("with %q:\n%s\nwant\n%s", end, got, want)
			}
		}
		odd := lf
		for i := 0; i < len(odd); i++ { // mixed
			if odd[i] == '\n' && i%3 == 0 {
				odd = slices.Insert(slices.Clone(odd), i, '\r')
				i++
			}
		}
		if got := said(Parse(odd, ours)); got != want {
			t.Errorf("with mixed ends:\n%s\nwant\n%s", got, want)
		}
	})
}

func said(r Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Kind, r.Dialect)
	for _, x := range r.Recipients {
		fmt.Fprintf(&b, "%s %s %s %d %s %q\n", x.Recipient, x.Action, x.Status, x.ReplyCode, x.Reason, x.Diagnostic)
	}
	return b.String()
}

// A gateway that encodes the whole body changes nothing in who is named.
func TestBodyWrapped(t *testing.T) {
	eachMail(t, func(t *testing.T, raw []byte, names []string) {
		lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		head, body, ok := bytes.Cut(lf, []byte("\n\n"))
		if !ok {
			return
		}
		b64 := base64.StdEncoding.EncodeToString(body)
		var wrapped bytes.Buffer
		for len(b64) > 76 {
			wrapped.WriteString(b64[:76] + "\n")
			b64 = b64[76:]
		}
		wrapped.WriteString(b64 + "\n")
		for _, encoded := range [][]byte{
			slices.Concat(head, []byte("\nContent-Transfer-Encoding: base64\n\n"), wrapped.Bytes()),
			slices.Concat([]byte("Content-Transfer-Encoding: base64\n"), head, []byte("\n\n"), wrapped.Bytes()),
		} {
			if w := wrong(Parse(encoded, ours), names); w != "" {
				t.Error(w)
			}
		}
	})
}
