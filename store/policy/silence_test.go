package policy

import (
	"testing"
	"time"
)

func TestSilent(t *testing.T) {
	last := time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		usual float64
		gap   time.Duration
		after time.Duration
		news  bool
		as    Urgency
	}{
		"a night":                   {50, 3 * time.Hour, 12 * time.Hour, false, Soon},
		"a day":                     {50, 3 * time.Hour, 24 * time.Hour, true, Soon},
		"two days":                  {50, 3 * time.Hour, 48 * time.Hour, true, Now},
		"where little comes":        {4, 3 * time.Hour, 240 * time.Hour, false, Soon},
		"a week-end like any other": {50, 64 * time.Hour, 70 * time.Hour, false, Soon},
		"a longer one":              {50, 64 * time.Hour, 96 * time.Hour, true, Soon},
		"a week":                    {50, 64 * time.Hour, 8 * 24 * time.Hour, true, Now},
	} {
		as, news := Lull{Last: last, Usual: tt.usual, Gap: tt.gap, Begun: last.AddDate(0, -1, 0), Looked: last.Add(tt.after)}.Silent()
		if news != tt.news || as != tt.as {
			t.Errorf("%s: %v %v", name, as, news)
		}
	}
	for name, l := range map[string]Lull{
		"no mail ever came": {Begun: last, Looked: last.AddDate(0, 1, 0)},
		"nobody has looked": {Last: last, Usual: 50},
		"what was imported": {Last: last, Usual: 50, Begun: last.AddDate(0, 1, 0), Looked: last.AddDate(0, 1, 0)},
	} {
		if _, news := l.Silent(); news {
			t.Error(name)
		}
	}
}
