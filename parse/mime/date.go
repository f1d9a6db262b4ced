package mime

import (
	"strings"
	"time"
)

var zones = map[string]int{
	"ut": 0, "utc": 0, "gmt": 0, "z": 0,
	"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
	"cet": 1, "cest": 2, "met": 1, "mest": 2, "bst": 1, "eet": 2, "eest": 3, "msk": 3, "jst": 9, "kst": 9,
}

// Date reads the date of a mail (RFC 5322 §3.3) and what real software writes
// in its place: two-digit years, ISO forms, `23-59-59`. A missing zone is
// taken as UTC. It returns the zero time for anything else.
func Date(s string) time.Time {
	var year, month, day, hour, minute, second, offset int
	clock := false
	s, _, _ = strings.Cut(s, "(")
	for word := range strings.FieldsFuncSeq(s[:min(len(s), 80)], func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
		a, b, c, n, rest := numbers(word)
		switch {
		case n == 3 && a > 31 && month == 0: // 2012-12-31
			year, month, day = a, b, c
			if rest != "" && (rest[0] == 'T' || rest[0] == 't') {
				if h, m, sec, k, tail := numbers(rest[1:]); k >= 2 {
					hour, minute, second, clock = h, m, sec, true
					offset = zone(tail)
				}
			}
		case n >= 2 && !clock:
			hour, minute, second, clock = a, b, c, true
			if strings.EqualFold(rest, "pm") && hour < 12 {
				hour += 12
			}
		case n == 1 && (word[0] == '+' || word[0] == '-'):
			offset = zone(word)
		case n == 1 && rest == "" && day == 0 && a <= 31:
			day = a
		case n == 1 && rest == "":
			if year == 0 {
				year = a
			}
		case n == 1 && strings.HasPrefix(rest, "-"): // 02-Jul-2026
			if m, y, ok := strings.Cut(rest[1:], "-"); ok && day == 0 {
				yy, _, _, _, _ := numbers(y)
				day, month, year = a, monthOf(m), yy
			}
		case n == 0:
			if m := monthOf(word); m != 0 && month == 0 {
				month = m
			} else if h, ok := zones[strings.ToLower(word)]; ok && clock {
				offset = h * 3600
			}
		}
	}
	switch {
	case year > 0 && year < 50:
		year += 2000
	case year >= 50 && year < 100:
		year += 1900
	}
	if year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60 {
		return time.Time{}
	}
	loc := time.UTC
	if offset != 0 {
		loc = time.FixedZone("", offset)
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, loc)
}

// numbers reads up to three numbers with one of `:`, `-`, `/`, `.` between
// them, a sign in front left out, and what stands behind.
func numbers(s string) (a, b, c, n int, rest string) {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	v := [3]int{}
	i := 0
	for n < 3 {
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' && i-start < 5 {
			v[n] = v[n]*10 + int(s[i]-'0')
			i++
		}
		if i == start {
			break
		}
		n++
		if n < 3 && i+1 < len(s) && strings.IndexByte(":-/.", s[i]) >= 0 && s[i+1] >= '0' && s[i+1] <= '9' {
			i++
			continue
		}
		break
	}
	return v[0], v[1], v[2], n, s[i:]
}

// zone reads `+0200` or `-07:00` in seconds.
func zone(s string) int {
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0
	}
	h, m, _, n, _ := numbers(s)
	if n == 1 {
		h, m = h/100, h%100
	}
	if h > 14 || m > 59 {
		return 0
	}
	if s[0] == '-' {
		return -(h*3600 + m*60)
	}
	return h*3600 + m*60
}

func monthOf(s string) int {
	if len(s) < 3 {
		return 0
	}
	const months = "janfebmaraprmayjunjulaugsepoctnovdec"
	var key [3]byte
	for i := range key {
		key[i] = s[i] | 0x20
	}
	i := strings.Index(months, string(key[:]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return i/3 + 1
}
