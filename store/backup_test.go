package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/harvest"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
)

// Backups that are taken while mail is stored are each one moment: every
// message with its event, place and verdict, and the cursor that goes with it.
func TestBackupUnderWriteLoad(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openAt(t, filepath.Join(dir, "h.db"), Options{})
	stop, wrote := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { wrote <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			cur := harvest.Cursor{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, LastUID: uint32(n + 1)}
			it := failure(0, fmt.Sprintf("user%d@shop%d.example", n, n), bounce.UserUnknown)
			it.Message.UID = uint32(n + 1)
			if _, err := db.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{it}, Cursor: cur}); err != nil {
				t.Error(err)
				return
			}
			n++
		}
	}()
	var last engine.Backup
	to := filepath.Join(dir, "backup.db")
	for last.Messages < 50 {
		b, err := db.Backup(ctx, to)
		if err != nil {
			t.Error(err)
			break
		}
		if b.Messages < last.Messages || b.Events != b.Messages || b.Listed != b.Messages {
			t.Errorf("no single moment: %+v after %+v", b, last)
			break
		}
		last = b
	}
	close(stop)
	n := <-wrote
	if last.Messages >= n {
		t.Logf("nothing was written during the last backup: %d of %d", last.Messages, n)
	}

	// It becomes the database; what was there is put aside, whole.
	if _, err := engine.Restore(ctx, to, db.Path(), epoch); err != nil {
		t.Fatal(err)
	}
	back := openAt(t, db.Path(), Options{})
	s, err := back.Reports.Status(ctx)
	if err != nil || s.Messages != last.Messages || len(s.Folders) != 1 || int(s.Folders[0].LastUID) != last.Messages {
		t.Errorf("restored %+v, %v; want %d messages", s, err, last.Messages)
	}
	if d, err := back.Judge.Replay(ctx, judge.Scenario{}); err != nil || len(d.Changes) != 0 || d.Events != last.Messages {
		t.Errorf("the restored list does not follow from its events: %+v, %v", d, err)
	}
	if doubts, err := back.Upkeep.Doubts(ctx); err != nil || len(doubts) != 0 {
		t.Errorf("%q, %v", doubts, err)
	}
	aside := openAt(t, db.Path()+".replaced-20260302T090000Z", Options{ReadOnly: true})
	if s, err := aside.Reports.Status(ctx); err != nil || s.Messages != n {
		t.Errorf("put aside: %d messages of %d, %v", s.Messages, n, err)
	}
}

func TestBackupRefuses(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openAt(t, filepath.Join(dir, "h.db"), Options{Owner: "the daemon"})
	commit(t, db, failure(0, "a@example.net", bounce.UserUnknown))
	good := filepath.Join(dir, "good.db")
	if _, err := db.Backup(ctx, good); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(good); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	note := filepath.Join(dir, "note.txt")
	write(t, note, "not a database, and not to be overwritten")
	for to, want := range map[string]string{
		note:                                  "no earlier backup: verifying " + note + ": the file is not a harvester database",
		dir:                                   "no earlier backup: verifying " + dir + ": it is a directory",
		db.Path():                             "that is the database itself",
		filepath.Join(dir, "missing", "b.db"): "no such file or directory",
	} {
		if _, err := db.Backup(ctx, to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", to, err)
		}
	}

	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "half.db")
	write(t, half, string(raw[:len(raw)/2]))
	scribbled := filepath.Join(dir, "scribbled.db")
	page := 4096
	write(t, scribbled, string(raw[:3*page])+strings.Repeat("x", 5*page)+string(raw[8*page:]))
	for from, want := range map[string]error{half: engine.ErrDamaged, scribbled: engine.ErrDamaged, note: engine.ErrNotDatabase, filepath.Join(dir, "none"): os.ErrNotExist} {
		if _, err := engine.Verify(ctx, from); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", from, err, want)
		}
	}
	if _, err := engine.Verify(ctx, db.Path()); err == nil || !strings.Contains(err.Error(), "harvester backup") {
		t.Errorf("a database in use was taken for a backup: %v", err)
	}
	if _, err := engine.Restore(ctx, good, db.Path(), epoch); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("restored below a running daemon: %v", err)
	}
	other := filepath.Join(dir, "other", "h.db")
	if err := os.Mkdir(filepath.Dir(other), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Restore(ctx, scribbled, other, epoch); !errors.Is(err, engine.ErrDamaged) {
		t.Errorf("restored a damaged backup: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*part*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if r, err := engine.Restore(ctx, good, other, epoch); err != nil || r.Aside != "" || r.Backup.Messages != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDoubts(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	commit(t, db, failure(0, "a@example.net", bounce.UserUnknown), failure(1, "b@example.net", bounce.UserUnknown))
	for _, c := range []struct{ damage, want string }{
		{`INSERT INTO cursors (mailbox, folder, uidvalidity, last_uid, at) VALUES ('bounces', 'INBOX', 1, 1, 0)`, "the cursor of bounces/INBOX stands at UID 1, but UID 2 is stored"},
		{`UPDATE cursors SET last_uid = 2, at = 33333333333333`, "which is still to come: the clock was set back"},
		{`UPDATE messages SET harvested = 33333333333333`, "the last message was stored at 3026-"},
		{`UPDATE locators SET message = NULL WHERE uid = 1`, "marked as stored while no message is: 1"},
		{`UPDATE suppressions SET event = 99 WHERE key LIKE 'a@%'`, "rest on events that are not there: 1"},
		{`UPDATE suppressions SET override = 7 WHERE key LIKE 'a@%'`, "rest on acts of an operator that are not there: 1"},
	} {
		if doubts, err := db.Upkeep.Doubts(ctx); err != nil || strings.Contains(strings.Join(doubts, "\n"), c.want) {
			t.Fatalf("before %q: %q, %v", c.damage, doubts, err)
		}
		if _, err := db.Write.Exec(c.damage); err != nil {
			t.Fatal(err)
		}
		if doubts, err := db.Upkeep.Doubts(ctx); err != nil || !strings.Contains(strings.Join(doubts, "\n"), c.want) {
			t.Errorf("after %q: %q, %v", c.damage, doubts, err)
		}
	}
}

func TestVacuum(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	for i := range 300 {
		commit(t, db, failure(i, fmt.Sprintf("a%d@example.net", i), bounce.UserUnknown))
	}
	if _, err := db.Write.Exec(`DELETE FROM locators; DELETE FROM events; DELETE FROM messages`); err != nil {
		t.Fatal(err)
	}
	before, err := db.Vacuum(ctx)
	if err != nil || before.Free == 0 {
		t.Fatalf("%+v, %v", before, err)
	}
	if after, err := db.Space(ctx); err != nil || after.Free != 0 || after.Bytes >= before.Bytes {
		t.Errorf("%+v, before %+v, %v", after, before, err)
	}
	if s := (engine.Space{Bytes: 1 << 30, Free: 200 << 20}); s.Worthwhile() {
		t.Error("a fifth is worth it")
	}
	if s := (engine.Space{Bytes: 1 << 30, Free: 300 << 20}); !s.Worthwhile() {
		t.Error("more than a quarter is not worth it")
	}
}
