// Package generic reads layouts that nobody described (Read): an address in a place
// where notices name their recipient, next to words of failure or a reply. Places are
// ranked (notice.Rank), from an address alone on its line or before a colon down to
// one in a sentence that speaks of a failure; the best rank that a text shows is
// believed, and no other. Two addresses that could be meant in prose give nobody: a
// failure of nobody is looked at by a person, one of the wrong recipient is not.
package generic
