package judge

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
)

// fingerprint names all that the list follows from besides the stored facts.
// Its first part covers what is concluded about single events; it stays what
// it was where the keys that this takes are not at hand.
func (db *Judge) fingerprint(was string) string {
	h := sha256.New()
	fmt.Fprintln(h, "attribution 3", strings.Join(db.Ours.Domains, " "))
	for _, v := range db.Ours.ReturnPaths {
		fmt.Fprintln(h, v.Fingerprint())
	}
	if db.Ours.BATV != nil {
		fmt.Fprintln(h, db.Ours.BATV.Fingerprint())
	}
	for _, s := range db.Ours.Streams {
		s.Limits = policy.RateLimits{} // they decide about no event
		fmt.Fprintf(h, "%+v\n", s)
	}
	for _, s := range append([]string{""}, db.Ours.Policy.Streams()...) {
		for _, l := range db.Ours.Policy.Lines(s) {
			if l.Proof > policy.ProofReturned {
				fmt.Fprintln(h, s, l.Name, l.Proof)
			}
		}
	}
	own := hex.EncodeToString(h.Sum(nil)[:8])
	if db.Ours.KeysUnread {
		own, _, _ = strings.Cut(was, " ")
	}
	return own + " " + lines(db.Ours.Policy).fingerprint()
}

// drawn is a policy table as far as it decides: a line by its name, for a single
// stream with the stream's name before it.
type drawn map[string]string

func lines(t policy.Table) drawn {
	d := drawn{}
	for _, stream := range append([]string{""}, t.Streams()...) {
		for _, l := range t.Lines(stream) {
			l.Origin = ""
			d[stream+" "+l.Name] = fmt.Sprintf("%+v", l)
		}
	}
	return d
}

func (d drawn) fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, "windows 3")
	for _, name := range slices.Sorted(maps.Keys(d)) {
		fmt.Fprintln(h, name, d[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// differing are the names of the lines that two tables hold differently, for any
// stream.
func (d drawn) differing(o drawn) []string {
	names := map[string]bool{}
	for _, pair := range [][2]drawn{{d, o}, {o, d}} {
		for at, l := range pair[0] {
			if _, name, _ := strings.Cut(at, " "); pair[1][at] != l {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Follow recomputes what no longer follows from the configuration, when it
// has changed since the database was last written. Where only policy lines
// changed, what falls under them is all that is looked at.
func (db *Judge) Follow(ctx context.Context) error {
	was, err := ComputedWith(ctx, db.Write)
	now := db.fingerprint(was)
	if was == now || err != nil {
		return err
	}
	if ok, err := db.believe(ctx); err != nil || !ok {
		return err // the exports stand still, the next start follows
	}
	own, _, _ := strings.Cut(now, " ")
	var why string
	var r Reach
	if strings.HasPrefix(was, own+" ") {
		why = "the policy changed"
		if r.Lines, err = db.changedLines(ctx, was); err != nil {
			return err
		}
	} else {
		why, r.Events = "our domains, streams or return paths changed", true
	}
	if was != "" {
		db.Log.InfoContext(ctx, "deciding history anew", "why", why, "lines", strings.Join(r.Lines, " "))
	}
	_, err = db.Recompute(ctx, Scenario{}, job.Replay, why, r)
	return err
}

// changedLines are the policy lines that changed since the list was computed;
// none when that can't be said, or when one of them is no line about a kind of
// evidence.
func (db *Judge) changedLines(ctx context.Context, was string) ([]string, error) {
	var stored string
	err := db.Write.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'computed under'`).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var old drawn
	if json.Unmarshal([]byte(stored), &old) != nil || !strings.HasSuffix(was, " "+old.fingerprint()) {
		return nil, nil
	}
	names := lines(db.Ours.Policy).differing(old)
	for _, name := range names {
		if _, ok := policy.EvidenceOf(name); !ok {
			return nil, nil
		}
	}
	return names, nil
}

// computedWith writes down what the list follows from now.
func (w *Judging) computedWith(fingerprint string) error {
	under, err := json.Marshal(lines(w.Ours.Policy))
	if err != nil {
		return err
	}
	if _, err = w.Exec(facts.PutMeta, "computed with", fingerprint); err != nil {
		return err
	}
	_, err = w.Exec(facts.PutMeta, "computed under", string(under))
	return err
}

// ComputedWith is the fingerprint that the list was computed with, "" at first.
func ComputedWith(ctx context.Context, q engine.Querier) (was string, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'computed with'`).Scan(&was)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return was, err
}

// concerned selects the addresses of which anything falls under some policy
// lines; all where none is named.
func concerned(q *engine.Snapshot, lines []string) (selections, error) {
	if len(lines) == 0 {
		return inOrder, nil
	}
	if _, err := q.Exec(`CREATE TEMP TABLE concerned (key TEXT PRIMARY KEY) WITHOUT ROWID`); err != nil {
		return inOrder, err
	}
	reasons, kinds := []string{}, []string{}
	behind := false
	for _, name := range lines {
		e, _ := policy.EvidenceOf(name)
		reasons, kinds, behind = append(reasons, e.Reasons...), append(kinds, e.Kinds...), behind || e.Behind
	}
	ofReasons, err := json.Marshal(reasons)
	if err != nil {
		return inOrder, err
	}
	ofKinds, err := json.Marshal(kinds)
	if err != nil {
		return inOrder, err
	}
	_, err = q.Exec(`INSERT INTO concerned SELECT key FROM events WHERE key <> ''
 AND (reason IN (SELECT value FROM json_each(?)) OR kind IN (SELECT value FROM json_each(?)) OR ? = 1 AND behind <> '') ON CONFLICT DO NOTHING`, string(ofReasons), string(ofKinds), behind)
	return ofConcerned, err
}
