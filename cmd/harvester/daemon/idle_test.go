package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/harvest/imap/imaptest"
)

// New mail is harvested when the server tells of it, long before the schedule
// would; without idle it waits.
func TestServerTellsOfNewMail(t *testing.T) {
	for _, idle := range []bool{true, false} {
		t.Run(fmt.Sprint(idle), func(t *testing.T) {
			server := imaptest.Start(t, imaptest.Options{})
			dir := t.TempDir()
			text := fmt.Sprintf("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n[[mailbox]]\nname = \"bounces\"\nserver = %q\n"+
				"ca_file = %q\nusername = %q\npassword = \"file:password\"\nschedule = \"0 0 1 1 *\"\nidle = %t\n", server.IMAPS, server.CAFile, imaptest.Username, idle)
			for name, content := range map[string]string{"harvester.toml": text, "password": imaptest.Password} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := &service{t: t, done: make(chan error, 1)}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				s.done <- Run(ctx, Options{
					Load: func() (*config.Config, error) { return config.Load(filepath.Join(dir, "harvester.toml")) },
					Log:  slog.New(slog.NewTextHandler(&s.log, nil)),
				})
			}()
			harvests := func(detail string) int { return strings.Count(s.log.String(), `detail="`+detail) }
			first := 1
			if idle {
				first = 2 // another when the watch begins, for what came before
			}
			s.eventually("the first harvest", func() bool { return harvests("0 read") == first })
			server.Deliver("INBOX", sample(t))
			if idle {
				s.eventually("new mail is harvested", func() bool { return harvests("1 read, 1 new") == 1 })
			} else {
				time.Sleep(time.Second) // as long as the other takes
				if strings.Contains(s.log.String(), "1 read") {
					t.Error("it was harvested all the same")
				}
			}
			cancel()
			if err := <-s.done; err != nil {
				t.Error(err)
			}
		})
	}
}
