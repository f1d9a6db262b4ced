package parse

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// Notices in prose, of nobody's layout and in 35 languages: nearly all name
// their recipient and his reason, none calls a living address dead, and what a
// shop writes of payments and parcels names nobody.
func TestBlindNotices(t *testing.T) {
	f, err := os.Open("testdata/blind/notices.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	total, right := 0, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		row := strings.Split(s.Text(), "\t")
		if len(row) != 5 {
			t.Fatalf("bad row %q", s.Text())
		}
		language, kind, reasons, subject, text := row[0], row[1], strings.Split(row[2], ","), row[3], row[4]
		from := "Mail Delivery System <postmaster@mx.example.com>"
		if kind == bounce.KindNone.String() {
			from = "Shop <service@shop.example.net>"
		}
		raw := fmt.Sprintf("From: %s\nTo: bounces@example.org\nSubject: =?utf-8?B?%s?=\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n%s\n",
			from, base64.StdEncoding.EncodeToString([]byte(subject)), strings.ReplaceAll(text, "¶", "\n"))
		res := Parse([]byte(raw), ours)
		total++
		got := ""
		for _, r := range res.Recipients {
			got += fmt.Sprintf(" %s %s", r.Recipient, r.Reason)
			if r.Class == bounce.ClassHard && !slices.Contains(reasons, r.Reason.String()) {
				t.Errorf("%s: called dead: %s", language, text)
			}
		}
		switch {
		case kind == bounce.KindNone.String() && len(res.Recipients) == 0,
			res.Kind.String() == kind && len(res.Recipients) == 1 && slices.Contains(reasons, res.Recipients[0].Reason.String()):
			right++
		default:
			t.Logf("%s: want %s %s, got %v%s: %s", language, kind, row[2], res.Kind, got, text)
		}
	}
	t.Logf("%d of %d", right, total)
	if total < 120 || right*100 < total*97 {
		t.Errorf("only %d of %d notices right", right, total)
	}
}
