package parse

import (
	"strings"
	"testing"

	"harvester/parse/mime"
)

func TestUnsubscribeOf(t *testing.T) {
	const rest = "From: a@example.org\nTo: b@example.net\nDate: x\nSubject: x\nMessage-ID: <1@example.org>\nMIME-Version: 1.0\n"
	const both = "List-Unsubscribe: <mailto:off@example.org>,\n <https://example.org/off>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
	for head, want := range map[string]Unsubscribe{
		"From: a@example.org\nTo: b@example.net\n": "",
		rest: UnsubscribeNone,
		rest + "List-Unsubscribe: <mailto:off@example.org>\n":                                                    UnsubscribeMail,
		rest + "List-Unsubscribe: <https://example.org/off>\n":                                                   UnsubscribeLink,
		rest + "List-Unsubscribe: <http://example.org/off>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n": UnsubscribeLink,
		rest + both: UnsubscribeUnsigned,
		rest + both + "DKIM-Signature: v=1; d=example.org; s=s1; h=From:List-Unsubscribe; b=x\n":                               UnsubscribeUnsigned,
		rest + both + "DKIM-Signature: v=1; d=example.org; s=s1; h=From:List-Unsubscribe:\n List-Unsubscribe-Post; b=x\n":      UnsubscribeOneClick,
		rest + strings.ToUpper(both) + "DKIM-Signature: v=1; h=list-unsubscribe : list-unsubscribe-post; d=example.org; b=x\n": UnsubscribeOneClick,
	} {
		if got := UnsubscribeOf(mime.ReadHeader([]byte(head), 64<<10)); got != want {
			t.Errorf("%q, want %q:\n%s", got, want, head)
		}
	}
}
