package imap

import (
	"context"
	"fmt"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// personal is how names of this user's own folders begin, and what parts their
// levels (RFC 2342); ok is false where the server doesn't tell.
func (s *session) personal(ctx context.Context) (prefix string, separator rune, ok bool) {
	if s.has(ctx, imap.CapNamespace) {
		err := s.do(ctx, "asking for namespaces", func() error {
			data, err := s.client.Namespace().Wait()
			if err == nil && len(data.Personal) > 0 {
				prefix, separator, ok = data.Personal[0].Prefix, data.Personal[0].Delim, true
			}
			return err
		})
		if err == nil && ok {
			return prefix, separator, ok
		}
	}
	err := s.do(ctx, "asking for the separator", func() error {
		list, err := s.client.List("", "", nil).Collect()
		if len(list) > 0 {
			separator, ok = list[0].Delim, list[0].Delim != 0
		}
		return err
	})
	return "", separator, ok && err == nil
}

// rightName is what a folder must be called to be made on this server, and why
// it can't be called as it is. A name that is right comes back.
func (s *session) rightName(ctx context.Context, name string) (right, why string) {
	prefix, separator, ok := s.personal(ctx)
	if !ok || strings.EqualFold(name, "INBOX") {
		return name, ""
	}
	right = name
	// A slash where another character parts the levels is that of some other
	// server; a dot may well be part of a name.
	if separator != '/' && separator != 0 {
		right = strings.ReplaceAll(right, "/", string(separator))
	}
	_, inside := strings.CutPrefix(right, prefix)
	if !inside {
		right = prefix + right
	}
	switch {
	case right == name:
		return name, ""
	case !inside:
		return right, fmt.Sprintf("the names of this server's folders begin with %q, and %q parts their levels", prefix, separator)
	}
	return right, fmt.Sprintf("%q parts the levels of a name on this server", separator)
}
