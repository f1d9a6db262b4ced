package compose

import (
	"log/slog"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/file"
	"harvester/harvest/imap"
	"harvester/harvest/pop3"
	"harvester/harvest/wire"
	"harvester/schedule"
)

// source is where a mailbox's mail comes from. One that keeps its mail, or is
// run dry, is opened for reading only.
func source(m *config.Mailbox, tokens *auth.CachedTokens, dry bool, log *slog.Logger) harvest.Source {
	name, readOnly := string(m.Name), dry || settling(m).Nothing()
	switch m.Type {
	case config.POP3:
		return pop3.New(pop3.Config{
			Name: name, Server: string(m.Server), TLS: wire.TLS(m.TLS), CAFile: m.CAFile, Pin: string(m.Pin), Auth: signIn(m, tokens),
		})
	case config.Maildir, config.Mbox, config.Directory:
		return file.New(file.Config{Name: name, Format: file.Format(m.Type), Path: m.Path, Folders: m.Folders, ReadOnly: readOnly})
	default:
		return imap.New(imap.Config{
			Name: name, Server: string(m.Server), TLS: wire.TLS(m.TLS), CAFile: m.CAFile, Pin: string(m.Pin), Folders: m.Folders,
			Auth: signIn(m, tokens), ReadOnly: readOnly, Log: log,
		})
	}
}

// settling is what becomes of a mailbox's mail.
func settling(m *config.Mailbox) schedule.Settling {
	fate := func(d config.Done) schedule.Fate { return schedule.Fate{Disposition: d.Disposition, Target: d.Folder} }
	return schedule.Settling{
		Done: fate(m.Done), Unparsed: fate(m.Unparsed), Other: fate(m.Other), Keep: time.Duration(m.KeepDays) * 24 * time.Hour,
	}
}
