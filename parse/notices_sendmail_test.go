package parse

import (
	"os"
	"path/filepath"
	"testing"
)

// sendmail is configured by macros, which m4 makes into its own language.
var sendmail = program{
	name: "sendmail", binary: "usr/libexec/sendmail/sendmail",
	files: map[string]string{
		"etc/mail/sendmail.mc": "divert(-1)\ninclude(`/usr/share/sendmail/cf/m4/cf.m4')\nOSTYPE(`linux')dnl\nDOMAIN(`generic')dnl\ndefine(`confCW_FILE', `-o /dev/null')dnl\ndefine(`ALIAS_FILE', `')dnl\n" +
			"define(`confDOMAIN_NAME', `relay.example.net')dnl\ndefine(`SMART_HOST', `esmtp:[127.0.0.1]')dnl\nundefine(`confHOST_STATUS_DIRECTORY')dnl\nFEATURE(`nocanonify')dnl\nMAILER(`smtp')dnl\n",
		"etc/hosts": "127.0.0.1 relay.example.net localhost\n",
	},
	folders: map[string]int{"var/spool/mqueue": 0},
	prepare: func(t *testing.T, root string) {
		out, err := inRoot(root, []string{"/usr/bin/m4", "-D_CF_DIR_=/usr/share/sendmail/cf/", "/etc/mail/sendmail.mc"}).Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "etc/mail/sendmail.cf"), out, 0o644); err != nil {
			t.Fatal(err)
		}
	},
	submit: piped(func(to []string, mail string) (string, []string) {
		return mail, append([]string{"/usr/libexec/sendmail/sendmail", "-C", "/etc/mail/sendmail.cf", "-odi", "-i", "-f", "bounces@example.org"}, to...)
	}),
}

// haraka is JavaScript, and relays for nobody unless a plugin says so.
var haraka = program{
	name: "haraka", binary: "haraka/node_modules/Haraka/bin/haraka",
	// QUIRK: Haraka 3.3.4 leaves Action, Status and reply out of the group of a
	// recipient who was refused while another of the mail was accepted.
	mute: true,
	files: map[string]string{
		"haraka/conf/config/me": "relay.example.net\n", "haraka/conf/config/smtp.ini": "listen=127.0.0.1:2528\nnodes=0\n",
		"haraka/conf/config/plugins": "relays\n", "haraka/conf/config/outbound.ini": "local_mx_ok=true\nenable_tls=false\n",
		"haraka/conf/plugins/relays.js": "exports.hook_rcpt = (next, connection) => { connection.relaying = true; next(OK) }\n",
	},
	folders: map[string]int{"haraka/conf/queue": 0},
	prepare: func(t *testing.T, root string) {
		// QUIRK: Haraka 3.3.4 stops at the first connection without a connection.ini.
		text, err := os.ReadFile(filepath.Join(root, "haraka/node_modules/Haraka/config/connection.ini"))
		if err == nil {
			err = os.WriteFile(filepath.Join(root, "haraka/conf/config/connection.ini"), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	},
	daemon: []string{"/usr/bin/node", "/haraka/node_modules/Haraka/bin/haraka", "-c", "/haraka/conf"},
	submit: overSMTP("127.0.0.1:2528"),
}
