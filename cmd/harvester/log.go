package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"
	"golang.org/x/term"
)

// newLogger is the daemon's log on standard error: with priorities for the
// journal, short for a terminal, logfmt otherwise, and JSON where asked for.
func newLogger(w io.Writer, format string) (*slog.Logger, error) {
	f, isFile := w.(*os.File)
	inJournal := false
	if isFile {
		inJournal, _ = journal.StderrIsJournalStream() // what can't be told is no journal
	}
	switch {
	case format == "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	case format == "text" || format == "auto" && inJournal:
	case format == "logfmt" || format == "auto" && !(isFile && term.IsTerminal(int(f.Fd()))):
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case format != "auto":
		return nil, fail(exitUsage, fmt.Errorf("unknown log format %q", format), "one of auto, text, logfmt, json")
	}
	return slog.New(&lineHandler{w: w, mu: new(sync.Mutex), priority: inJournal}), nil
}

// lineHandler writes "message key=value …". In the journal, which has its own
// clock, it begins with the priority; elsewhere with the time.
type lineHandler struct {
	mu       *sync.Mutex
	w        io.Writer
	priority bool
	prefix   string // attributes that every record has
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if h.priority {
		b.WriteString(priority(r.Level))
	} else {
		b.WriteString(r.Time.Format("15:04:05 "))
		if r.Level >= slog.LevelWarn {
			b.WriteString(r.Level.String() + " ")
		}
	}
	b.WriteString(r.Message + h.prefix)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(attrText(a))
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String()+"\n")
	return err
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	for _, a := range attrs {
		more.prefix += attrText(a)
	}
	return &more
}

// WithGroup is not used by the program; names stay flat.
func (h *lineHandler) WithGroup(string) slog.Handler { return h }

func attrText(a slog.Attr) string {
	v := a.Value.Resolve().String()
	if a.Key == "" || v == "" {
		return ""
	}
	if strings.ContainsAny(v, " \"=\n\t") {
		v = fmt.Sprintf("%q", v)
	}
	return " " + a.Key + "=" + v
}

// priority is the prefix that the journal understands (sd-daemon(3)).
func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "<3>"
	case l >= slog.LevelWarn:
		return "<4>"
	case l >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}
