// Package notices holds the licences of what is linked into the program, which
// want to be passed on with it. `make licences` writes them anew from the module
// cache, and a test holds them to what is linked.
package notices

import _ "embed" // the texts

// Text is a section for Go and for each module, with its licences whole.
//
//go:embed notices.txt
var Text string
