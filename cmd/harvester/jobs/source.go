package jobs

import (
	"log/slog"

	"harvester/cmd/harvester/config"
	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/file"
	"harvester/harvest/imap"
	"harvester/harvest/pop3"
	"harvester/harvest/wire"
)

// source is where a mailbox's mail comes from. One that keeps its mail, or is
// run dry, is opened for reading only.
func source(m *config.Mailbox, signIn auth.Credentials, dry bool, log *slog.Logger) harvest.Source {
	name, readOnly := string(m.Name), dry || m.Done.Disposition == harvest.Keep
	switch m.Type {
	case config.POP3:
		return pop3.New(pop3.Config{
			Name: name, Server: string(m.Server), TLS: wire.TLS(m.TLS), CAFile: m.CAFile, Pin: m.Pin, Auth: signIn,
		})
	case config.Maildir, config.Mbox, config.Directory:
		return file.New(file.Config{Name: name, Format: file.Format(m.Type), Path: m.Path, Folders: m.Folders, ReadOnly: readOnly})
	default:
		return imap.New(imap.Config{
			Name: name, Server: string(m.Server), TLS: wire.TLS(m.TLS), CAFile: m.CAFile, Pin: m.Pin, Folders: m.Folders,
			Auth: signIn, ReadOnly: readOnly, Log: log,
		})
	}
}
