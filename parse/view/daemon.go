package view

import "strings"

// daemons are local parts that mail systems write from.
var daemons = map[string]bool{
	"mailer-daemon": true, "mailerdaemon": true, "mail-daemon": true, "maildaemon": true,
	"postmaster": true, "maildelivery": true, "mail.delivery": true, "mdaemon": true,
	"mailer": true, "smtp-daemon": true, "mail-system": true, "mailsystem": true,
}

func isDaemon(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	return daemons[local] || strings.HasPrefix(local, "microsoftexchange") || strings.HasPrefix(local, "mailer-daemon")
}
