package compare

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"harvester/fixtures"
	"harvester/parse"
	"harvester/parse/bounce"
)

// Backlog makes n delivery status notifications out of the sample mails: each
// about an address of its own at one of a thousand domains, with Message-IDs of
// its own, taken in over four weeks.
func Backlog(n int) ([][]byte, error) {
	var layouts []notification
	err := fs.WalkDir(fixtures.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := fixtures.FS.ReadFile(path)
		res := parse.Parse(raw, nil)
		if res.Kind == bounce.KindBounce && len(res.Recipients) == 1 && bytes.Contains(raw, []byte("message/delivery-status")) && len(raw) > 2500 {
			layouts = append(layouts, notification{raw, res})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(layouts) == 0 {
		return nil, errors.New("no sample mail is a delivery status notification")
	}
	mails := make([][]byte, n)
	for i := range mails {
		mails[i] = layouts[i%len(layouts)].numbered(i)
	}
	return mails, nil
}

// notification is a sample mail and what it says.
type notification struct {
	raw []byte
	res parse.Result
}

func (s notification) numbered(i int) []byte {
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i%4000) * 10 * time.Minute)
	raw := fmt.Appendf(nil, "Received: from mx.example.org by imap.example.org; %s\n", at.Format(time.RFC1123Z))
	raw = append(raw, s.raw...)
	raw = bytes.ReplaceAll(raw, []byte(s.res.Recipients[0].Recipient), fmt.Appendf(nil, "user%d@d%d.example.net", i, i*7%1000))
	for _, id := range []string{s.res.MessageID, s.res.Original.MessageID} {
		if id = strings.Trim(id, "<>"); id != "" {
			raw = bytes.ReplaceAll(raw, []byte(id), fmt.Appendf(nil, "n%d.%s", i, id))
		}
	}
	return raw
}
