package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
	"harvester/parse/count"
)

// able says why a disposition can't be carried out in a folder, before anything
// is tried: half of a move is a copy too many with each run.
//
// QUIRK: Dovecot 2.3.19 answers OK to a STORE and a UID EXPUNGE for which the
// user lacks the rights, and does nothing.
func (s *session) able(ctx context.Context, f *selected, j job) error {
	if !f.writable {
		return s.notWritable(f.name)
	}
	var flag imap.Flag
	var rights string
	switch j.disposition {
	case harvest.Seen:
		flag, rights = imap.FlagSeen, "s"
	case harvest.Move:
		if rights = "te"; !s.has(ctx, imap.CapMove) {
			flag = imap.FlagDeleted
		}
	case harvest.Delete:
		flag, rights = imap.FlagDeleted, "te"
	}
	if flag != "" && f.permanent != nil && !slices.Contains(f.permanent, flag) && !slices.Contains(f.permanent, imap.FlagWildcard) {
		return s.denied(f, j, fmt.Sprintf("the server keeps no %s there, only %s", flag, flagNames(f.permanent)))
	}
	if missing := missingRights(s.rights(ctx, f), rights); missing != "" {
		return s.denied(f, j, fmt.Sprintf("this user has the rights %s there, not %s", f.rights, missing))
	}
	return nil
}

func flagNames(flags []imap.Flag) string {
	var names []string
	for _, f := range flags {
		names = append(names, string(f))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " ")
}

// rights are the user's in a folder (RFC 4314), "" where they can't be told.
func (s *session) rights(ctx context.Context, f *selected) string {
	if f.askedRights {
		return f.rights
	}
	f.askedRights = true
	f.rights = s.rightsOf(ctx, f.name)
	return f.rights
}

func (s *session) rightsOf(ctx context.Context, folder string) string {
	if !s.has(ctx, imap.CapACL) {
		return ""
	}
	rights := ""
	err := s.do(ctx, "asking for the rights in folder "+folder, func() error {
		data, err := s.client.MyRights(folder).Wait()
		if err == nil {
			rights = string(data.Rights)
		}
		return err
	})
	if err != nil {
		s.Log.Debug("the rights can't be told", "mailbox", s.Name, "folder", folder, "err", err)
	}
	return rights
}

// missingRights are those of need that have doesn't hold. Where none of its new
// parts is named, the old right d stands for t, e and x, and c for k and x (RFC
// 4314 §2.1.1).
//
// QUIRK: Dovecot 2.3.19 and Cyrus 3.6.1 add the d to a user's rights when he has
// t and not e: beside a t it says nothing of e.
func missingRights(have, need string) (missing string) {
	if have == "" {
		return ""
	}
	if strings.ContainsRune(have, 'd') && !strings.ContainsAny(have, "te") {
		have += "te"
	}
	if strings.ContainsRune(have, 'c') && !strings.ContainsAny(have, "kx") {
		have += "k"
	}
	for _, r := range need {
		if !strings.ContainsRune(have, r) {
			missing += string(r)
		}
	}
	return missing
}

func (s *session) denied(f *selected, j job, why string) error {
	return &harvest.Fault{Mailbox: s.Name, Step: purpose(f.name, j), Kind: harvest.ErrDenied, Err: errors.New(why),
		Hint: "give the user of this mailbox the rights l, r, s, t, e there, or choose another disposition, such as keep"}
}

// notWritable says that a folder is open for reading only: because it is wanted so,
// or by the server.
func (s *session) notWritable(folder string) error {
	kind := harvest.ErrDenied
	if s.ReadOnly {
		kind = harvest.ErrFolder
	}
	return &harvest.Fault{Mailbox: s.Name, Step: "changing folder " + folder, Kind: kind,
		Err: errReadOnly, Hint: `done = "keep", or give this user the right to write there`}
}

// undone says that the server confirmed what it did not do.
func (s *session) undone(ctx context.Context, f *selected, j job, left uidSet) error {
	fault := &harvest.Fault{Mailbox: s.Name, Step: purpose(f.name, j), Kind: harvest.ErrUndone,
		Err:  fmt.Errorf("the server said OK and left %s as they were: UID %s", count.Of(left.count(), "message"), some(left)),
		Hint: "it is tried again with each run; see whether this user may do that there"}
	if rights := s.rights(ctx, f); rights != "" {
		fault.Hint = "it is tried again with each run; this user's rights there are " + rights
	}
	return fault
}

func purpose(folder string, j job) string {
	switch j.disposition {
	case harvest.Seen:
		return "flagging messages in folder " + folder
	case harvest.Move:
		return "moving messages from folder " + folder + " to " + j.target
	default:
		return "deleting messages from folder " + folder
	}
}

// refusal gives the error of a command that changes something its kind.
func refusal(err error) error {
	var f *harvest.Fault
	if !errors.As(err, &f) || !refused(f.Err) {
		return err
	}
	words := strings.ToLower(f.Words)
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(words, text) })
	}
	switch {
	case has("[overquota]", "quota exceeded", "over quota", "exceeds quota"):
		f.Kind, f.After = harvest.ErrQuota, 0 // of the target: reading may go on
		f.Hint = "make room there; what the messages say is stored, and moving them is tried again with each run"
	case has("[noperm]", "permission denied", "not permitted", "access denied", "read-only", "read only"):
		f.Kind, f.Hint = harvest.ErrDenied, "give the user of this mailbox the right to do that, or choose another disposition, such as keep"
	case has("[trycreate]", "[nonexistent]"):
		f.Kind = harvest.ErrFolder
	}
	return err
}

// passing recognizes refusals that no operator needs to mend (RFC 9051 §7.1).
func passing(words string) bool {
	words = strings.ToUpper(words)
	return slices.ContainsFunc([]string{"[SERVERBUG]", "[UNAVAILABLE]", "[INUSE]", "[LIMIT]"},
		func(code string) bool { return strings.Contains(words, code) })
}
