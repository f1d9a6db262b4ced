//go:build race

package parse

// The race detector empties pools at random, so that what is allocated under
// it says nothing of the program.
const racing = true
