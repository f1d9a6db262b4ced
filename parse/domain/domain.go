// Package domain tells which domains are ours, for everybody in one way.
//
// An entry of own_domains is a domain with all that stands below it, or, with
// "=" before it, that domain alone: who provides mail for customers below a
// domain of his own must not take their addresses for his.
package domain

import "strings"

// Exact is what an entry begins with that leaves out what stands below.
const Exact = "="

// Below tells whether name is one of the domains or stands below one. An entry
// that begins with "=" is that domain alone. All are in lower case, without
// the dot of the root; an empty entry holds nothing.
func Below(name string, domains []string) bool {
	for _, d := range domains {
		switch {
		case d == "":
		case name == d, d[0] == '=' && name == d[1:] && name != "":
			return true
		case len(name) > len(d) && name[len(name)-len(d)-1] == '.' && strings.HasSuffix(name, d):
			return true
		}
	}
	return false
}

// Name is the domain of an entry.
func Name(entry string) string { return strings.TrimPrefix(entry, Exact) }

// Names are the domains of entries, in their order.
func Names(entries []string) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = Name(e)
	}
	return out
}
