package export

import (
	"context"
	"errors"
	"fmt"
	"net/smtp"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"harvester/parse/bounce"
	"harvester/store"
	"harvester/store/export/mtatest"
	"harvester/store/facts"
)

// A running smtpd asks the database by the lines of the manual, as a user who may
// read its files and not write to its folder: while nobody has it open, while it
// is written to, and after it was closed. It never fails to find an answer, which
// would stop all mail.
func TestSmtpdAsksTheDatabase(t *testing.T) {
	postmap := mtatest.Program(t, "HARVESTER_POSTMAP", "postmap")
	if os.Getuid() != 0 {
		t.Skip("only root can start Postfix")
	}
	hasMap(t, postmap, "sqlite")
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatal(err)
	}
	group, err := strconv.Atoi(owner.Gid)
	if err != nil {
		t.Fatal(err)
	}
	dir := mtatest.Scratch(t)
	home := filepath.Join(dir, "harvester") // as the package makes it, its group being Postfix's
	path := filepath.Join(home, "harvester.db")
	if err := errors.Join(os.Mkdir(home, 0o750), os.Chown(home, 0, group)); err != nil {
		t.Fatal(err)
	}
	open := func() *store.DB {
		t.Helper()
		db, err := store.Open(context.Background(), path, store.Options{Own: []string{"example.org"}})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open()
	fail(t, db, "jane@example.net")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(dir, "harvester.cf")
	text := strings.ReplaceAll(manual(t, "`/etc/postfix/harvester.cf`:"), "/var/lib/harvester/harvester.db", path)
	if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	address := mtatest.Postfix(t, dir, "check_recipient_access proxy:sqlite:"+table)
	c, err := smtp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begin := func() {
		t.Helper()
		if err := errors.Join(c.Reset(), c.Mail("news@example.org")); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(when string) {
		t.Helper()
		begin()
		if err := c.Rcpt("jane@example.net"); err == nil || !strings.Contains(err.Error(), "suppressed by harvester: user_unknown") {
			t.Errorf("%s: %v", when, err)
		}
		if err := c.Rcpt("nobody@example.net"); err != nil {
			t.Errorf("%s, somebody else: %v", when, err)
		}
	}
	ask("while nobody has it open")
	db = open()
	ask("while it is open")
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := range 60 {
			late := notice(fmt.Sprintf("late%d@example.net", i))
			r := &late.Result.Recipients[0]
			r.Action, r.Status, r.Class = bounce.Delayed, "4.4.1", bounce.ClassSoft
			if _, err := db.Judge.Commit(context.Background(), facts.Batch{Items: []facts.Item{late}}); err != nil {
				t.Error(err)
			}
		}
	}()
	for writing := true; writing; {
		ask("while it is written to")
		select {
		case <-written:
			writing = false
		default:
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ask("after it was closed")
	db = open()
	defer db.Close()
	fail(t, db, "late@example.net") // what a reader left behind keeps no writer out
	begin()
	if err := c.Rcpt("late@example.net"); err == nil || !strings.Contains(err.Error(), "suppressed") {
		t.Errorf("the latest: %v", err)
	}
}
