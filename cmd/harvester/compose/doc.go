// Package compose builds from a configuration what the commands and the daemon
// run: harvests, exports, pushes and reports over one database.
//
// # What it is for
//
// The rooms below know nothing of each other: a source of mail knows no store, a
// store no schedule, an export no configuration. Here alone they meet. Open takes
// a configuration and gives a Set; the Set gives jobs (schedule.Job), each a name,
// a time, a deadline and a function, which the daemon runs by the clock and "once"
// runs at once. So both do the same, and a command needs no more than the Set.
//
// # The order that Open keeps
//
// Rules first, since wrong ones must not judge. Then the keys of the return
// paths, for who judges; an operator's act needs none. Then the database, which
// decides nothing by being opened; then Judge.Follow, which brings the list in
// line with the configuration; last the claims on the mailboxes, so that no two
// programs of one user pull one mailbox. What fails closes what was opened.
//
// # What troubles are
//
// Troubles (trouble.go) is the one place that turns states into alarms: jobs that
// fail or are overdue, mailboxes that don't account for their mail, a stopped
// guard, a clock that nobody confirms. It reads, decides by policy.Alarms, and
// leaves telling to notify.
//
// # What may be touched
//
// A new job: its kind in store/job, its function here. A new alarm: its words in
// store/policy/alarm.go, what raises it in trouble.go. Nothing here speaks SQL or
// parses mail, and nothing below imports this package.
package compose
