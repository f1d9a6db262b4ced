package autoreply

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"harvester/parse/bounce"
	"harvester/parse/match"
)

//go:embed signs/*.toml
var files embed.FS

// headerSign is a header field that tells a kind.
type headerSign struct {
	Name   string
	Starts []string // the value begins with one of these
	Any    []string // the value holds one of these
	Whole  bool     // the value is one of Starts, with at most a host behind it
	Person bool     // says nothing where a mail system writes
	Kind   bounce.Kind

	rank int // place in the file: the first one of a mail wins
}

// senderSign is a sender that tells a kind.
type senderSign struct {
	Local   []string
	Address []string
	Name    []string
	Kind    bounce.Kind
}

// subjectSign is a group of subjects of one language.
type subjectSign struct {
	Kind    bounce.Kind
	Lang    string
	Start   []string
	Whole   []string
	Exact   bool // Whole stands alone, without a token behind it
	Any     []string
	Pattern string
	Weak    bool

	Examples []string
	Not      []string

	re *regexp.Regexp
}

// textSign is a group of phrases of one language.
type textSign struct {
	Kind    bounce.Kind
	Lang    string
	Hint    string
	Phrases []string

	Examples []string
	Not      []string
}

// quoteSigns is how mail programs mark answers, forwards and quotes.
type quoteSigns struct {
	Reply     []string
	Separator []string
	From      []string
	Subject   []string
	Wrote     []string
	Client    []string
	Role      []string
}

// signs is everything the embedded files say, folded and indexed.
type signs struct {
	headers  map[string][]headerSign // by lower-case name
	senders  []senderSign
	subjects []subjectSign
	texts    []textSign
	quote    quoteSigns

	starts  map[byte][]subjectPhrase // by first byte, longest first
	wholes  map[string]int           // subject sign of a whole subject
	anys    []subjectPhrase
	scan    *match.Automaton // first parts of the phrases of texts
	phrases []phrase
}

// table reads the embedded files once. They are part of the program, so a
// fault in them is a fault of the build and a test finds it.
var table = sync.OnceValue(func() *signs {
	s, err := load()
	if err != nil {
		panic(err)
	}
	return s
})

func load() (*signs, error) {
	var f struct {
		Header  []headerSign
		Sender  []senderSign
		Subject []subjectSign
		Text    []textSign
	}
	s := &signs{headers: map[string][]headerSign{}}
	for name, into := range map[string]any{"header": &f, "sender": &f, "subject": &f, "text": &f, "quote": &s.quote} {
		raw, err := files.Open("signs/" + name + ".toml")
		if err != nil {
			return nil, fmt.Errorf("opening the signs: %w", err)
		}
		err = toml.NewDecoder(raw).DisallowUnknownFields().Decode(into)
		if err != nil {
			return nil, fmt.Errorf("reading signs/%s.toml: %w", name, err)
		}
	}
	for i, h := range f.Header {
		foldAll(h.Starts, h.Any)
		h.rank = i
		name := strings.ToLower(h.Name)
		s.headers[name] = append(s.headers[name], h)
	}
	s.senders, s.subjects, s.texts = f.Sender, f.Subject, f.Text
	for _, x := range s.senders {
		foldAll(x.Local, x.Address, x.Name)
	}
	q := &s.quote
	foldAll(q.Reply, q.Separator, q.From, q.Subject, q.Wrote, q.Client, q.Role)
	if err := s.indexSubjects(); err != nil {
		return nil, err
	}
	s.indexTexts()
	return s, nil
}

// foldAll replaces each phrase by its folded form.
func foldAll(lists ...[]string) {
	for _, list := range lists {
		for i, p := range list {
			list[i] = fold(p)
		}
	}
}

// fold is match.Fold with the blank that French sets before a colon taken out.
func fold(s string) string {
	f := strings.TrimRight(match.FoldString(s), " ")
	if strings.Contains(f, " :") {
		f = strings.ReplaceAll(f, " :", ":")
	}
	return f
}

// hasAny returns the first of phrases that s holds.
func hasAny(s string, phrases []string) (string, bool) {
	for _, p := range phrases {
		if strings.Contains(s, p) {
			return p, true
		}
	}
	return "", false
}

// startsAny returns the first of phrases that s begins with.
func startsAny(s string, phrases []string) (string, bool) {
	for _, p := range phrases {
		if strings.HasPrefix(s, p) {
			return p, true
		}
	}
	return "", false
}
