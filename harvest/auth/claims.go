package auth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// Permissions are what an access token of Microsoft allows: the roles of an
// application, or the scopes that a user agreed to
// (learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
// A token that can't be read tells nothing, and ok is false. Nothing is
// verified: this explains a refusal, it grants nothing.
func Permissions(token string) (names []string, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, false
	}
	var claims struct {
		Roles  []string `json:"roles"`
		Scopes string   `json:"scp"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return nil, false
	}
	return append(claims.Roles, strings.Fields(claims.Scopes)...), true
}
