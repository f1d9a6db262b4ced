package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"harvester/parse/bounce"
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

// decoder reads one file key by key, so that every fault is found at once and
// is told with its place.
type decoder struct {
	file     string
	parser   unstable.Parser
	lines    []uint32 // offsets at which lines begin
	head     header
	rules    []Rule
	keys     map[string]bool // of the current table
	inWords  bool            // it is one of words
	problems Problems
}

// decode reads a rule file.
func decode(file string, data []byte) (header, []Rule, Problems) {
	d := &decoder{file: file, keys: map[string]bool{}}
	d.head.vendor = strings.TrimSuffix(file[strings.LastIndexByte(file, '/')+1:], ".toml")
	d.parser.Reset(data)
	d.lines = append(d.lines, 0)
	for i, c := range data {
		if c == '\n' {
			d.lines = append(d.lines, uint32(i+1))
		}
	}
	last := 1
	for d.parser.NextExpression() {
		e := d.parser.Expression()
		switch e.Kind {
		case unstable.ArrayTable, unstable.Table:
			key := e.Key()
			if !key.Next() {
				continue
			}
			at := d.position(key.Node())
			last = at.Line
			table := string(key.Node().Data)
			if e.Kind != unstable.ArrayTable || table != "rule" && table != "words" || !key.IsLast() {
				d.fault(at, "unknown table", "rules stand under [[rule]], word lists under [[words]]")
				return d.head, d.rules, d.problems
			}
			clear(d.keys)
			if d.inWords = table == "words"; d.inWords {
				d.head.words = append(d.head.words, Words{File: file, Line: at.Line, Column: at.Column})
				continue
			}
			d.rules = append(d.rules, Rule{File: file, Line: at.Line, Column: at.Column, Vendor: d.head.vendor})
		case unstable.KeyValue:
			last = d.keyValue(e).Line
		}
	}
	if err := d.parser.Error(); err != nil {
		d.fault(unstable.Position{Line: last, Column: 1}, fmt.Sprintf("not TOML, on this line or after it: %v", err), "")
	}
	for i := range d.rules {
		d.finish(&d.rules[i])
	}
	for _, w := range d.head.words {
		if w.Name == "" || len(w.Contains) == 0 {
			d.problems = append(d.problems, Problem{w.File, w.Line, w.Column, "", "a word list without name or words", "add name = and contains ="})
		}
	}
	return d.head, d.rules, d.problems
}

// position is where a key stands. (The parser's own Shape counts lines from the
// beginning of the file each time.)
func (d *decoder) position(n *unstable.Node) unstable.Position {
	line, _ := slices.BinarySearch(d.lines, n.Raw.Offset+1)
	return unstable.Position{Line: line, Column: int(n.Raw.Offset-d.lines[line-1]) + 1}
}

func (d *decoder) fault(at unstable.Position, what, fix string) {
	id := ""
	if n := len(d.rules); n > 0 {
		id = d.rules[n-1].ID
	}
	d.problems = append(d.problems, Problem{d.file, at.Line, at.Column, id, what, fix})
}

func (d *decoder) keyValue(e *unstable.Node) unstable.Position {
	key := e.Key()
	key.Next()
	at, name := d.position(key.Node()), string(key.Node().Data)
	if !key.IsLast() {
		d.fault(at, fmt.Sprintf("unknown key %q", name+"."), "keys have no dots")
		return at
	}
	if d.keys[name] {
		d.fault(at, fmt.Sprintf("key %q stands twice", name), "remove one")
		return at
	}
	d.keys[name] = true
	switch {
	case d.inWords:
		d.wordsKey(&d.head.words[len(d.head.words)-1], at, name, e.Value())
	case len(d.rules) == 0:
		d.headKey(at, name, e.Value())
	default:
		d.ruleKey(&d.rules[len(d.rules)-1], at, name, e.Value())
	}
	return at
}

func (d *decoder) headKey(at unstable.Position, name string, v *unstable.Node) {
	switch name {
	case "vendor":
		d.text(at, name, v, &d.head.vendor)
		d.head.named = true
	case "remote":
		d.list(at, name, v, &d.head.hosts)
	case "marker":
		d.list(at, name, v, &d.head.markers)
	default:
		d.fault(at, fmt.Sprintf("unknown key %q", name), "before the first [[rule]] stand vendor, remote and marker")
	}
}

func (d *decoder) ruleKey(r *Rule, at unstable.Position, name string, v *unstable.Node) {
	switch name {
	case "id":
		d.text(at, name, v, &r.ID)
		if !idPattern.MatchString(r.ID) {
			d.fault(at, fmt.Sprintf("id %q is malformed", r.ID), "write vendor.what-it-means in lower case")
		}
	case "remote":
		d.list(at, name, v, &r.Remote)
	case "scoped":
		d.flag(at, name, v, &r.Scoped)
	case "weak":
		d.flag(at, name, v, &r.Weak)
	case "greeting":
		d.flag(at, name, v, &r.Greeting)
	case "clause":
		d.list(at, name, v, &r.Clause)
	case "code":
		d.text(at, name, v, &r.Code)
		if !codePattern.MatchString(r.Code) {
			d.fault(at, fmt.Sprintf("%q is no reply code or class", r.Code), `write "550", "55x" or "5xx"`)
		}
	case "status":
		d.list(at, name, v, &r.Status)
		for _, s := range r.Status {
			p, err := parseStatus(s)
			if err != nil {
				d.fault(at, err.Error(), `write "5.1.1", "X.7.29", "5.7.x" or "5.7.606-649"`)
			}
			r.status = append(r.status, p)
		}
	case "contains":
		d.phrases(at, name, v, &r.Contains)
	case "unless":
		d.phrases(at, name, v, &r.Unless)
	case "ip":
		d.text(at, name, v, &r.IP)
		if r.IP != "before" && r.IP != "after" {
			d.fault(at, fmt.Sprintf("ip says %q", r.IP), `write "before" or "after": where an IP address stands beside the phrase`)
		}
	case "match":
		d.text(at, name, v, &r.Match)
		re, err := regexp.Compile("(?i)" + r.Match)
		if err != nil {
			d.fault(at, fmt.Sprintf("match does not compile: %v", err), "use RE2 syntax, without look-around")
		}
		r.re = re
	case "reason":
		word := ""
		d.text(at, name, v, &word)
		if err := r.Reason.UnmarshalText([]byte(word)); err != nil {
			d.fault(at, err.Error(), "choose one of "+reasonWords())
		}
	case "action":
		d.text(at, name, v, &r.Advice)
	case "source":
		d.text(at, name, v, &r.Source)
	case "examples":
		d.list(at, name, v, &r.Examples)
	case "not":
		d.list(at, name, v, &r.Not)
	default:
		d.fault(at, fmt.Sprintf("unknown key %q", name), "a rule has id, remote, scoped, weak, greeting, code, status, contains, clause, unless, ip, match, reason, action, source, examples and not")
	}
}

func (d *decoder) wordsKey(w *Words, at unstable.Position, name string, v *unstable.Node) {
	switch name {
	case "name":
		d.text(at, name, v, &w.Name)
	case "contains":
		d.list(at, name, v, &w.Contains)
		for _, s := range w.Contains {
			if _, err := expand(s); err != nil {
				d.fault(at, err.Error(), "write words without *; (a|b) for alternatives")
			}
		}
	case "excuses":
		d.list(at, name, v, &w.Excuses)
		for _, s := range w.Excuses {
			if s != "recipient" && s != "sender" && s != "message" && s != "codes" {
				d.fault(at, fmt.Sprintf("excuses says %q", s), `write "recipient", "sender", "message" or "codes"`)
			}
		}
	case "covers":
		d.flag(at, name, v, &w.Covers)
	case "opens":
		d.flag(at, name, v, &w.Opens)
	case "strong":
		d.flag(at, name, v, &w.Strong)
	default:
		d.fault(at, fmt.Sprintf("unknown key %q", name), "a word list has name, contains, excuses, covers, opens and strong")
	}
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

// finish checks what needs the whole rule.
func (d *decoder) finish(r *Rule) {
	fault := func(what, fix string) {
		d.problems = append(d.problems, Problem{r.File, r.Line, r.Column, r.ID, what, fix})
	}
	if r.ID == "" {
		fault("a rule without id", `add id = "vendor.what-it-means"`)
	}
	if r.Reason == bounce.Unclassified {
		fault("a rule without reason", "add reason = one of "+reasonWords())
	}
	if r.alone() && (len(r.Status) == 0 || !r.Scoped && len(r.Remote) == 0 && !r.private()) {
		fault("a rule without a phrase", "add contains, or a status together with remote or scoped = true")
	}
	if r.alone() && (r.Match != "" || r.IP != "") {
		fault("match or ip without a phrase that gates it", "add contains with a word that always stands in such a text")
	}
	if r.Scoped && len(d.head.hosts) == 0 && len(d.head.markers) == 0 {
		fault("scoped, but the file does not say how its vendor is known", "add remote or marker before the first [[rule]]")
	}
}

func (d *decoder) text(at unstable.Position, name string, v *unstable.Node, to *string) {
	if v.Kind != unstable.String {
		d.fault(at, name+" must be a text in quotes", "")
		return
	}
	*to = string(v.Data)
}

func (d *decoder) flag(at unstable.Position, name string, v *unstable.Node, to *bool) {
	if v.Kind != unstable.Bool {
		d.fault(at, name+" must be true or false", "")
		return
	}
	*to = string(v.Data) == "true"
}

// list reads a list of texts; a single text is a list of one.
func (d *decoder) list(at unstable.Position, name string, v *unstable.Node, to *[]string) {
	if v.Kind == unstable.String {
		*to = []string{string(v.Data)}
		return
	}
	if v.Kind != unstable.Array {
		d.fault(at, name+" must be a list of texts in quotes", "")
		return
	}
	for kids := v.Children(); kids.Next(); {
		switch n := kids.Node(); n.Kind {
		case unstable.String:
			*to = append(*to, string(n.Data))
		case unstable.Comment:
		default:
			d.fault(at, name+" must be a list of texts in quotes", "")
			return
		}
	}
}

func (d *decoder) phrases(at unstable.Position, name string, v *unstable.Node, to *[]string) {
	d.list(at, name, v, to)
	for _, s := range *to {
		parts, err := parsePhrase(s)
		if err != nil {
			d.fault(at, err.Error(), "write words; * stands alone between words, (a|b) for alternatives")
		}
		if name == "unless" && len(parts) > 1 {
			d.fault(at, "an exception has one part", "write it without * and with groups only at its end")
		}
	}
}
