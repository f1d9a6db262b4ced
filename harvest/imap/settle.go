package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
)

// settleAtOnce is how many messages are settled by one command.
const settleAtOnce = 500

// errReadOnly refuses to change a folder that was opened with EXAMINE.
//
// QUIRK: the server is no safety net: Dovecot 2.3.19 and 2.4.5 execute a MOVE in
// an EXAMINEd folder, Courier 5.0.13 a STORE. Nothing of the kind is ever sent.
var errReadOnly = errors.New("the folder is open for reading only")

// Settle carries out dispositions in folder, and looks afterwards whether the
// server did what it confirmed. All of them can be repeated after a crash; only
// where the server lacks MOVE may a message that was being moved stand twice in
// the target: after a crash, or where it refuses EXPUNGE alone, once more each
// run. What is refused for one target is done for the others.
func (s *session) Settle(ctx context.Context, folder string, todo []harvest.Settlement) (done []harvest.Settlement, err error) {
	work := make(map[job][]imap.UID)
	var jobs []job // in the order they were first named
	for _, t := range todo {
		if t.Disposition == harvest.Keep {
			continue
		}
		j := job{t.Disposition, t.Target, t.UIDValidity}
		if _, known := work[j]; !known {
			jobs = append(jobs, j)
		}
		work[j] = append(work[j], imap.UID(t.UID))
	}
	finished := make(map[job]uidSet)
	var errs []error
	for _, j := range jobs {
		finished[j], err = s.settleJob(ctx, folder, j, newSet(nil).with(work[j]...))
		if err != nil {
			errs = append(errs, err)
		}
		if err != nil && !harvest.OfFolder(err) && !refused(err) {
			break
		}
	}
	for _, t := range todo {
		if t.Disposition == harvest.Keep || finished[job{t.Disposition, t.Target, t.UIDValidity}].has(imap.UID(t.UID)) {
			done = append(done, t)
		}
	}
	return done, errors.Join(errs...)
}

// job is what a group of messages has in common.
type job struct {
	disposition harvest.Disposition
	target      string
	uidValidity uint32
}

// settleJob says which messages of a job are done.
func (s *session) settleJob(ctx context.Context, folder string, j job, set uidSet) (done uidSet, err error) {
	f, err := s.open(ctx, folder)
	if err != nil {
		return nil, err
	}
	// Under another UIDVALIDITY these UIDs name nothing or, worse, other
	// messages. The mail is read again and settled then.
	if j.uidValidity != f.uidValidity {
		return set, nil
	}
	if err := s.able(ctx, f, j); err != nil {
		return nil, err
	}
	for uids := set.each(); len(uids) > 0; {
		some := head(uids, settleAtOnce)
		left, err := s.settle(ctx, f, j, newSet(nil).with(some...))
		if err != nil {
			return done, err
		}
		done = done.with(newSet(nil).with(some...).without(left).each()...)
		if len(left) > 0 {
			return done, s.undone(ctx, f, j, left)
		}
		uids = uids[len(some):]
	}
	return done, nil
}

// settle settles some messages and returns those that are still as they were.
func (s *session) settle(ctx context.Context, f *selected, j job, set uidSet) (left uidSet, err error) {
	switch j.disposition {
	case harvest.Seen:
		err = s.store(ctx, "flagging messages in folder "+f.name, set, imap.StoreFlagsAdd, imap.FlagSeen)
		if err != nil {
			return nil, err
		}
		return s.among(ctx, f, set, imap.FlagSeen)
	case harvest.Move:
		return s.move(ctx, f, set, j.target)
	case harvest.Delete:
		return s.remove(ctx, f, set)
	default:
		return nil, &harvest.Fault{Mailbox: s.Name, Step: "settling in folder " + f.name, Kind: harvest.ErrUndone,
			Err: errors.New("unknown disposition " + j.disposition.String())}
	}
}

func (s *session) store(ctx context.Context, step string, set uidSet, op imap.StoreFlagsOp, flag imap.Flag) error {
	return refusal(s.do(ctx, step, func() error {
		return s.client.Store(imap.UIDSet(set), &imap.StoreFlags{Op: op, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
	}))
}

// among asks which messages of a set are there, or are there without a flag.
func (s *session) among(ctx context.Context, f *selected, set uidSet, without ...imap.Flag) (uidSet, error) {
	var found *imap.SearchData
	err := s.do(ctx, "looking at messages of folder "+f.name, func() (err error) {
		found, err = s.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSet(set)}, NotFlag: without}, nil).Wait()
		return err
	})
	if err != nil {
		return nil, err
	}
	ranges, _ := found.All.(imap.UIDSet)
	return newSet(ranges).and(set), nil
}

// move moves in one command (RFC 6851) or, where the server has none, copies,
// checks, and removes. go-imap's own fallback doesn't wait for the copy and
// has lost mail that way.
func (s *session) move(ctx context.Context, f *selected, set uidSet, target string) (left uidSet, err error) {
	step := "moving messages from folder " + f.name + " to " + target
	if s.has(ctx, imap.CapMove) {
		_, err := s.into(ctx, f, target, set, func(some uidSet) error {
			return s.do(ctx, step, func() error {
				// No COPYUID in the answer means that all were gone: done too.
				_, err := s.client.Move(imap.UIDSet(some), target).Wait()
				return err
			})
		})
		if err != nil {
			return nil, err
		}
		return s.among(ctx, f, set)
	}
	if marked, err := s.marks(ctx, f, set); err != nil || !marked {
		return set, err
	}
	copied, err := s.into(ctx, f, target, set, func(some uidSet) error {
		return s.do(ctx, step, func() error {
			_, err := s.client.Copy(imap.UIDSet(some), target).Wait()
			return err
		})
	})
	if err != nil || len(copied) == 0 {
		return nil, err
	}
	return s.remove(ctx, f, copied)
}

// marks tries on one message of a set, once a folder, whether the server lets this
// user mark what is to be removed: what is copied and can't be removed would be
// copied again with each run. The mark is taken back, since copies would bear it;
// one that somebody else set stays.
func (s *session) marks(ctx context.Context, f *selected, set uidSet) (bool, error) {
	if f.marks {
		return true, nil
	}
	unmarked, err := s.among(ctx, f, set, imap.FlagDeleted)
	if err != nil || len(unmarked) == 0 {
		return err == nil, err // all are marked, or gone
	}
	step, one := "deleting messages from folder "+f.name, newSet(nil).with(unmarked.each()[0])
	if err := s.store(ctx, step, one, imap.StoreFlagsAdd, imap.FlagDeleted); err != nil {
		return false, err
	}
	left, err := s.among(ctx, f, one, imap.FlagDeleted)
	if err != nil || len(left) > 0 {
		return false, err
	}
	f.marks = true
	return true, s.store(ctx, step, one, imap.StoreFlagsDel, imap.FlagDeleted)
}

// into runs a command that puts messages into the target folder, makes that
// folder if the command fails for want of it, and says which messages it was
// run for at last: those that are there.
//
// QUIRK: mox answers NO to a MOVE or COPY of UIDs that are gone.
func (s *session) into(ctx context.Context, f *selected, target string, set uidSet, command func(uidSet) error) (uidSet, error) {
	err := command(set)
	if !refused(err) {
		return set, err
	}
	there, failed := s.among(ctx, f, set)
	switch {
	case failed != nil:
		return nil, failed
	case len(there) == 0:
		return nil, nil
	case there.count() < set.count():
		if err = command(there); !refused(err) {
			return there, err
		}
	}
	if s.exists(ctx, target) {
		return nil, refusal(err)
	}
	made := s.do(ctx, "making folder "+target, func() error { return s.client.Create(target, nil).Wait() })
	if made != nil {
		return nil, s.unmade(ctx, target, made)
	}
	return there, refusal(command(there))
}

// unmade says why a folder could not be made.
func (s *session) unmade(ctx context.Context, target string, err error) error {
	err = refusal(err)
	var f *harvest.Fault
	if errors.As(err, &f) && refused(f.Err) && f.Kind == nil {
		f.Kind = harvest.ErrFolder
		f.Hint = "make it by hand"
		if name, why := s.rightName(ctx, target); name != target {
			f.Hint = fmt.Sprintf("name it %q: %s", name, why)
		}
	}
	return err
}

// exists doesn't rely on TRYCREATE, which some servers leave out.
func (s *session) exists(ctx context.Context, folder string) bool {
	found := false
	err := s.do(ctx, "looking for folder "+folder, func() error {
		list, err := s.client.List("", folder, nil).Collect()
		for _, data := range list {
			found = found || data.Mailbox == folder && !slices.Contains(data.Attrs, imap.MailboxAttrNonExistent) &&
				!slices.Contains(data.Attrs, imap.MailboxAttrNoSelect)
		}
		return err
	})
	return err != nil || found
}

// remove deletes exactly these messages and returns those that are left. Without
// UIDPLUS (RFC 4315) an EXPUNGE would also remove what others have marked, so
// they are only marked.
func (s *session) remove(ctx context.Context, f *selected, set uidSet) (left uidSet, err error) {
	step := "deleting messages from folder " + f.name
	if err := s.store(ctx, step, set, imap.StoreFlagsAdd, imap.FlagDeleted); err != nil {
		return nil, err
	}
	if !s.has(ctx, imap.CapUIDPlus) {
		return s.among(ctx, f, set, imap.FlagDeleted)
	}
	err = s.do(ctx, step, func() error { return s.client.UIDExpunge(imap.UIDSet(set)).Close() })
	if err != nil {
		return nil, refusal(err)
	}
	return s.among(ctx, f, set)
}
