package query

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/engine"
)

// A list is long and its words repeat, while each column that crosses the
// driver costs about as much as reading the row does. So the words of a row
// come as one text, which is taken apart once and found again after that, and
// an address comes only where it differs from its key.

const (
	wordBreak = "\x1f" // between words, none of which holds it but, for all we know, the last
	manyWords = 4096   // sets of words that are kept at a time
)

// suppressionReader reads rows of the list, one after the other.
type suppressionReader struct {
	brief   bool
	fields  Suppression // what is scanned into
	address sql.NullString
	words   string
	into    []any
	known   map[string]Suppression // by their words
}

var (
	briefWords = []string{"source", "scope", "class", "reason", "status"}
	allWords   = []string{"source", "scope", "class", "reason", "stream", "state", "kind", "line", "proof", "rule", "rules", "reply_code", "status"}
)

func newSuppressionReader(brief bool) *suppressionReader {
	r := &suppressionReader{brief: brief}
	s := &r.fields
	r.into = []any{&s.Key, &r.address, &r.words}
	if !brief {
		r.into = append(r.into, &s.Domain, engine.When(&s.Since), engine.When(&s.LastSeen), engine.When(&s.Expires), engine.When(&s.HeldUntil),
			&s.Count, &s.RemoteMTA, &s.Diagnostic)
	}
	return r
}

// columns are those that row expects.
func (r *suppressionReader) columns() string {
	const begin, join = `key, nullif(address, key), `, ` || '` + wordBreak + `' || `
	if r.brief {
		return begin + strings.Join(briefWords, join)
	}
	return begin + strings.Join(allWords, join) + `, domain, since, last_seen, expires, held_until, count, remote_mta, diagnostic`
}

// row reads the row at which rows stands.
func (r *suppressionReader) row(rows *sql.Rows) (Suppression, error) {
	if err := rows.Scan(r.into...); err != nil {
		return Suppression{}, err
	}
	s, ok := r.known[r.words]
	if !ok {
		var err error
		if s, err = r.apart(); err != nil {
			return Suppression{}, fmt.Errorf("the row of %s: %w", r.fields.Key, err)
		}
		if r.known == nil || len(r.known) >= manyWords {
			r.known = map[string]Suppression{}
		}
		r.known[r.words] = s
	}
	f := &r.fields
	s.Key, s.Address = f.Key, f.Key
	if r.address.Valid {
		s.Address = r.address.String
	}
	s.Domain, s.Since, s.LastSeen, s.Expires, s.HeldUntil = f.Domain, f.Since, f.LastSeen, f.Expires, f.HeldUntil
	s.Count, s.RemoteMTA, s.Diagnostic = f.Count, f.RemoteMTA, f.Diagnostic
	return s, nil
}

// apart takes the words of a row apart.
func (r *suppressionReader) apart() (s Suppression, err error) {
	names := allWords
	if r.brief {
		names = briefWords
	}
	words := strings.SplitN(r.words, wordBreak, len(names))
	if len(words) < len(names) {
		return s, fmt.Errorf("it has %s where there should be %d", count.Of(len(words), "word"), len(names))
	}
	s.Source, s.Reason, s.Status = words[0], words[3], words[len(words)-1]
	err = s.Scope.UnmarshalText([]byte(words[1]))
	if err == nil {
		err = s.Class.UnmarshalText([]byte(words[2]))
	}
	if r.brief || err != nil {
		return s, err
	}
	s.Stream, s.Line, s.Rule, s.RulePack = words[4], words[7], words[9], words[10]
	if err = s.State.UnmarshalText([]byte(words[5])); err != nil {
		return s, err
	}
	// An operator's act has no kind.
	if s.Kind = bounce.KindNone; words[6] != "" {
		if err = s.Kind.UnmarshalText([]byte(words[6])); err != nil {
			return s, err
		}
	}
	if err = s.Proof.UnmarshalText([]byte(words[8])); err != nil {
		return s, err
	}
	s.ReplyCode, err = strconv.Atoi(words[11])
	return s, err
}
