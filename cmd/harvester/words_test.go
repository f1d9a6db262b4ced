package main

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/job"
	"harvester/store/policy"
)

// vocabulary are the words that are types, by the folder that defines them.
func vocabulary() map[string]string {
	words := map[string]string{}
	for _, r := range bounce.Reasons() {
		words[r.String()] = "parse/bounce"
	}
	for _, s := range []policy.Source{policy.SourceBounce, policy.SourceComplaint, policy.SourceUnsubscribe, policy.SourceOperator} {
		words[s.String()] = "store/policy"
	}
	for _, s := range []policy.Scope{policy.ScopeAddress, policy.ScopeMarketing, policy.ScopeStream} {
		words[s.String()] = "store/policy"
	}
	for _, k := range job.Kinds() {
		words[string(k)] = "store/job"
	}
	return words
}

// elsewhere are words that mean another thing where they stand, by file, and
// what they are there.
var elsewhere = map[string]string{
	"cmd/harvester/web/behind.go stream":             "the name of a page",
	"parse/dsn/recipient.go expired":                 "what other systems write into Action",
	"parse/dsn/recipient.go deferred":                "the same",
	"parse/rules/ours.go bounce":                     "a local part",
	"schedule/diagnose/scenario/scenario.go address": "what a scenario asks about", "schedule/diagnose/scenario/scenario.go complaint": "a word of scenarios",
	"schedule/diagnose/scenario/scenario.go unsubscribe": "the same",
	"schedule/diagnose/signature.go expired":             "a finding about a signature",
	"schedule/diagnose/tls.go expired":                   "what replies say of a certificate",
	"store/judge/fold.go expired":                        "why an entry left the list",
	"store/policy/window.go domain_unknown":              "a concern, stored under the word of the reason",
	"store/push/suppressors.go mailbox_full":             "a list of the service's",
	"store/simulate/scenario.go expired":                 "a token of a return path",
}

var (
	quotedWord = regexp.MustCompile(`'([a-z_]+)'`)
	statement  = regexp.MustCompile(`(?i)\b(?:select|where|case|in|and|or)\b|=|<>`)
)

// The words of the list stand where their type is defined: what another package
// compares with, or writes into SQL, it takes from there. A reason, which no
// other thing is called like, stands nowhere else at all.
func TestWordsStandOnce(t *testing.T) {
	words, used := vocabulary(), map[string]bool{}
	eachSource(t, "", func(s source) {
		tell := func(at token.Pos, word, home string) {
			if key := s.path + " " + word; elsewhere[key] != "" {
				used[key] = true
			} else if path.Dir(s.path) != home {
				t.Errorf("%s: %q is a word of %s: take it from there", s.fset.Position(at), word, home)
			}
		}
		compared := func(e ast.Expr) {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				word, _ := strconv.Unquote(lit.Value)
				if home := words[word]; home != "" && home != "parse/bounce" {
					tell(lit.Pos(), word, home)
				}
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.EQL || n.Op == token.NEQ {
					compared(n.X)
					compared(n.Y)
				}
			case *ast.CaseClause:
				for _, e := range n.List {
					compared(e)
				}
			case *ast.CallExpr: // job.Kind("export")
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 1 && f.Sel.Name == "Kind" {
					compared(n.Args[0])
				}
			case *ast.BasicLit:
				if n.Kind != token.STRING {
					return true
				}
				text, _ := strconv.Unquote(n.Value)
				if words[text] == "parse/bounce" {
					tell(n.Pos(), text, words[text])
				}
				if !statement.MatchString(text) {
					return true
				}
				for _, m := range quotedWord.FindAllStringSubmatch(text, -1) {
					if home := words[m[1]]; home != "" {
						tell(n.Pos(), m[1], home+", and this is SQL")
					}
				}
			}
			return true
		})
	})
	for key := range elsewhere {
		if !used[key] {
			t.Errorf("%s: no exception is needed any more", key)
		}
	}
}
