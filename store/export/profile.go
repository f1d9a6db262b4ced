package export

import (
	"cmp"
	"errors"
	"fmt"
	"harvester/store/query"
	"io"
	"iter"
	"strings"
)

// Profile is one form of suppression file and what its reader must know. The
// texts are shown by "harvester export profiles".
type Profile struct {
	Name     string   `json:"name"`
	For      string   `json:"for"`      // who reads it
	Shape    string   `json:"shape"`    // the layout in a few words
	Import   string   `json:"import"`   // how to bring it in
	Removal  string   `json:"removal"`  // how an address gets off the target's list again
	Evidence string   `json:"evidence"` // where the layout comes from; "unverified: ..." where nobody tried it
	Loses    []string `json:"loses"`    // what the target can't express
	MaxRows  int      `json:"max_rows"` // addresses per file, 0 without a limit; more go to further parts
	MaxBytes int64    `json:"max_bytes"`

	MaxRemovals int `json:"max_removals"` // addresses in a file of removals, 0 without a limit; more go to further parts

	Verified []Verified `json:"verified,omitempty"` // the programs that read such a file in a test

	Scope string `json:"scope,omitempty"` // as WithScope set it

	form form
}

// WithScope is the profile with a word of the target's own about what its
// entries hold for. It fails where the target knows none.
func (p Profile) WithScope(scope string) (Profile, error) {
	if scope == "" {
		return p, nil
	}
	if p.form.scoped == nil {
		return p, fmt.Errorf("the profile %s has no place for a scope", p.Name)
	}
	if strings.ContainsAny(scope, "\r\n") {
		return p, errors.New("the scope has several lines")
	}
	p.Scope, p.form.row = scope, p.form.scoped(scope)
	return p, nil
}

// form is the layout of a profile. All its functions are pure.
type form struct {
	header string
	footer string
	// takes says whether the target has a place for what the entry is. What
	// it doesn't take is counted in the manifest. Nil takes everything.
	takes func(*query.Suppression) bool
	// refuse says why the target can't represent this address, "" when it can.
	// Nil refuses nothing but what no file can hold.
	refuse func(*query.Suppression) string
	// needs says what the target's settings lack, nil when nothing.
	needs   func(*Target) error
	digests bool // the file holds digests, which outlive what they were made of
	// row appends the row, or what the target needs as one, of an address that is
	// spelt name, line ends included. Nil: the profile writes no file.
	row func(b []byte, e *query.Suppression, name string) []byte
	// scoped is row with a scope. Nil: the target has no place for one.
	scoped func(scope string) func(b []byte, e *query.Suppression, name string) []byte
	// addressOnly says that rows depend on address and kind alone, not on what
	// changes with every further failure.
	addressOnly bool
	// brief says that nothing of an entry is asked but what query.Filter.Brief
	// reads. It follows from addressOnly.
	brief bool
	// cdb says that rows are records of a constant database: its tables end the
	// file, and the header is written over when they are known.
	cdb bool
	// batch bundles rows into request bodies, one a line.
	batch batch
	// name is the address as the file spells it; nil means as first seen.
	name     func(*query.Suppression, *Target) string
	spelling string // what name does, in words
	// fold is what the target does to a name before it compares it. With it, an
	// address is listed in each of its spellings, and those that are somebody
	// else's to the target are kept out. Nil: as spelt, and nothing else.
	fold func(string) string
	// read yields the addresses of a file by the target's own rules, each as
	// name spells it. It is how a written file is checked.
	read func(io.Reader) iter.Seq2[string, error]
}

type batch struct {
	size             int // rows per batch; 0 means no batches
	open, sep, close string
}

// Refuses says why the target of p can't represent the address, "" when it can.
func (p *Profile) Refuses(e *query.Suppression) string {
	if e.Digest != "" {
		if p.form.digests {
			return ""
		}
		return "was forgotten: only a hashed export can carry it"
	}
	why := unwritable(e.Address)
	if why == "" && p.form.refuse != nil {
		why = p.form.refuse(e)
	}
	if why == "" && p.form.fold != nil {
		if why = unquoted(e.Key); why == "" && !isASCII(e.Key) {
			why = p.strays(e.Key, e.Key)
		}
	}
	return why
}

// Holds says whether a file of p holds the entry.
func (p *Profile) Holds(e *query.Suppression) bool { return p.holds(e) }

// holds says whether a file of p holds the entry.
func (p *Profile) holds(e *query.Suppression) bool {
	return (p.form.takes == nil || p.form.takes(e)) && p.Refuses(e) == ""
}

// Reading is the part of the list that a file of t holds, and no more of each
// entry than its profile needs.
func (t *Target) Reading() query.Filter {
	f := t.Filter
	f.Brief = t.Profile.form.addressOnly || t.Profile.form.brief
	return f
}

// spell is the address as the file of p spells it.
func (p *Profile) spell(e *query.Suppression, t *Target) string {
	if p.form.name == nil {
		return e.Address
	}
	return p.form.name(e, t)
}

// spelling says in words how p spells addresses.
func (p *Profile) spelling() string {
	words := cmp.Or(p.form.spelling, "as first seen")
	if p.form.fold != nil {
		words += ", and once more in each other spelling (RFC 6531) that is the same address to the target"
	}
	return words
}

// counted is the name by which an address of a file counts: its key where the
// file may hold several spellings of it.
func (p *Profile) counted(e *query.Suppression, name string) string {
	if p.form.fold != nil {
		return e.Key
	}
	return name
}

// Profiles returns every profile, in the order in which help lists them.
func Profiles() []Profile {
	return []Profile{
		csvProfile(), emailProfile(), plainProfile(), ndjsonProfile(), spreadsheetProfile(),
		hashedProfile(), hmacProfile(), md5Profile(),
		sesProfile(), sesJSONProfile(), sendgridProfile(),
		mailgunProfile(), mailgunComplaintsProfile(), mailgunUnsubscribesProfile(),
		sparkpostProfile(), postmarkProfile(), brevoProfile(), mailchimpProfile(), cloudflareProfile(),
		listmonkProfile(), mauticProfile(), phplistProfile(), mailmanProfile(), sympaProfile(), postalProfile(),
		postfixAccessProfile(), postfixTransportProfile(), eximProfile(), eximCDBProfile(), sendmailProfile(), opensmtpdProfile(), harakaProfile(), rspamdProfile(), kumomtaProfile(),
	}
}

// Lookup returns the profile called name; its error lists those there are.
func Lookup(name string) (Profile, error) {
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			p.Verified = verified(name)
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("unknown export profile %q; there are: %s", name, strings.Join(names, ", "))
}
