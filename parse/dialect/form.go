package dialect

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

//go:embed forms.toml
var formsFile []byte

// forms are the layouts that are data.
func forms() []Dialect {
	var out []Dialect
	for _, f := range readForms() {
		d := Dialect{Name: f.Name, OneReply: f.OneReply, AliasHidden: f.AliasHidden}
		for _, s := range f.Marks {
			d.Marks = append(d.Marks, Mark(s))
		}
		if len(f.Label)+len(f.List)+len(f.Sentence) > 0 {
			d.Read = f.read
		}
		out = append(out, d)
	}
	return out
}

func readForms() []form {
	var file struct{ Layout []form }
	if err := toml.NewDecoder(bytes.NewReader(formsFile)).DisallowUnknownFields().Decode(&file); err != nil {
		panic(fmt.Sprintf("forms.toml: %v", err)) // it is part of the program, and a test reads it
	}
	return file.Layout
}

// form describes a layout that is a fixed text with blanks filled in: phrases
// or labels, and what stands behind them. All phrases are folded.
type form struct {
	Name  string
	Marks [][]string

	OneReply    bool `toml:"one_reply"`
	AliasHidden bool `toml:"alias_hidden"`

	// Label names rows `label: address`.
	Label []string
	// List phrases head a list of addresses, one a line, up to a blank line
	// behind the first.
	List []string
	// Blocks tells that each address of a List opens a paragraph, with the reply
	// to it below.
	Blocks bool
	// Sentence phrases have the address behind them in the same paragraph.
	Sentence []string
	// Reply labels or phrases have the reply behind them, on the same line or
	// in the paragraph below, up to a blank line.
	Reply []string
	// Host labels name the system that replied.
	Host []string
	// Final makes every recipient a failure whatever words of delay stand in
	// the text.
	Final bool
	// Means is the reason that the layout stands for, in whatever words.
	Means bounce.Reason
}

type slot struct {
	addr string
	line int
	rest string
}

func (f form) read(m *view.Mail) *notice.Notice {
	head, returned := notice.CutReturned(m.Text)
	ls := notice.Lines(head)
	slots := f.slots(ls)
	if len(slots) == 0 {
		return nil
	}
	n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
	if f.Final {
		n.Kind = bounce.KindBounce
	}
	above, _ := f.reply(ls, 0, slots[0].line)
	host := f.host(ls)
	n.Failures = make([]notice.Failure, len(slots))
	below := "" // the reply to the recipient below, which stands right under this one
	for i := len(slots) - 1; i >= 0; i-- {
		s, end := slots[i], len(ls)
		if i+1 < len(slots) {
			end = slots[i+1].line
		}
		if !adjacent(ls, s.line, end) {
			below = ""
		}
		reply, own := f.reply(ls, s.line, end)
		switch {
		case own:
		case notice.CodeAt(s.rest) >= 0:
			reply = notice.AppendLine("", s.rest)
			for j := s.line + 1; j < end && ls[j] != "" && notice.Indent(ls[j]) > 0; j++ {
				reply = notice.AppendLine(reply, ls[j])
			}
		case below != "":
			reply = below
		case above != "":
			reply = above
		default:
			reply = f.nearby(ls, s, end)
		}
		if own || below != "" {
			below = reply
		}
		r := notice.Remote(reply)
		if host != "" {
			r = host
		}
		n.Failures[i] = notice.Failure{Address: s.addr, Reply: reply, Remote: r, Means: f.Means}
	}
	return n
}

// adjacent tells whether only blank lines stand between two lines: a reply
// below a list is one for all that it lists, one below a paragraph is not.
func adjacent(ls []string, i, j int) bool { return notice.SkipBlank(ls[:j], i+1) == j }

func (f form) slots(ls []string) []slot {
	var out []slot
	known := map[string]bool{}
	add := func(s slot) {
		if key := strings.ToLower(s.addr); !known[key] && len(out) < notice.MaxFailures {
			known[key] = true
			out = append(out, s)
		}
	}
	for i := 0; i < len(ls); i++ {
		if ls[i] == "" {
			continue
		}
		folded := notice.Fold(ls[i])
		if v, ok := behindLabel(ls[i], folded, f.Label); ok {
			j := i
			if v == "" && i+1 < len(ls) {
				j = i + 1
				v = ls[j]
			}
			if a, _, end := notice.FindAddress(v); a != "" {
				add(slot{addr: a, line: j, rest: strings.TrimLeft(v[end:], ">)]:,; ")})
			}
			continue
		}
		for _, p := range f.List {
			if strings.Contains(folded, p) {
				for _, s := range list(ls, i, f.Blocks) {
					add(s)
				}
			}
		}
		for _, p := range f.Sentence {
			at := strings.Index(folded, p)
			if at < 0 {
				continue
			}
			para, _ := notice.Block(ls, i, nil)
			from := min(len(para), at)
			if a, _, end := notice.FindAddress(para[from:]); a != "" {
				add(slot{addr: a, line: i, rest: strings.TrimLeft(para[from+end:], ">)]:,;' ")})
			}
		}
	}
	return out
}

// list reads the addresses below the heading at i: at the begin of their
// lines, with remarks indented below them. It ends with the paragraph, unless
// the next one opens with an address too, or each has a block of its own.
func list(ls []string, i int, blocks bool) (out []slot) {
	for j := i + 1; j < len(ls); j++ {
		if ls[j] == "" {
			next := notice.SkipBlank(ls, j)
			if len(out) == 0 {
				j = next - 1
				continue
			}
			if next == len(ls) {
				break
			}
			if !standsAlone(ls[next]) {
				if blocks {
					j = notice.NextBlank(ls, next) - 1
					continue
				}
				break
			}
			j = next
		}
		t := strings.TrimLeft(ls[j], " \t*-•<\"")
		a, start, end := notice.FindAddress(t)
		switch {
		case a != "" && start <= 12 && !(blocks && len(out) > 0 && ls[j-1] != ""):
			out = append(out, slot{addr: a, line: j, rest: strings.TrimLeft(t[end:], ">)]:,; ")})
		case blocks && len(out) > 0:
		case len(out) == 0 && ls[j-1] == "", len(out) > 0 && notice.Indent(ls[j]) == 0:
			return out
		}
	}
	return out
}

// standsAlone tells whether a line consists of an address: `addr`, `<addr>:`,
// `"addr":` (GMX).
func standsAlone(line string) bool {
	if _, ok := notice.BareAddress(line); ok {
		return true
	}
	_, ok := notice.BareAddress(strings.Trim(line, "\": "))
	return ok
}

// reply returns what stands behind the first reply label or phrase in the
// lines [from, to).
func (f form) reply(ls []string, from, to int) (string, bool) {
	for _, p := range f.Reply { // the best phrase first, wherever it stands
		for i := from; i < to; i++ {
			if ls[i] == "" {
				continue
			}
			folded := notice.Fold(ls[i])
			at := strings.Index(folded, p)
			if at < 0 || at > 12 {
				continue
			}
			reply := ""
			if rest := folded[at+len(p):]; strings.Trim(rest, " :.") != "" {
				reply = strings.TrimLeft(strings.TrimSpace(ls[i]), "< ")
				rest = strings.TrimLeft(rest, " ")
				if c := strings.IndexAny(ls[i], ":="); c >= 0 && (strings.HasSuffix(p, ":") || rest[0] == ':' || rest[0] == '=') {
					// Where only the address stands behind it, the label is the reason.
					if _, ok := notice.BareAddress(ls[i][c+1:]); !ok {
						reply = strings.TrimSpace(ls[i][c+1:])
					}
				}
			}
			j := i + 1
			if reply == "" {
				j = notice.SkipBlank(ls, j)
			}
			for ; j < to && ls[j] != "" && !(isLabel(ls[j]) && reply != ""); j++ {
				reply = notice.AppendLine(reply, ls[j])
			}
			if reply != "" {
				return reply, true
			}
		}
	}
	return "", false
}

func (f form) host(ls []string) string {
	for _, l := range ls {
		if l == "" || len(f.Host) == 0 {
			continue
		}
		if v, ok := behindLabel(l, notice.Fold(l), f.Host); ok {
			return notice.HostWord(strings.TrimLeft(v, "<[ "))
		}
	}
	return ""
}

// nearby is the reply where no label leads to it: from the first code behind
// the address, else the words of its paragraph or the next.
func (f form) nearby(ls []string, s slot, end int) string {
	rest := s.rest
	if strings.IndexFunc(rest, unicode.IsLetter) < 0 {
		rest = ""
	}
	return notice.ReplyAt(ls, notice.Mention{Addr: s.addr, Rest: rest, Line: s.line, Rank: notice.RankAlone}, end)
}

// behindLabel returns what stands behind `label:` or `label=` at the begin of
// the line, list marks and quotes passed over.
func behindLabel(line, folded string, names []string) (string, bool) {
	folded = strings.TrimLeft(folded, " *-•>\"")
	for _, name := range names {
		if !strings.HasPrefix(folded, name) {
			continue
		}
		rest := strings.TrimLeft(folded[len(name):], " ")
		if rest == "" || rest[0] != ':' && rest[0] != '=' {
			continue
		}
		if i := strings.IndexAny(line, ":="); i >= 0 {
			return strings.TrimSpace(line[i+1:]), true
		}
		if i := strings.Index(line, "："); i >= 0 { // full-width colon
			return strings.TrimSpace(line[i+len("："):]), true
		}
	}
	return "", false
}
