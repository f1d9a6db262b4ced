// Package fleet lets several workers share one database of a PostgreSQL server:
// who is at work, and who may do what.
//
// # What a lease is
//
// A lease is the right to one thing that only one may do at a time: to harvest a
// mailbox, to write a file, or to lead, which is to judge and all that follows
// from it. It is a row with an owner, a time, and an epoch that grows with every
// owner. The time is the database's, so that no worker's clock matters. Who holds
// a lease renews it with every beat; one that was not renewed is free.
//
// # How a worker that slept is kept out
//
// A worker does what a lease is for under a context (Member.Term). It ends when
// the lease is lost, which a worker that slept may notice late. So every
// transaction under that context begins with a look at the row that fails where
// the epoch is another by now (engine.Fenced), and that keeps the epoch as it is
// until the transaction has ended. Nothing is stored by two owners.
//
// The lock of that look is FOR KEY SHARE. Renewing changes the time alone, which
// such a lock does not hinder; a new owner changes the epoch, which is part of a
// unique key, and that it does hinder. Who wants a lease passes over rows that
// are locked and tries again with the next beat: it never waits for a worker. The
// server ends the transaction of one that sleeps in it (engine, impatient).
//
// # How leases are spread
//
// Every worker reads the same rows and comes to the same distribution (assign),
// a pure function: who holds something keeps it up to its share, which is as many
// as there are for each, rounded up; what is left goes to who has the fewest, of
// those that can. Each gives back what it should not have, after what is in hand,
// and takes what is free and should be its own.
package fleet
