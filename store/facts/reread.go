package facts

import (
	"context"
	"database/sql"
	"encoding/json"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/policy"
	"time"
)

// Meaning says anew what a stored reply means: it may change reason, vendor,
// rule, confidence, evidence, status and reply code of the recipient, and the
// version of the rule pack in the result, from what else is stored in both.
// Fault and class follow from the reason.
type Meaning func(*parse.Result, *parse.Recipient)

// Stored is a stored event with all that its attribution follows from.
type Stored struct {
	ID, at int64
	Res    parse.Result
	Rcpt   parse.Recipient
	was    attribution // what was concluded

	recipients int    // of its message
	mailbox    string // that it was first found in
}

const selectStored = `SELECT e.id, e.at, e.key, e.proof, e.stream, e.operator, e.cause, e.named, e.concern, e.token, e.doubt, e.forgeable, e.rules,
  e.kind, m.sender, m.dialect, m.reporting_mta, m.feedback_type, m.original_message_id, m.original_from, m.original_to, m.original_subject, m.original_return_path,
  m.original_sender, m.list_id, m.feedback_id, m.dkim, m.provenance, m.delivered_to, (SELECT count(*) FROM events o WHERE o.message = e.message),
  ifnull((SELECT l.mailbox FROM locators l WHERE l.message = m.id ORDER BY l.id LIMIT 1), ''),
  e.address, e.original_recipient, e.final_recipient, e.action, e.status, e.reply_code, e.reason, e.fault, e.class, e.vendor, e.rule,
  e.confidence, e.remote_mta, e.diagnostic, e.evidence, e.behind, e.unread
 FROM events e JOIN messages m ON m.id = e.message WHERE e.id > ? AND e.id <= ? ORDER BY e.id LIMIT 2000`

func scanStored(rows *sql.Rows) (j Stored, err error) {
	r, o, c := &j.Res, &j.Res.Original, &j.Rcpt
	var dkim, provenance string
	err = rows.Scan(&j.ID, &j.at, &j.was.key, engine.Text(&j.was.proof), &j.was.stream, &j.was.operator, &j.was.cause, &j.was.named, &j.was.concern, &j.was.token, &j.was.doubt, &j.was.forgeable, &r.Rules,
		engine.Text(&r.Kind), &r.From, &r.Dialect, &r.ReportingMTA, &r.FeedbackType, &o.MessageID, &o.From, &o.To, &o.Subject, &o.ReturnPath,
		&o.Sender, &o.ListID, &o.FeedbackID, &dkim, &provenance, &r.DeliveredTo, &j.recipients, &j.mailbox,
		&c.Recipient, &c.OriginalRecipient, &c.FinalRecipient, engine.Text(&c.Action), &c.Status, &c.ReplyCode, engine.Text(&c.Reason), engine.Text(&c.Fault),
		engine.Text(&c.Class), &c.Vendor, &c.Rule, engine.Text(&c.Confidence), &c.RemoteMTA, &c.Diagnostic, &c.Evidence, &c.Behind, &c.Unread)
	if err == nil && dkim != "" {
		err = json.Unmarshal([]byte(dkim), &o.DKIM)
	}
	if err == nil {
		err = ReadProvenance(provenance, &r.Provenance)
	}
	return j, err
}

// Revise judges the events after one number up to another anew, and stores
// what differs.
func (w *Writing) Revise(ctx context.Context, meaning Meaning, from, to int64) (revised int, err error) {
	update, err := w.SQL.PrepareContext(ctx, `UPDATE events SET key = ?, domain = ?, proof = ?, stream = ?, operator = ?, cause = ?, named = ?, concern = ?, token = ?, doubt = ?, forgeable = ?,
  rules = ?, status = ?, reply_code = ?, reason = ?, fault = ?, class = ?, vendor = ?, rule = ?, confidence = ?, evidence = ?, unread = ? WHERE id = ?`)
	if err != nil {
		return 0, err
	}
	defer update.Close()
	err = EachStored(w.Tx, from, to, func(j *Stored) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		before, pack := j.Rcpt, j.Res.Rules
		j.Reread(meaning)
		now, err := w.reattribute(j)
		if err != nil {
			return err
		}
		if now == j.was && j.Rcpt == before && pack == j.Res.Rules {
			return nil
		}
		revised++
		c := &j.Rcpt
		for _, a := range []attribution{j.was, now} {
			w.Touched.Keys[a.key] = true
			w.Touched.Moved = append(w.Touched.Moved, Place{a.traits(), j.at})
		}
		_, err = update.ExecContext(ctx, now.key, policy.Domain(now.key), now.proof.String(), now.stream, now.operator, now.cause, now.named, now.concern, now.token, now.doubt, now.forgeable,
			j.Res.Rules, c.Status, c.ReplyCode, c.Reason.String(), c.Fault.String(), c.Class.String(), c.Vendor, c.Rule, c.Confidence.String(),
			c.Evidence, c.Unread, j.ID)
		return err
	})
	return revised, err
}

// reattribute judges an event anew. Proof by ledger or signature outlives the
// ledger's rows and the keys.
func (w *Writing) reattribute(j *Stored) (attribution, error) {
	if j.was.key == "" { // forgotten, or never named
		return j.was, nil
	}
	j.Res.Recipients = make([]parse.Recipient, j.recipients)
	a, err := w.attribute(&j.Res, &j.Rcpt, time.UnixMilli(j.at).UTC(), j.mailbox)
	if err != nil {
		return a, err
	}
	// Tokens that were introduced since say nothing about what came before.
	if a.doubt == doubtUntagged && j.was.doubt == "" && j.was.proof > a.proof {
		a.proof, a.doubt = j.was.proof, ""
	}
	if j.was.proof >= policy.ProofLedger && a.proof < j.was.proof {
		a.key, a.proof, a.stream, a.token, a.doubt = j.was.key, j.was.proof, j.was.stream, j.was.token, j.was.doubt
	}
	w.Ours.conclude(&a, &j.Res, &j.Rcpt)
	// How what came in was limited stays, unless more proof came.
	if a.forgeable = j.was.forgeable; a.proof != policy.ProofReturned {
		a.forgeable = ""
	}
	return a, nil
}

// Reread applies another reading to an event that failed.
func (j *Stored) Reread(meaning Meaning) {
	// Without its text (retention took it) a reply can't be read anew.
	if meaning == nil || j.Rcpt.Diagnostic == "" || j.Res.Kind != bounce.KindBounce || j.Rcpt.Action != bounce.Failed {
		return
	}
	meaning(&j.Res, &j.Rcpt)
	j.Rcpt.Fault, j.Rcpt.Class = j.Rcpt.Reason.Fault(), j.Rcpt.Reason.Class(j.Rcpt.Action)
	if j.Rcpt.Behind != "" && j.Rcpt.Class == bounce.ClassHard {
		j.Rcpt.Class = bounce.ClassSoft // another address failed, not the one that we mailed
	}
}

// EachStored calls f for the events after one number up to another, a bounded
// number in memory at a time, so that f may write.
func EachStored(q engine.Reader, last, to int64, f func(*Stored) error) error {
	for {
		rows, err := q.Query(selectStored, last, to)
		if err != nil {
			return err
		}
		var some []Stored
		err = engine.Each(rows, func(rows *sql.Rows) error {
			j, err := scanStored(rows)
			some = append(some, j)
			return err
		})
		if err != nil {
			return err
		}
		if len(some) == 0 {
			return nil
		}
		for i := range some {
			if err := f(&some[i]); err != nil {
				return err
			}
		}
		if last = some[len(some)-1].ID; last >= to {
			return nil
		}
	}
}

// Concern is what concentration the event can be part of, as it reads now.
func (j *Stored) Concern(ours *Ours) string {
	a := j.was
	ours.conclude(&a, &j.Res, &j.Rcpt)
	return a.concern
}
