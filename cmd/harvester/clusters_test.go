package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"harvester/harvest/imap/imaptest"
	"harvester/harvest/imap/memserver"
	"harvester/store/engine/postgres/pgtest"
)

// Two databases that are filled from one mailbox each miss what the other takes
// out: both say so, and what to do. One that nobody else empties says nothing.
func TestTwoDatabasesOneMailbox(t *testing.T) {
	postgres := pgtest.Start(t)
	server, err := memserver.Start(imaptest.Username, imaptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	if err := server.Create("M0"); err != nil {
		t.Fatal(err)
	}
	file := fleetConfig(t, server.Addr, 1, "")
	other := fleetConfig(t, server.Addr, 1, fmt.Sprintf("url = %q\n", postgres.Database(t)))
	mails := backlog(t, 120)
	once := func(want int, config string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run(t.Context(), []string{"once", "--config", config}, stdio{strings.NewReader(""), &out, &errs}); got != want {
			t.Fatalf("status %d, want %d\n%s%s", got, want, &out, &errs)
		}
		return errs.String()
	}
	come := func(n int) {
		t.Helper()
		for _, raw := range mails[:n] {
			if err := server.Append("M0", raw); err != nil {
				t.Fatal(err)
			}
		}
		mails = mails[n:]
	}
	for range 3 { // alone
		come(20)
		once(exitOK, file)
	}
	once(exitOK, other) // begins with an empty folder
	come(20)
	once(exitOK, file)
	const says = "of 20 mails that came since"
	if got := once(exitTempFail, other); !strings.Contains(got, says) || !strings.Contains(got, "20 were taken out before they could be read") || !strings.Contains(got, "another harvester") {
		t.Errorf("of the one that got nothing:\n%s", got)
	}
	come(20)
	once(exitTempFail, other)
	if got := once(exitTempFail, file); !strings.Contains(got, "of 80 mails") || !strings.Contains(got, "20 were taken out") {
		t.Errorf("of the one that got nothing this time:\n%s", got)
	}
}
