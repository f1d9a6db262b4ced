package compare

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var (
	baseTree = flag.String("base", "", "the source `folder` of the older build; nothing is compared without it")
	full     = flag.Bool("full", false, "a million events and a list of a million: takes the better part of an hour")
	rounds   = flag.Int("rounds", 3, "how often both builds do each work, in turns; the best counts")
	only     = flag.String("rows", "", "a regular `expression`: only works whose name matches")
)

// build is one of the two.
type build struct{ name, source, program string }

// figure is what one run of a work showed.
type figure struct {
	row   string
	unit  string
	value float64
	more  bool    // more is better
	asked float64 // the ratio that is asked for, 0 for none
	most  float64 // the most that it may be, 0 for none
	least float64 // what the plainest program took for the same bytes and rows, 0 where none was run
}

// thisTree is the name of the newer build.
const thisTree = "this"

// work is done by both builds.
type work struct {
	name string
	// ready prepares what both need and returns what one of them does once.
	ready func(t *testing.T, older build) func(t *testing.T, b build) []figure
}

// TestCompare prints, for each row of the table, what the older build and this
// tree took, and the ratio. It fails when a work fails, never for a figure.
func TestCompare(t *testing.T) {
	if *baseTree == "" {
		t.Skip("make compare BASE=COMMIT runs it")
	}
	choice, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	builds := []build{{name: "base", source: *baseTree}, {name: thisTree, source: filepath.Join("..", "..", "..")}}
	for i := range builds {
		b := &builds[i]
		b.program = filepath.Join(dir, "harvester-"+b.name)
		b.goes(t, "build", "-trimpath", "-o", b.program, "./cmd/harvester")
	}
	fmt.Printf("%-54s  %12s  %12s  %12s  %6s  %6s  %s\n", "", "base", "this", "plainest", "ratio", "least", "asked")
	for _, w := range works() {
		if !choice.MatchString(w.name) {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			run := w.ready(t, builds[0])
			var rows []string
			best := map[string][2]figure{}
			for range *rounds {
				for i, b := range builds {
					for _, f := range run(t, b) {
						pair, known := best[f.row]
						if !known {
							rows = append(rows, f.row)
						}
						pair[i] = better(pair[i], f)
						best[f.row] = pair
					}
				}
			}
			for _, row := range rows {
				fmt.Println(line(best[row]))
			}
		})
	}
}

// better joins two runs of one row: the best of each.
func better(a, b figure) figure {
	if a.row == "" {
		return b
	}
	best := func(x, y float64) float64 {
		if b.more {
			return max(x, y)
		}
		return min(x, y)
	}
	b.value = best(a.value, b.value)
	if a.least != 0 {
		b.least = best(a.least, b.least)
	}
	return b
}

// line is a row of the table.
func line(f [2]figure) string {
	asked := ""
	switch now := f[1]; {
	case now.most > 0:
		asked = fmt.Sprintf("at most %g %s", now.most, now.unit)
	case now.asked > 0 && now.more:
		asked = fmt.Sprintf("≥ %.2f", now.asked)
	case now.asked > 0:
		asked = fmt.Sprintf("≤ %.2f", now.asked)
	}
	plain, least := "", ""
	if f[1].least > 0 {
		plain, least = fmt.Sprintf("%.1f", f[1].least), fmt.Sprintf("%.2f", f[1].least/f[0].value)
	}
	return fmt.Sprintf("%-54s  %12.1f  %12.1f  %12s  %6.2f  %6s  %s", cmp.Or(f[1].row, f[0].row)+", "+cmp.Or(f[1].unit, f[0].unit),
		f[0].value, f[1].value, plain, f[1].value/f[0].value, least, asked)
}

func works() []work {
	size := func(usual, whole int) int {
		if *full {
			return whole
		}
		return usual
	}
	return []work{
		{"maildir", func(t *testing.T, _ build) func(*testing.T, build) []figure { return overMaildir(t, 20_000) }},
		{"dovecot", func(t *testing.T, _ build) func(*testing.T, build) []figure { return overIMAP(t, 20_000) }},
		{"history", func(t *testing.T, older build) func(*testing.T, build) []figure {
			return overHistory(t, older, size(100_000, 1_000_000))
		}},
		{"list", func(t *testing.T, older build) func(*testing.T, build) []figure {
			return overList(t, older, size(50_000, 1_000_000))
		}},
		{"lookup", func(t *testing.T, older build) func(*testing.T, build) []figure {
			return overLookups(t, older, 20_000, size(40_000, 200_000))
		}},
		{"classify", func(t *testing.T, _ build) func(*testing.T, build) []figure { return overReplies(t) }},
	}
}

// goes runs the go command in the build's sources.
func (b build) goes(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = b.source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: go %v: %v\n%s", b.source, args, err, out)
	}
}

func TestLine(t *testing.T) {
	for _, f := range []struct {
		is   figure
		want string
	}{
		{figure{"once", "µs", 50, false, 0.5, 0, 30}, "once, µs                                                       100.0          50.0          30.0    0.50    0.30  ≤ 0.50"},
		{figure{"lookup", "/s", 250, true, 2, 0, 0}, "lookup, /s                                                     100.0         250.0                  2.50          ≥ 2.00"},
		{figure{"peak", "MB", 60, false, 0, 64, 0}, "peak, MB                                                       100.0          60.0                  0.60          at most 64 MB"},
	} {
		was := f.is
		was.value, was.least = 100, 0
		if got := line([2]figure{was, f.is}); got != f.want {
			t.Errorf("%q\n%q", got, f.want)
		}
	}
	if names := []string{}; slices.ContainsFunc(works(), func(w work) bool { names = append(names, w.name); return slices.Contains(names[:len(names)-1], w.name) }) {
		t.Error("two works of one name", names)
	}
}
