package jobs

import (
	"log/slog"

	"harvester/cmd/harvester/config"
	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/imap"
)

// source is where a mailbox's mail comes from. One that keeps its mail, or is
// run dry, is opened for reading only.
func source(m *config.Mailbox, signIn auth.Credentials, dry bool, log *slog.Logger) harvest.Source {
	return imap.New(imap.Config{
		Name: string(m.Name), Server: string(m.Server), TLS: imap.TLS(m.TLS), CAFile: m.CAFile, Pin: m.Pin, Folders: m.Folders,
		Auth: signIn, ReadOnly: dry || m.Done.Disposition == harvest.Keep, Log: log,
	})
}
