// Package foreign reads the suppression lists of other systems: what services
// and newsletter programs export, and every file of our own export profiles.
//
// A list is known by its columns (see forms). Each row says of an address that
// it bounced, complained, opted out or was entered by hand; the words are those
// of the other system, and are kept. Where a row has the reply of a server, that
// is read as one of a notice is: services list addresses for faults of the
// sender, too, and those are left out. A list of addresses alone could be
// anybody's customers, so somebody has to say what it means.
//
// Rows are taken, left out (understood, and not for the list) or refused (not
// understood). The package knows files and words, nothing of the database.
package foreign
