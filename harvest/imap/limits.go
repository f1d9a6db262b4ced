package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
)

// Limits asks for capabilities, flags, rights and names; it tries nothing.
func (s *session) Limits(ctx context.Context, want []harvest.Settlement) (words []string, err error) {
	var errs []error
	note := func(err error) {
		if err != nil && !slices.ContainsFunc(errs, func(other error) bool { return other.Error() == err.Error() }) {
			errs = append(errs, err)
		}
	}
	for _, w := range want {
		if w.Disposition == harvest.Keep {
			continue
		}
		if text := s.less(ctx, w); text != "" && !slices.Contains(words, text) {
			words = append(words, text)
		}
		f, err := s.open(ctx, w.Folder)
		if err == nil {
			err = s.able(ctx, f, job{disposition: w.Disposition, target: w.Target})
		}
		if err == nil && w.Disposition == harvest.Move {
			err = s.reachable(ctx, w.Target)
		}
		note(err)
	}
	for _, w := range want { // last: go-imap hangs up at a quota that it can't read
		if w.Disposition == harvest.Move {
			note(s.room(ctx, w.Target))
		}
	}
	return words, errors.Join(errs...)
}

// less says in which way a server does less than it is asked for.
func (s *session) less(ctx context.Context, w harvest.Settlement) string {
	move, expunge := s.has(ctx, imap.CapMove), s.has(ctx, imap.CapUIDPlus)
	switch {
	case w.Disposition == harvest.Delete && !expunge:
		return "without UIDPLUS the server can't remove single messages: what is to be deleted is marked as deleted, and stays until another program expunges it"
	case w.Disposition == harvest.Move && !move && !expunge:
		return "without MOVE and UIDPLUS the server can't take messages away: what is to be moved is copied, and stays marked as deleted until another program expunges it"
	case w.Disposition == harvest.Move && !move:
		return "without MOVE messages are copied and then removed: after a crash one may stand twice in the target"
	}
	return ""
}

// reachable says why messages can't be put into a folder.
func (s *session) reachable(ctx context.Context, target string) error {
	fault := &harvest.Fault{Mailbox: s.Name, Step: "looking for folder " + target, Kind: harvest.ErrFolder}
	if s.exists(ctx, target) {
		if missing := missingRights(s.rightsOf(ctx, target), "i"); missing != "" {
			fault.Kind, fault.Err = harvest.ErrDenied, errors.New("this user may not put messages there")
			fault.Hint = "give the user of this mailbox the right i there"
			return fault
		}
		return nil
	}
	if name, why := s.rightName(ctx, target); name != target {
		fault.Err, fault.Hint = errors.New("the server can't have a folder of this name"), fmt.Sprintf("name it %q: %s", name, why)
		return fault
	}
	if parent := s.parent(ctx, target); parent != "" {
		if missing := missingRights(s.rightsOf(ctx, parent), "k"); missing != "" {
			fault.Kind, fault.Err = harvest.ErrDenied, fmt.Errorf("it is missing, and this user may make no folder in %s", parent)
			fault.Hint = "make it by hand with the right i for this user, or give the right k in " + parent
			return fault
		}
	}
	return nil
}

// parent is the folder that a missing one would be made in, "" where there is
// none.
func (s *session) parent(ctx context.Context, target string) string {
	_, separator, ok := s.personal(ctx)
	for ok && separator != 0 {
		at := strings.LastIndex(target, string(separator))
		if at <= 0 {
			break
		}
		if target = target[:at]; s.exists(ctx, target) {
			return target
		}
	}
	return ""
}
