package auth

import (
	"encoding/base64"
	"slices"
	"testing"
)

func TestPermissions(t *testing.T) {
	jwt := func(claims string) string { return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s" }
	for token, want := range map[string][]string{
		jwt(`{"roles":["IMAP.AccessAsApp","POP.AccessAsApp"]}`): {"IMAP.AccessAsApp", "POP.AccessAsApp"},
		jwt(`{"scp":"IMAP.AccessAsUser.All openid"}`):           {"IMAP.AccessAsUser.All", "openid"},
		jwt(`{}`):               nil,
		jwt(`no`):               nil,
		"ya29.opaque":           nil,
		"a.%%%.c":               nil,
		"EwA4A8l6BAAUO9chh8cJs": nil,
	} {
		got, ok := Permissions(token)
		if readable := want != nil || token == jwt(`{}`); ok != readable || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v", token, got, ok)
		}
	}
}
