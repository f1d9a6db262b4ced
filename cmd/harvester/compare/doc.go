// Package compare measures two builds of the program against each other, on the
// same work and in the same minute: on a machine that others use, a figure says
// little and a ratio says a lot. `make compare BASE=COMMIT` runs it.
//
// Both builds are used from outside: command lines, a mailbox of a real server,
// HTTP. So they may differ in everything within. A database is filled by the
// older build and migrated by the newer one.
package compare
