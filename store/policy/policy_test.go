package policy

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
)

var day0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// at is n days after the first day.
func at(n int) time.Time { return day0.AddDate(0, 0, n) }

// on is one proven failure n days after the first day.
func on(n int, r bounce.Reason, change ...func(*Event)) Event {
	e := Event{Hash: fmt.Sprintf("%04d-%v", n, r), At: at(n), Address: "a@example.net", Kind: bounce.KindBounce, Action: bounce.Failed,
		Reason: r, Confidence: bounce.ByRule, Proof: ProofReturned, Stream: "news", Message: fmt.Sprintf("<%d-%v@example.org>", n, r)}
	for _, c := range change {
		c(&e)
	}
	return e
}

func byCode(e *Event)   { e.Confidence = bounce.ByStatus }
func unproven(e *Event) { e.Proof = ProofNone }

// unread leaves a clause of the reply over that nothing understood.
func unread(e *Event) { e.Unread = true }

// atEdge is Microsoft's directory-based blocking.
func atEdge(e *Event) { e.Rule = "microsoft.directory-edge" }

// besideOne is that at a domain that takes mail for another address on a day.
func besideOne(n int) func(*Event) {
	return func(e *Event) { atEdge(e); e.Beside = at(n) }
}

func delivered(n int) Event {
	return on(n, bounce.Unclassified, func(e *Event) { e.Kind, e.Action, e.Proof = bounce.KindDelivered, bounce.Delivered, ProofAuthentic })
}

func complaint(n int, feedback string) Event {
	return on(n, bounce.Unclassified, func(e *Event) { e.Kind, e.Action, e.Feedback = bounce.KindComplaint, bounce.ActionNone, feedback })
}

func held(until int) func(*Event) {
	return func(e *Event) { e.Circumstance, e.HeldUntil = Held, at(until) }
}

func TestDefaultTable(t *testing.T) {
	tests := []struct {
		name    string
		history []Event
		asked   int    // day
		want    string // line name of the first episode, "" for none
		expires int    // day; -1 never
	}{
		{"unknown by text at once", []Event{on(0, bounce.UserUnknown)}, 1, "user_unknown", 730},
		{"unknown by text expires", []Event{on(0, bounce.UserUnknown)}, 731, "", 0},
		{"unknown by code needs two", []Event{on(0, bounce.UserUnknown, byCode)}, 1, "", 0},
		{"unknown by code twice", []Event{on(0, bounce.UserUnknown, byCode), on(7, bounce.UserUnknown, byCode)}, 8, "user_unknown.code", 372},
		{"unknown by code too far apart", []Event{on(0, bounce.UserUnknown, byCode), on(15, bounce.UserUnknown, byCode)}, 16, "", 0},
		{"unknown by code twice a day is one", []Event{on(0, bounce.UserUnknown, byCode), on(0, bounce.UserUnknown, byCode, func(e *Event) {
			e.Hash, e.Message, e.At = "other", "<other>", e.At.Add(time.Hour)
		})}, 1, "", 0},
		{"code, then text on one day", []Event{on(0, bounce.UserUnknown, byCode), on(0, bounce.UserUnknown, func(e *Event) {
			e.Hash, e.Message, e.At = "other", "<other>", e.At.Add(time.Hour)
		})}, 1, "user_unknown", 730},
		{"unknown, a clause unread, needs two", []Event{on(0, bounce.UserUnknown, unread)}, 1, "", 0},
		{"unknown, a clause unread, twice", []Event{on(0, bounce.UserUnknown, unread), on(7, bounce.UserUnknown, unread)}, 8, "user_unknown.code", 372},
		{"a clause unread, then all is read", []Event{on(0, bounce.UserUnknown, unread), on(30, bounce.UserUnknown)}, 31, "user_unknown", 760},
		{"access denied at a directory's edge", []Event{on(0, bounce.UserUnknown, atEdge)}, 1, "", 0},
		{"access denied at the edge twice", []Event{on(0, bounce.UserUnknown, atEdge), on(13, bounce.UserUnknown, atEdge)}, 14, "user_unknown.edge", 378},
		{"access denied at the edge, too far apart", []Event{on(0, bounce.UserUnknown, atEdge), on(15, bounce.UserUnknown, atEdge)}, 16, "", 0},
		{"access denied at the edge while another address is accepted", []Event{on(0, bounce.UserUnknown, besideOne(-3))}, 1, "user_unknown", 730},
		{"access denied at the edge, another address accepted later", []Event{on(0, bounce.UserUnknown, besideOne(5))}, 6, "user_unknown", 730},
		{"access denied at the edge, another address not yet accepted", []Event{on(0, bounce.UserUnknown, besideOne(5))}, 4, "", 0},
		{"a code, while another address is accepted", []Event{on(0, bounce.UserUnknown, byCode, besideOne(-3))}, 1, "", 0},
		{"invalid", []Event{on(0, bounce.AddressInvalid)}, 1, "address_invalid", 730},
		{"moved", []Event{on(0, bounce.UserMoved)}, 1, "user_moved", 730},
		{"domain once", []Event{on(0, bounce.DomainUnknown)}, 1, "", 0},
		{"domain twice", []Event{on(0, bounce.DomainUnknown), on(3, bounce.DomainUnknown)}, 4, "domain_unknown", 94},
		{"domain in eight days", []Event{on(0, bounce.DomainUnknown), on(8, bounce.DomainUnknown)}, 9, "", 0},
		{"disabled twice", []Event{on(0, bounce.MailboxDisabled), on(13, bounce.MailboxDisabled)}, 14, "mailbox_disabled", 195},
		{"disabled, final", []Event{on(0, bounce.MailboxDisabled, func(e *Event) { e.Rule = "gmail.no-longer-valid" })}, 1, "mailbox_disabled.final", 182},
		{"full twice", []Event{on(0, bounce.MailboxFull), on(9, bounce.MailboxFull)}, 10, "", 0},
		{"full three times", []Event{on(0, bounce.MailboxFull), on(9, bounce.MailboxFull), on(20, bounce.MailboxFull)}, 21, "mailbox_full", 50},
		{"full, delivered between", []Event{on(0, bounce.MailboxFull), on(9, bounce.MailboxFull), delivered(10), on(20, bounce.MailboxFull)}, 21, "", 0},
		{"unreachable in three ways", []Event{on(0, bounce.Expired), on(1, bounce.RelayDenied), on(2, bounce.RoutingFailed)}, 3, "routing_failed", 32},
		{"tenant block once", []Event{on(0, bounce.SenderBlocked)}, 1, "", 0},
		{"tenant block thrice", []Event{on(0, bounce.SenderBlocked), on(1, bounce.SenderBlocked), on(2, bounce.SenderBlocked)}, 3, "sender_blocked", 367},
		{"personal block", []Event{on(0, bounce.SenderBlocked, func(e *Event) { e.Rule = "microsoft.blocked-by-user" })}, 1, "sender_blocked.personal", 365},
		{"complaint", []Event{complaint(0, "abuse")}, 9999, "complaint", -1},
		{"not spam", []Event{complaint(0, "not-spam")}, 1, "", 0},
		{"opt-out", []Event{complaint(0, "opt-out")}, 9999, "unsubscribe", -1},
		{"unproven", []Event{on(0, bounce.UserUnknown, unproven)}, 1, "", 0},
		{"unproven delivery does not lift", []Event{on(0, bounce.UserUnknown), func() Event { e := delivered(1); e.Proof = ProofNone; return e }()}, 2, "user_unknown", 730},
		{"delivery lifts", []Event{on(0, bounce.UserUnknown), delivered(1)}, 2, "", 0},
		{"delivery does not lift a complaint", []Event{complaint(0, ""), delivered(1)}, 2, "complaint", -1},
		{"delay", []Event{on(0, bounce.UserUnknown, func(e *Event) { e.Action = bounce.Delayed })}, 1, "", 0},
		{"auto-reply", []Event{on(0, bounce.UserUnknown, func(e *Event) { e.Kind = bounce.KindAutoReply })}, 1, "", 0},
		{"two notices for one mail", []Event{on(0, bounce.UserUnknown, byCode), on(3, bounce.UserUnknown, byCode, func(e *Event) {
			e.Message = on(0, bounce.UserUnknown).Message
		})}, 4, "", 0},
		{"two groups in one notice", []Event{on(0, bounce.UserUnknown, byCode), on(0, bounce.UserUnknown, byCode, func(e *Event) { e.Index, e.Message = 1, "" })}, 1, "", 0},
		{"later evidence is not known yet", []Event{on(5, bounce.UserUnknown)}, 4, "", 0},
		{"prolonged", []Event{on(0, bounce.UserUnknown), on(100, bounce.UserUnknown)}, 800, "user_unknown", 830},
		{"discounted", []Event{on(0, bounce.UserUnknown, func(e *Event) { e.Circumstance = Discounted })}, 1, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := evaluate(tt.history, nil, Table{}, at(tt.asked))
			if tt.want == "" {
				if v.State != Clear || len(v.List()) != 0 {
					t.Fatalf("suppressed: %+v", v.Episodes)
				}
				return
			}
			if v.State != Suppressed || len(v.List()) != 1 || v.Episodes[0].Line.Name != tt.want {
				t.Fatalf("got %v %+v %+v, want %s", v.State, v.Episodes, v.Notes, tt.want)
			}
			if got := v.Episodes[0].Expires; tt.expires < 0 != got.IsZero() || tt.expires >= 0 && got.Sub(day0)/day != time.Duration(tt.expires) {
				t.Errorf("expires %v (day %d), want day %d", got, got.Sub(day0)/day, tt.expires)
			}
		})
	}
}

func TestFullMailboxDoubles(t *testing.T) {
	var history []Event
	for start, n := 0, 0; n < 5; start, n = start+200, n+1 {
		for i := range 3 {
			history = append(history, on(start+i, bounce.MailboxFull))
		}
	}
	for n, want := range []int{30, 60, 120, 180, 180} {
		last := 200*n + 2
		v := evaluate(history[:3*(n+1)], nil, Table{}, at(last).Add(time.Hour))
		if len(v.Episodes) != 1 || v.Episodes[0].Expires != at(last+want) {
			t.Errorf("time %d: %+v, want %d days", n+1, v.Episodes, want)
		}
	}
	again := append(history[:6:6], delivered(300), on(400, bounce.MailboxFull), on(401, bounce.MailboxFull), on(402, bounce.MailboxFull))
	if v := evaluate(again, nil, Table{}, at(403)); len(v.Episodes) != 1 || v.Episodes[0].Expires != at(432) {
		t.Errorf("after a delivery it starts anew: %+v", v.Episodes)
	}
}

// No evidence of a fault of ours, of one message or of nobody may ever count,
// however often it comes and however it is proven, and no policy can ask for it.
func TestOwnFaultsNeverSuppress(t *testing.T) {
	yes, one := true, 1
	for _, r := range bounce.Reasons() {
		f := r.Fault()
		innocent := f == bounce.FaultSender || f == bounce.FaultMessage || f == bounce.FaultNone
		_, err := Table{}.With("", r.String(), Patch{Suppress: &yes, After: &one, Expires: ptr(Days(9))}, "test")
		if innocent != (err != nil) {
			t.Errorf("%v (%v): With says %v", r, f, err)
		}
		if !innocent && r != bounce.RecipientRestricted && r != bounce.Deferred && r != bounce.Unclassified {
			continue
		}
		for _, c := range []bounce.Confidence{bounce.ByNothing, bounce.ByCode, bounce.ByRule} {
			var history []Event
			for d := range 60 {
				history = append(history, on(d, r, func(e *Event) { e.Confidence, e.Proof = c, ProofSigned }))
			}
			if v := evaluate(history, nil, Table{}, at(60)); v.State != Clear || len(v.Past) != 0 {
				t.Errorf("%v by %v suppresses: %+v", r, c, v.Episodes)
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestHold(t *testing.T) {
	burst := on(0, bounce.UserUnknown, held(3))
	tests := []struct {
		name    string
		history []Event
		asked   int
		want    State
	}{
		{"in the window", []Event{burst}, 1, HeldBack},
		{"after the window, nothing new", []Event{burst}, 10, HeldBack},
		{"never confirmed", []Event{burst}, 94, Clear},
		{"second failure within the burst", []Event{burst, on(1, bounce.UserUnknown, held(3))}, 4, HeldBack},
		{"second failure after it", []Event{burst, on(7, bounce.UserUnknown)}, 8, Suppressed},
		{"code alone, confirmed", []Event{on(0, bounce.UserUnknown, byCode, held(3)), on(7, bounce.UserUnknown, byCode)}, 8, Suppressed},
		{"two bursts apart", []Event{burst, on(14, bounce.UserUnknown, held(17))}, 15, Suppressed},
		{"burst after an expired episode", []Event{on(-800, bounce.UserUnknown), burst}, 1, HeldBack},
		{"delivered", []Event{burst, delivered(2)}, 4, Clear},
		{"already suppressed before", []Event{on(-9, bounce.UserUnknown), burst}, 1, Suppressed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if v := evaluate(tt.history, nil, Table{}, at(tt.asked)); v.State != tt.want {
				t.Errorf("got %v, want %v: %+v", v.State, tt.want, v.Episodes)
			}
		})
	}
}

func TestCounters(t *testing.T) {
	v := evaluate([]Event{on(0, bounce.MailboxFull), on(20, bounce.MailboxFull), on(21, bounce.UserUnknown, byCode)}, nil, Table{}, at(22))
	if len(v.Counters) != 2 || v.Counters[0].Count != 2 || v.Counters[0].After != 3 || v.Counters[0].Lapses != at(30) ||
		v.Counters[1].Family != "unknown" || v.Counters[1].Count != 1 || v.Counters[1].Lapses != at(35) {
		t.Errorf("got %+v", v.Counters)
	}
	if v = evaluate([]Event{on(0, bounce.MailboxFull), on(20, bounce.MailboxFull)}, nil, Table{}, at(40)); len(v.Counters) != 1 || v.Counters[0].Count != 1 {
		t.Errorf("the first has left the window: %+v", v.Counters)
	}
}

func TestOverrides(t *testing.T) {
	act := func(id int64, n int, a Act) Override {
		return Override{ID: id, At: at(n), Act: a, Pattern: "a@example.net", Reason: "asked", Author: "ops"}
	}
	gone := on(0, bounce.UserUnknown)
	tests := []struct {
		name string
		acts []Override
		also []Event
		want State
		rows int
	}{
		{"remove", []Override{act(1, 1, Remove)}, nil, Clear, 0},
		{"remove, then it fails again", []Override{act(1, 1, Remove)}, []Event{on(5, bounce.UserUnknown)}, Suppressed, 1},
		{"remove lifts a complaint", []Override{act(1, 1, Remove)}, []Event{complaint(0, "abuse")}, Clear, 0},
		{"allow", []Override{act(1, 1, Allow)}, []Event{on(5, bounce.UserUnknown)}, Allowed, 0},
		{"allow before add", []Override{act(1, 1, Allow), act(2, 2, Add)}, nil, Allowed, 0},
		{"add", []Override{act(1, 1, Add)}, nil, Suppressed, 2},
		{"add undone", []Override{func() Override { o := act(1, 1, Add); o.Undone = true; return o }()}, nil, Suppressed, 1},
		{"add, remove", []Override{act(1, 1, Add), act(2, 2, Remove)}, nil, Clear, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := evaluate(append(tt.also, gone), tt.acts, Table{}, at(10))
			if v.State != tt.want || len(v.List()) != tt.rows {
				t.Errorf("got %v with %d rows, want %v with %d", v.State, len(v.List()), tt.want, tt.rows)
			}
		})
	}
}

func TestPatchContradictions(t *testing.T) {
	yes := true
	for _, tt := range []struct {
		name string
		p    Patch
		want string
	}{
		{"nonsense", Patch{}, "unknown policy line"},
		{"auth_spf", Patch{Suppress: &yes, After: ptr(1)}, "fault of the sender"},
		{"content_spam", Patch{Suppress: &yes, After: ptr(1)}, "this one message"},
		{"already_suppressed", Patch{Suppress: &yes, After: ptr(1)}, "echo"},
		{"unclassified", Patch{Suppress: &yes}, "set after"},
		{"mailbox_full", Patch{Within: ptr(Days(-1))}, "negative"},
		{"mailbox_full", Patch{Within: ptr(Days(1))}, "can never be met"},
		{"mailbox_full", Patch{DistinctDays: ptr(9)}, "raise after"},
		{"mailbox_full", Patch{Grow: ptr(Days(3))}, "less than expires"},
		{"expired", Patch{Expires: ptr(Days(0))}, "for good"},
	} {
		if _, err := (Table{}).With("", tt.name, tt.p, "x"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %+v: got %v, want %q", tt.name, tt.p, err, tt.want)
		}
	}
	tab, err := Table{}.With("shop", "user_unknown", Patch{After: ptr(2), Within: ptr(Days(30))}, "harvester.toml:7")
	if err != nil {
		t.Fatal(err)
	}
	twice := []Event{on(0, bounce.UserUnknown), on(3, bounce.UserUnknown)}
	if v := evaluate(twice[:1], nil, tab, at(9)); v.State != Suppressed {
		t.Error("another stream keeps the built-in line")
	}
	for i := range twice {
		twice[i].Stream = "shop"
	}
	if v := evaluate(twice[:1], nil, tab, at(9)); v.State != Clear {
		t.Error("one failure is not enough in shop")
	}
	if v := evaluate(twice, nil, tab, at(9)); v.State != Suppressed || v.Episodes[0].Line.Origin != "harvester.toml:7" {
		t.Errorf("two are: %+v", v)
	}
}

func TestKey(t *testing.T) {
	for in, want := range map[string]string{
		"Jane.Doe+News@Example.COM.": "jane.doe+news@example.com",
		" <a@B.example> ":            "a@b.example",
		"jo\u0308rg@bücher.example":  "jörg@xn--bcher-kva.example",
		"JÖRG@BÜCHER.EXAMPLE":        "jörg@xn--bcher-kva.example",
		`"John Doe"@example.com`:     `"john doe"@example.com`,
		`"john.doe"@example.com`:     `john.doe@example.com`,
		`"a@b"@example.com`:          `"a@b"@example.com`,
		"a..b@docomo.ne.jp":          "a..b@docomo.ne.jp",
		"x@under_score.example":      "x@under_score.example",
		"İstanbul@example.com":       "i̇stanbul@example.com", // not istanbul, who is somebody else
		"postmaster":                 "postmaster",
		"":                           "",
	} {
		if got := Key(in); got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
		if got := Key(Key(in)); got != want {
			t.Errorf("Key is not idempotent on %q: %q", in, got)
		}
	}
}

func TestProtected(t *testing.T) {
	own := []string{"example.org"}
	for key, protected := range map[string]bool{
		"a@example.net": false, "a@example.org": true, "a@bounces.example.org": true, "a@notexample.org": false,
		"postmaster@example.net": true, "mailer-daemon@example.net": true, "abuse@example.net": true,
		"srs0=x=y=example.com=a@example.net": true, "nobody": true, "": true, "@example.net": true,
	} {
		if got := Protected(key, own) != ""; got != protected {
			t.Errorf("Protected(%q) = %q", key, Protected(key, own))
		}
	}
}

func TestSpan(t *testing.T) {
	for in, want := range map[string]Span{
		"14 days": Days(14), "14d": Days(14), "1 day": Days(1), "24 months": Months(24), "never": 0, "72h": Days(3), "2 weeks": Days(14), "1y": Months(12),
	} {
		var got Span
		if err := got.UnmarshalText([]byte(in)); err != nil || got != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
		var back Span
		if err := back.UnmarshalText([]byte(got.String())); err != nil || back != got {
			t.Errorf("%q does not come back from %q: %v", in, got, err)
		}
	}
	for _, in := range []string{"", "soon", "-1d", "3 moons", "-5h"} {
		var s Span
		if err := s.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is accepted as %v", in, s)
		}
	}
}

// evaluate decides about an address like any other.
func evaluate(history []Event, acts []Override, table Table, now time.Time) Verdict {
	history = slices.Clone(history)
	for i := range history {
		h := fnv.New32a()
		h.Write([]byte(history[i].Hash))
		history[i].Notice = int64(h.Sum32()) + 1
	}
	return (&Fold{Table: table, Now: now}).Decide("jane@example.net", history, acts)
}

func BenchmarkEvaluate(b *testing.B) {
	var history []Event
	for d := range 10 {
		history = append(history, on(3*d, bounce.MailboxFull))
	}
	b.ReportAllocs()
	for b.Loop() {
		evaluate(history, nil, Table{}, at(40))
	}
}
