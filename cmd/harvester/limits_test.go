package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/parse/count"
)

// bound is the name of a constant that bounds something.
var bound = regexp.MustCompile(`^(?:max|Max|most|Most|longest|Longest)[A-Z]|^(?:longest|Longest)$|(?:Limit|Deadline|Timeout|Bytes|Messages|MaxMessage|Hops|Wait|Time)$`)

// whole are bounds that are not named like one.
var whole = []string{"cmd/harvester.ledgerErrors", "cmd/harvester.parallelMailboxes", "cmd/harvester/compose.fewEvents", "cmd/harvester/compose.inHand", "cmd/harvester/compose.sendTries",
	"cmd/harvester/daemon.grace", "cmd/harvester/daemon.parallelJobs", "cmd/harvester/web.fewWrong", "harvest.backoffCap", "harvest/imap.gmailDaily", "harvest/imap.idleCycle", "harvest/imap.poisonAfter",
	"parse.manyRecipients", "parse/dkim.Life", "parse/dkim.minBits", "parse/dkim.queue", "parse/dkim.skew", "parse/envelope.Life", "parse/envelope.batvLife", "parse/envelope.minKey", "parse/view.reportDepth",
	"schedule.groupParallel", "schedule/diagnose.perIncident", "schedule/diagnose/resolve.inFlight", "schedule/keyring.budget", "schedule/keyring.records", "schedule/keyring.refill", "schedule/keyring.timeout",
	"store/facts.RawCap", "store/facts.manyNamed", "store/fleet.DefaultLease", "store/judge.importedAtOnce", "store/judge.jump", "store/policy.Memory", "store/policy.unconfirmed", "store/push.hopeless",
	"store/push.tries", "store/query.LookupBatch", "store/upkeep.OriginalsTotal"}

// others are named like bounds, and are none.
var others = []string{"store/engine/postgres.oidBytes"}

// Every bound of the program stands in the manual with its value, and nothing
// else does. HARVESTER_WRITE_LIMITS=1 writes the list anew.
func TestLimitsAreThoseOfTheManual(t *testing.T) {
	var rows []string
	eachSource(t, "", func(s source) {
		pkg := filepath.ToSlash(filepath.Dir(s.path))
		if strings.HasSuffix(pkg, "test") || pkg == "fixtures" {
			return
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				name := v.Names[0].Name
				if !bound.MatchString(name) && !slices.Contains(whole, pkg+"."+name) || slices.Contains(others, pkg+"."+name) || len(v.Values) != 1 {
					continue
				}
				value, ok := limitText(v.Values[0])
				if !ok {
					continue // a word, or made of others that stand in the list
				}
				of := limitOf(name, v, g)
				if of == "" {
					t.Errorf("%s: a comment has to say what %s bounds", s.path, name)
				}
				rows = append(rows, "| `"+pkg+"."+name+"` | "+value+" | "+of+" |")
			}
		}
	})
	slices.Sort(rows)
	for _, name := range whole {
		if !slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(row, "| `"+name+"` ") }) {
			t.Errorf("there is no %s any more", name)
		}
	}
	if len(rows) < 100 {
		t.Fatalf("only %d bounds were found", len(rows))
	}
	path := filepath.Join("..", "..", "docs", "operations.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| bound | is | of |\n|---|---|---|\n"
	before, rest, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("operations.md has no table %q", head)
	}
	listed, after, _ := strings.Cut(rest, "\n\n")
	if os.Getenv("HARVESTER_WRITE_LIMITS") != "" {
		if err := os.WriteFile(path, []byte(before+head+strings.Join(rows, "\n")+"\n\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	told := strings.Split(listed, "\n")
	for _, row := range rows {
		if !slices.Contains(told, row) {
			t.Errorf("operations.md lacks %s (HARVESTER_WRITE_LIMITS=1 writes the list)", row)
		}
	}
	for _, row := range told {
		if !slices.Contains(rows, row) {
			t.Errorf("operations.md has what is no bound of the program: %s", row)
		}
	}
}

// limitOf is what a comment says of a constant: beside it, or the first sentence above it or its group.
func limitOf(name string, v *ast.ValueSpec, g *ast.GenDecl) string {
	text := v.Comment.Text()
	for _, above := range []*ast.CommentGroup{v.Doc, g.Doc} {
		if text == "" {
			text = above.Text()
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if first, _, more := strings.Cut(text, ". "); more {
		text = first
	}
	text = strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(text, name)), ".")
	return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(strings.TrimPrefix(strings.TrimPrefix(text, "is "), "bounds "))
}

// limitText writes the value of a constant as people read it: a size, a time or
// a number. ok is false where it is none of these.
func limitText(x ast.Expr) (text string, ok bool) {
	v, timed := limitValue(x)
	if v == nil {
		return "", false
	}
	n, exact := constant.Int64Val(constant.ToInt(v))
	shift, _ := x.(*ast.BinaryExpr)
	sized := shift != nil && shift.Op == token.SHL
	switch {
	case !exact:
		return "", false
	case timed:
		return timeText(time.Duration(n)), true
	case sized && n >= 1<<20 && n%(1<<20) == 0:
		return count.Number(n>>20) + " MiB", true
	case sized && n >= 1<<10 && n%(1<<10) == 0:
		return count.Number(n>>10) + " KiB", true
	}
	return count.Number(n), true
}

func timeText(d time.Duration) string {
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d >= u.of && d%u.of == 0 {
			return count.Of(int64(d/u.of), u.name)
		}
	}
	return d.String()
}

// limitValue evaluates numbers, units of time, and what is computed of them.
func limitValue(x ast.Expr) (v constant.Value, timed bool) {
	switch x := x.(type) {
	case *ast.BasicLit:
		if x.Kind == token.INT || x.Kind == token.FLOAT {
			return constant.MakeFromLiteral(x.Value, x.Kind, 0), false
		}
	case *ast.Ident:
		unit := map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour}[x.Name]
		if unit != 0 {
			return constant.MakeInt64(int64(unit)), true
		}
	case *ast.ParenExpr:
		return limitValue(x.X)
	case *ast.SelectorExpr:
		unit := map[string]time.Duration{"Hour": time.Hour, "Minute": time.Minute, "Second": time.Second, "Millisecond": time.Millisecond}[x.Sel.Name]
		if unit != 0 {
			return constant.MakeInt64(int64(unit)), true
		}
	case *ast.BinaryExpr:
		a, timedA := limitValue(x.X)
		b, timedB := limitValue(x.Y)
		if a == nil || b == nil {
			return nil, false
		}
		if x.Op == token.SHL {
			n, _ := constant.Uint64Val(b)
			return constant.Shift(a, token.SHL, uint(n)), timedA
		}
		return constant.BinaryOp(a, x.Op, b), timedA || timedB
	}
	return nil, false
}
