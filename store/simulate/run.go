package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/parse/envelope"
	"harvester/parse/rules"
	"harvester/store"
	"harvester/store/engine"
	"harvester/store/export"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// Own is the domain that the scenarios mail as.
const Own = "example.org"

var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Day is what happened on one day.
type Day struct {
	Day        int  `json:"day"`
	Mailed     int  `json:"mailed"`
	Failed     int  `json:"failed"` // notices that came back, forged ones included
	Held       int  `json:"held"`
	Suppressed int  `json:"suppressed"` // exported at the end of the day
	Wrong      int  `json:"wrong"`      // of them alive
	Stopped    bool `json:"stopped"`    // the guard kept the export as it was
}

// Report is what came of a scenario.
type Report struct {
	Days      []Day            `json:"days"`
	Wrong     int              `json:"wrong"`    // living addresses ever exported
	Exported  int              `json:"exported"` // in the end
	Recall    float64          `json:"recall"`   // of the dead with three mailings since; 1 when there are none
	Incidents []query.Incident `json:"incidents"`
	EverHeld  bool             `json:"ever_held"`
	Failures  []string         `json:"failures"` // expectations that were not met
}

// person is one recipient.
type person struct {
	address  string
	domain   int // of the operator, from 1
	operator *Operator
	death    *Death
	died     int // day; -1: lives
	mailed   int // mailings since the death
	trouble  *Noise
	until    int  // of the trouble
	unwilled bool // complained: to be suppressed, though alive
}

type world struct {
	Scenario
	db     *store.DB
	verp   *envelope.VERP // of our signed return paths
	now    time.Time
	rand   *rand.Rand
	people []*person
	known  map[string]*person
	export map[string]bool // what was published
	target export.Target   // the file
	file   []byte          // its content
	uid    uint32
	wrong  map[string]bool
	texts  map[string][]string // wordings by reasons
	report Report
}

// Run plays a scenario in a database at a place, a file or a URL, which must be
// empty. What it exports goes into dir.
func Run(ctx context.Context, s Scenario, at, dir string) (Report, error) {
	w := &world{Scenario: s, now: start, rand: rand.New(rand.NewPCG(s.Seed, 1)), known: map[string]*person{}, export: map[string]bool{}, wrong: map[string]bool{}} //nolint:gosec // it shall repeat itself
	var err error
	if w.verp, err = envelope.NewVERP("b-{token}-{local}={domain}@"+Own, []byte("a key for simulations")); err != nil {
		return w.report, err
	}
	db, err := store.Open(ctx, at, store.Options{Now: func() time.Time { return w.now }, Own: []string{Own},
		ReturnPaths: []*envelope.VERP{w.verp}})
	if err != nil {
		return w.report, err
	}
	w.db = db
	if w.target.Profile, err = export.Lookup("csv"); err != nil {
		return w.report, errors.Join(err, db.Close())
	}
	w.target.Name, w.target.Path = "simulation", filepath.Join(dir, s.Name+".csv")
	w.populate()
	for d := range s.Days {
		if err := w.day(ctx, d); err != nil {
			return w.report, errors.Join(err, db.Close())
		}
	}
	if w.report.Incidents, err = db.Incidents.Incidents(ctx, start); err != nil {
		return w.report, errors.Join(err, db.Close())
	}
	w.judge()
	if err := w.release(ctx); err != nil {
		return w.report, errors.Join(err, db.Close())
	}
	return w.report, db.Close()
}

func (w *world) populate() {
	for i := range w.Operators {
		o := &w.Operators[i]
		for n := range int(o.Share*float64(w.Recipients) + 0.5) {
			p := &person{operator: o, domain: n%o.Domains + 1, died: -1}
			p.address = fmt.Sprintf("user%d@%s%d.example", n, o.Name, p.domain)
			w.people = append(w.people, p)
			w.known[p.address] = p
		}
	}
	order := w.rand.Perm(len(w.people))
	for i := range w.Deaths {
		d := &w.Deaths[i]
		left := d.Count
		for _, n := range order {
			p := w.people[n]
			if left == 0 {
				break
			}
			if p.died < 0 && (d.Operator == "" || d.Operator == p.operator.Name) {
				p.death, p.died = d, d.From
				if d.To > d.From {
					p.died += w.rand.IntN(d.To - d.From + 1)
				}
				left--
			}
		}
	}
}

func (w *world) day(ctx context.Context, n int) error {
	d := Day{Day: n}
	w.now = start.AddDate(0, 0, n).Add(9 * time.Hour)
	var items []facts.Item
	if slices.Contains(w.Mailings, n) {
		for i, p := range w.people {
			if w.export[p.address] {
				continue
			}
			d.Mailed++
			// A mailing goes out within two hours.
			at := w.now.Add(time.Duration(i) * 2 * time.Hour / time.Duration(len(w.people)))
			if it, ok := w.deliver(p, n, at); ok {
				items = append(items, it)
			}
		}
	}
	for _, f := range w.Forged {
		if f.Day == n {
			forged, err := w.forge(f, n)
			if err != nil {
				return err
			}
			items = append(items, forged...)
		}
	}
	d.Failed = len(items)
	for batch := range slices.Chunk(items, 1000) {
		w.now = start.AddDate(0, 0, n).Add(12 * time.Hour)
		if _, err := w.db.Judge.Commit(ctx, facts.Batch{Items: batch}); err != nil {
			return err
		}
	}
	w.now = start.AddDate(0, 0, n).Add(13 * time.Hour)
	if _, err := w.db.Judge.Refresh(ctx); err != nil {
		return err
	}
	if err := w.publish(ctx, &d); err != nil {
		return err
	}
	w.report.Days = append(w.report.Days, d)
	return nil
}

// publish is the export at the end of a day.
func (w *world) publish(ctx context.Context, d *Day) error {
	w.target.Now = w.now
	_, err := export.Publish(ctx, w.db, w.target)
	d.Stopped = errors.Is(err, engine.ErrStopped)
	if err != nil && !d.Stopped {
		return err
	}
	file, err := os.ReadFile(w.target.Path)
	if err != nil {
		return err
	}
	if d.Stopped && !bytes.Equal(file, w.file) {
		w.report.Failures = append(w.report.Failures, fmt.Sprintf("day %d: the exports are stopped, and the file changed", d.Day))
	}
	w.file = file
	list := map[string]bool{}
	for s, err := range w.db.List.Suppressions(ctx, query.Filter{Held: true}) {
		if err != nil {
			return err
		}
		if s.State == policy.HeldBack {
			d.Held++
		} else {
			list[s.Address] = true
		}
	}
	w.report.EverHeld = w.report.EverHeld || d.Held > 0
	if !d.Stopped {
		w.export = list
	}
	for a := range w.export {
		d.Suppressed++
		if p := w.known[a]; p == nil || (p.died < 0 || p.died > d.Day) && !p.unwilled && (p.trouble == nil || p.trouble.Reason != bounce.MailboxFull) {
			d.Wrong++
			w.wrong[a] = true
		}
	}
	return nil
}

// release lets stopped exports go on in the end, and checks that they do.
func (w *world) release(ctx context.Context) error {
	if days := w.report.Days; len(days) == 0 || !days[len(days)-1].Stopped {
		return nil
	}
	if err := w.db.Guard.Release(ctx, "somebody looked at it", "simulation"); err != nil {
		return err
	}
	if _, err := export.Publish(ctx, w.db, w.target); err != nil {
		return err
	}
	file, err := os.ReadFile(w.target.Path)
	if err == nil && bytes.Equal(file, w.file) {
		w.report.Failures = append(w.report.Failures, "the exports were released, and the file is as it was")
	}
	return err
}

// deliver says what comes back of one mail.
func (w *world) deliver(p *person, n int, at time.Time) (facts.Item, bool) {
	for i := range w.Faults {
		f := &w.Faults[i]
		days := max(f.Days, 1)
		if n < f.Day || n >= f.Day+days || f.Operator != "" && f.Operator != p.operator.Name || f.Domain != 0 && f.Domain != p.domain || w.rand.Float64() >= f.Share {
			continue
		}
		if len(f.Wordings) > 0 {
			return w.worded(p, at, f.Wordings), true
		}
		k := int(w.uid)
		it := w.notice(p, at, bounce.KindBounce, f.Reasons[k%len(f.Reasons)], f.Code)
		r := &it.Result.Recipients[0]
		if len(f.Texts) > 0 {
			r.Diagnostic = f.Texts[k%len(f.Texts)]
		}
		if f.Status != "" {
			r.Status = f.Status
		}
		return it, true
	}
	if p.died >= 0 && n >= p.died {
		p.mailed++
		return w.notice(p, at, bounce.KindBounce, p.death.Reason, p.death.Code), true
	}
	if p.trouble != nil && n < p.until {
		return w.notice(p, at, p.trouble.Kind, p.trouble.Reason, false), true
	}
	p.trouble = nil
	for i := range w.Noise {
		if x := &w.Noise[i]; w.rand.Float64() < x.Share {
			p.trouble, p.until, p.unwilled = x, n+x.Lasting, p.unwilled || x.Complain
			return w.notice(p, at, x.Kind, x.Reason, false), true
		}
	}
	return facts.Item{}, false
}

func (w *world) notice(p *person, at time.Time, kind bounce.Kind, reason bounce.Reason, code bool) facts.Item {
	w.uid++
	mx := p.operator.MX
	if mx == "" {
		mx = fmt.Sprintf("mx.%s%d.example", p.operator.Name, p.domain)
	}
	r := parse.Recipient{Recipient: p.address, FinalRecipient: p.address, Action: bounce.Failed, Reason: reason, Fault: reason.Fault(),
		Class: reason.Class(bounce.Failed), RemoteMTA: mx, Confidence: bounce.ByRule, Rule: "simulated." + reason.String(), Status: "5.0.0"}
	if code {
		r.Confidence, r.Rule = bounce.ByStatus, ""
	}
	if kind != bounce.KindBounce {
		r.Action, r.Class = bounce.ActionNone, bounce.ClassNone
	}
	if kind == bounce.KindDelay {
		r.Action = bounce.Delayed
	}
	return facts.Item{
		Message: harvest.Message{Locator: harvest.Locator{Mailbox: "simulation", Folder: "INBOX", UIDValidity: 1, UID: w.uid},
			Raw: fmt.Appendf(nil, "notice %d", w.uid), Received: at},
		Result: parse.Result{Kind: kind, Original: parse.Original{MessageID: fmt.Sprintf("<%d@%s>", w.uid, Own), From: "news@" + Own, To: p.address},
			Recipients: []parse.Recipient{r}},
	}
}

// worded is a notice with the next of the wordings that the rules know for
// some reasons, read by the rules as they stand, at this recipient's server.
func (w *world) worded(p *person, at time.Time, reasons []bounce.Reason) facts.Item {
	pack := rules.Builtin()
	if w.texts == nil {
		w.texts = map[string][]string{}
	}
	name := fmt.Sprint(reasons)
	if w.texts[name] == nil {
		for _, r := range pack.Rules() {
			if slices.Contains(reasons, r.Reason) {
				w.texts[name] = append(w.texts[name], r.Examples...)
			}
		}
	}
	it := w.notice(p, at, bounce.KindBounce, reasons[0], false)
	r := &it.Result.Recipients[0]
	r.Diagnostic = w.texts[name][int(w.uid)%len(w.texts[name])]
	a := pack.Classify(rules.Query{Text: r.Diagnostic, RemoteMTA: r.RemoteMTA, Action: r.Action})
	r.Reason, r.Fault, r.Class = a.Reason, a.Reason.Fault(), a.Reason.Class(r.Action)
	r.Confidence, r.Rule, r.Vendor, r.Status, r.ReplyCode, r.Evidence = a.Confidence, a.Rule, a.Vendor, a.Status, a.ReplyCode, a.Evidence
	return it
}

func (w *world) forge(f Forgery, day int) (out []facts.Item, err error) {
	order := w.rand.Perm(len(w.people))
	if f.Token == ValidToken { // nobody fails for good twice
		order = slices.DeleteFunc(order, func(n int) bool { return w.people[n].died >= 0 })
	}
	for i := range f.Count {
		p := &person{address: fmt.Sprintf("stranger%d@elsewhere%d.example", i, i%50), operator: &Operator{Name: "elsewhere", Domains: 1}, domain: 1, died: -1}
		if f.Mailed {
			p = w.people[order[i%len(order)]]
		}
		it := w.notice(p, w.now, bounce.KindBounce, bounce.UserUnknown, false)
		it.Result.Original = parse.Original{}
		if f.From != "" {
			it.Result.Original = parse.Original{From: f.From, To: p.address, MessageID: fmt.Sprintf("<forged-%d@%s>", i, f.From)}
		}
		if f.Token != NoToken {
			if it.Result.DeliveredTo, err = w.path(f.Token, p, w.people[order[len(order)-1]], day); err != nil {
				return nil, err
			}
		}
		out = append(out, it)
	}
	return out, nil
}

// path is the return path of a notice for p; holder is who misuses his own.
func (w *world) path(t Token, p, holder *person, day int) (string, error) {
	sign := func(p *person, age int) (string, error) { return w.verp.Sign(p.address, w.now.AddDate(0, 0, -age)) }
	switch t {
	case ValidToken:
		p.died = day
		return sign(p, 0)
	case ExpiredToken:
		return sign(p, 60)
	case ReplayedToken:
		holder.died = day // he harms himself alone
		return sign(holder, 1)
	case AnotherToken:
		theirs, err := sign(holder, 1)
		if err != nil {
			return "", err
		}
		mine, err := sign(p, 1)
		const head = len("b-20000-0123456789ab")
		return theirs[:head] + mine[head:], err
	case NoToken, InventedToken:
	}
	mine, err := sign(p, 1)
	return strings.Replace(mine, "-", "-0", 1), err
}

// judge compares with what was expected.
func (w *world) judge() {
	r, e := &w.report, w.Expect
	r.Wrong, r.Exported, r.Recall = len(w.wrong), len(w.export), 1
	ripe, caught := 0, 0
	for _, p := range w.people {
		if p.died >= 0 && (p.mailed >= 3 || w.export[p.address]) {
			ripe++
			if w.export[p.address] {
				caught++
			}
		}
	}
	if ripe > 0 {
		r.Recall = float64(caught) / float64(ripe)
	}
	fail := func(format string, args ...any) { r.Failures = append(r.Failures, fmt.Sprintf(format, args...)) }
	if r.Wrong > e.Wrong {
		fail("%d living addresses were exported", r.Wrong)
	}
	if r.Exported < e.Exported {
		fail("%s exported in the end, expected %d", count.Of(r.Exported, "address"), e.Exported)
	}
	if r.Recall < e.Recall {
		fail("%.1f %% of the dead were found, expected %.1f %%", 100*r.Recall, 100*e.Recall)
	}
	if e.Incidents >= 0 && len(r.Incidents) != e.Incidents {
		fail("%s, expected %d", count.Of(len(r.Incidents), "incident"), e.Incidents)
	}
	if e.Held && !r.EverHeld {
		fail("nothing was held")
	}
	if e.Stopped && !slices.ContainsFunc(r.Days, func(d Day) bool { return d.Stopped }) {
		fail("the guard did not stop the export")
	}
	if e.Unaffected && (r.EverHeld || r.Exported > 0) {
		fail("somebody was suppressed or held")
	}
}
