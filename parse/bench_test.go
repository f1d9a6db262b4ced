package parse

import (
	"strings"
	"testing"

	"harvester/parse/rules"
)

// BenchmarkParse parses every fixture in turn: DSNs, notices in words and mail
// that is no bounce, 1 to 10 KB each.
func BenchmarkParse(b *testing.B) {
	var raw [][]byte
	size := 0
	for _, name := range mails(b) {
		raw = append(raw, fixture(b, name))
		size += len(raw[len(raw)-1])
	}
	rules.Builtin()
	Parse(raw[0], ours)
	b.SetBytes(int64(size / len(raw)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		Parse(raw[i%len(raw)], ours)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkParseDSN parses the plainest of all: a Postfix notice of one
// recipient.
func BenchmarkParseDSN(b *testing.B) {
	raw := fixture(b, "postfix/failed.eml")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(raw, ours)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkParseReturned parses a notice that returns 3 MB, and how it grows.
func BenchmarkParseReturned(b *testing.B) {
	raw := string(fixture(b, "postfix/failed.eml"))
	at := strings.LastIndex(raw, "\n--")
	for name, size := range map[string]int{"3MB": 3 << 20, "30MB": 30 << 20} {
		line := strings.Repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo", 2) + "\n"
		big := []byte(raw[:at] + "\n" + strings.Repeat(line, size/len(line)) + raw[at:])
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(big)))
			b.ReportAllocs()
			for b.Loop() {
				Parse(big, ours)
			}
		})
	}
}
