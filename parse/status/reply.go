package status

import "harvester/parse/bounce"

// replies are the reply codes of RFC 5321 §4.2.2 and of the documents that
// added to them (RFC 4954, 7504). A code such as 550 or 554 covers a bad
// address and a refusal of the sender alike, so it says nothing here.
var replies = map[int]Meaning{
	421: {"service not available, closing transmission channel", bounce.Deferred, true},
	432: {"a password transition is needed", bounce.SenderAccount, true},
	450: {"mailbox unavailable, busy or blocked for policy reasons", bounce.Deferred, true},
	451: {"local error in processing", bounce.Deferred, true},
	452: {"insufficient system storage", bounce.Deferred, true},
	454: {"temporary authentication failure", bounce.Deferred, true},
	455: {"server unable to accommodate parameters", bounce.Deferred, true},
	500: {"syntax error, command unrecognized", bounce.ProtocolError, true},
	501: {"syntax error in parameters or arguments", bounce.ProtocolError, true},
	502: {"command not implemented", bounce.ProtocolError, true},
	503: {"bad sequence of commands", bounce.ProtocolError, true},
	504: {"command parameter not implemented", bounce.ProtocolError, true},
	521: {"host does not accept mail", bounce.RoutingFailed, true},
	523: {"encryption needed", bounce.TLSFailed, true},
	530: {"authentication required", bounce.SenderAccount, true},
	534: {"authentication mechanism is too weak", bounce.SenderAccount, true},
	535: {"authentication credentials invalid", bounce.SenderAccount, true},
	538: {"encryption required for requested authentication mechanism", bounce.TLSFailed, true},
	550: {"mailbox unavailable, or refused for policy reasons", bounce.Unclassified, true},
	551: {"user not local", bounce.Unclassified, true},
	552: {"exceeded storage allocation", bounce.MailboxFull, true},
	553: {"mailbox name not allowed", bounce.Unclassified, true},
	554: {"transaction failed", bounce.Unclassified, true},
	555: {"MAIL or RCPT parameters not recognized or not implemented", bounce.ProtocolError, true},
	556: {"domain does not accept mail", bounce.DomainUnknown, true},
}

// Reply says what a three-digit reply code means. An unregistered 4yz is
// deferred, as RFC 5321 §4.2.1 defines its class; an unregistered 5yz says
// nothing. ok tells whether the code is registered.
func Reply(code int) (m Meaning, ok bool) {
	if m, ok = replies[code]; ok {
		return m, true
	}
	if code/100 == 4 {
		return Meaning{"temporary failure", bounce.Deferred, true}, false
	}
	return Meaning{Weak: true}, false
}
