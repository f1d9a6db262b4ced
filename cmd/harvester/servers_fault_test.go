package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"harvester/harvest/imap/imaptest"
)

// eachMails is how many mails each half of a fault gets.
const eachMails = 4

// serverFault is what a server or its administrator takes away.
type serverFault struct {
	name   string
	take   func(t *testing.T, f *imaptest.Faulty)
	once   bool // what was made once stays
	target func(f *imaptest.Faulty) string
	well   []string // dispositions that go all the same
	told   []string // those that can't
	said   string   // of these
	status int      // of a run that tries them
}

func serverFaults() (all []serverFault) {
	usual := func(f *imaptest.Faulty) string { return f.Target }
	for _, r := range []struct {
		rights     string
		well, told []string
	}{
		{"lr", []string{"keep"}, []string{"seen", "move", "delete"}},
		{"lrs", []string{"seen"}, []string{"move", "delete"}},
		{"lrst", nil, []string{"move", "delete"}},
		{"lrt", nil, []string{"seen", "move"}},
		{"lrte", []string{"move", "delete"}, []string{"seen"}},
	} {
		all = append(all, serverFault{
			name: "rights " + r.rights, take: func(_ *testing.T, f *imaptest.Faulty) { f.Take("INBOX", r.rights) },
			target: usual, well: r.well, told: r.told, said: "the right", status: exitNoPerm,
		})
	}
	return append(all, serverFault{
		name: "full target", take: func(t *testing.T, f *imaptest.Faulty) { t.Helper(); f.Fill(t) },
		target: func(f *imaptest.Faulty) string { return f.Full },
		well:   []string{"delete"}, told: []string{"move"}, said: "its quota is used up: 20 of 20 (MESSAGE)", status: exitCantCreate,
	}, serverFault{
		name: "target can't be made", take: func(_ *testing.T, f *imaptest.Faulty) { f.Take(f.Locked, "lrswite") }, once: true,
		target: func(f *imaptest.Faulty) string { return f.Locked + "/Done" },
		told:   []string{"move"}, said: "this user may make no folder in Locked", status: exitNoPerm,
	})
}

// TestServersFaults takes rights and room from the user before the first run,
// and between two. What can't be done is said by `config check --online` before
// it is tried, and by each run; nothing is lost, nothing done by halves; and once
// the fault is mended the next run does what was left.
func TestServersFaults(t *testing.T) {
	if os.Getenv(imaptest.ServersEnv) == "" {
		t.Skip("the servers are not unpacked: make servers")
	}
	mails := backlog(t, 2*eachMails)
	for i := range mails {
		mails[i] = append(fmt.Appendf(nil, "X-Number: %d\n", i), mails[i]...)
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "server\tversion\tfault\tgoes\ttold, left, and done once mended")
	setups := imaptest.FaultySetups()
	for _, name := range slices.Sorted(maps.Keys(setups)) {
		t.Run(name, func(t *testing.T) {
			server := setups[name](t)
			for _, fault := range serverFaults() {
				if fault.once && server.Locked == "" || testing.Short() && strings.HasPrefix(fault.name, "rights") && fault.name != "rights lrst" {
					continue
				}
				ok := true
				for _, done := range slices.Concat(fault.well, fault.told) {
					ok = t.Run(fault.name+" "+done, func(t *testing.T) { withFault(t, server, &fault, done, mails) }) && ok
				}
				fmt.Fprintln(w, strings.Join([]string{name, server.Version, fault.name, strings.Join(fault.well, ", "), strings.Join(fault.told, ", "), map[bool]string{false: "WRONG"}[ok]}, "\t"))
			}
		})
	}
	_ = w.Flush() // to memory
	t.Logf("what a fault does on which server:\n%s", table.String())
}

func withFault(t *testing.T, f *imaptest.Faulty, fault *serverFault, done string, mails [][]byte) {
	t.Helper()
	target, told := fault.target(f), slices.Contains(fault.told, done)
	f.Free(t)
	f.Empty(t, "INBOX", target)
	file := configuredFor(t, f.Server, "imap", done, target)
	once := func(status int) {
		t.Helper()
		var out bytes.Buffer
		if got := run(t.Context(), []string{"once", "--config", file}, stdio{strings.NewReader(""), &out, &out}); got != status {
			t.Errorf("status %d, want %d\n%s", got, status, out.String())
		}
	}
	standing := 0 // mails of Fill in the target
	check := func(stored, unsettled int) {
		t.Helper()
		if db := statusOfDB(t, file); db.Messages != stored || db.Poison != 0 || db.Unsettled != unsettled {
			t.Errorf("want %d mails, %d unsettled; stored: %+v", stored, unsettled, db)
		}
		left, moved := stored, 0
		switch done {
		case "move":
			left, moved = unsettled, stored-unsettled
		case "delete":
			left = unsettled
		}
		if l, m := mailsLeft(t, f.Server, "imap", "INBOX"), mailsLeft(t, f.Server, "imap", target)-standing; l != left || m != moved {
			t.Errorf("%d are left, want %d; %d moved, want %d", l, left, m, moved)
		}
	}
	take := func() {
		t.Helper()
		before := mailsLeft(t, f.Server, "imap", target)
		fault.take(t, f)
		standing = mailsLeft(t, f.Server, "imap", target) - before
	}
	f.Deliver(mails[:eachMails]...)
	take()
	if told {
		said := harvesterAny(t, "config", "check", "--online", "--config", file)
		if !strings.Contains(said, fault.said) {
			t.Errorf("before was said:\n%s\nwant %s", said, fault.said)
		}
		once(fault.status)
		once(fault.status)
		check(eachMails, eachMails)
		f.Free(t)
		standing = 0
	}
	once(exitOK)
	check(eachMails, 0)
	if fault.once {
		return
	}
	f.Free(t)
	f.Deliver(mails[eachMails:]...)
	take()
	if !told {
		once(exitOK)
		check(2*eachMails, 0)
		return
	}
	once(fault.status)
	check(2*eachMails, eachMails)
}
