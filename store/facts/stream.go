package facts

import (
	"harvester/parse"
	"harvester/store/policy"
	"strings"
)

// Stream is a part of our mail that is decided about by itself, and how a mail
// that came back shows that it belongs to it. In the patterns a "*" stands for
// any text; case makes no difference.
type Stream struct {
	Name        string
	Kind        policy.StreamKind
	ReturnPaths []string          // the address that the notice came to, or the Return-Path of the returned mail
	ListIDs     []string          // List-Id of the returned mail, without its brackets (RFC 2919)
	FeedbackIDs []string          // Feedback-ID of the returned mail
	DKIM        []string          // signing domain, or "selector._domainkey.domain"
	Headers     map[string]string // pattern by field, one of StreamHeaders
	Mailboxes   []string          // that the notice was harvested from

	Limits policy.RateLimits // from what rates on it is paused; zero: the defaults
}

// StreamHeaders are the fields of a returned mail that a stream can be told
// by, besides those that have a selector of their own.
var StreamHeaders = []string{"From", "Message-ID", "Sender", "Subject", "To"}

// whence is where a notice comes from and what it returns.
type whence struct {
	DeliveredTo, Mailbox string
	original             *parse.Original
}

// selectors are the ways to tell a stream, the best first: what we write into
// the envelope, then what senders sign, then what anybody can read.
var selectors = []func(*Stream, whence) bool{
	func(s *Stream, w whence) bool {
		return w.DeliveredTo != "" && like(s.ReturnPaths, w.DeliveredTo) || w.original.ReturnPath != "" && like(s.ReturnPaths, w.original.ReturnPath)
	},
	func(s *Stream, w whence) bool { return w.original.ListID != "" && like(s.ListIDs, listID(w.original)) },
	func(s *Stream, w whence) bool {
		return w.original.FeedbackID != "" && like(s.FeedbackIDs, w.original.FeedbackID)
	},
	func(s *Stream, w whence) bool {
		for _, signature := range w.original.DKIM {
			_, domain, _ := strings.Cut(signature, "._domainkey.")
			if like(s.DKIM, signature) || domain != "" && like(s.DKIM, domain) {
				return true
			}
		}
		return false
	},
	func(s *Stream, w whence) bool {
		o := w.original
		for field, pattern := range s.Headers {
			value := map[string]string{"From": o.From, "Message-ID": BareID(o.MessageID), "Sender": o.Sender, "Subject": o.Subject, "To": o.To}[field]
			if value != "" && like([]string{pattern}, value) {
				return true
			}
		}
		return false
	},
	func(s *Stream, w whence) bool { return w.Mailbox != "" && like(s.Mailboxes, w.Mailbox) },
}

// streamOf names the stream of ours that a mail belongs to: a configured one by
// its selectors, in the order of the configuration, else one that is called
// after the list, or the address that the mail was sent as.
func (ours *Ours) streamOf(w whence) string {
	if name := ours.configured(w); name != "" {
		return name
	}
	if w.original.ListID != "" {
		return listID(w.original)
	}
	for _, a := range []string{w.original.From, w.original.Sender, w.original.ReturnPath} {
		if k := policy.Key(a); policy.Own(policy.Domain(k), ours.Domains) {
			return k
		}
	}
	return ""
}

// configured names the configured stream that selects a mail, "" for none.
func (ours *Ours) configured(w whence) string {
	for _, selects := range selectors {
		for i := range ours.Streams {
			if selects(&ours.Streams[i], w) {
				return ours.Streams[i].Name
			}
		}
	}
	return ""
}

// listID is the identifier in a List-Id, without the words around it.
func listID(o *parse.Original) string {
	id := strings.ToLower(strings.TrimSpace(o.ListID))
	if i, j := strings.LastIndexByte(id, '<'), strings.LastIndexByte(id, '>'); i >= 0 && j > i {
		id = id[i+1 : j]
	}
	return id
}

// Transactional tells whether a stream is configured to be that.
func (ours *Ours) Transactional(name string) bool {
	for i := range ours.Streams {
		if s := &ours.Streams[i]; s.Name == name {
			return s.Kind == policy.Transactional
		}
	}
	return false
}

// like tells whether one of the patterns covers a text.
func like(patterns []string, text string) bool {
	text = strings.ToLower(text)
	for _, p := range patterns {
		if covers(strings.ToLower(p), text) {
			return true
		}
	}
	return false
}

func covers(pattern, text string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	parts := strings.Split(rest, "*")
	last := parts[len(parts)-1]
	for _, p := range parts[:len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, last)
}
