package dkim

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"harvester/parse/mime"
)

// claim is what somebody would believe because of a signature.
func claim(s Signature) string {
	out := s.Domain + " " + s.Mail
	for _, f := range s.Signed {
		if f.Name == "from" || f.Name == "to" || f.Name == "cc" || f.Name == "message-id" {
			out += fmt.Sprintf(" %s=%q", f.Name, mime.Addresses(f.Value))
		}
	}
	return out
}

// Whatever is done to a signed header: either the signature does not verify, or
// it says what it said. 100,000 changed headers; with -short, a tenth.
func TestMutations(t *testing.T) {
	total := 100_000
	if testing.Short() {
		total /= 10
	}
	var seeds []string
	var truths []map[string]bool
	for _, how := range []signing{{selector: "ed"}, {selector: "rsa"}, {selector: "ed", simple: true}, {selector: "rsa", simple: true},
		{selector: "ed", fields: append([]string{"From", "To", "Cc"}, usual...)}, {selector: "ed", fields: []string{"From", "Date", "Message-ID"}}} {
		seeds = append(seeds, head(sign(t, mail, how)))
	}
	seeds = append(seeds, head(sign(t, sign(t, mail, signing{selector: "rsa"}), signing{selector: "ed", simple: true})))
	for _, s := range seeds {
		truth := map[string]bool{}
		for _, sig := range Verify([]byte(s), ours, known) {
			if sig.Err != nil {
				t.Fatal(sig.Err)
			}
			truth[claim(sig)] = true
		}
		truths = append(truths, truth)
	}
	workers := max(runtime.GOMAXPROCS(0), 1)
	var wg sync.WaitGroup
	counts := make([][2]int, workers)
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(14, uint64(w)))
			for i := w; i < total; i += workers {
				n := i % len(seeds)
				changed := mutate(rnd, seeds[n])
				for _, sig := range Verify([]byte(changed), ours, known) {
					if sig.Err != nil {
						counts[w][0]++
						continue
					}
					counts[w][1]++
					if !truths[n][claim(sig)] {
						t.Errorf("wrongly accepted, as %s:\n%s", claim(sig), changed)
					}
				}
			}
		})
	}
	wg.Wait()
	var refused, kept int
	for _, c := range counts {
		refused, kept = refused+c[0], kept+c[1]
	}
	if refused == 0 || kept == 0 {
		t.Errorf("the mutations do nothing: %d refused, %d accepted", refused, kept)
	}
	if os.Getenv("HARVESTER_FIGURES") != "" {
		fmt.Printf("%d changed headers: %d signatures refused, %d accepted as what they said, 0 wrongly\n", total, refused, kept)
	}
}

var pieces = []string{"victim@example.net", "<victim@example.net>", "To: victim@example.net\r\n", "Cc: victim@example.net, ", "From: x@example.org\r\n", "\r\n\r\n", "\r\n ", "\r\n", "\n", "\t", " ", ";", ":", "=", "h=from:to;", "h=from",
	"l=0;", "c=simple;", "c=relaxed/simple;", "d=example.org;", "s=rsa;", "s=ed;", "b=", "bh=", "v=1;", "a=rsa-sha256;", "\x00", "\x80", "(", ")", "\"", ",", "To", "to:", "DKIM-Signature: "}

// mutate changes a header in one to three places.
func mutate(rnd *rand.Rand, s string) string {
	b := []byte(s)
	for range 1 + rnd.IntN(3) {
		if len(b) < 2 {
			return string(b)
		}
		at := min(rnd.IntN(len(b)), rnd.IntN(len(b)))
		piece := pieces[rnd.IntN(len(pieces))]
		switch rnd.IntN(9) {
		case 0: // a bit
			b[at] ^= 1 << rnd.IntN(8)
		case 1:
			b[at] = byte(rnd.IntN(256))
		case 2:
			b = append(b[:at], append([]byte(piece), b[at:]...)...)
		case 3:
			b = append(b[:at], b[min(len(b), at+1+rnd.IntN(20)):]...)
		case 4: // another order
			lines := strings.SplitAfter(string(b), "\r\n")
			rnd.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
			b = []byte(strings.Join(lines, ""))
		case 5: // a field more
			lines := strings.SplitAfter(string(b), "\r\n")
			i := rnd.IntN(len(lines))
			lines[i] = "To: victim@example.net\r\n" + lines[i]
			b = []byte(strings.Join(lines, ""))
		case 6: // a field twice, or not at all
			lines := strings.SplitAfter(string(b), "\r\n")
			i := rnd.IntN(len(lines))
			if rnd.IntN(2) == 0 {
				lines[i] += lines[rnd.IntN(len(lines))]
			} else {
				lines[i] = ""
			}
			b = []byte(strings.Join(lines, ""))
		case 7:
			b = []byte(strings.ReplaceAll(string(b), "jane@", "victim@"))
		case 8: // blanks, which relaxed permits
			b = []byte(strings.Replace(string(b), " ", []string{"  ", "\t", "\r\n ", " \r\n\t"}[rnd.IntN(4)], 1+rnd.IntN(4)))
		}
	}
	return string(b)
}
