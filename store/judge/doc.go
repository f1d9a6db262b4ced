// Package judge keeps what follows from the facts: the counts of failures that
// come together, the windows that they open, the rows of the suppression list,
// the list's history, the guard on the exports, and the level of each stream.
// Everything here can be recomputed from the facts at any time.
//
// # Why a fold
//
// The verdict on an address is policy.Fold over its events, the acts on it, and
// the windows and rulings around it. It needs no other address, so a commit
// decides about the addresses it touched and no others, a replay can walk over
// all of them a page at a time, and explain derives the same verdict anew. There
// is one way to read what a fold needs (pastOf, eachPast) and one to write what
// comes of it (address).
//
// # What a window is
//
// Addresses do not fail alone: an operator's outage, a dead domain, a broken
// path of ours fail together. A policy.Concentration says what counts together,
// and how. Distinct members are counted in bins; a bin far above what is usual
// opens a window, and the events within are held or lose their weight. That is
// the only way in which one address changes the verdict on another.
//
// # How counts stay right
//
// A new event adds to its bins only what did not stand in them before, found by
// member, so that a day of a million failures costs no more than others. An
// event that moves has its bins counted anew, by the index of the concentration.
// Recompute counts all bins in one pass. A test holds that all three agree.
//
// # Deciding history anew
//
// Recompute works in steps that are committed one by one, and goes on where it
// was cut off. Events that read differently are stored first. Then a walk over
// all addresses, in the order of their keys, notes those whose rows differ; the
// list stays as it was. One transaction at the end writes these rows, the counts
// and the windows, so that whoever reads sees the old list or the new one. Memory
// holds a page of addresses and the windows.
package judge
