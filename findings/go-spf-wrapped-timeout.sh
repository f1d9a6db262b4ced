#!/usr/bin/env bash
# blitiri.com.ar/go/spf takes a wrapped DNS timeout for a permanent error
#
# Program: blitiri.com.ar/go/spf v1.6.0. WithResolver takes any resolver with
# net.Resolver's methods. RFC 7208 section 2.6.6 makes a DNS failure a temperror.
# The package looks at the type of the error without unwrapping it: the same
# temporary *net.DNSError gives temperror when it is returned bare, and
# permerror when the resolver wraps it with %w, as Go code usually does, or
# returns context.DeadlineExceeded. A checker then blames the record.
# Needs Go and its module proxy. Fails when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat >go.mod <<'END'
module finding
go 1.24
END
cat >main.go <<'END'
package main

import (
	"context"
	"fmt"
	"net"

	"blitiri.com.ar/go/spf"
)

type resolver struct {
	*net.Resolver
	err error
}

func (r resolver) LookupTXT(context.Context, string) ([]string, error) { return nil, r.err }

func main() {
	timeout := &net.DNSError{Err: "timeout", Name: "example.org", IsTimeout: true, IsTemporary: true}
	for _, err := range []error{timeout, fmt.Errorf("asking: %w", timeout), context.DeadlineExceeded} {
		result, _ := spf.CheckHostWithSender(net.IPv4(192, 0, 2, 1), "mail.example.org", "postmaster@example.org", spf.WithResolver(resolver{err: err}))
		fmt.Println(result)
	}
}
END
go get blitiri.com.ar/go/spf@v1.6.0 2>/dev/null
said=$(go run . | paste -sd' ')
echo "bare, wrapped, deadline: $said"
[ "$said" = "temperror permerror permerror" ] || { echo "go/spf answers otherwise now"; exit 1; }
echo "as described: only a bare error is temporary"
