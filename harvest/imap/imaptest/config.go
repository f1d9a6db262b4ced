package imaptest

// The configuration. Every setting that looks superfluous is there because a
// server in a temporary folder, or one of an ordinary user, fails without it.
const common = `
base_dir = DIR/run
state_dir = DIR/state
log_path = DIR/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
default_login_user = LOGINUSER
default_internal_user = INTUSER
default_internal_group = INTGROUP
mail_uid = MAILUSER
mail_gid = MAILGROUP
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = MECHANISMS
ssl = yes
mail_max_userip_connections = 50
auth_failure_delay = 0
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  process_min_avail = 1
  inet_listener imap {
    port = PORT_IMAP
  }
  inet_listener imaps {
    port = PORT_IMAPS
    ssl = yes
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = PORT_POP3
  }
  inet_listener pop3s {
    port = PORT_POP3S
    ssl = yes
  }
}
namespace inbox {
  inbox = yes
  separator = /
}
PASSDB
`

const dialect23 = `
mail_home = DIR/mail/%u
mail_location = maildir:~/Maildir
disable_plaintext_auth = no
ssl_cert = <DIR/cert.pem
ssl_key = <DIR/key.pem
ssl_dh =
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u DIR/users
}
userdb {
  driver = static
  args = uid=MAILUSER gid=MAILGROUP home=DIR/mail/%u
}
`

const dialect24 = `
mail_home = DIR/mail/%{user}
mail_driver = maildir
mail_path = ~/Maildir
auth_allow_cleartext = yes
ssl_server_cert_file = DIR/cert.pem
ssl_server_key_file = DIR/key.pem
passdb passwd-file {
  passwd_file_path = DIR/users
}
userdb static {
  fields {
    uid = MAILUSER
    gid = MAILGROUP
    home = DIR/mail/%{user}
  }
}
`
