package facts

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"harvester/harvest"
	"harvester/store/engine"
	"harvester/store/policy"
)

// ForgetArrivals takes a forgotten address, under all its spellings in lower
// case, from what waits for the leader. It returns from how many messages, and
// how many arrivals nobody can read: they may name it, and are kept, since they
// may be the only word of mail that was settled.
func (w *Writing) ForgetArrivals(key string, forms []string) (messages, unread int, err error) {
	type waiting struct {
		id   int64
		body []byte
	}
	var all []waiting
	rows, err := w.Query(`SELECT id, body FROM arrivals ORDER BY id`)
	if err != nil {
		return 0, 0, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var a waiting
		err := rows.Scan(&a.id, &a.body)
		all = append(all, a)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	for _, x := range all {
		var a Arrival
		if decodeArrival(x.body, &a) != nil {
			unread++
			continue
		}
		n, err := w.forgetArrival(&a, key, forms)
		if err != nil {
			return messages, unread, err
		}
		if n == 0 {
			continue
		}
		body, err := encodeArrival(&a)
		if err == nil {
			_, err = w.Exec(`UPDATE arrivals SET body = ? WHERE id = ?`, body, x.id)
		}
		if err != nil {
			return messages, unread, err
		}
		messages += n
	}
	return messages, unread, nil
}

func (w *Writing) forgetArrival(a *Arrival, key string, forms []string) (n int, err error) {
	for i := range a.Batch.Items {
		it := &a.Batch.Items[i]
		if names, err := it.names(forms); err != nil || !names {
			if err != nil {
				return n, err
			}
			continue
		}
		n++
		if err := w.unname(it); err != nil {
			return n, err
		}
		if names, err := it.names(forms); err != nil || names {
			if err != nil {
				return n, err
			}
			it.unnameIn(forms)
		}
	}
	for i := range a.Batch.Copies {
		c := &a.Batch.Copies[i]
		before := len(c.Recipients)
		c.Recipients = slices.DeleteFunc(c.Recipients, func(r string) bool { return policy.Key(r) == key })
		if len(c.Recipients) < before {
			c.Mail.To, c.Mail.Subject, c.Message.Name = "", "", ""
			n++
		}
	}
	before := len(a.Sent)
	a.Sent = slices.DeleteFunc(a.Sent, func(s Sent) bool { return policy.Key(s.Recipient) == key })
	n += before - len(a.Sent)
	before = len(a.Settled)
	a.Settled = slices.DeleteFunc(a.Settled, func(s harvest.Settlement) bool { return names([]byte(s.Name), forms) })
	return n + before - len(a.Settled), nil
}

// names tells whether anything of a message contains one of some texts in lower case.
func (it *Item) names(forms []string) (bool, error) {
	text, err := json.Marshal(writeItem(it))
	return names(text, forms) || names(it.Message.Raw, forms), err
}

func names(text []byte, forms []string) bool {
	text = bytes.ToLower(text)
	return slices.ContainsFunc(forms, func(form string) bool { return bytes.Contains(text, []byte(strings.ToLower(form))) })
}

// unnameIn takes from a message the texts that contain one of some, and leaves
// what it says about others.
func (it *Item) unnameIn(forms []string) {
	res, o := &it.Result, &it.Result.Original
	res.Recipients = slices.Clone(res.Recipients)
	texts := []*string{&res.From, &res.DeliveredTo, &res.Subject, &res.MessageID, &o.To, &o.From, &o.Sender, &o.Subject, &o.MessageID, &o.ReturnPath, &it.Message.Name}
	for i := range res.Recipients {
		r := &res.Recipients[i]
		texts = append(texts, &r.OriginalRecipient, &r.FinalRecipient, &r.Diagnostic, &r.Evidence, &r.Unread, &r.Behind)
	}
	for _, t := range texts {
		if names([]byte(*t), forms) {
			*t = ""
		}
	}
	has := func(s string) bool { return names([]byte(s), forms) }
	res.Notes = slices.DeleteFunc(slices.Clone(res.Notes), has)
	res.Provenance.Recipients = slices.DeleteFunc(slices.Clone(res.Provenance.Recipients), has)
	if has(string(it.Message.Raw)) {
		it.Message.Raw = nil
	}
}
