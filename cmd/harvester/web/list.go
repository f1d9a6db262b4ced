package web

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/store/export"
	"harvester/store/policy"
	"harvester/store/query"
)

// listing is the suppression list, to look through.
type listing struct {
	frame
	Filter   listFilter
	Rows     []query.Suppression
	Next     template.URL // the query of the next page; "" at the end
	Far      bool         // much was looked through, and the page is not full
	Later    bool         // it is not the first page
	Query    template.URL // that of this filter
	Reasons  []string
	Sources  []string
	Profiles []export.Profile
}

// listFilter is what the form above the list asks for.
type listFilter struct {
	Part, Domain, Reason, Source, Stream, Since, State string
}

// values are the filter as the query of a URL. The part of an address is
// sealed.
func (f *listFilter) values(s *server) url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"domain": f.Domain, "reason": f.Reason, "source": f.Source, "stream": f.Stream, "since": f.Since, "state": f.State} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if f.Part != "" {
		q.Set("part", s.sealer.seal(f.Part))
	}
	return q
}

// reading is the filter as the store understands it.
func (f *listFilter) reading(s *server) (out query.Filter, err error) {
	out = query.Filter{Domain: f.Domain, Source: f.Source, Stream: f.Stream, Part: policy.Key(f.Part)}
	if d, ok := strings.CutPrefix(f.Part, "@"); ok && out.Domain == "" {
		out.Domain, out.Part = d, ""
	}
	if f.Reason != "" {
		out.Reasons = []string{f.Reason}
	}
	if f.State == policy.HeldBack.String() {
		out.Held, out.State = true, policy.HeldBack
	}
	out.Since, err = s.date("since", f.Since)
	return out, err
}

// date reads a day in the operator's time zone.
func (s *server) date(name, v string) (time.Time, error) {
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, v, s.Set.Config.Timezone.Location())
	if err != nil {
		return t, bad("write 2026-01-31", "%s is no day", name)
	}
	return t, nil
}

// searchList takes the form above the list, and leads to what it asks for.
func (s *server) searchList(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, bad("", "the form can't be read: %w", err))
		return
	}
	of := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	f := listFilter{Part: of("part"), Domain: of("domain"), Reason: of("reason"), Source: of("source"), Stream: of("stream"), Since: of("since"), State: of("state")}
	http.Redirect(w, r, "/list?"+f.values(s).Encode(), http.StatusSeeOther)
}

// filter is what a URL asks for.
func (s *server) filter(q url.Values) (f listFilter, reading query.Filter, err error) {
	f = listFilter{Domain: q.Get("domain"), Reason: q.Get("reason"), Source: q.Get("source"), Stream: q.Get("stream"), Since: q.Get("since"), State: q.Get("state")}
	if ref := q.Get("part"); ref != "" {
		var ok bool
		if f.Part, ok = s.sealer.open(ref); !ok {
			return f, reading, bad("search anew", "the link is out of date")
		}
	}
	reading, err = f.reading(s)
	return f, reading, err
}

// listPage is how many rows a page has, at most.
const listPage = 50

func (s *server) listPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := listing{frame: s.frame(r, "list"), Sources: []string{"bounce", "complaint", "unsubscribe", "operator"}, Profiles: export.Profiles()}
	for _, reason := range bounce.Reasons() {
		v.Reasons = append(v.Reasons, reason.String())
	}
	slices.Sort(v.Reasons)
	v.Reasons = append(v.Reasons, "complaint", "unsubscribe", "manual")
	var reading query.Filter
	var err error
	if v.Filter, reading, err = s.filter(q); err != nil {
		s.fail(w, r, err)
		return
	}
	search := query.ListSearch{Filter: reading, Limit: listPage}
	if after := q.Get("after"); after != "" {
		v.Later = true
		place, ok := s.sealer.open(after)
		if !ok || json.Unmarshal([]byte(place), &search.From) != nil {
			s.fail(w, r, bad("begin at the first page", "the link is out of date"))
			return
		}
	}
	found, err := s.Set.DB.List.Search(r.Context(), search)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := v.Filter.values(s)
	v.Query = template.URL(next.Encode()) //nolint:gosec // encoded
	v.Rows, v.Far = found.Rows, found.Far
	if found.Next != (query.ListPlace{}) {
		place, err := json.Marshal(found.Next)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.Set("after", s.sealer.seal(string(place)))
		v.Next = template.URL(next.Encode()) //nolint:gosec // encoded
	}
	s.render(w, r, http.StatusOK, "list", &v)
}

// download is the list, or a part of it, as a file of a profile; several files
// come as one archive.
func (s *server) download(w http.ResponseWriter, r *http.Request) {
	profile, err := export.Lookup(r.URL.Query().Get("profile"))
	if err != nil {
		s.fail(w, r, bad("choose one of the list", "%w", err))
		return
	}
	_, reading, err := s.filter(r.URL.Query())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	dir, err := os.MkdirTemp("", "harvester-download-")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer os.RemoveAll(dir)
	to := export.Target{Name: profile.Name, Path: filepath.Join(dir, "suppressions"+extension(&profile)), Profile: profile, Rules: s.Set.RulesVersion(), Now: time.Now()}
	to.Filter = reading
	to.Filter.Held, to.Filter.State = false, policy.Clear // no file carries what is held
	res, err := export.Write(r.Context(), s.Set.DB.List.Suppressions(r.Context(), to.Reading()), to)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	files := res.Files
	if skipped := export.SkippedPath(to.Path); len(files) > 1 || exists(skipped) {
		if exists(skipped) {
			files = append(files, skipped)
		}
		s.sendArchive(w, r, profile.Name, files)
		return
	}
	f, err := os.Open(files[0])
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer f.Close()
	attach(w, "suppressions-"+profile.Name+filepath.Ext(files[0]), "application/octet-stream")
	if info, err := f.Stat(); err == nil {
		w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	_, _ = io.Copy(w, f) // whoever asked is gone when it fails
}

// extension is what a file of a profile is usually called.
func extension(p *export.Profile) string {
	shape := strings.ToLower(p.Shape)
	for _, k := range []struct{ word, ext string }{{"csv", ".csv"}, {"semicolon", ".csv"}, {"json", ".json"}, {"cdb", ".cdb"}, {"sql ", ".sql"}} {
		if strings.Contains(shape, k.word) {
			return k.ext
		}
	}
	return ".txt"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func attach(w http.ResponseWriter, name, kind string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
}

func (s *server) sendArchive(w http.ResponseWriter, r *http.Request, profile string, files []string) {
	attach(w, "suppressions-"+profile+".zip", "application/zip")
	z := zip.NewWriter(w)
	var err error
	for _, path := range files {
		err = errors.Join(err, zipped(z, path))
	}
	if err = errors.Join(err, z.Close()); err != nil && r.Context().Err() == nil {
		s.Log.Error("sending an archive failed", "err", err)
		panic(http.ErrAbortHandler) // an archive that breaks off must not look whole
	}
}

func zipped(z *zip.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	to, err := z.Create(filepath.Base(path))
	if err == nil {
		_, err = io.Copy(to, f)
	}
	return err
}
