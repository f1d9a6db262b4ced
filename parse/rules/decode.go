package rules

import (
	"fmt"
	"regexp"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/toml"
)

// Problem is one fault of a rule file.
type Problem struct {
	File         string
	Line, Column int
	Rule         string // id, "" before it is known
	What, Fix    string
}

func (p Problem) Error() string {
	at := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Rule != "" {
		at += fmt.Sprintf("rule %q: ", p.Rule)
	}
	if p.Fix == "" {
		return at + p.What
	}
	return at + p.What + "; " + p.Fix
}

// Problems are all faults of the files that were read together.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// document is a rule file as it is written.
type document struct {
	Vendor  string   `toml:"vendor"`
	Hosts   []string `toml:"remote,one"`
	Markers []string `toml:"marker,one"`
	Words   []Words  `toml:"words"`
	Rules   []Rule   `toml:"rule"`
}

// decode reads a rule file, and finds all its faults.
func decode(file string, data []byte) (header, []Rule, Problems) {
	var f document
	d := toml.Read(data, &f, nil)
	if !d.Valid() {
		return header{}, nil, problemsOf(file, &f, d)
	}
	head := header{vendor: f.Vendor, named: f.Vendor != "", hosts: f.Hosts, markers: f.Markers, words: f.Words}
	if !head.named {
		head.vendor = strings.TrimSuffix(file[strings.LastIndexByte(file, '/')+1:], ".toml")
	}
	for i := range f.Rules {
		r, path := &f.Rules[i], toml.Element("rule", i)
		at := d.Place(path)
		r.File, r.Line, r.Column, r.Vendor = file, at.Line, at.Column, head.vendor
		r.check(d, path)
		if r.Scoped && len(head.hosts) == 0 && len(head.markers) == 0 {
			d.Fault(path, "scoped, but the file does not say how its vendor is known", "add remote or marker before the first [[rule]]")
		}
	}
	for i := range f.Words {
		w, path := &f.Words[i], toml.Element("words", i)
		at := d.Place(path)
		w.File, w.Line, w.Column = file, at.Line, at.Column
		w.check(d, path)
	}
	return head, f.Rules, problemsOf(file, &f, d)
}

// problemsOf tells the faults in the order of the file, each with its key and,
// where one is at fault, its rule.
func problemsOf(file string, f *document, d *toml.Document) Problems {
	d.Sort()
	problems := make(Problems, 0, len(d.Faults))
	for i := range d.Faults {
		fault := &d.Faults[i]
		p := Problem{File: file, Line: fault.Line, Column: fault.Column, What: fault.Problem, Fix: fault.Hint}
		key := fault.Key()
		if rest, ok := strings.CutPrefix(fault.Path, "rule["); ok {
			n := 0
			if _, err := fmt.Sscanf(rest, "%d]", &n); err == nil && n < len(f.Rules) {
				p.Rule = f.Rules[n].ID
			}
			key = strings.TrimPrefix(strings.TrimPrefix(key, "rule"), ".")
		}
		switch {
		case !d.Valid():
			p.What = "not TOML: " + p.What
		case key == "reason" && p.Fix == "":
			p.Fix = "choose one of " + reasonWords()
		}
		if key != "" {
			p.What = key + ": " + p.What
		}
		problems = append(problems, p)
	}
	return problems
}

var (
	idPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$`)
	codePattern = regexp.MustCompile(`^[245]([0-9xX]{0,2})$`)
)

func reasonWords() string {
	var words []string
	for _, r := range bounce.Reasons() {
		words = append(words, r.String())
	}
	return strings.Join(words, ", ")
}

// check takes apart what the texts of a rule say, and tells what is wrong with
// them.
func (r *Rule) check(d *toml.Document, path string) {
	if r.ID == "" && !d.Failed(path+".id") {
		d.Fault(path, "a rule without id", `add id = "vendor.what-it-means"`)
	} else if r.ID != "" && !idPattern.MatchString(r.ID) {
		d.Fault(path+".id", fmt.Sprintf("%q is malformed", r.ID), "write vendor.what-it-means in lower case")
	}
	if r.Code != "" && !codePattern.MatchString(r.Code) {
		d.Fault(path+".code", fmt.Sprintf("%q is no reply code or class", r.Code), `write "550", "55x" or "5xx"`)
	}
	for _, s := range r.Status {
		p, err := parseStatus(s)
		if err != nil {
			d.Fault(path+".status", err.Error(), `write "5.1.1", "X.7.29", "5.7.x" or "5.7.606-649"`)
		}
		r.status = append(r.status, p)
	}
	checkPhrases(d, path+".contains", r.Contains, false)
	checkPhrases(d, path+".unless", r.Unless, true)
	if r.IP != "" && r.IP != "before" && r.IP != "after" {
		d.Fault(path+".ip", fmt.Sprintf("it says %q", r.IP), `write "before" or "after": where an IP address stands beside the phrase`)
	}
	if r.Match != "" {
		var err error
		if r.re, err = regexp.Compile("(?i)" + r.Match); err != nil {
			d.Fault(path+".match", fmt.Sprintf("it does not compile: %v", err), "use RE2 syntax, without look-around")
		}
	}
	if r.Reason == bounce.Unclassified && !d.Failed(path+".reason") {
		d.Fault(path+".reason", "missing", "")
	}
	if r.alone() && (len(r.Status) == 0 || !r.Scoped && len(r.Remote) == 0 && !r.private()) {
		d.Fault(path, "a rule without a phrase", "add contains, or a status together with remote or scoped = true")
	}
	if r.alone() && (r.Match != "" || r.IP != "") {
		d.Fault(path, "match or ip without a phrase that gates it", "add contains with a word that always stands in such a text")
	}
}

func checkPhrases(d *toml.Document, path string, phrases []string, onePart bool) {
	for _, s := range phrases {
		parts, err := parsePhrase(s)
		if err != nil && !d.Failed(path) {
			d.Fault(path, err.Error(), "write words; * stands alone between words, (a|b) for alternatives")
		}
		if onePart && len(parts) > 1 {
			d.Fault(path, "an exception has one part", "write it without * and with groups only at its end")
		}
	}
}

func (w *Words) check(d *toml.Document, path string) {
	if w.Name == "" || len(w.Contains) == 0 {
		d.Fault(path, "a word list without name or words", "add name = and contains =")
	}
	for _, s := range w.Contains {
		if _, err := expand(s); err != nil {
			d.Fault(path+".contains", err.Error(), "write words without *; (a|b) for alternatives")
		}
	}
	for _, s := range w.Excuses {
		if s != "recipient" && s != "sender" && s != "message" && s != "codes" {
			d.Fault(path+".excuses", fmt.Sprintf("it says %q", s), `write "recipient", "sender", "message" or "codes"`)
		}
	}
}
