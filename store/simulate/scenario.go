// Package simulate plays scenarios of mailing and failing against a real
// database, day by day, and tells how many living addresses would have been
// lost. The scenarios are data: what went wrong at providers before, and an
// ordinary quarter of a year.
package simulate

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/nearest"
	"harvester/parse/toml"
)

//go:embed scenarios/*.toml
var files embed.FS

// Scenario is one story.
type Scenario struct {
	Name       string     `toml:"-"`
	About      string     `toml:"about"` // what happens, in a sentence
	Seed       uint64     `toml:"seed"`
	Recipients int        `toml:"recipients"`
	Mailings   []int      `toml:"mailings"` // days; each goes to everybody who is not suppressed
	Days       int        `toml:"days"`
	Operators  []Operator `toml:"operator"`
	Deaths     []Death    `toml:"death"`
	Faults     []Fault    `toml:"fault"`
	Noise      []Noise    `toml:"noise"`
	Forged     []Forgery  `toml:"forged"`
	Expect     Expect     `toml:"expect"`
}

// Operator receives the mail of a part of the recipients.
type Operator struct {
	Name    string  `toml:"name,required"`
	MX      string  `toml:"mx"`      // remote MTA; "" is one host for each domain
	Domains int     `toml:"domains"` // of its own
	Share   float64 `toml:"share"`   // of the recipients
}

// Death makes recipients fail for good.
type Death struct {
	Operator string        `toml:"operator"` // "" is any
	Count    int           `toml:"count"`
	From     int           `toml:"from"` // first day
	To       int           `toml:"to"`   // last day on which one dies; 0: all on From
	Reason   bounce.Reason `toml:"reason"`
	Code     bool          `toml:"code"` // only a code says so
}

// Fault makes living recipients fail for a while.
type Fault struct {
	Operator string          `toml:"operator"` // "" is all
	Domain   int             `toml:"domain"`   // of the operator, from 1; 0 is all
	Day      int             `toml:"day"`
	Days     int             `toml:"days"`  // default 1
	Share    float64         `toml:"share"` // of the mails concerned
	Reasons  []bounce.Reason `toml:"reasons"`
	Texts    []string        `toml:"texts"`    // wordings, in turn with the reasons
	Wordings []bounce.Reason `toml:"wordings"` // in place of reasons and texts: all that the rules know of these, read by the rules
	Status   string          `toml:"status"`
	Code     bool            `toml:"code"`
}

// Noise is what happens to living recipients every day, and means nothing.
type Noise struct {
	Share    float64       `toml:"share"` // of the mails
	Kind     bounce.Kind   `toml:"kind"`
	Reason   bounce.Reason `toml:"reason"`
	Lasting  int           `toml:"lasting"`  // days that it stays with a recipient
	Complain bool          `toml:"complain"` // the recipient wants no more: to be suppressed
}

// Forgery is a flood of notices that no mail of ours caused, unless their
// token is a valid one.
type Forgery struct {
	Day    int    `toml:"day"`
	Count  int    `toml:"count"`
	Mailed bool   `toml:"mailed"` // for addresses that we mail, else for strangers
	From   string `toml:"from"`   // sender of the enclosed mail, "" encloses none
	Token  Token  `toml:"token"`  // of the return path that they come to
}

// Token is what a notice knows of our signed return paths.
type Token string

// The tokens.
const (
	NoToken       Token = ""         // it comes to a plain address
	ValidToken    Token = "valid"    // each is its recipient's, whose mail did fail
	InventedToken Token = "invented" // without the key
	ExpiredToken  Token = "expired"  // true once
	AnotherToken  Token = "another"  // true for one recipient, put into the path of others
	ReplayedToken Token = "replayed" // one recipient's own path, in notices that name others
)

var tokens = []Token{NoToken, ValidToken, InventedToken, ExpiredToken, AnotherToken, ReplayedToken}

// Expect is what must come of it.
type Expect struct {
	Wrong      int     `toml:"wrong"`      // living addresses ever exported, at most
	Exported   int     `toml:"exported"`   // addresses exported in the end, at least
	Recall     float64 `toml:"recall"`     // of the dead that had three mailings
	Incidents  int     `toml:"incidents"`  // exactly; -1: any number
	Held       bool    `toml:"held"`       // some verdicts were held on the way
	Stopped    bool    `toml:"stopped"`    // the guard kept the export as it was
	Unaffected bool    `toml:"unaffected"` // nobody at all was suppressed or held
}

// Names are those of the built-in scenarios.
func Names() []string {
	all, err := fs.Glob(files, "scenarios/*.toml")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for i, p := range all {
		all[i] = strings.TrimSuffix(path.Base(p), ".toml")
	}
	return all
}

// Load reads a built-in scenario.
func Load(name string) (Scenario, error) {
	doc, err := Source(name)
	if err != nil {
		return Scenario{}, err
	}
	return Parse(name, doc)
}

// Source is the text of a built-in scenario.
func Source(name string) ([]byte, error) {
	doc, err := files.ReadFile("scenarios/" + name + ".toml")
	if err != nil {
		return nil, fmt.Errorf("there is no scenario %q (one of %s)", name, strings.Join(Names(), ", "))
	}
	return doc, nil
}

// Parse reads a scenario (TOML). The error has a line for each fault: name, line,
// column, key, and what to write.
func Parse(name string, doc []byte) (Scenario, error) {
	s := Scenario{Name: name, Expect: Expect{Incidents: -1}}
	d := toml.Read(doc, &s, nil)
	if d.Valid() {
		s.check(d)
	}
	if len(d.Faults) == 0 {
		return s, nil
	}
	d.Sort()
	lines := make([]string, len(d.Faults))
	for i := range d.Faults {
		lines[i] = d.Faults[i].In(name)
	}
	return s, errors.New(strings.Join(lines, "\n"))
}

// check finds what can't be played.
func (s *Scenario) check(d *toml.Document) {
	s.checkOperators(d)
	for i, f := range s.Forged {
		if !slices.Contains(tokens, f.Token) {
			d.Fault(toml.Element("forged", i)+".token", fmt.Sprintf("there is no token %q", f.Token), `"valid", "invented", "expired", "another", "replayed", or none`)
		}
	}
	for i, f := range s.Faults {
		if len(f.Reasons)+len(f.Wordings) == 0 {
			d.Fault(toml.Element("fault", i), "it has neither reasons nor wordings", `write reasons = ["auth_spf"]`)
		}
	}
}

// checkOperators holds the recipients against those who take their mail.
func (s *Scenario) checkOperators(d *toml.Document) {
	need := func(ok bool, path, problem, hint string) {
		if !ok && !d.Failed(path) {
			d.Fault(path, problem, hint)
		}
	}
	names := []string{""}
	for i, o := range s.Operators {
		path := toml.Element("operator", i)
		need(o.Domains > 0, path+".domains", "at least one domain is needed", "")
		need(o.Share >= 0 && o.Share <= 1, path+".share", "it is no share from 0 to 1", "")
		names = append(names, o.Name)
	}
	need(s.Recipients > 0, "recipients", "at least one is needed", "")
	need(s.Days > 0, "days", "at least one is needed", "")
	need(len(s.Operators) > 0, "operator", "at least one is needed", "add [[operator]]")
	known := func(path, name string) {
		if len(names) == 1 {
			return // told already
		}
		need(slices.Contains(names, name), path+".operator", fmt.Sprintf("there is no [[operator]] %q", name), nearest.Hint(name, names[1:]))
	}
	for i, death := range s.Deaths {
		known(toml.Element("death", i), death.Operator)
	}
	for i, f := range s.Faults {
		known(toml.Element("fault", i), f.Operator)
	}
}

// Resize gives the scenario another number of recipients, and as many deaths
// and forgeries for each as before.
func (s *Scenario) Resize(recipients int) {
	scale := func(n int) int { return int(float64(n)*float64(recipients)/float64(s.Recipients) + 0.5) }
	s.Deaths, s.Forged = slices.Clone(s.Deaths), slices.Clone(s.Forged)
	for i := range s.Deaths {
		s.Deaths[i].Count = scale(s.Deaths[i].Count)
	}
	for i := range s.Forged {
		s.Forged[i].Count = scale(s.Forged[i].Count)
	}
	s.Expect.Exported = scale(s.Expect.Exported)
	s.Recipients = recipients
}
