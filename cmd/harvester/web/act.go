package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"harvester/store/engine"
	"harvester/store/policy"
)

// author is whom an act on the page is attributed to: who is behind the token
// is not known.
const author = "status page"

// act is something that the pages can do, in words.
type act struct {
	Label string // of the button
	Does  string // what comes of it, before it is done
	done  string // after it
}

// acts are all of them, by the word that a form sends.
var acts = map[string]act{
	"ack":          {"Acknowledge", "No more reminders of this incident; it closes by itself when the failures end.", "The incident is acknowledged."},
	"release":      {"Release the exports", "The files are written again, with all that has changed since they stopped.", "The exports are released."},
	"hold-release": {"Believe them", "The failures of this burst count as usual: their addresses come onto the list.", "The burst is believed: its failures count."},
	"hold-drop":    {"Drop them", "It was an outage: the failures of this burst lose all weight.", "The burst is dropped: its failures have no weight."},
	"remove":       {"Lift what stands now", "It may be mailed again. A new failure puts it back onto the list.", "What stood is lifted."},
	"allow":        {"Allow for good", "It is mailed whatever comes in, complaints too, until somebody takes this back.", "It is allowed for good."},
	"add":          {"Suppress", "It is not mailed any more, for good, whatever comes in.", "It is suppressed."},
}

// act carries out what a form of the page asks for: acknowledge an incident,
// release the exports, believe or drop what is held back, decide about an
// address. Requests from other sites
// were refused before (guard), and the cookie of the session goes with none.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	if !s.Actions {
		s.refuse(w, r, http.StatusForbidden, "the page may not act", "set web.actions = true, or use the command line")
		return
	}
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, bad("", "the form can't be read: %w", err))
		return
	}
	name, subject, reason := r.PostForm.Get("act"), r.PostForm.Get("subject"), strings.TrimSpace(r.PostForm.Get("reason"))
	who := cmp.Or(strings.TrimSpace(r.PostForm.Get("author")), author)
	if reason == "" {
		s.fail(w, r, bad("for those who ask later", "a reason is missing"))
		return
	}
	ctx, db := r.Context(), s.Set.DB
	var err error
	switch name {
	case "ack":
		err = db.Incidents.IncidentAct(ctx, subject, "ack", reason, who)
	case "release":
		err = db.Guard.Release(ctx, reason, who)
	case "hold-release", "hold-drop":
		err = s.rule(ctx, subject, name == "hold-release", reason, who)
	case "allow", "add", "remove":
		o := policy.Override{Pattern: subject, Reason: reason, Author: who}
		if err = o.Act.UnmarshalText([]byte(name)); err == nil {
			_, err = db.Judge.Override(ctx, o)
		}
		err = refused(err)
	default:
		err = bad("", "there is no act %q", name)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.counter.forget()
	http.Redirect(w, r, done(r.PostForm.Get("back"), name), http.StatusSeeOther)
}

// done is the page that an act came from, which then says what was done. Only
// paths of our own are gone back to.
func done(back, name string) string {
	u, err := url.Parse(back)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(back, `\`) {
		u = &url.URL{Path: "/"}
	}
	q := u.Query()
	q.Set("done", name)
	return (&url.URL{Path: u.Path, RawQuery: q.Encode()}).String()
}

// rule decides about the hold with an id.
func (s *server) rule(ctx context.Context, id string, release bool, reason, who string) error {
	holds, err := s.Set.DB.Reports.Holds(ctx, time.Time{})
	if err != nil {
		return err
	}
	for i := range holds {
		if h := &holds[i]; h.ID() == id {
			_, err := s.Set.DB.Judge.Rule(ctx, h.Kind, h.Subject, h.Start, release, reason, who)
			return err
		}
	}
	return fmt.Errorf("hold %q: %w", id, engine.ErrNotFound)
}
