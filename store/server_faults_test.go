package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
	"harvester/store/query"
)

// A fault of the server in the middle of any step is one line that says what to
// do. Nothing of the step is kept, what was handed in waits, and once the fault is
// mended all is there once.
func TestServerFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the server often")
	}
	s := pgtest.Start(t)
	all, some := []string{"arrivals", "cursors", "messages", "locators", "events", "bins", "suppressions", "changes"}, []string{"arrivals", "events"}
	for _, fault := range []struct {
		name, does string // as a trigger of a table
		is         error
		steps      []string // the tables, in the order of the steps
	}{
		{"full disk", `RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'`, engine.ErrDiskFull, all},
		{"statement timeout", `PERFORM pg_sleep(60)`, engine.ErrTimeout, []string{"cursors", "events"}},
		{"failover", `PERFORM pg_terminate_backend(pg_backend_pid())`, engine.ErrUnreachable, all},
		{"no connection left", `RAISE EXCEPTION 'too many' USING ERRCODE = '53300'`, engine.ErrNoConnection, some},
		{"became a standby", `RAISE EXCEPTION 'read only' USING ERRCODE = '25006'`, engine.ErrStandby, some},
		{"broken page", `RAISE EXCEPTION 'invalid page' USING ERRCODE = 'XX001'`, engine.ErrDamaged, some},
	} {
		t.Run(fault.name, func(t *testing.T) {
			url := s.Database(t)
			limited := url
			if fault.is == engine.ErrTimeout { //nolint:errorlint // it is that one
				limited += "&statement_timeout=2000"
			}
			leader := openServer(t, limited, Options{})
			worker := workerOn(t, limited, "w")
			for n, table := range fault.steps {
				it := failure(n, fmt.Sprintf("u%d@example.net", n), bounce.UserUnknown)
				b := facts.Batch{Items: []facts.Item{it}}
				b.Cursor.Mailbox, b.Cursor.Folder = "bounces", "INBOX"
				pgtest.Exec(t, url, `CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `+fault.does+`; RETURN NULL; END $$;
 CREATE TRIGGER fault BEFORE INSERT ON `+table+` FOR EACH STATEMENT EXECUTE FUNCTION fault()`)
				handing := table == "arrivals" || table == "cursors"
				_, err := worker.Judge.Commit(t.Context(), b)
				if handing && !errors.Is(err, fault.is) || !handing && err != nil {
					t.Errorf("handing in, at %s: %v", table, err)
				}
				_, judged := leader.Judge.TakeArrivals(t.Context())
				if !handing && !errors.Is(judged, fault.is) {
					t.Errorf("judging, at %s: %v", table, judged)
				}
				if err = errors.Join(err, judged); err == nil || strings.Contains(err.Error(), "\n") {
					t.Errorf("at %s no single line: %v", table, err)
				}
				pgtest.Exec(t, url, `DROP FUNCTION fault CASCADE`)
				if p, err := leader.Mailboxes.Pending(t.Context()); err != nil || p.Troubles > 0 || (p.Arrivals == 0) != handing {
					t.Errorf("after %s, there waits %+v %v", table, p, err)
				}
				if handing {
					if _, err := worker.Judge.Commit(t.Context(), b); err != nil {
						t.Errorf("handing in again: %v", err)
					}
				}
				if out, err := leader.Judge.TakeArrivals(t.Context()); err != nil || out.Messages != 1 || out.Added != 1 {
					t.Errorf("after %s is mended: %+v %v", table, out, err)
				}
			}
			if got := listed(t, leader, query.Filter{}); len(got) != len(fault.steps) {
				t.Errorf("%d are on the list", len(got))
			}
		})
	}
}
