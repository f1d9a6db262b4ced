package envelope

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"
)

// BATV verifies the tag of a return path (draft-levine-smtp-batv-01 §4) with
// the key of its number: prvs=KDDDSSSSSS=local@domain. Day is the day number
// modulo 1000 on which the tag expires.
func BATV(addr string, keys map[int][]byte) (day int, ok bool) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return 0, false
	}
	rest, ok := cutFold(addr[:at], "prvs=")
	if !ok {
		return 0, false
	}
	tag, local, ok := strings.Cut(rest, "=")
	if !ok || !isTag(tag) {
		return 0, false
	}
	number, day := int(tag[0]-'0'), 0
	if day, _ = strconv.Atoi(tag[1:4]); keys[number] == nil {
		return 0, false
	}
	mac := hmac.New(sha1.New, keys[number])
	mac.Write([]byte(tag[:4] + local + addr[at:]))
	if want := hex.EncodeToString(mac.Sum(nil)[:3]); !hmac.Equal([]byte(want), []byte(strings.ToLower(tag[4:]))) {
		return 0, false
	}
	return day, true
}
