package diagnose

import (
	"strings"

	"harvester/parse/bounce"
)

// restriction is a setting at the recipient's organisation that keeps strangers
// out. Only its administrator can see and change it.
type restriction struct {
	id     string
	status []string
	words  []string
	what   string
	steps  []string
	page   string
}

const exchangeCenter = "Their administrator, in the Exchange admin centre (admin.exchange.microsoft.com): "

// restrictions by code, from Microsoft's own articles.
var restrictions = []restriction{
	{"group_internal", []string{"5.7.133"}, []string{"resolver.rst.senderauthenticationrequired", "sendernotauthenticatedforgroup"}, "a distribution list takes mail from inside its organisation alone",
		[]string{exchangeCenter + "Recipients, Groups, the list, Settings, Edit delivery management: allow people inside and outside the organisation.",
			"Or in PowerShell: Set-DistributionGroup -Identity LIST -RequireSenderAuthenticationEnabled $false"},
		"https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/fix-error-code-5-7-133-in-exchange-online"},
	{"group_senders", []string{"5.7.124"}, []string{"resolver.rst.notauthorizedtogroup", "sendernotinallowedsenderslist"}, "a distribution list takes mail from named senders alone",
		[]string{exchangeCenter + "Recipients, Contacts: add us as a mail contact; then Groups, the list, Settings, Edit delivery management: add that contact.",
			"Or in PowerShell: Set-DistributionGroup -Identity LIST -AcceptMessagesOnlyFromSendersOrMembers @{Add=\"OUR CONTACT\"}"},
		"https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/fix-error-code-5-7-124-in-exchange-online"},
	{"group_365", []string{"5.7.193"}, nil, "a Microsoft 365 group takes no mail from outside",
		[]string{"The group's owner, in Outlook: Edit group, Let people outside the organisation email the group. It takes up to an hour.",
			"Or in PowerShell: Set-UnifiedGroup -Identity GROUP -RequireSenderAuthenticationEnabled $false"}, ""},
	{"mailbox_internal", []string{"5.7.134", "5.7.12"}, []string{"recipnotauthenticatedformailbox"}, "a mailbox takes mail from inside its organisation alone",
		[]string{exchangeCenter + "Recipients, Mailboxes, the mailbox, Manage mail flow settings, Message delivery restriction: clear Require senders to be authenticated.",
			"Or in PowerShell: Set-Mailbox -Identity MAILBOX -RequireSenderAuthenticationEnabled $false"},
		"https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/fix-error-code-5-7-134-in-exchange-online"},
	{"folder_internal", []string{"5.7.135", "5.7.13"}, nil, "a public folder takes mail from inside its organisation alone",
		[]string{exchangeCenter + "Public folders, the folder, Mail flow settings, Message delivery restrictions: clear Require that all senders are authenticated.",
			"Or in PowerShell: Set-MailPublicFolder -Identity FOLDER -RequireSenderAuthenticationEnabled $false"}, ""},
	{"user_internal", []string{"5.7.136"}, nil, "a mail user takes mail from inside its organisation alone",
		[]string{"Their administrator, in the classic Exchange admin centre: Recipients, Contacts, Mail flow settings, Message delivery restrictions.",
			"Or in PowerShell: Set-MailUser -Identity USER -RequireSenderAuthenticationEnabled $false"}, ""},
	{"tenant_block", []string{"5.7.513", "5.7.703"}, []string{"tenant allow/block", "tenantallowblock"}, "the organisation blocks us on its own list",
		[]string{"Their administrator, in the Defender portal: Policies and rules, Threat policies, Tenant Allow/Block Lists: delete the entry for our domain or address.",
			"Or in PowerShell: Remove-TenantAllowBlockListItems -ListType Sender -Entries OURDOMAIN"}, "https://learn.microsoft.com/defender-office-365/tenant-allow-block-list-about"},
	{"google_group", nil, []string{"you may not have permission to post messages to the group", "may not have permission to post messages"}, "a Google group takes mail from its members alone",
		[]string{"The group's manager, in its settings: General, Who can post: Anyone on the web."}, "https://support.google.com/groups/answer/2464975"},
}

// restricted is about a recipient that exists and keeps strangers out: nothing
// is looked up, and the answer is whom to write to.
func (c *Checker) restricted(ev *Evidence) []Finding {
	text := strings.ToLower(ev.Claim.Sentence)
	for i := range restrictions {
		r := &restrictions[i]
		if !has(r.status, ev.Claim.Status) && !hasAny(text, r.words) && !hasAny(text, r.status) {
			continue
		}
		f := c.finding(ev, "restricted."+r.id, CannotTell, RecipientSide, "%s: only its administrator can see and change that", r.what)
		f.Steps = append([]string{"Write to the recipient's administrator by another way, with the reply and what follows. The address exists: keep it."}, r.steps...)
		f.Page, f.Subject = r.page, Subject{Domain: canonical(ev.Recipient), Identity: "recipient"}
		return []Finding{f}
	}
	f := c.finding(ev, "restricted.rule", CannotTell, RecipientSide, "a rule of the recipient's organisation refuses the mail: only its administrator can see it")
	f.Steps = append(f.Steps, "Ask the recipient, by phone or from another address, to have it changed. The address exists: keep it.")
	f.Subject = Subject{Domain: canonical(ev.Recipient), Identity: "recipient"}
	return []Finding{f}
}

func has(list []string, word string) bool {
	for _, w := range list {
		if w == word && w != "" {
			return true
		}
	}
	return false
}

// hasAny tells whether one of the words stands in text, codes not as a part of
// a longer one.
func hasAny(text string, words []string) bool {
	for _, w := range words {
		for rest := text; ; {
			i := strings.Index(rest, w)
			if i < 0 {
				break
			}
			end := i + len(w)
			if end == len(rest) || rest[end] < '0' || rest[end] > '9' {
				return true
			}
			rest = rest[end:]
		}
	}
	return false
}

// account is about our own account at a service or tenant: nothing that DNS
// shows.
func (c *Checker) account(ev *Evidence) []Finding {
	f := c.finding(ev, "account.limited", CannotTell, UsMail, "our own account at the sender is limited or stopped: only its console shows why")
	f.Steps = append(f.Steps, "Sign in at the service or tenant that the reply names.")
	if ev.Claim.Reason == bounce.RateLimited {
		f = c.finding(ev, "rate.limited", CannotTell, UsMail, "the receiver counts our mail by its own measure: no look-up shows it")
		f.Steps = append(f.Steps, "Send slower to this receiver, by its mail hosts rather than by domain, and let the queue retry.")
	}
	return []Finding{f}
}
