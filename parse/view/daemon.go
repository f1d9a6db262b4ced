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

// angled returns what stands in angle brackets. QUIRK: Sendmail without a
// domain of its own writes "<MAILER-DAEMON>".
func angled(v string) string {
	from, to := strings.LastIndexByte(v, '<'), strings.LastIndexByte(v, '>')
	if from < 0 || to < from {
		return ""
	}
	return v[from+1 : to]
}
