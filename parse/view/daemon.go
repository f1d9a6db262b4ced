package view

import "strings"

// daemons are local parts that mail systems write from, without the dots and
// dashes that each of them sets elsewhere: "mailer-daemon", "post_master".
var daemons = map[string]bool{
	"mailerdaemon": true, "maildaemon": true, "postmaster": true, "maildelivery": true,
	"mdaemon": true, "mailer": true, "smtpdaemon": true, "mailsystem": true,
}

var bare = strings.NewReplacer("-", "", "_", "", ".", "")

func isDaemon(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	local = bare.Replace(local)
	return daemons[local] || strings.HasPrefix(local, "microsoftexchange") || strings.HasPrefix(local, "mailerdaemon")
}
