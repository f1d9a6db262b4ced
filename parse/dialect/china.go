package dialect

// Chinese mailbox providers: bilingual tables. The reply itself is quoted in
// English.

// QQ is Tencent's QQ Mail and Exmail.
func (layouts) QQ() Dialect {
	return Dialect{Name: "qq", Marks: []Mark{{"from: postmaster@qq.com"}, {"subject: 系统退信/systems bounce"}, {"postmaster@qq.com"}},
		Read: form{
			Label:    []string{"收件人", "recipient", "收件人邮件地址"},
			Sentence: []string{"无法送达", "无法发送到", "cannot be delivered to", "couldn't be sent to", "could not be delivered to", "无法投递"},
			Reply:    []string{"host ", "退信原因", "原因", "reason", "错误"},
			Final:    true,
		}.read}
}

// Coremail is 163, 126, yeah.net and the appliances sold under that name.
func (layouts) Coremail() Dialect {
	return Dialect{Name: "coremail", Marks: []Mark{{"您的邮件被退回来了"}, {"sorry, your mail is returned"}, {"from: postmaster@163.com"}, {"subject: 系统退信"}, {"退信原因/bounce reason"}},
		Read: form{
			Label: []string{"收件人/to", "收件人", "无法送达的邮件地址"},
			Reply: []string{"英文说明", "退信原因/bounce reason", "退信原因", "bounce reason"},
			Final: true,
		}.read}
}
