package schedule

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"harvester/fixtures"
	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store"
)

// mailserver is a source in memory that notes what is done to it.
type mailserver struct {
	folders map[string][]harvest.Message
	order   []string
	batch   int
	log     []string
	broken  map[string]error // by folder
	refuses error            // what Settle says
	after   func(n int)      // called after n batches were read
	reads   int
}

func (s *mailserver) Open(context.Context) (harvest.Session, error) { return s, nil }
func (s *mailserver) Folders() []string                             { return s.order }
func (s *mailserver) Close(context.Context) error                   { return nil }

func (s *mailserver) Next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	if err := ctx.Err(); err != nil {
		return harvest.Batch{}, err
	}
	if err := s.broken[cur.Folder]; err != nil {
		return harvest.Batch{}, err
	}
	b := harvest.Batch{Cursor: cur}
	b.Cursor.UIDValidity = 7
	for _, m := range s.folders[cur.Folder] {
		if m.UID > cur.LastUID && len(b.Messages) < s.batch {
			b.Messages = append(b.Messages, m)
			b.Cursor.LastUID = m.UID
		}
	}
	if len(b.Messages) > 0 {
		s.reads++
		if s.after != nil {
			s.after(s.reads)
		}
	}
	return b, nil
}

func (s *mailserver) Settle(_ context.Context, folder string, todo []harvest.Settlement) (done []harvest.Settlement, err error) {
	for _, t := range todo {
		s.log = append(s.log, fmt.Sprintf("%s %s:%d %s", t.Disposition, folder, t.UID, t.Target))
	}
	if s.refuses != nil {
		return nil, s.refuses
	}
	return todo, nil
}

func (s *mailserver) add(folder string, raw []byte) {
	if !slices.Contains(s.order, folder) {
		s.order = append(s.order, folder)
	}
	if s.folders == nil {
		s.folders = map[string][]harvest.Message{}
	}
	s.folders[folder] = append(s.folders[folder], harvest.Message{
		Locator: harvest.Locator{Mailbox: "box", Folder: folder, UIDValidity: 7, UID: uint32(len(s.folders[folder]) + 1)},
		Raw:     raw, Size: int64(len(raw)), Hash: sha256.Sum256(raw),
	})
}

// of returns a sample mail of each kind asked for.
func of(t *testing.T, kinds ...parse.Kind) [][]byte {
	t.Helper()
	found := map[parse.Kind][]byte{}
	for _, dir := range []string{"postfix", "exim", "negative", "complaint"} {
		entries, err := fixtures.FS.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			raw, err := fixtures.FS.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			if k := parse.Parse(raw, nil).Kind; found[k] == nil {
				found[k] = raw
			}
		}
	}
	found[bounce.KindUnparsed] = []byte("From: MAILER-DAEMON@example.net\nTo: bounces@example.org\nReturn-Path: <>\n" +
		"Subject: Undelivered Mail Returned to Sender\n\nYour message could not be delivered.\n")
	var out [][]byte
	for _, k := range kinds {
		if found[k] == nil || parse.Parse(found[k], nil).Kind != k {
			t.Fatalf("no sample of kind %v", k)
		}
		out = append(out, found[k])
	}
	return out
}

func harness(t *testing.T, s *mailserver, done harvest.Disposition) (*Mailbox, *store.DB) {
	t.Helper()
	if s.batch == 0 {
		s.batch = 2
	}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "h.db"), store.Options{Own: []string{"example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	m := &Mailbox{
		Name: "box", Source: s, Store: db, Parse: &parse.Options{OwnDomains: []string{"example.org"}},
		Settling: Settling{Done: Fate{Disposition: done}}, Log: slog.New(slog.DiscardHandler),
	}
	if done == harvest.Move {
		m.Settling.Done.Target = "Done"
	}
	return m, db
}

func stored(t *testing.T, db *store.DB) int {
	t.Helper()
	st, err := db.Reports.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st.Messages
}

// A notice that names nobody but its sender, or where help is found, is told apart.
func TestNamesNobodyButItsSender(t *testing.T) {
	s := &mailserver{}
	for _, says := range []string{"A mail of shop@example.org", "A mail (ask postmaster@example.net)", "Please ask postmaster@example.net. A mail of shop@example.org", "A mail"} {
		s.add("INBOX", []byte("From: MAILER-DAEMON@example.net\nTo: shop@example.org\nReturn-Path: <>\nSubject: Mail delivery failed\n\n"+says+" could not be delivered.\n"))
	}
	m, db := harness(t, s, harvest.Keep)
	tally, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "4 not understood, 3 of these naming nobody but the sender or a helper"; !strings.Contains(tally.String(), want) {
		t.Errorf("%q, want %q", tally.String(), want)
	}
	clusters, err := db.Notices.Triage(t.Context(), time.Time{}, 0)
	said := map[string]int{}
	for _, c := range clusters {
		said[c.Template] = c.Count
	}
	want := map[string]int{"Mail delivery failed": 1}
	for _, whom := range []string{"its sender", "who helps", "its sender and who helps"} {
		want["Mail delivery failed: "+parse.NamesOnly+whom] = 1
	}
	if err != nil || !maps.Equal(said, want) {
		t.Errorf("triage has %v, %v; want %v", said, err, want)
	}
}

// Only what was understood is settled: never mail of people, never what nobody
// could read, never what could not be fetched.
func TestSettlesOnlyWhatWasUnderstood(t *testing.T) {
	s := &mailserver{}
	for _, raw := range of(t, bounce.KindBounce, bounce.KindNone, bounce.KindUnparsed, bounce.KindDelay, bounce.KindComplaint) {
		s.add("INBOX", raw)
	}
	s.add("INBOX", nil)
	s.folders["INBOX"][5].Gone = true
	s.add("INBOX", nil)
	s.folders["INBOX"][6].Poison = errors.New("can't be fetched")
	m, db := harness(t, s, harvest.Move)
	tally, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"move INBOX:1 Done", "move INBOX:4 Done", "move INBOX:5 Done"}; !slices.Equal(s.log, want) {
		t.Errorf("settled %q, want %q", s.log, want)
	}
	if tally.Read != 7 || tally.Gone != 1 || tally.Poison != 1 || tally.Settled != 3 || tally.Unparsed() != 1 || stored(t, db) != 5 {
		t.Errorf("%+v, %d stored", tally, stored(t, db))
	}
	if left, err := db.Mailboxes.Unsettled(t.Context(), "box", time.Now()); err != nil || len(left) != 0 {
		t.Errorf("left to settle: %v, %v", left, err)
	}
	if tally, err = m.Run(t.Context()); err != nil || tally.Read != 0 || len(s.log) != 3 {
		t.Errorf("a second run did %v (%v)", tally, err)
	}
}

func TestKeepTouchesNothing(t *testing.T) {
	s := &mailserver{}
	s.add("INBOX", of(t, bounce.KindBounce)[0])
	m, db := harness(t, s, harvest.Keep)
	if _, err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.log) != 0 || stored(t, db) != 1 {
		t.Errorf("settled %q, stored %d", s.log, stored(t, db))
	}
}

// A server that refuses is asked once in a run; the facts stand, all mail is
// read, and the next run tries again.
func TestRefusedSettlingIsResumed(t *testing.T) {
	s := &mailserver{refuses: errors.New("NO permission denied"), batch: 1}
	raws := of(t, bounce.KindBounce, bounce.KindDelay)
	s.add("INBOX", raws[0])
	s.add("INBOX", raws[1])
	m, db := harness(t, s, harvest.Delete)
	if _, err := m.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("error %v", err)
	}
	if len(s.log) != 1 || stored(t, db) != 2 {
		t.Errorf("asked %q, stored %d", s.log, stored(t, db))
	}
	s.refuses, s.log = nil, nil
	if _, err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"delete INBOX:1 ", "delete INBOX:2 "}; !slices.Equal(s.log, want) {
		t.Errorf("resumed %q, want %q", s.log, want)
	}
}

// Each kind has its own fate; what nobody understood is never deleted, even if
// it is asked for.
func TestSettlesByKind(t *testing.T) {
	s := &mailserver{}
	for _, raw := range of(t, bounce.KindBounce, bounce.KindNone, bounce.KindUnparsed) {
		s.add("INBOX", raw)
	}
	m, _ := harness(t, s, harvest.Delete)
	m.Settling.Unparsed, m.Settling.Other = Fate{harvest.Move, "Quarantine"}, Fate{Disposition: harvest.Seen}
	if _, err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"delete INBOX:1 ", "seen INBOX:2 ", "move INBOX:3 Quarantine"}; !slices.Equal(s.log, want) {
		t.Errorf("settled %q, want %q", s.log, want)
	}

	s = &mailserver{}
	for _, raw := range of(t, bounce.KindNone, bounce.KindUnparsed) {
		s.add("INBOX", raw)
	}
	m, db := harness(t, s, harvest.Keep)
	m.Settling.Unparsed, m.Settling.Other = Fate{Disposition: harvest.Delete}, Fate{Disposition: harvest.Delete}
	if _, err := m.Run(t.Context()); err != nil || len(s.log) != 0 || stored(t, db) != 2 {
		t.Errorf("settled %q, stored %d, %v", s.log, stored(t, db), err)
	}
}

// What is to be deleted stays for its days, and the settings of the day decide.
func TestDeletesAfterItsDays(t *testing.T) {
	s := &mailserver{}
	for _, raw := range of(t, bounce.KindBounce, bounce.KindDelay) {
		s.add("INBOX", raw)
	}
	m, _ := harness(t, s, harvest.Delete)
	run := func(want ...string) {
		t.Helper()
		s.log = nil
		if _, err := m.Run(t.Context()); err != nil || !slices.Equal(s.log, want) {
			t.Errorf("settled %q, want %q, %v", s.log, want, err)
		}
	}
	m.Settling.Keep = time.Hour
	run()
	run()
	m.Settling.Done = Fate{}
	run()
	m.Settling.Done, m.Settling.Keep = Fate{Disposition: harvest.Delete}, time.Nanosecond
	m.Dry = true
	if tally, err := m.Run(t.Context()); err != nil || tally.Planned() != "delete 2" || len(s.log) != 0 {
		t.Errorf("planned %q, did %q, %v", tally.Planned(), s.log, err)
	}
	m.Dry, s.order = false, []string{"Other"} // the folder is read no more
	run()
	s.order = []string{"INBOX"}
	run("delete INBOX:1 ", "delete INBOX:2 ")
	run()
}

// Nothing is settled whose facts are not stored.
func TestFailedCommitSettlesNothing(t *testing.T) {
	s := &mailserver{}
	s.add("INBOX", of(t, bounce.KindBounce)[0])
	m, db := harness(t, s, harvest.Delete)
	s.after = func(int) { db.Close() }
	if _, err := m.Run(t.Context()); err == nil || len(s.log) != 0 {
		t.Errorf("settled %q, %v", s.log, err)
	}
}

func TestOneFolderDoesNotStopTheOthers(t *testing.T) {
	s := &mailserver{broken: map[string]error{"Gone": fmt.Errorf("opening Gone: %w", harvest.ErrFolder)}, order: []string{"Gone"}}
	s.add("INBOX", of(t, bounce.KindBounce)[0])
	m, db := harness(t, s, harvest.Keep)
	var partial *Partial
	if _, err := m.Run(t.Context()); !errors.Is(err, harvest.ErrFolder) || !errors.As(err, &partial) {
		t.Errorf("error %v", err)
	}
	s.order = []string{"Gone"}
	if _, err := m.Run(t.Context()); !errors.Is(err, harvest.ErrFolder) || errors.As(err, &partial) {
		t.Errorf("nothing was read: %v", err)
	}
	if stored(t, db) != 1 {
		t.Error("the folder after it was not read")
	}
}

// A run that is stopped commits and settles what it has in hand.
func TestStopFinishesWhatIsInHand(t *testing.T) {
	s := &mailserver{batch: 1}
	raws := of(t, bounce.KindBounce, bounce.KindDelay, bounce.KindComplaint)
	for _, raw := range raws {
		s.add("INBOX", raw)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.after = func(n int) {
		if n == 1 {
			cancel()
		}
	}
	m, db := harness(t, s, harvest.Seen)
	if _, err := m.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if want := []string{"seen INBOX:1 "}; stored(t, db) != 1 || !slices.Equal(s.log, want) {
		t.Errorf("stored %d, settled %q", stored(t, db), s.log)
	}
	s.after = nil
	if tally, err := m.Run(t.Context()); err != nil || tally.Messages != 2 {
		t.Errorf("went on with %v, %v", tally, err)
	}
}

// A dry run reads everything and leaves server and database as they are.
func TestDryRun(t *testing.T) {
	s := &mailserver{}
	for _, raw := range of(t, bounce.KindBounce, bounce.KindNone, bounce.KindDelay) {
		s.add("INBOX", raw)
	}
	m, db := harness(t, s, harvest.Delete)
	m.Dry = true
	tally, err := m.Run(t.Context())
	if err != nil || tally.Read != 3 || len(s.log) != 0 || stored(t, db) != 0 {
		t.Errorf("%+v, %v; settled %q, stored %d", tally, err, s.log, stored(t, db))
	}
	if cursors, err := db.Mailboxes.Cursors(t.Context(), "box"); err != nil || len(cursors) != 0 {
		t.Errorf("cursors %v, %v", cursors, err)
	}
}

// Every sample mail goes through in order; the cursor never passes one that is
// not stored.
func TestAllSamplesAreAccountedFor(t *testing.T) {
	s := &mailserver{batch: 50}
	dirs, err := fixtures.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	distinct := map[[sha256.Size]byte]bool{}
	n := 0
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		entries, _ := fixtures.FS.ReadDir(d.Name())
		for _, e := range entries {
			raw, err := fixtures.FS.ReadFile(d.Name() + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			s.add("INBOX", raw)
			distinct[sha256.Sum256(raw)] = true
			n++
		}
	}
	m, db := harness(t, s, harvest.Keep)
	tally, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cursors, err := db.Mailboxes.Cursors(t.Context(), "box")
	if err != nil || cursors["INBOX"].LastUID != uint32(n) || tally.Read != n || tally.Messages != len(distinct) || stored(t, db) != len(distinct) {
		t.Errorf("%d mails, %d distinct: %+v, cursor %v, %v", n, len(distinct), tally, cursors, err)
	}
}

// deaf is a mailbox whose server no longer answers once mail was read.
type deaf struct{ *mailserver }

func (d deaf) Open(context.Context) (harvest.Session, error) { return d, nil }

func (d deaf) Settle(ctx context.Context, _ string, _ []harvest.Settlement) ([]harvest.Settlement, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (d deaf) Close(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// However many things are in hand when a run is stopped, they take half a
// minute together, and what was read is stored.
func TestStopTakesHalfAMinuteAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &mailserver{batch: 1}
		for _, raw := range of(t, bounce.KindBounce, bounce.KindDelay) {
			s.add("INBOX", raw)
		}
		m, db := harness(t, s, harvest.Move)
		m.Source = deaf{s}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Minute, stop) // in the middle of settling
		started := time.Now()
		_, err := m.Run(ctx)
		if took := time.Since(started) - 10*time.Minute; err == nil || took < 0 || took > 30*time.Second {
			t.Errorf("stopped after %s: %v", took, err)
		}
		if left, err := db.Mailboxes.Unsettled(t.Context(), "box", time.Now()); err != nil || len(left) != 1 {
			t.Errorf("to settle: %v, %v", left, err)
		}
		db.Close()
	})
}
