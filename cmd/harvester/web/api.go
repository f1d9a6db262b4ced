package web

import (
	"context"
	_ "embed" // the description
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// OpenAPI describes /v1 (OpenAPI 3.1).
//
//go:embed openapi.json
var OpenAPI []byte

func (s *server) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(OpenAPI) // whoever asked is gone when it fails
}

func (s *server) lookup(w http.ResponseWriter, r *http.Request) {
	q := newParams(r)
	address, stream := q.text("address"), q.text("stream")
	if err := q.done(); err != nil {
		s.fail(w, r, err)
		return
	}
	if address == "" {
		s.fail(w, r, bad("/v1/lookup?address=jane%40example.net", "the parameter address is missing"))
		return
	}
	found, err := s.Set.DB.List.LookupAll(r.Context(), []string{address}, stream)
	if err == nil {
		err = askable("address", &found[0])
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, r, found[0])
}

// askable refuses what is no address: "may be mailed" would be a wrong answer.
func askable(where string, v *query.Verdict) error {
	if v.Suppressed || policy.IsAddress(v.Address) {
		return nil
	}
	return bad("send one bare address, local-part@domain, without a name or brackets; in a URL write %40 for @, %20 for a blank and %25 for %",
		"%s: %q is not an address", where, v.Address)
}

// Lookups asks for many addresses at once.
type Lookups struct {
	Addresses []string `json:"addresses"`
	Stream    string   `json:"stream"`
}

func (s *server) lookupMany(w http.ResponseWriter, r *http.Request) {
	var in Lookups
	err := body(r, &in)
	if err == nil && (len(in.Addresses) == 0 || len(in.Addresses) > query.LookupBatch) {
		err = bad("", "addresses must hold 1 to %s, it holds %d", count.Of(query.LookupBatch, "address"), len(in.Addresses))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	found, err := s.Set.DB.List.LookupAll(r.Context(), in.Addresses, in.Stream)
	for i := 0; i < len(found) && err == nil; i++ {
		err = askable(fmt.Sprintf("addresses[%d]", i), &found[i])
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, r, struct {
		Verdicts []query.Verdict `json:"verdicts"`
	}{found})
}

// pause says whether a stream may go on sending.
func (s *server) pause(w http.ResponseWriter, r *http.Request) {
	rate, err := s.Set.DB.Rates.Rate(r.Context(), r.PathValue("stream"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, r, rate)
}

// The length of a page.
const (
	usualPage = 1000
	maxPage   = 10_000 // rows of one answer
)

// SuppressionPage is part of the list. Next asks for what follows; it is empty
// at the end.
type SuppressionPage struct {
	Suppressions []query.Suppression `json:"suppressions"`
	Next         string              `json:"next"`
	Mark         int64               `json:"mark"` // since=MARK asks for what changed later
}

// ChangePage is what changed after a mark, and the mark behind it.
type ChangePage struct {
	Changes []judge.Change `json:"changes"`
	Mark    int64          `json:"mark"`
}

// EventPage is part of the events, in the order in which they were stored.
type EventPage struct {
	Events []query.Event `json:"events"`
	Next   string        `json:"next"`
}

// suppressions pages through the list by address, or with since through what
// changed.
func (s *server) suppressions(w http.ResponseWriter, r *http.Request) {
	q := newParams(r)
	f := query.Filter{Domain: q.text("domain"), Source: q.text("source"), Stream: q.text("stream"), Held: q.text("held") == "true", Beyond: uncursor(q)}
	limit := int(q.number("limit", usualPage, 1, maxPage))
	since := q.number("since", -1, 0, 1<<62)
	var known policy.Source
	if f.Source != "" && known.UnmarshalText([]byte(f.Source)) != nil && q.err == nil {
		q.err = bad("bounce, complaint, unsubscribe or operator", "there is no source %q", f.Source)
	}
	if err := q.done(); err != nil {
		s.fail(w, r, err)
		return
	}
	var page any
	var err error
	if since >= 0 {
		var p ChangePage
		p.Changes, p.Mark, err = s.Set.DB.List.Changes(r.Context(), since, limit)
		page = p
	} else {
		page, err = s.suppressionPage(r.Context(), f, limit)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, r, page)
}

// suppressionPage takes whole addresses until there are enough rows.
func (s *server) suppressionPage(ctx context.Context, f query.Filter, limit int) (p SuppressionPage, err error) {
	p.Suppressions = []query.Suppression{}
	if p.Mark, err = s.Set.DB.List.ListMark(ctx); err != nil {
		return p, err
	}
	for row, err := range s.Set.DB.List.Suppressions(ctx, f) {
		if err != nil {
			return p, err
		}
		if n := len(p.Suppressions); n >= limit && p.Suppressions[n-1].Key != row.Key {
			p.Next = base64.RawURLEncoding.EncodeToString([]byte(p.Suppressions[n-1].Key))
			break
		}
		p.Suppressions = append(p.Suppressions, row)
	}
	return p, nil
}

// uncursor is the address behind which a page begins.
func uncursor(q *params) string {
	key, err := base64.RawURLEncoding.DecodeString(q.text("cursor"))
	if err != nil && q.err == nil {
		q.err = bad(`send "next" of the page before as it is`, "the cursor is damaged")
	}
	return string(key)
}

func (s *server) events(w http.ResponseWriter, r *http.Request) {
	q := newParams(r)
	f := query.EventFilter{Address: q.text("address"), Since: q.time("since"), After: q.number("cursor", 0, 0, 1<<62), Limit: int(q.number("limit", usualPage, 1, maxPage))}
	if err := q.done(); err != nil {
		s.fail(w, r, err)
		return
	}
	events, err := s.Set.DB.Notices.Events(r.Context(), f)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := EventPage{Events: events}
	if len(events) == f.Limit {
		page.Next = strconv.FormatInt(events[len(events)-1].ID, 10)
	}
	answer(w, r, page)
}

func (s *server) incidents(w http.ResponseWriter, r *http.Request) {
	q := newParams(r)
	since := q.time("since")
	if err := q.done(); err != nil {
		s.fail(w, r, err)
		return
	}
	if since.IsZero() {
		since = time.Now()
	}
	list, err := s.Set.DB.Incidents.Incidents(r.Context(), since)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if list == nil {
		list = []query.Incident{}
	}
	answer(w, r, struct {
		Incidents []query.Incident `json:"incidents"`
	}{list})
}

// Decision is an operator's act that another program sends.
type Decision struct {
	Act     string    `json:"act"`     // add, remove, allow; "" is add
	Address string    `json:"address"` // or "@domain", "@*.domain"
	Reason  string    `json:"reason"`
	Author  string    `json:"author"`
	Until   time.Time `json:"until,omitzero"` // zero: for good
}

func (s *server) decide(w http.ResponseWriter, r *http.Request) {
	var in Decision
	if err := body(r, &in); err != nil {
		s.fail(w, r, err)
		return
	}
	if in.Act == "" {
		in.Act = policy.Add.String()
	}
	o := policy.Override{Pattern: in.Address, Reason: in.Reason, Author: in.Author, Until: in.Until}
	if err := o.Act.UnmarshalText([]byte(in.Act)); err != nil || o.Act == policy.Undo {
		s.fail(w, r, bad("one of add, remove, allow", "there is no act %q", in.Act))
		return
	}
	done, err := s.Set.DB.Judge.Override(r.Context(), o)
	if err != nil {
		s.fail(w, r, refused(err))
		return
	}
	answer(w, r, done)
}

// refused tells an act that can't be meant from a database that fails.
func refused(err error) error {
	var wrong engine.WrongAct
	if errors.As(err, &wrong) {
		return badRequest{err, ""}
	}
	return err
}

// LedgerRow is a line of POST /v1/ledger.
type LedgerRow struct {
	MessageID string    `json:"message_id"`
	Recipient string    `json:"recipient"`
	Stream    string    `json:"stream"`
	At        time.Time `json:"at"`
}

// ledger takes what was sent, a JSON object a line, in any length.
func (s *server) ledger(w http.ResponseWriter, r *http.Request) {
	// The deadline of the body is for short ones.
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(answerTime)); err != nil {
		s.fail(w, r, err)
		return
	}
	read, proven, err := s.Set.DB.Judge.RecordSent(r.Context(), ledgerRows(r.Body))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, r, struct {
		Read   int `json:"read"`
		Proven int `json:"proven"` // stored failures that are now known to be of mail that we sent
	}{read, proven})
}

func ledgerRows(in io.Reader) iter.Seq2[facts.Sent, error] {
	return func(yield func(facts.Sent, error) bool) {
		d := json.NewDecoder(in)
		d.DisallowUnknownFields()
		for n := 1; ; n++ {
			var row LedgerRow
			err := d.Decode(&row)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && (row.MessageID == "" || row.Recipient == "") {
				err = errors.New("message_id or recipient is missing")
			}
			if err != nil {
				var long *http.MaxBytesError
				if !errors.As(err, &long) {
					err = bad("rows before it are stored", "row %d of the ledger is not what is asked for: %w", n, err)
				}
				yield(facts.Sent{}, err)
				return
			}
			if !yield(facts.Sent{MessageID: row.MessageID, Recipient: row.Recipient, Stream: row.Stream, At: row.At}, nil) {
				return
			}
		}
	}
}
