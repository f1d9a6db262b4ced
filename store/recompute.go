package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/job"
	"harvester/store/policy"
)

// Meaning says anew what a stored reply means: it may change reason, vendor,
// rule, confidence, evidence, status and reply code of the recipient, and the
// version of the rule pack in the result, from what else is stored in both.
// Fault and class follow from the reason.
type Meaning func(*parse.Result, *parse.Recipient)

// fingerprint names all that the list follows from besides the stored facts.
// Its first part covers what is concluded about single events; it stays what
// it was where the keys that this takes are not at hand.
func (db *DB) fingerprint(was string) string {
	h := sha256.New()
	fmt.Fprintln(h, "attribution 3", strings.Join(db.own, " "))
	for _, v := range db.opts.ReturnPaths {
		fmt.Fprintln(h, v.Fingerprint())
	}
	if db.opts.BATV != nil {
		fmt.Fprintln(h, db.opts.BATV.Fingerprint())
	}
	for _, s := range db.opts.Streams {
		s.Limits = policy.RateLimits{} // they decide about no event
		fmt.Fprintf(h, "%+v\n", s)
	}
	for _, s := range append([]string{""}, db.opts.Policy.Streams()...) {
		for _, l := range db.opts.Policy.Lines(s) {
			if l.Proof > policy.ProofReturned {
				fmt.Fprintln(h, s, l.Name, l.Proof)
			}
		}
	}
	own := hex.EncodeToString(h.Sum(nil)[:8])
	if db.opts.KeysUnread {
		own, _, _ = strings.Cut(was, " ")
	}
	h.Reset()
	for _, s := range append([]string{""}, db.opts.Policy.Streams()...) {
		for _, l := range db.opts.Policy.Lines(s) {
			l.Origin = ""
			fmt.Fprintf(h, "%s %+v\n", s, l)
		}
	}
	return own + " " + hex.EncodeToString(h.Sum(nil)[:8])
}

// follow recomputes what no longer follows from the configuration, when it
// has changed since the database was last written.
func (db *DB) follow(ctx context.Context) error {
	was, err := computedWith(ctx, db.write)
	now := db.fingerprint(was)
	if was == now || err != nil {
		return err
	}
	own, _, _ := strings.Cut(now, " ")
	why, events := "the policy changed", false
	if !strings.HasPrefix(was, own+" ") {
		why, events = "our domains, streams or return paths changed", true
	}
	if was != "" {
		db.opts.Log.InfoContext(ctx, "deciding all history anew", "why", why)
	}
	_, err = db.recompute(ctx, Scenario{}, job.Replay, why, events)
	return err
}

func computedWith(ctx context.Context, q querier) (was string, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'computed with'`).Scan(&was)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return was, err
}

// Applied says what came of deciding all history anew.
type Applied struct {
	Outcome
	Revised    int   `json:"revised"`    // events that read differently
	Generation int64 `json:"generation"` // of the list; grows with each time
}

// Apply decides all history under a scenario, stores what follows, and writes
// down who did what in the log of runs, under a kind. The list follows the
// configuration again when the database is opened the next time.
func (db *DB) Apply(ctx context.Context, s Scenario, kind job.Kind, why string) (Applied, error) {
	if !s.Now.IsZero() {
		return Applied{}, errors.New("another time can be tried, but not applied")
	}
	under := *db
	under.opts.Policy = s.Policy
	return under.recompute(ctx, s, kind, why, s.Meaning != nil)
}

// recompute derives everything derived anew from the stored facts: the events
// by the meaning where it is asked for, and the list by the policy.
func (db *DB) recompute(ctx context.Context, s Scenario, kind job.Kind, why string, events bool) (a Applied, err error) {
	err = db.tx(ctx, "computing the suppression list anew", func(w *writing) error {
		touched := map[string]bool{}
		if events {
			if a.Revised, err = w.revise(ctx, s.Meaning, touched, 0, math.MaxInt64); err != nil {
				return err
			}
		}
		if err := w.regard(touched); err != nil {
			return err
		}
		rows, err := w.tx.QueryContext(ctx, `SELECT DISTINCT key FROM events UNION SELECT pattern FROM overrides WHERE pattern NOT LIKE '@%' UNION SELECT key FROM suppressions`)
		if err != nil {
			return err
		}
		if err := collect(rows, touched); err != nil {
			return err
		}
		if err := w.refold(touched); err != nil {
			return err
		}
		was, err := computedWith(ctx, w.tx)
		if err != nil {
			return err
		}
		if _, err := w.tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta (name, value) VALUES ('computed with', ?)`, db.fingerprint(was)); err != nil {
			return err
		}
		a.Outcome = w.out
		if err := w.logged(&a, kind, why); err != nil {
			return err
		}
		return w.guard()
	})
	return a, err
}

// logged opens a new generation of the list and writes it into the log of
// runs. The log of an empty database would say nothing.
func (w *writing) logged(a *Applied, kind job.Kind, why string) error {
	err := w.tx.QueryRowContext(w.ctx, `INSERT INTO meta (name, value) SELECT 'generation', '1' WHERE EXISTS (SELECT 1 FROM events)
 ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value`).Scan(&a.Generation)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	detail := fmt.Sprintf("generation %d: %s; %d events read differently, %d suppressed, %d lifted, %d held", a.Generation, why, a.Revised, a.Added, a.Removed, a.Held)
	_, err = w.tx.ExecContext(w.ctx, `INSERT INTO runs (kind, started, ended, ok, detail) VALUES (?, ?, ?, 1, ?)`, kind, w.now.UnixMilli(), w.now.UnixMilli(), detail)
	return err
}

// collect adds the keys of a one-column query.
func collect(rows *sql.Rows, keys map[string]bool) error {
	return scan(rows, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys[key] = true
		return err
	})
}

// judged is a stored event with all that its attribution follows from.
type judged struct {
	id, at int64
	res    parse.Result
	rcpt   parse.Recipient
	was    attribution

	recipients int    // of its message
	mailbox    string // that it was first found in
}

const selectJudged = `SELECT e.id, e.at, e.key, e.proof, e.stream, e.operator, e.cause, e.named, e.concern, e.token, e.doubt, e.rules,
  e.kind, m.dialect, m.reporting_mta, m.feedback_type, m.original_message_id, m.original_from, m.original_to, m.original_subject, m.original_return_path,
  m.original_sender, m.list_id, m.feedback_id, m.dkim, m.provenance, m.delivered_to, (SELECT count(*) FROM events o WHERE o.message = e.message),
  ifnull((SELECT l.mailbox FROM locators l WHERE l.message = m.id ORDER BY l.id LIMIT 1), ''),
  e.address, e.original_recipient, e.final_recipient, e.action, e.status, e.reply_code, e.reason, e.fault, e.class, e.vendor, e.rule,
  e.confidence, e.remote_mta, e.diagnostic, e.evidence
 FROM events e JOIN messages m ON m.id = e.message WHERE e.id > ? AND e.id <= ? ORDER BY e.id LIMIT 2000`

func scanJudged(rows *sql.Rows) (j judged, err error) {
	r, o, c := &j.res, &j.res.Original, &j.rcpt
	var dkim, provenance string
	err = rows.Scan(&j.id, &j.at, &j.was.key, text(&j.was.proof), &j.was.stream, &j.was.operator, &j.was.cause, &j.was.named, &j.was.concern, &j.was.token, &j.was.doubt, &r.Rules,
		text(&r.Kind), &r.Dialect, &r.ReportingMTA, &r.FeedbackType, &o.MessageID, &o.From, &o.To, &o.Subject, &o.ReturnPath,
		&o.Sender, &o.ListID, &o.FeedbackID, &dkim, &provenance, &r.DeliveredTo, &j.recipients, &j.mailbox,
		&c.Recipient, &c.OriginalRecipient, &c.FinalRecipient, text(&c.Action), &c.Status, &c.ReplyCode, text(&c.Reason), text(&c.Fault),
		text(&c.Class), &c.Vendor, &c.Rule, text(&c.Confidence), &c.RemoteMTA, &c.Diagnostic, &c.Evidence)
	if err == nil && dkim != "" {
		err = json.Unmarshal([]byte(dkim), &o.DKIM)
	}
	if err == nil {
		err = readProvenance(provenance, &r.Provenance)
	}
	return j, err
}

// revise judges the events after one number up to another anew, and stores
// what differs.
func (w *writing) revise(ctx context.Context, meaning Meaning, touched map[string]bool, from, to int64) (revised int, err error) {
	update, err := w.tx.PrepareContext(ctx, `UPDATE events SET key = ?, domain = ?, proof = ?, stream = ?, operator = ?, cause = ?, named = ?, concern = ?, token = ?, doubt = ?,
  rules = ?, status = ?, reply_code = ?, reason = ?, fault = ?, class = ?, vendor = ?, rule = ?, confidence = ?, evidence = ? WHERE id = ?`)
	if err != nil {
		return 0, err
	}
	defer update.Close()
	err = w.eachJudged(ctx, from, to, func(j *judged) error {
		before, pack := j.rcpt, j.res.Rules
		j.mean(meaning)
		now, err := w.reattribute(j)
		if err != nil {
			return err
		}
		if now == j.was && j.rcpt == before && pack == j.res.Rules {
			return nil
		}
		revised++
		c := &j.rcpt
		for _, a := range []attribution{j.was, now} {
			touched[a.key] = true
			w.note(a.concern, a.operator, policy.Domain(a.key), j.at)
		}
		_, err = update.ExecContext(ctx, now.key, policy.Domain(now.key), now.proof.String(), now.stream, now.operator, now.cause, now.named, now.concern, now.token, now.doubt,
			j.res.Rules, c.Status, c.ReplyCode, c.Reason.String(), c.Fault.String(), c.Class.String(), c.Vendor, c.Rule, c.Confidence.String(),
			c.Evidence, j.id)
		return err
	})
	return revised, err
}

// reattribute judges an event anew. Proof by ledger or signature outlives the
// ledger's rows and the keys.
func (w *writing) reattribute(j *judged) (attribution, error) {
	if j.was.key == "" { // forgotten, or never named
		return j.was, nil
	}
	j.res.Recipients = make([]parse.Recipient, j.recipients)
	a, err := w.attribute(&j.res, &j.rcpt, time.UnixMilli(j.at).UTC(), j.mailbox)
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
	w.db.conclude(&a, &j.res, &j.rcpt)
	return a, nil
}

// mean applies another reading to an event that failed.
func (j *judged) mean(meaning Meaning) {
	// Without its text (retention took it) a reply can't be read anew.
	if meaning == nil || j.rcpt.Diagnostic == "" || j.res.Kind != bounce.KindBounce || j.rcpt.Action != bounce.Failed {
		return
	}
	meaning(&j.res, &j.rcpt)
	j.rcpt.Fault, j.rcpt.Class = j.rcpt.Reason.Fault(), j.rcpt.Reason.Class(j.rcpt.Action)
}

// eachJudged calls f for every event, a bounded number in memory at a time, so
// that f may write.
func (w *writing) eachJudged(ctx context.Context, last, to int64, f func(*judged) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := w.tx.QueryContext(ctx, selectJudged, last, to)
		if err != nil {
			return err
		}
		var some []judged
		err = scan(rows, func(rows *sql.Rows) error {
			j, err := scanJudged(rows)
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
		last = some[len(some)-1].id
	}
}
