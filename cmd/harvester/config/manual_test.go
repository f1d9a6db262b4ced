package config

import (
	"regexp"
	"strings"
	"testing"
)

// harvester.toml(5) describes every key with the default that the program uses.
func TestManualDescribesEveryKey(t *testing.T) {
	page := Manual("harvester 1.0")
	for line := range strings.Lines(Example) {
		setting := strings.TrimPrefix(strings.TrimSpace(line), "#")
		if setting != "" && !strings.HasPrefix(setting, " ") {
			want := "\\fB" + roff(setting) + "\\fR\n"
			if strings.HasPrefix(setting, "[") {
				want = ".SH " + roff(setting) + "\n"
			}
			if strings.Count(page, want) == 0 {
				t.Errorf("no %q", want)
			}
		}
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !request.MatchString(line) {
			t.Errorf("roff would take a text for a request: %s", line)
		}
	}
}

var request = regexp.MustCompile(`^\.(TH|SH|TP|TQ|PP|sp|nf|fi)\b`)
