package compose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/schedule"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/judge"
	"harvester/store/policy"
)

// What doctor advises heals a list of any size: beyond the events that each pass
// checks, the job does that runs at the daemon's start and in a pass of the
// night, and so does the command.
func TestAdviceHealsBeyondFewEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 20,000 events some thirty times")
	}
	ctx := t.Context()
	set := alarmSet(t, "")
	raw := []byte("Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nSubject: Undelivered Mail\n\n<jane@example.net>: 550 5.1.1 User unknown\n")
	if _, err := set.DB.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{{
		Message: harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: 1}, Raw: raw, Received: time.Now()},
		Result:  parse.Parse(raw, set.Parsing()),
	}}}); err != nil {
		t.Fatal(err)
	}
	var columns []string
	rows, err := set.DB.Read.QueryContext(ctx, `SELECT name FROM pragma_table_info('events') WHERE name <> 'id'`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	rows.Close()
	from := slices.Clone(columns)
	for i, name := range from {
		switch name {
		case "idx":
			from[i] = "e.idx + n"
		case "key", "domain", "concern", "proof": // they concern nobody
			from[i] = map[string]string{"proof": "'none'"}[name]
			if from[i] == "" {
				from[i] = "''"
			}
		default:
			from[i] = "e." + name
		}
	}
	if _, err := set.DB.Write.ExecContext(ctx, `WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < ?) INSERT INTO events (`+
		strings.Join(columns, ", ")+`) SELECT `+strings.Join(from, ", ")+` FROM events e, many WHERE e.id = 1`, fewEvents); err != nil {
		t.Fatal(err)
	}
	if _, err := set.DB.Judge.Override(ctx, policy.Override{Act: policy.Add, Pattern: "z@example.net", Reason: "r", Author: "ops"}); err != nil {
		t.Fatal(err)
	}
	if n, err := set.DB.Reports.Events(ctx); err != nil || n <= fewEvents {
		t.Fatalf("%d events: %v", n, err)
	}
	files := set.Files()
	check := slices.IndexFunc(files, func(j schedule.Job) bool { return j.Name == job.Check.Alone() })
	if check < 0 || !files[check].AtStart {
		t.Fatal("nothing checks the list when the daemon starts")
	}
	for name, heal := range map[string]func() error{
		"the daemon's start, a pass of the night": func() error { _, err := files[check].Run(ctx); return err },
		"harvester replay --apply":                func() error { _, err := set.DB.Judge.Heal(ctx); return err },
	} {
		for _, damage := range []string{`DELETE FROM suppressions`, `UPDATE suppressions SET expires = 99999999999999, count = 7`, `UPDATE bins SET n = n + 40`, `INSERT INTO windows VALUES ('outage', 'example.net', 0, 9999999999999, 9999999999999, 99, 0)`} {
			if _, err := set.DB.Write.ExecContext(ctx, damage); err != nil {
				t.Fatal(err)
			}
			if err := set.healSmall(ctx); err != nil {
				t.Fatal(err)
			}
			if err := heal(); err != nil {
				t.Fatal(err)
			}
			if d, err := set.DB.Judge.Replay(ctx, judge.Scenario{}); err != nil || len(d.Changes) > 0 {
				t.Errorf("%s after %s: %+v %v", name, damage, d.Changes, err)
			}
			if mended, err := set.DB.Judge.Heal(ctx); err != nil || len(mended) > 0 {
				t.Errorf("%s after %s left %v %v", name, damage, mended, err)
			}
		}
	}
}
