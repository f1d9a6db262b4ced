// Package toml reads TOML documents that people write, the configuration,
// rule files and scenarios, into structs. A plain decoder stops at the first error; this one goes
// on, so that whoever wrote the document sees all its faults at once, each with its
// place and what to do.
//
// A field says its key in a tag: `toml:"server"`; with ",required" it must be
// there, and with ",one" a single text stands for a list of one. Fields without a
// tag are left alone. A type that reads its own words (encoding.TextUnmarshaler) is
// written as a text. What must hold between keys is for the caller to check: Fault
// takes the path of a key, such as mailbox[0].server, and finds its place.
package toml
