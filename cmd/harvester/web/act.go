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

// act carries out what a form of the page asks for: acknowledge an incident,
// release the exports, believe or drop what is held back, decide about an
// address. Requests from other sites
// were refused before (guard), and the cookie of the session goes with none.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	if !s.Actions {
		problem(w, http.StatusForbidden, "the page may not act", "set web.actions = true, or use the command line")
		return
	}
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, bad("", "the form can't be read: %w", err))
		return
	}
	act, subject, reason := r.PostForm.Get("act"), r.PostForm.Get("subject"), strings.TrimSpace(r.PostForm.Get("reason"))
	who := cmp.Or(strings.TrimSpace(r.PostForm.Get("author")), author)
	if reason == "" {
		s.fail(w, r, bad("for those who ask later", "a reason is missing"))
		return
	}
	ctx, db, next := r.Context(), s.Set.DB, "/"
	var err error
	switch act {
	case "ack":
		err = db.Incidents.IncidentAct(ctx, subject, "ack", reason, who)
	case "release":
		err = db.Guard.Release(ctx, reason, who)
	case "hold-release", "hold-drop":
		err = s.rule(ctx, subject, act == "hold-release", reason, who)
	case "allow", "add", "remove":
		o := policy.Override{Pattern: subject, Reason: reason, Author: who}
		if err = o.Act.UnmarshalText([]byte(act)); err == nil {
			_, err = db.Judge.Override(ctx, o)
		}
		err = refused(err)
		next = "/address?" + url.Values{"q": {subject}, "done": {act}}.Encode()
	default:
		err = bad("", "there is no act %q", act)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
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
