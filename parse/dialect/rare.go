package dialect

// Systems that are hardly met any more, each a phrase or label and what stands
// behind it.

// Compuserve's postmaster.
func (layouts) Compuserve() Dialect {
	return Dialect{Name: "compuserve", Marks: []Mark{{"your message could not be delivered due to the following:"}},
		Read: form{Sentence: []string{"invalid receiver address:"}, Reply: []string{"invalid receiver address:"}, Final: true}.read}
}

// EarthLink.
func (layouts) EarthLink() Dialect {
	return Dialect{Name: "earthlink", Marks: []Mark{{"sorry, unable to deliver your message to"}},
		Read: form{Sentence: []string{"sorry, unable to deliver your message to"}, Reply: []string{"for the following reason:"}, Final: true}.read}
}

// LSMTP is LISTSERV's mailer.
func (layouts) LSMTP() Dialect {
	return Dialect{Name: "lsmtp", Marks: []Mark{{"error-for:", "error-text:"}, {"--> error description:"}},
		Read: form{Label: []string{"error-for"}, Reply: []string{"error-text"}, Final: true}.read}
}

// SoftSwitch and other X.400 gateways.
func (layouts) SoftSwitch() Dialect {
	return Dialect{Name: "softswitch", Marks: []Mark{{"this report relates to your message:", "was not delivered to"}, {"subject: delivery report (failure) for"}},
		Read: form{Sentence: []string{"your message was not delivered to"}, Reply: []string{"for the following reason:"}, Final: true}.read}
}

// Smail 3.
func (layouts) Smail() Dialect {
	return Dialect{Name: "smail", Marks: []Mark{{"failed addresses follow:"}},
		Read: form{List: []string{"failed addresses follow:"}, Final: true}.read}
}

// ZMailer.
func (layouts) ZMailer() Dialect {
	return Dialect{Name: "zmailer", Marks: []Mark{{"this is a collection of reports about email delivery"}},
		Read: form{List: []string{"original recipient:", "failed:"}, Reply: []string{"diagnostic texts:", "diagnostic text:"}, Final: true}.read}
}

// MailerErrors is a system whose name nobody knows ("There was an error
// sending your mail").
func (layouts) MailerErrors() Dialect {
	return Dialect{Name: "mailer-errors", Marks: []Mark{{"we had trouble delivering your message. full details follow"}, {"the following recipients returned permanent errors"}},
		Read: form{Sentence: []string{"rejected recipient", "the following recipients returned permanent errors"}, Reply: []string{"it responded as follows", "(error following", "smtp server"}, Final: true}.read}
}

// UsaNet and a few other providers of old.
func (layouts) UsaNet() Dialect {
	return Dialect{Name: "usanet", Marks: []Mark{{"--------returned mail follows"}, {"undeliverable address:", "original message attached"}, {"------ failed recipients ------"}, {"here is your list of failed recipients"}},
		Read: form{Label: []string{"intended recipient", "undeliverable address"}, List: []string{"------ failed recipients ------", "here is your list of failed recipients", "message not delivered to the following addresses"}, Final: true}.read}
}

// DeliverSystem writes `addr [User unknown]` lines under a sendmail-like
// heading without blanks.
func (layouts) DeliverSystem() Dialect {
	return Dialect{Name: "deliver-system", Marks: []Mark{{"---the following addresses had delivery errors---"}},
		Read: form{List: []string{"---the following addresses had delivery errors---"}, Final: true}.read}
}
