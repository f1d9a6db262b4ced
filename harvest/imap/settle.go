package imap

import (
	"context"
	"errors"
	"slices"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
)

// settleAtOnce is how many messages are settled by one command.
const settleAtOnce = 500

// errReadOnly refuses to change a folder that was opened with EXAMINE.
//
// QUIRK: the server is no safety net: Dovecot executes a MOVE in an EXAMINEd
// folder, and says OK to a STORE that it ignores.
var errReadOnly = errors.New("the folder is open for reading only")

// Settle carries out dispositions in folder. All of them can be repeated after
// a crash; only where the server lacks MOVE may a message that was being moved
// stand twice in the target.
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
	finished := make(map[job]map[imap.UID]bool)
	if len(jobs) > 0 {
		err = s.settleJobs(ctx, folder, jobs, work, finished)
	}
	for _, t := range todo {
		j := job{t.Disposition, t.Target, t.UIDValidity}
		if t.Disposition == harvest.Keep || finished[j][imap.UID(t.UID)] {
			done = append(done, t)
		}
	}
	return done, err
}

// job is what a group of messages has in common.
type job struct {
	disposition harvest.Disposition
	target      string
	uidValidity uint32
}

func (s *session) settleJobs(ctx context.Context, folder string, jobs []job, work map[job][]imap.UID, finished map[job]map[imap.UID]bool) error {
	f, err := s.open(ctx, folder)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		uids := work[j]
		slices.Sort(uids)
		finished[j] = make(map[imap.UID]bool, len(uids))
		// Under another UIDVALIDITY these UIDs name nothing or, worse, other
		// messages. The mail is read again and settled then.
		if j.uidValidity != f.uidValidity {
			for _, uid := range uids {
				finished[j][uid] = true
			}
			continue
		}
		if !f.writable {
			return s.notWritable(folder)
		}
		for len(uids) > 0 {
			some := head(uids, settleAtOnce)
			if err := s.settle(ctx, f, j, imap.UIDSetNum(some...)); err != nil {
				return err
			}
			for _, uid := range some {
				finished[j][uid] = true
			}
			uids = uids[len(some):]
		}
	}
	return nil
}

func (s *session) notWritable(folder string) error {
	return &harvest.Fault{Mailbox: s.Name, Step: "changing folder " + folder, Kind: harvest.ErrFolder,
		Err: errReadOnly, Hint: `done = "keep", or give this user the right to write there`}
}

func (s *session) settle(ctx context.Context, f *selected, j job, set imap.UIDSet) error {
	switch j.disposition {
	case harvest.Seen:
		return s.store(ctx, "flagging messages in folder "+f.name, set, imap.FlagSeen)
	case harvest.Move:
		return s.move(ctx, f, set, j.target)
	case harvest.Delete:
		return s.remove(ctx, f, set)
	default:
		return &harvest.Fault{Mailbox: s.Name, Step: "settling in folder " + f.name, Err: errors.New("unknown disposition " + j.disposition.String())}
	}
}

func (s *session) store(ctx context.Context, step string, set imap.UIDSet, flag imap.Flag) error {
	return s.do(ctx, step, func() error {
		return s.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
	})
}

// move moves in one command (RFC 6851) or, where the server has none, copies,
// checks, and removes. go-imap's own fallback doesn't wait for the copy and
// has lost mail that way.
func (s *session) move(ctx context.Context, f *selected, set imap.UIDSet, target string) error {
	step := "moving messages from folder " + f.name + " to " + target
	if s.has(ctx, imap.CapMove) {
		return s.into(ctx, target, func() error {
			return s.do(ctx, step, func() error {
				// No COPYUID in the answer means that all were gone: done too.
				_, err := s.client.Move(set, target).Wait()
				return err
			})
		})
	}
	err := s.into(ctx, target, func() error {
		return s.do(ctx, step, func() error {
			_, err := s.client.Copy(set, target).Wait()
			return err
		})
	})
	if err != nil {
		return err
	}
	return s.remove(ctx, f, set)
}

// into runs a command that needs the target folder, and makes that folder if
// the command fails for want of it.
func (s *session) into(ctx context.Context, target string, command func() error) error {
	err := command()
	if !refused(err) || s.exists(ctx, target) {
		return err
	}
	made := s.do(ctx, "making folder "+target, func() error { return s.client.Create(target, nil).Wait() })
	if made != nil {
		var f *harvest.Fault
		if errors.As(made, &f) && refused(f.Err) {
			f.Kind = harvest.ErrFolder
			f.Hint = "make it by hand, or name it as the server does, such as INBOX.Done"
		}
		return made
	}
	return command()
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

// remove deletes exactly these messages. Without UIDPLUS (RFC 4315) an EXPUNGE
// would also remove what others have marked, so they are only marked.
func (s *session) remove(ctx context.Context, f *selected, set imap.UIDSet) error {
	step := "deleting messages from folder " + f.name
	if err := s.store(ctx, step, set, imap.FlagDeleted); err != nil {
		return err
	}
	if !s.has(ctx, imap.CapUIDPlus) {
		return nil
	}
	return s.do(ctx, step, func() error { return s.client.UIDExpunge(set).Close() })
}

// Capabilities names what the server offers of what is made use of here: IDLE
// (RFC 2177), MOVE (RFC 6851), UIDPLUS (RFC 4315).
func (s *session) Capabilities(ctx context.Context) []string {
	var offered []string
	for _, c := range []imap.Cap{imap.CapIdle, imap.CapMove, imap.CapUIDPlus} {
		if s.has(ctx, c) {
			offered = append(offered, string(c))
		}
	}
	return offered
}

// has asks for the capabilities in the bounds of a command: after a sign-in
// that didn't tell them, go-imap requests them now.
func (s *session) has(ctx context.Context, capability imap.Cap) bool {
	has := false
	_ = s.do(ctx, "asking for capabilities", func() error { // a failure shows in the next command
		has = s.client.Caps().Has(capability)
		return nil
	})
	return has
}
