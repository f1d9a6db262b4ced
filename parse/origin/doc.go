// Package origin tells who wrote a notice, from what our own mail server
// recorded when it took it: its Received line (RFC 5321 §4.4) and its
// Authentication-Results (RFC 8601). Everything else in a mail is the sender's
// word.
//
// A server writes its lines on top. So the header is read from above as far as
// the first Received line that shows a hop from outside: what stands above that
// is ours, what stands below may be made up. A mail without such a line, whose
// newest line was written by a host of ours, never came from outside: our own
// server wrote it.
//
// Hops between our own servers, and through a filter on the same machine, count
// as ours only where their network is configured: names in a Received line are
// the sender's claims, and behind a forwarded port everybody seems to come from
// 127.0.0.1 or 10.0.0.0/8.
package origin
