package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/facts"
)

// Settling says what becomes of stored messages where they were found.
type Settling struct {
	Done     Fate          // of what was understood
	Unparsed Fate          // of what looks like a failure, and nobody understood
	Other    Fate          // of ordinary mail, of people mostly
	Keep     time.Duration // how long a message that is to be deleted stays after it was stored
}

// Fate is one disposition; Target is the folder of a Move.
type Fate struct {
	Disposition harvest.Disposition
	Target      string
}

// of is the fate of a kind. What was not understood is never deleted, whatever
// was asked for: a person has to see it.
func (s Settling) of(k parse.Kind) Fate {
	f := s.Done
	switch k {
	case bounce.KindNone:
		f = s.Other
	case bounce.KindUnparsed:
		f = s.Unparsed
	default:
		return f
	}
	if f.Disposition == harvest.Delete {
		return Fate{}
	}
	return f
}

// Wanted is what may be asked of the folders of a mailbox.
func (s Settling) Wanted(folders []string) (want []harvest.Settlement) {
	for _, folder := range folders {
		for _, f := range []Fate{s.Done, s.Unparsed, s.Other} {
			if f.Disposition != harvest.Keep {
				want = append(want, harvest.Settlement{Locator: harvest.Locator{Folder: folder}, Disposition: f.Disposition, Target: f.Target})
			}
		}
	}
	return want
}

// Nothing tells that no message is changed.
func (s Settling) Nothing() bool {
	return s.Done == Fate{} && s.Unparsed == Fate{} && s.Other == Fate{}
}

// expired is when a message must have been stored to be deleted now.
func (s Settling) expired() time.Time {
	if s.Done.Disposition != harvest.Delete {
		return time.Now() // what was to be deleted has another fate by now
	}
	return time.Now().Add(-s.Keep)
}

// resume settles what an interrupted run left, and what was kept for its days.
// The settings as they are now decide, not those of the run that stored it;
// folders that are read no more are left alone.
func (v *visit) resume(ctx context.Context) error {
	if v.Settling.Nothing() {
		return nil
	}
	left, err := v.Store.Mailboxes.Unsettled(ctx, v.Name, v.Settling.expired())
	if err != nil {
		return err
	}
	for len(left) > 0 {
		folder := left[0].Folder
		var todo []harvest.Settlement
		for len(left) > 0 && left[0].Folder == folder {
			if f := v.Settling.of(left[0].Kind); f.Disposition != harvest.Keep && slices.Contains(v.session.Folders(), folder) {
				todo = append(todo, harvest.Settlement{Locator: left[0].Locator, Disposition: f.Disposition, Target: f.Target})
			}
			left = left[1:]
		}
		v.settle(folder, todo)
	}
	return nil
}

// decide notes what becomes of a message, and returns what is to be done now.
func (v *visit) decide(it *facts.Item) []harvest.Settlement {
	f := v.Settling.of(it.Result.Kind)
	it.Disposition, it.Target = f.Disposition, f.Target
	if f.Disposition == harvest.Keep || f.Disposition == harvest.Delete && v.Settling.Keep > 0 {
		return nil
	}
	return []harvest.Settlement{{Locator: it.Message.Locator, Disposition: f.Disposition, Target: f.Target}}
}

// refusal is a fate that a server refused to messages of a folder.
type refusal struct {
	folder string
	fate   Fate
	err    error // nil for all but the first of those that failed together
}

func (v *visit) refuses(folder string, s *harvest.Settlement) bool {
	return slices.ContainsFunc(v.refused, func(r refusal) bool {
		return r.folder == folder && r.fate == Fate{s.Disposition, s.Target}
	})
}

// refusals are the errors of what was refused.
func (v *visit) refusals() (errs []error) {
	for _, r := range v.refused {
		errs = append(errs, r.err)
	}
	return errs
}

// settle carries out dispositions and records them; a dry run only counts. What
// a server refuses it is asked no more in this run, and the next tries again;
// other folders, targets and dispositions go on.
func (v *visit) settle(folder string, todo []harvest.Settlement) {
	todo = slices.DeleteFunc(todo, func(s harvest.Settlement) bool { return v.refuses(folder, &s) })
	if len(todo) == 0 {
		return
	}
	if v.Dry {
		v.tally.plan(todo)
		return
	}
	var done []harvest.Settlement
	err := v.Store.Checked(v.finish) // another worker may have the mailbox by now
	if err == nil {
		done, err = v.session.Settle(v.finish, folder, todo)
		v.tally.Settled += len(done)
		err = errors.Join(err, v.Store.Judge.Settled(v.finish, done))
	}
	if err == nil {
		return
	}
	finished := make(map[harvest.Settlement]bool, len(done))
	for _, s := range done {
		finished[s] = true
	}
	for i := range todo {
		if s := &todo[i]; !finished[*s] && !v.refuses(folder, s) {
			v.refused = append(v.refused, refusal{folder, Fate{s.Disposition, s.Target}, err})
			err = nil
		}
	}
	if err != nil { // all was done, and could not be recorded
		v.refused = append(v.refused, refusal{folder: folder, err: err})
	}
}

func (t *Tally) plan(todo []harvest.Settlement) {
	for _, s := range todo {
		t.Plan[Fate{s.Disposition, s.Target}]++
	}
}

// Planned is what a dry run would have settled, as one line; "" for nothing.
func (t Tally) Planned() string {
	var parts []string
	for f, n := range t.Plan {
		switch f.Disposition {
		case harvest.Move:
			parts = append(parts, fmt.Sprintf("move %d to %s", n, f.Target))
		case harvest.Seen:
			parts = append(parts, fmt.Sprintf("mark %d as read", n))
		default:
			parts = append(parts, fmt.Sprintf("%s %d", f.Disposition, n))
		}
	}
	slices.SortFunc(parts, cmp.Compare[string])
	return strings.Join(parts, ", ")
}
