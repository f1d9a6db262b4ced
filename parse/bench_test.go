package parse

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/parse/baseline"
	"harvester/parse/rules"
)

// corpus is the mails of one benchmark.
type corpus struct {
	name string
	raw  [][]byte
}

// corpora are all fixtures, which are DSNs, notices in words and mail that is
// no bounce, 1 to 8 KB each; and the DSNs of 3 to 8 KB among them, as most
// of the mail of a bounce mailbox is.
func corpora(b *testing.B) []corpus {
	all, reports := corpus{name: "fixtures"}, corpus{name: "dsn"}
	for _, name := range mails(b) {
		raw := fixture(b, name)
		all.raw = append(all.raw, raw)
		if n := len(raw); n >= 3000 && n <= 8192 && bytes.Contains(raw, []byte("\nContent-Type: message/delivery-status")) {
			reports.raw = append(reports.raw, raw)
		}
	}
	rules.Builtin()
	Parse(all.raw[0], ours)
	return []corpus{all, reports}
}

func (c corpus) each(b *testing.B, read func([]byte)) {
	size := 0
	for _, raw := range c.raw {
		size += len(raw)
	}
	b.SetBytes(int64(size / len(c.raw)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		read(c.raw[i%len(c.raw)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkParse reads each mail of a corpus in turn.
func BenchmarkParse(b *testing.B) {
	for _, c := range corpora(b) {
		b.Run(c.name, func(b *testing.B) { c.each(b, func(raw []byte) { Parse(raw, ours) }) })
	}
}

// BenchmarkBaseline does the same with the standard library.
func BenchmarkBaseline(b *testing.B) {
	for _, c := range corpora(b) {
		b.Run(c.name, func(b *testing.B) { c.each(b, baseline.Walk) })
	}
}

// BenchmarkRatio reads a corpus in turns with Parse and with the standard
// library, so that both have the same share of a busy machine, and tells how
// many times as long Parse takes.
func BenchmarkRatio(b *testing.B) {
	for _, c := range corpora(b) {
		b.Run(c.name, func(b *testing.B) {
			var mine, theirs time.Duration
			for b.Loop() {
				start := time.Now()
				for _, raw := range c.raw {
					Parse(raw, ours)
				}
				middle := time.Now()
				for _, raw := range c.raw {
					baseline.Walk(raw)
				}
				mine, theirs = mine+middle.Sub(start), theirs+time.Since(middle)
			}
			b.ReportMetric(mine.Seconds()/theirs.Seconds(), "times-stdlib")
		})
	}
}

// BenchmarkParsePostfix parses the plainest of all: a Postfix notice of one
// recipient.
func BenchmarkParsePostfix(b *testing.B) {
	corpus{raw: [][]byte{fixture(b, "postfix/failed.eml")}}.each(b, func(raw []byte) { Parse(raw, ours) })
}

// BenchmarkParseReturned parses a notice that returns a mail of this size: how
// the cost grows.
func BenchmarkParseReturned(b *testing.B) {
	raw := string(fixture(b, "postfix/failed.eml"))
	at := strings.LastIndex(raw, "\n--")
	for _, mb := range []int{3, 10, 30, 100} {
		line := strings.Repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo", 2) + "\n"
		big := []byte(raw[:at] + "\n" + strings.Repeat(line, mb<<20/len(line)) + raw[at:])
		b.Run(fmt.Sprintf("%dMB", mb), func(b *testing.B) {
			corpus{raw: [][]byte{big}}.each(b, func(raw []byte) { Parse(raw, ours) })
		})
	}
}

// BenchmarkParseHostile parses mails of 10 MB that are made to hurt.
func BenchmarkParseHostile(b *testing.B) {
	mails := hostile(10 << 20)
	for _, name := range slices.Sorted(maps.Keys(mails)) {
		b.Run(name, func(b *testing.B) {
			corpus{raw: [][]byte{[]byte(mails[name])}}.each(b, func(raw []byte) { Parse(raw, ours) })
		})
	}
}
