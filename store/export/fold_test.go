package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"

	"harvester/store/policy"
	"harvester/store/query"
)

// twins are addresses of different people whose names fold to one somewhere.
func twins() []query.Suppression {
	var out []query.Suppression
	for _, a := range []string{
		"info@straße.example", "info@strasse.example", "σας@example.com", "σασ@example.com", "ſam@example.com", "sam@example.com",
		"ﬁn@example.com", "fin@example.com", "İda@example.com", "ida@example.com", "ПОЧТА@example.com", "jörg@example.com", "jorg@example.com",
		"ς.alone@example.com",
	} {
		out = append(out, hard(a))
	}
	slices.SortFunc(out, func(a, b query.Suppression) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Whatever a target does to names, no name of its file is that of somebody
// else, none stands there twice, and who is not in it stands beside it.
func TestNoNameIsSomebodyElse(t *testing.T) {
	for _, p := range Profiles() {
		if p.form.row == nil || p.form.fold == nil {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			to := target(t, p.Name, t.TempDir())
			mustWrite(t, nasty(), to)
			seen := map[string]string{} // what the target makes of a name, and whose it is
			held := map[string]bool{}
			f, err := os.Open(to.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for name, err := range p.form.read(f) {
				if err != nil {
					t.Fatal(err)
				}
				folded := p.form.fold(name)
				if whose, twice := seen[folded]; twice {
					t.Errorf("%s and a name of %s are one to the target", name, whose)
				}
				if policy.Key(folded) != policy.Key(name) {
					t.Errorf("%s blocks %s", name, folded)
				}
				seen[folded], held[policy.Key(name)] = policy.Key(name), true
			}
			skipped, _ := os.ReadFile(SkippedPath(to.Path))
			beside, err := csv.NewReader(bytes.NewReader(skipped)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			told := map[string]bool{}
			for _, row := range beside {
				told[policy.Key(row[0])] = row[1] != ""
			}
			for _, e := range nasty() {
				if takes := p.form.takes; takes != nil && !takes(&e) {
					continue
				}
				if unwritable(e.Address) == "" && !held[e.Key] && !told[e.Key] {
					t.Errorf("%s is neither in the file nor beside it", e.Address)
				}
			}
		})
	}
}

// A file of an earlier version in which two names are one is found.
func TestVerifyFindsTwins(t *testing.T) {
	ctx := context.Background()
	for add, want := range map[string]string{
		"info@straße.example 550 5.7.1 x\n":  "another address",
		"INFO@xn--strae-oqa.example 550 x\n": "stands there twice",
	} {
		db := openDB(t)
		fail(t, db, "info@straße.example")
		to := target(t, "postfix-access", t.TempDir())
		if _, err := Publish(ctx, db, to); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(to.Path, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(add)
		}
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		got, err := Verify(ctx, db, to)
		if err != nil || !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

// Where the target compares text, a domain goes out as A-label and in Unicode.
func TestBothSpellingsOfADomain(t *testing.T) {
	for _, profile := range []string{"listmonk", "email", "plain", "mailman", "exim", "postfix-access"} {
		to := target(t, profile, t.TempDir())
		res := mustWrite(t, []query.Suppression{hard("karl@bücher.example")}, to)
		b, err := os.ReadFile(to.Path)
		if err != nil || res.Rows != 1 || !strings.Contains(string(b), "karl@bücher.example") || !strings.Contains(string(b), "karl@xn--bcher-kva.example") {
			t.Errorf("%s: %+v, %v\n%s", profile, res, err, b)
		}
	}
}
