package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"harvester/harvest/imap/imaptest"
	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
)

// crashesEnv sets how often TestCrash kills the program; make crash does it
// 200 times.
const crashesEnv = "HARVESTER_CRASHES"

// The program is killed at random moments while mail keeps coming in and is
// moved on the server. In the end each message is in the database exactly once,
// stands on the server where it belongs and nowhere else, and the list is the
// one that an undisturbed harvest of the same mail gives.
func TestCrash(t *testing.T) {
	crashes := 12
	if n, err := strconv.Atoi(os.Getenv(crashesEnv)); err == nil {
		crashes = n
	}
	crash(t, crashes, "")
}

// The same with a database of a server, which goes on when the program is killed.
func TestCrashOnPostgres(t *testing.T) {
	crashes := 4
	if n, err := strconv.Atoi(os.Getenv(crashesEnv)); err == nil {
		crashes = n
	} else if testing.Short() {
		t.Skip("one engine is enough")
	}
	crash(t, crashes, fmt.Sprintf("url = %q\n", pgtest.Start(t).Database(t)))
}

func crash(t *testing.T, crashes int, store string) {
	const each = 10 // messages that come in before each crash
	mails := backlog(t, crashes*each)
	stays := map[int]bool{}
	for i := range mails {
		if i%each == 7 { // people write, too
			stays[i] = true
			mails[i] = fmt.Appendf(nil, "From: Jane <jane%d@example.net>\nTo: bounces@example.org\nSubject: Invoice\nMessage-ID: <%d@example.net>\n\nPlease find it enclosed.\n", i, i)
		}
		mails[i] = append(fmt.Appendf(nil, "X-Number: %d\n", i), mails[i]...)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	server := imaptest.Start(t, imaptest.Options{})
	file := configured(t, server.IMAP, "move:Harvested")
	if text, err := os.ReadFile(file); err != nil {
		t.Fatal(err)
	} else if err := os.WriteFile(file, bytes.Replace(text, []byte("[store]\n"), []byte("[store]\n"+store), 1), 0o600); err != nil {
		t.Fatal(err)
	}

	limit := 500 * time.Millisecond // within which it is killed; follows the speed of the machine
	whole := 0
	for crash := range crashes {
		server.Deliver("INBOX", mails[crash*each:(crash+1)*each]...)
		for !killedAfter(t, file, time.Duration(random.Int64N(int64(limit)))) {
			whole++
			limit -= limit / 5
		}
		limit += limit / 20
	}
	t.Logf("killed %d times within up to %s; %d passes came to their end", crashes, limit, whole)
	for !killedAfter(t, file, time.Hour) && statusOfDB(t, file).Messages < len(mails) {
	}

	s := statusOfDB(t, file)
	if s.Messages != len(mails) || s.Events != len(mails)-len(stays) || s.Poison != 0 || s.Unsettled != 0 {
		t.Errorf("%d mails, %d of people, stored: %+v", len(mails), len(stays), s)
	}
	left, moved := numbers(t, server.Maildir("INBOX")), numbers(t, server.Maildir("Harvested"))
	for i := range mails {
		if l, m := left[i], moved[i]; stays[i] && (l != 1 || m != 0) || !stays[i] && (l != 0 || m != 1) {
			t.Errorf("mail %d: %d times in INBOX, %d times moved", i, l, m)
		}
	}
	calm := imaptest.Start(t, imaptest.Options{})
	calm.Deliver("INBOX", mails...)
	undisturbed := configured(t, calm.IMAP, "keep")
	harvester(t, exitOK, "once", "--config", undisturbed)
	list := func(file string) string { return harvester(t, exitOK, "suppress", "list", "--json", "--config", file) }
	if got, want := list(file), list(undisturbed); got != want || got == "" {
		t.Errorf("the list after crashes:\n%s\nwithout:\n%s", got, want)
	}
}

// killedAfter starts a pass and kills it after a while. It says whether the
// pass was still running then; one that ended must have gone well.
func killedAfter(t *testing.T, file string, after time.Duration) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "harvester", "once", "--config", file)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 { // by a signal
		return true
	}
	if exit != nil && exit.ExitCode() == exitTempFail && strings.Contains(out.String(), engine.ErrInUse.Error()) {
		return killedAfter(t, file, after) // a server takes a moment to see that the last one is gone
	}
	if err != nil {
		t.Fatalf("a pass failed: %v\n%s", err, out.String())
	}
	return false
}

var numberField = regexp.MustCompile(`(?m)^X-Number: (\d+)\r?$`)

// numbers counts how often each numbered mail stands in a Maildir.
func numbers(t *testing.T, maildir string) map[int]int {
	t.Helper()
	count := map[int]int{}
	for _, sub := range []string{"cur", "new"} {
		paths, err := filepath.Glob(filepath.Join(maildir, sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found := numberField.FindSubmatch(raw)
			if found == nil {
				t.Fatalf("%s is none of the mails", path)
			}
			n, _ := strconv.Atoi(string(found[1]))
			count[n]++
		}
	}
	return count
}
