package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"harvester/store/policy"
	"harvester/store/query"
)

// find takes an address from the form at the top, and leads to its page: so it
// stands in no URL.
func (s *server) find(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, bad("", "the form can't be read: %w", err))
		return
	}
	asked := strings.TrimSpace(r.PostForm.Get("q"))
	if !policy.IsAddress(asked) {
		// A part of one: the list is searched for it.
		http.Redirect(w, r, "/list?"+url.Values{"part": {s.sealer.seal(asked)}}.Encode(), http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, "/address/"+s.sealer.seal(asked), http.StatusSeeOther)
}

// addressPage explains one address, given by its reference or, for links from
// elsewhere, as ?q=.
func (s *server) addressPage(w http.ResponseWriter, r *http.Request) {
	asked := strings.TrimSpace(r.URL.Query().Get("q"))
	if ref := r.PathValue("ref"); ref != "" {
		var ok bool
		if asked, ok = s.sealer.open(ref); !ok {
			s.fail(w, r, bad("references end with the token that they were made under: look for the address anew", "the link names no address"))
			return
		}
	}
	v := struct {
		frame
		query.Explanation
		Latest []query.ExplainedEvent // the latest first
	}{frame: s.frame(r, "list")}
	v.Asked = asked
	if !strings.Contains(asked, "@") {
		s.render(w, r, http.StatusBadRequest, "address", &v)
		return
	}
	var err error
	if v.Explanation, err = s.Set.DB.List.Explain(r.Context(), asked, s.Set.Carried()); err != nil {
		s.fail(w, r, err)
		return
	}
	v.Back = "/address/" + s.sealer.seal(v.Address)
	for i := len(v.Events) - 1; i >= 0; i-- {
		v.Latest = append(v.Latest, v.Events[i])
	}
	s.render(w, r, http.StatusOK, "address", &v)
}

// noticePage shows one message: what it said, and what was made of it.
func (s *server) noticePage(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		s.fail(w, r, bad("", "a notice has a number"))
		return
	}
	v := struct {
		frame
		query.ExplainedNotice
		Raw string // the beginning of what nobody understood
	}{frame: s.frame(r, "failures")}
	if v.ExplainedNotice, err = s.Set.DB.List.ExplainNotice(r.Context(), id, s.Set.Carried()); err != nil {
		s.fail(w, r, err)
		return
	}
	if raw, err := s.Set.DB.Notices.Raw(r.Context(), id); err == nil {
		v.Raw = strings.ToValidUTF8(string(raw[:min(len(raw), shownRaw)]), "\uFFFD")
	}
	s.render(w, r, http.StatusOK, "notice", &v)
}

// shownRaw is how many bytes of an original are shown.
const shownRaw = 8 << 10
