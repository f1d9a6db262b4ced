package simulate

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"harvester/store/policy"
)

//go:embed testdata/redteam
var redTeam embed.FS

// attack is one kind of forgery. Every variant of it is played at every level
// of proof.
type attack struct {
	Name     string                    `toml:"name"`
	About    string                    `toml:"about"`
	Mails    int                       `toml:"mails"`   // sent, numbered; 1 when absent
	Every    string                    `toml:"every"`   // between two of them
	Mail     string                    `toml:"mail"`    // a value
	Effects  map[string]int            `toml:"effects"` // at "returned", the most of each effect; absent: 0
	Except   map[string]map[string]int `toml:"except"`  // the same for other levels
	Never    []string                  `toml:"never"`   // what is listed at no level
	Kept     *kept                     `toml:"kept"`
	Values   values                    `toml:"values"`
	Ways     []string                  `toml:"ways"`
	Variants []variant                 `toml:"variant"`
}

// variant is how an attack differs from another, or in what way it comes in.
type variant struct {
	Name   string `toml:"name"`
	Kept   *kept  `toml:"kept"`
	Values values `toml:"values"`
}

type values map[string]string

type redteam struct {
	Values  values    `toml:"values"`
	Ways    []variant `toml:"ways"`
	Attacks []attack  `toml:"attack"`
}

// readRedTeam reads all files, and gives each attack its variants.
func readRedTeam(t *testing.T) (r redteam) {
	files, err := fs.Glob(redTeam, "testdata/redteam/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := redTeam.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var one redteam
		d := toml.NewDecoder(strings.NewReader(string(text)))
		d.DisallowUnknownFields()
		if err := d.Decode(&one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if one.Values != nil {
			r.Values = one.Values
		}
		r.Ways, r.Attacks = append(r.Ways, one.Ways...), append(r.Attacks, one.Attacks...)
	}
	for i := range r.Attacks {
		a := &r.Attacks[i]
		if r.Values[a.Mail] == "" && a.Values[a.Mail] == "" {
			t.Fatalf("%s: no mail %q", a.Name, a.Mail)
		}
		chosen := 0
		for _, w := range r.Ways {
			for _, name := range a.Ways {
				if name == w.Name {
					a.Variants, chosen = append(a.Variants, w), chosen+1
				}
			}
		}
		if chosen != len(a.Ways) {
			t.Fatalf("%s: unknown ways in %q", a.Name, a.Ways)
		}
		if len(a.Variants) == 0 {
			a.Variants = r.Ways
		}
	}
	return r
}

// most is the most of an effect that is admitted.
func (a *attack) most(effect string, level policy.Proof) int {
	if level == policy.ProofReturned {
		return a.Effects[effect]
	}
	return a.Except[level.String()][effect]
}

var each = regexp.MustCompile(`\{each (\d+) (\w+)\}`)

// fill puts the values into text until none is left, those of earlier sets first.
func fill(text string, sets ...values) string {
	all := values{}
	for i := range sets {
		maps.Copy(all, sets[len(sets)-1-i])
	}
	pairs := make([]string, 0, 2*len(all))
	for k, v := range all {
		pairs = append(pairs, "{"+k+"}", v)
	}
	replacer := strings.NewReplacer(pairs...)
	for range 6 { // values name others
		text = replacer.Replace(text)
	}
	return each.ReplaceAllStringFunc(text, func(s string) string {
		m := each.FindStringSubmatch(s)
		times, _ := strconv.Atoi(m[1])
		one, out := fill("{"+m[2]+"}", sets...), ""
		for i := range times {
			out += strings.NewReplacer("{i}", fmt.Sprint(i), "{i7}", fmt.Sprint(i%7)).Replace(one)
		}
		return out
	})
}

// mails writes the mails of one variant, that come in from a time on.
func (r *redteam) mails(t *testing.T, a *attack, v *variant, from time.Time, own values) (out []string, at []time.Time) {
	every, _ := time.ParseDuration(a.Every)
	k := a.Kept
	if v.Kept != nil {
		k = v.Kept
	}
	for n := range max(a.Mails, 1) {
		when := from.Add(time.Duration(n) * every)
		if when.After(redNow) {
			when = redNow
		}
		number := values{"n": fmt.Sprint(n), "n7": fmt.Sprint(n % 7), "victim": fmt.Sprintf("victim%d@live%d.example", n, n%7), "date": when.Format(time.RFC1123Z)}
		if k != nil {
			number["kept"] = k.header(t, from)
		}
		text := fill("{"+a.Mail+"}", v.Values, a.Values, number, own, r.Values)
		out, at = append(out, strings.ReplaceAll(text, "\n", "\r\n")), append(at, when)
	}
	return out, at
}

// Forgeries of every kind, at every level of proof: above "returned" nothing
// changes at all; there, no more than what docs/security.md admits.
func TestRedTeam(t *testing.T) {
	r := readRedTeam(t)
	levels := []policy.Proof{policy.ProofReturned, policy.ProofAuthentic, policy.ProofLedger, policy.ProofSigned}
	if testing.Short() {
		levels = levels[:2]
	}
	bases := map[policy.Proof]string{}
	for _, level := range levels {
		bases[level] = base(t, level)
	}
	figures := os.Getenv("HARVESTER_FIGURES") != ""
	forged := 0
	for i := range r.Attacks {
		a := &r.Attacks[i]
		for _, v := range a.Variants {
			forged += max(a.Mails, 1)
			for _, level := range levels {
				t.Run(a.Name+"/"+v.Name+"/"+level.String(), func(t *testing.T) {
					t.Parallel()
					got, listed := r.play(t, a, &v, bases[level], level)
					if figures {
						fmt.Printf("%s | %s | %s | %v\n", a.Name, v.Name, level, got)
					}
					for name, n := range got {
						if most := a.most(name, level); n > most {
							t.Errorf("%s: %d %s, want at most %d: %v", a.About, n, name, most, listed)
						}
					}
					for _, never := range a.Never {
						for _, key := range listed {
							if key == never {
								t.Errorf("%s: %s is listed", a.About, key)
							}
						}
					}
				})
			}
		}
	}
	variants := 0
	for i := range r.Attacks {
		variants += len(r.Attacks[i].Variants)
	}
	t.Logf("%d forgeries of %d kinds, %d mails, each at %d levels of proof", variants, len(r.Attacks), forged, len(levels))
	if variants < 150 {
		t.Errorf("%d forgeries, want 150", variants)
	}
}

// With HARVESTER_RED_TEAM=DIRECTORY the forged mails are written there, a Maildir
// for each attack, to be harvested by the program itself.
func TestRedTeamMaildirs(t *testing.T) {
	dir := os.Getenv("HARVESTER_RED_TEAM")
	if dir == "" {
		t.Skip("HARVESTER_RED_TEAM names no directory")
	}
	r := readRedTeam(t)
	for i := range r.Attacks {
		a := &r.Attacks[i]
		for n := range a.Variants {
			v := &a.Variants[n]
			to := filepath.Join(dir, a.Name, strings.ReplaceAll(v.Name, " ", "-"), "new")
			if err := os.MkdirAll(to, 0o700); err != nil {
				t.Fatal(err)
			}
			texts, at := r.mails(t, a, v, redNow.Add(-6*time.Hour), paths(t))
			for n, text := range texts {
				name := filepath.Join(to, fmt.Sprintf("%d.%d.x", at[n].Unix(), n))
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(name, at[n], at[n]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
