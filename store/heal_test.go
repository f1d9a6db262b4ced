package store

import (
	"context"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// Whatever puts the list, its counts, holds and links out of step with the
// facts is found by Heal, and mended: afterwards everything is as it was.
func TestHeal(t *testing.T) {
	ctx := context.Background()
	for name, damage := range map[string]string{
		"a row is missing":              `DELETE FROM suppressions WHERE key = 'x@old3.example'`,
		"all rows are missing":          `DELETE FROM suppressions`,
		"a row says more":               `UPDATE suppressions SET expires = NULL, count = 7 WHERE key = 'x@old3.example'`,
		"a row is held":                 `UPDATE suppressions SET state = 'held', held_until = 99 WHERE key = 'x@old3.example'`,
		"a row comes from nowhere":      `UPDATE suppressions SET key = 'y@nowhere.example', domain = 'nowhere.example' WHERE key = 'x@old3.example'`,
		"counts are wrong":              `UPDATE bins SET n = n + 40`,
		"counts are missing":            `DELETE FROM bins`,
		"a window is missing":           `DELETE FROM windows`,
		"a window comes from nowhere":   `INSERT INTO windows VALUES ('outage', 'old3.example', 0, 9999999999999, 9999999999999, 99, 0)`,
		"a window is longer":            `UPDATE windows SET until = until + 86400000`,
		"a link is missing":             `UPDATE events SET duplicate_of = NULL`,
		"a link is wrong":               `UPDATE events SET duplicate_of = 1 WHERE id = 7`,
		"a walk was cut off":            `INSERT INTO undecided VALUES ('x@old3.example'); DELETE FROM suppressions WHERE key = 'x@old3.example'`,
		"its mark is damaged":           `DELETE FROM meta WHERE name = 'recomputing'; INSERT INTO meta VALUES ('recomputing', '{"with":'); DELETE FROM suppressions`,
		"the fingerprint is missing":    `DELETE FROM meta WHERE name = 'computed with'; DELETE FROM suppressions`,
		"an act of the operator is out": `DELETE FROM suppressions WHERE source = 'operator'`,
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{epoch.AddDate(0, 0, 2)}
			db := openTest(t, Options{Now: c.now})
			commit(t, db, dead("old", 0, 10)...)
			again := dead("old", 0, 1)
			again[0].Message.Raw, again[0].Message.UID = append(again[0].Message.Raw, '!'), 800
			commit(t, db, again...)
			var burst []facts.Item
			for i := range 25 {
				it := failure(1, string(rune('a'+i))+"@gmail.com", bounce.UserUnknown, func(it *facts.Item) {
					it.Message.UID, it.Result.Recipients[0].RemoteMTA = uint32(900+i), "aspmx.l.google.com"
				})
				burst = append(burst, it)
			}
			commit(t, db, burst...)
			if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Add, Pattern: "z@example.net", Reason: "r", Author: "ops"}); err != nil {
				t.Fatal(err)
			}
			want, bins := image(t, db), storedBins(t, db)
			if mended, err := db.Judge.Heal(ctx); err != nil || len(mended) > 0 {
				t.Fatalf("sound, and mended: %v %v", mended, err)
			}
			if _, err := db.Write.ExecContext(ctx, damage); err != nil {
				t.Fatal(err)
			}
			if mended, err := db.Judge.Heal(ctx); err != nil || len(mended) == 0 {
				t.Fatalf("not found: %v %v", mended, err)
			}
			if got := image(t, db); got != want {
				t.Errorf("the list is\n%s\nand was\n%s", got, want)
			}
			for b, n := range bins {
				if got := storedBins(t, db)[b]; got != n {
					t.Errorf("%v is %d, and was %d", b, got, n)
				}
			}
			if mended, err := db.Judge.Heal(ctx); err != nil || len(mended) > 0 {
				t.Errorf("mended again: %v %v", mended, err)
			}
			if d, err := db.Judge.Replay(ctx, judge.Scenario{}); err != nil || len(d.Changes) > 0 {
				t.Errorf("out of step: %+v %v", d, err)
			}
		})
	}
}

// Mail that was marked as stored and is not is read again; times to come are no
// more.
func TestHealPlacesAndTimes(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 0, 2)}
	db := openTest(t, Options{Now: c.now})
	commit(t, db, dead("old", 0, 3)...)
	for _, damage := range []string{
		`INSERT INTO cursors (mailbox, folder, uidvalidity, last_uid, state, at) VALUES ('bounces', 'INBOX', 1, 50, '', 1)`,
		`INSERT INTO locators (message, mailbox, folder, uidvalidity, uid, name, state, error, disposition, target) VALUES (NULL, 'bounces', 'INBOX', 1, 40, '', 'stored', '', 'keep', '')`,
		`UPDATE messages SET harvested = harvested + 77760000000, at = at + 77760000000 WHERE id = 2`,
		`UPDATE events SET at = at + 77760000000 WHERE message = 2`,
		`DELETE FROM meta WHERE name = 'clock'; INSERT INTO meta VALUES ('clock', '9999999999999')`,
	} {
		if _, err := db.Write.ExecContext(ctx, damage); err != nil {
			t.Fatal(err)
		}
	}
	if doubts, err := db.Upkeep.Doubts(ctx); err != nil || len(doubts) < 2 {
		t.Fatalf("doubts: %v %v", doubts, err)
	}
	if _, err := db.Judge.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	if doubts, err := db.Upkeep.Doubts(ctx); err != nil || len(doubts) > 0 {
		t.Errorf("doubts: %v %v", doubts, err)
	}
	var uid int
	if err := db.Read.QueryRow(`SELECT last_uid FROM cursors`).Scan(&uid); err != nil || uid != 39 {
		t.Errorf("the cursor stands at %d: %v", uid, err)
	}
	if got := listed(t, db, query.Filter{}); len(got) != 3 {
		t.Errorf("%d of 3 on the list", len(got))
	}
}
