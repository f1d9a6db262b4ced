package judge

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"maps"
	"time"
)

// AllStreams is the one stream that is rated where none is configured.
const AllStreams = "all"

// rateDays is how many days rates look at, the current one (UTC) included.
const rateDays = 7

// rateFrom is the beginning of the window that ends at a time.
func rateFrom(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day()-rateDays+1, 0, 0, 0, 0, time.UTC)
}

// Rate is how a stream of ours fares, and whether it may go on sending.
type Rate struct {
	Stream     string       `json:"stream"`
	Level      policy.Level `json:"level"`
	Why        string       `json:"why"`
	Since      time.Time    `json:"since,omitzero"`   // of the level; zero when it is new
	Author     string       `json:"author,omitempty"` // who released it last, while that counts
	Sent       *int         `json:"sent"`             // recipients, null when nobody says
	Hard       int          `json:"hard"`             // distinct recipients that failed for good
	HardShare  float64      `json:"hard_share"`       // of Sent
	HardLow    float64      `json:"hard_low"`         // lower bound of the 95 % interval
	Complaints int          `json:"complaints"`       // distinct recipients
	CompShare  float64      `json:"complaint_share"`
	CompLow    float64      `json:"complaint_low"`
	Forgeable  int          `json:"forgeable"` // further distinct recipients on the word of what anybody can have written: they do not count
	From       time.Time    `json:"from"`      // of what is counted
	To         time.Time    `json:"to"`

	Limits policy.RateLimits `json:"limits"`
}

// Rates tells how each configured stream fares at this moment, in the order of
// the configuration; all mail together where none is configured.
func (db Rates) Rates(ctx context.Context) ([]Rate, error) {
	return db.RatesAt(ctx, db.Now())
}

// RatesAt is Rates as of an earlier moment.
func (db Rates) RatesAt(ctx context.Context, at time.Time) ([]Rate, error) {
	var rates []Rate
	err := db.Snapshot(ctx, func(q *engine.Snapshot) (err error) {
		rates, err = db.RatesIn(ctx, q.SQL, at.UTC())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the rates: %w", engine.Explain(err))
	}
	return rates, nil
}

// Rate is that of one stream; ErrNotFound when it is not configured.
func (db Rates) Rate(ctx context.Context, stream string) (Rate, error) {
	all, err := db.Rates(ctx)
	if err != nil {
		return Rate{}, err
	}
	for _, r := range all {
		if r.Stream == stream {
			return r, nil
		}
	}
	return Rate{}, fmt.Errorf("the stream %q: %w", stream, engine.ErrNotFound)
}

// UpdateRates stores what levels changed, and returns all rates and the
// changed ones. It counts beside the writer, who is kept for a moment only
// where there is something to store.
func (db Rates) UpdateRates(ctx context.Context) (all, changed []Rate, err error) {
	if all, err = db.Rates(ctx); err != nil {
		return nil, nil, err
	}
	var moved []int
	for i := range all {
		was, err := levelOf(ctx, db.Read, all[i].Stream, all[i].To)
		if err != nil {
			return nil, nil, fmt.Errorf("judging the rates: %w", engine.Explain(err))
		}
		if was.level != all[i].Level {
			moved = append(moved, i)
		}
	}
	if len(moved) == 0 {
		return all, nil, nil
	}
	err = db.transact(ctx, "judging the rates", func(w *Judging) error {
		changed = nil
		for _, i := range moved {
			r := &all[i]
			was, err := levelOf(w.Ctx, w.SQL, r.Stream, w.Now)
			if err != nil {
				return err
			}
			if was.level == r.Level {
				continue // another one stored it meanwhile
			}
			r.Since, r.Author = w.Now, ""
			if err := w.setLevel(r.Stream, r.Level, r.Why, ""); err != nil {
				return err
			}
			changed = append(changed, *r)
		}
		return nil
	})
	return all, changed, err
}

// Resume lets a paused stream send again: only what happens from now on
// counts. It fails with ErrNotFound when the stream is not paused.
func (db Rates) Resume(ctx context.Context, stream, reason, author string) error {
	return db.transact(ctx, "resuming "+stream, func(w *Judging) error {
		was, err := levelOf(w.Ctx, w.SQL, stream, w.Now)
		if err != nil {
			return err
		}
		if was.level != policy.Paused {
			return fmt.Errorf("a pause of %q: %w", stream, engine.ErrNotFound)
		}
		return w.setLevel(stream, policy.Fine, reason, author)
	})
}

func (w *Judging) setLevel(stream string, level policy.Level, why, author string) error {
	_, err := w.SQL.ExecContext(w.Ctx, `INSERT INTO pauses (stream, at, level, why, author) VALUES (?,?,?,?,?)`, stream, w.Now.UnixMilli(), level.String(), why, author)
	return err
}

// standingLevel is the level of a stream as it is stored.
type standingLevel struct {
	level    policy.Level
	since    time.Time
	author   string    // of the latest release, while its level holds
	released time.Time // when it was
}

func levelOf(ctx context.Context, q engine.Querier, stream string, at time.Time) (s standingLevel, err error) {
	err = q.QueryRowContext(ctx, `SELECT level, at, author FROM pauses WHERE stream = ? AND at <= ? ORDER BY id DESC LIMIT 1`, stream, at.UnixMilli()).
		Scan(engine.Text(&s.level), engine.When(&s.since), &s.author)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return s, q.QueryRowContext(ctx, `SELECT max(at) FROM pauses WHERE stream = ? AND at <= ? AND author <> ''`, stream, at.UnixMilli()).Scan(engine.When(&s.released))
}

// RatesIn is RatesAt as one snapshot has it.
func (db Rates) RatesIn(ctx context.Context, q engine.Querier, at time.Time) ([]Rate, error) {
	rated := db.Ours.Streams
	if len(rated) == 0 {
		rated = []facts.Stream{{Name: AllStreams}}
	}
	counts, err := db.counts(ctx, q, at)
	if err != nil {
		return nil, err
	}
	var out []Rate
	for i := range rated {
		s := &rated[i]
		was, err := levelOf(ctx, q, s.Name, at)
		if err != nil {
			return nil, err
		}
		r := Rate{Stream: s.Name, Since: was.since, Author: was.author, From: rateFrom(at), To: at, Limits: s.Limits}
		if r.Limits == (policy.RateLimits{}) {
			r.Limits = policy.DefaultRateLimits
		}
		if was.released.After(r.From) {
			r.From = was.released
		}
		v, rest := counts.volume(s.Name, r.From)
		if v.Known {
			r.Sent = &v.Sent
		}
		r.Hard, r.HardShare, r.HardLow = v.Hard, v.Share(v.Hard), policy.Wilson(v.Hard, v.Sent)
		r.Complaints, r.CompShare, r.CompLow = v.Complaints, v.Share(v.Complaints), policy.Wilson(v.Complaints, v.Sent)
		if r.Level, r.Why = policy.Judge(was.level, v, r.Limits); r.Level != was.level {
			r.Since, r.Author = time.Time{}, ""
		}
		r.Forgeable = rest.left
		if why := rest.String(); why != "" && r.Level >= policy.Fine {
			r.Why += "; " + why
		}
		out = append(out, r)
	}
	return out, nil
}

// counted is what was sent and what failed within the window.
type counted struct {
	sent     []dayCount
	failures []failed
}

type dayCount struct {
	facts.DayStream
	sent int
}

type failed struct {
	stream, key string
	at          time.Time
	complaint   bool
	proof       policy.Proof
	forgeable   bool // it is limited, as anybody can have written it
}

// weak is what of a stream rests on notices that anybody can have written.
type weak struct {
	counted int // distinct recipients that count nevertheless
	left    int // and that do not
}

func (w weak) String() string {
	switch {
	case w.left > 0:
		return fmt.Sprintf("%d more on the word of what anybody can write do not count", w.left)
	case w.counted > 0:
		return fmt.Sprintf("%d of these rest on what anybody can write, as most of the stream's notices do (docs/proof.md)", w.counted)
	}
	return ""
}

// volume counts one stream from a time on. What anybody can have written does
// not count where it is limited, nor where most of the stream's failures have
// more proof.
func (c *counted) volume(stream string, from time.Time) (v policy.Volume, w weak) {
	mine := func(s string) bool { return stream == AllStreams || s == stream }
	first := facts.EpochDay(from)
	for _, d := range c.sent {
		if mine(d.Stream) && d.Day >= first {
			v.Known = true
			v.Sent += d.sent
		}
	}
	hard, complaints := map[string]bool{}, map[string]bool{}
	shown, doubtful, forgeable := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, f := range c.failures {
		switch {
		case !mine(f.stream) || f.at.Before(from):
		case f.forgeable:
			forgeable[f.key] = true
		case f.proof < policy.ProofAuthentic:
			doubtful[f.key] = true
		default:
			shown[f.key] = true
		}
	}
	most := len(shown) > len(doubtful)
	for _, f := range c.failures {
		switch {
		case !mine(f.stream) || f.at.Before(from) || f.forgeable || most && f.proof < policy.ProofAuthentic:
		case f.complaint:
			complaints[f.key] = true
		default:
			hard[f.key] = true
		}
	}
	if most {
		maps.Copy(forgeable, doubtful)
	}
	maps.DeleteFunc(forgeable, func(key string, _ bool) bool { return hard[key] || complaints[key] })
	v.Hard, v.Complaints, w.left = len(hard), len(complaints), len(forgeable)
	if !most {
		w.counted = len(doubtful)
	}
	return v, w
}

var selectRated = `SELECT e.key, e.stream, e.at, e.kind, e.action, e.reason, e.confidence,
 CASE e.kind WHEN ` + engine.Word(bounce.KindComplaint) + ` THEN (SELECT feedback_type FROM messages m WHERE m.id = e.message) ELSE '' END, e.rule, e.proof, e.concern, e.operator, e.forgeable
 FROM events e
 WHERE e.at >= ? AND e.at <= ? AND e.key <> '' AND (e.kind = ` + engine.Word(bounce.KindBounce) + ` AND e.action = 'failed' AND e.class = 'hard' OR e.kind = ` + engine.Word(bounce.KindComplaint) + `)`

// counts reads the window that ends at a time. A failure counts as it does for
// suppressing: with the proof that its policy line asks for, and not where the
// trouble is our own. What an outage may be behind counts: whatever the
// reason, such mail had better not be sent.
func (db Rates) counts(ctx context.Context, q engine.Querier, at time.Time) (*counted, error) {
	c := &counted{}
	from := rateFrom(at)
	rows, err := q.QueryContext(ctx, facts.SelectVolumes, facts.EpochDay(from), facts.EpochDay(at))
	if err != nil {
		return nil, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var d dayCount
		err := rows.Scan(&d.Stream, &d.Day, &d.sent)
		c.sent = append(c.sent, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	windows, rulings, err := ReadWindows(ctx, q)
	if err != nil {
		return nil, err
	}
	around := policy.NewCircumstances(windows, rulings)
	if rows, err = q.QueryContext(ctx, selectRated, from.UnixMilli(), at.UnixMilli()); err != nil {
		return nil, err
	}
	return c, engine.Each(rows, func(rows *sql.Rows) error {
		var e stored
		if err := rows.Scan(&e.key, &e.Stream, engine.When(&e.At), engine.Text(&e.Kind), engine.Text(&e.Action), engine.Text(&e.Reason), engine.Text(&e.Confidence), &e.Feedback, &e.Rule,
			engine.Text(&e.Proof), &e.Concern, &e.Operator, &e.Forgeable); err != nil {
			return err
		}
		line, ok := db.Ours.Policy.Line(e.Event)
		complaint := line.Name == policy.SourceComplaint.String()
		around.Surround(&e.Event, e.key)
		if ok && e.Proof >= line.Proof && e.Circumstance != policy.Discounted && (complaint || line.Name != policy.SourceUnsubscribe.String()) {
			c.failures = append(c.failures, failed{e.Stream, e.key, e.At, complaint, e.Proof, e.Forgeable != ""})
		}
		return nil
	})
}
