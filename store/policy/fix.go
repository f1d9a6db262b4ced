package policy

import "harvester/parse/bounce"

// fixes is what to do about each cause, most telling first: the first row
// that matches wins. Facts come from the lists' and vendors' own pages; a step
// that rests on experience only says "usually".
var fixes = [...]fix{
	// Named lists. Which one it is decides where to go; the order puts lists of
	// domains before lists of addresses that share their name.
	{Cause: Cause{ID: "list.spamhaus-dbl", Group: "blocklist", Title: "our domain is on the Spamhaus DBL", Page: "https://check.spamhaus.org/",
		Steps: []string{
			"Look up every domain in the mail: From, HELO, reverse DNS name, links, tracking.",
			"Find what made it bad: a hacked web site, a form that mails strangers, a bought list, a brand-new domain.",
			"Mend that, then ask for removal on the page. Changing the IP address does not help."}},
		words: []string{"dbl.spamhaus.org", "spamhaus dbl", "dbl.spamhaus"}},
	{Cause: Cause{ID: "list.spamhaus", Group: "blocklist", Title: "our IP address is on a Spamhaus list", Page: "https://check.spamhaus.org/",
		Steps: []string{
			"Look the address up: the page says which list it is on and why.",
			"XBL or CSS: find the infected host, open proxy, wrong HELO or hacked form behind the address and stop it, then remove the listing yourself.",
			"PBL: no accusation. Release the address of a fixed mail server on the page, or send through your provider's relay.",
			"SBL: only your provider's abuse desk can ask. Do not ask before the cause is gone: it comes back at once."}},
		words: []string{"spamhaus", "spamhaus.org", "zen.spamhaus.org"}},
	{Cause: Cause{ID: "list.spamcop", Group: "blocklist", Title: "our IP address is on the SpamCop list", Page: "https://www.spamcop.net/bl.shtml",
		Steps: []string{
			"Stop what was reported: the page shows the kind of report.",
			"The listing ends by itself 24 hours after the last report. Asking for removal is neither needed nor wanted."}},
		words: []string{"spamcop"}},
	{Cause: Cause{ID: "list.barracuda", Group: "blocklist", Title: "our IP address is on the Barracuda list", Page: "https://www.barracudacentral.org/rbl/removal-request",
		Steps: []string{
			"Find and stop what was sent from the address, then ask for removal on the page.",
			"It usually takes 12 to 24 hours. Asking twice resets nothing."}},
		words: []string{"barracudacentral", "barracudanetworks.com", "b.barracudacentral.org"}},
	{Cause: Cause{ID: "list.abusix", Group: "blocklist", Title: "our IP address or domain is on an Abusix list", Page: "https://lookup.abusix.com/",
		Steps: []string{
			"Look it up: a trap hit ends by itself within days once the cause is gone.",
			"A policy listing (generic or missing reverse DNS) is mended in DNS and can be removed on the page."}},
		words: []string{"abusix", "mail.abusix.zone"}},
	{Cause: Cause{ID: "list.surbl", Group: "blocklist", Title: "a link in our mail is on SURBL", Page: "https://surbl.org/surbl-analysis",
		Steps: []string{
			"Look up each link domain of the mail, tracking domain included; the IP address is not the matter.",
			"Take the link out or clean the site, then ask for removal on the page."}},
		words: []string{"surbl", "multi.surbl.org"}},
	{Cause: Cause{ID: "list.uribl", Group: "blocklist", Title: "a link in our mail is on URIBL", Page: "https://admin.uribl.com/",
		Steps: []string{
			"Look up each link domain of the mail, tracking domain included; the IP address is not the matter.",
			"Take the link out or clean the site, then ask for removal on the page. Grey means bulk mail, not spam."}},
		words: []string{"uribl", "multi.uribl.com"}},
	{Cause: Cause{ID: "list.cloudmark", Group: "blocklist", Title: "Cloudmark rates our IP address as a spam source", Page: "https://csi.cloudmark.com/en/reset/",
		Steps: []string{
			"Stop what was reported, then ask for a reset on the page and confirm the mail they send.",
			"The first request is granted, usually within a day; later ones are looked into."}},
		words: []string{"csi.cloudmark.com", "cm-csi", "cloudmark"}},
	{Cause: Cause{ID: "list.proofpoint", Group: "blocklist", Title: "Proofpoint blocks our IP address", Page: "https://ipcheck.proofpoint.com/",
		Steps: []string{
			"Look the address up. A delay lifts within minutes once the flow of spam stops.",
			"Ask for removal with the recipient, the kind of mail, samples and what you mended."}},
		words: []string{"ipcheck.proofpoint.com", "dnsbl.proofpoint.com", "proofpoint dynamic reputation"}},
	{Cause: Cause{ID: "list.talos", Group: "blocklist", Title: "Cisco Talos rates our IP address as poor", Page: "https://talosintelligence.com/reputation_center",
		Steps: []string{
			"Look the address up: the page shows the rating and the volume seen.",
			"Stop the cause and open a ticket there with the address, domain and history; a Cisco account is needed."}},
		words: []string{"talosintelligence", "senderbase"}},
	{Cause: Cause{ID: "list.trend-micro", Group: "blocklist", Title: "Trend Micro blocks our IP address", Page: "https://servicecentral.trendmicro.com/en-us/ers/ip-lookup",
		Steps: []string{"Look the address up. Only the owner of the address space (usually your provider) may ask for removal: send him the reply text."}},
		words: []string{"mail-abuse.com", "ers.trendmicro.com", "servicecentral.trendmicro.com"}},
	{Cause: Cause{ID: "list.psbl", Group: "blocklist", Title: "our IP address is on PSBL", Page: "https://psbl.org/",
		Steps: []string{"The address hit a spam trap. Stop the cause, then remove the listing yourself on the page."}},
		words: []string{"psbl", "psbl.surriel.com"}},
	{Cause: Cause{ID: "list.mailspike", Group: "blocklist", Title: "our IP address is on Mailspike", Page: "https://mailspike.org/",
		Steps: []string{"Look the address up and stop the wave of spam behind it; the rating follows by itself."}},
		words: []string{"mailspike"}},
	{Cause: Cause{ID: "list.spamrats", Group: "blocklist", Title: "our IP address is on SpamRATS", Page: "https://spamrats.com/removal.php",
		Steps: []string{"Give the address a reverse DNS name of its own that is no generic one, wait until DNS shows it, then ask for removal."}},
		words: []string{"spamrats"}},
	{Cause: Cause{ID: "list.uceprotect", Group: "blocklist", Title: "our address or its neighbourhood is on UCEPROTECT", Page: "https://www.uceprotect.net/en/rblcheck.php",
		Steps: []string{
			"Level 1: the address hit a trap; it ends 7 days after the cause stops. Paying for a faster end is not advised.",
			"Level 2 or 3: your provider's network is meant, not you. Ask the receiver not to block on it."}},
		words: []string{"uceprotect", "dnsbl-1.uceprotect.net", "dnsbl-2.uceprotect.net", "dnsbl-3.uceprotect.net"}},
	{Cause: Cause{ID: "list.invaluement", Group: "blocklist", Title: "our address or domain is on an Invaluement list", Page: "https://www.invaluement.com/lookup/",
		Steps: []string{"Look it up. These lists aim at bulk mail to bought addresses: remove those, then ask on the page."}},
		words: []string{"invaluement", "ivmsip", "ivmuri"}},
	{Cause: Cause{ID: "list.dead", Group: "blocklist", Title: "the receiver asks a blocklist that was closed",
		Steps: []string{
			"The list has no data any more (SORBS closed in 2024, NiX Spam in 2025): nothing can be removed there.",
			"Tell the receiver's postmaster, by phone or from another address, to take it out of the configuration."}},
		words: []string{"sorbs", "dnsbl.sorbs.net", "ix.dnsbl.manitu.net", "njabl", "ahbl", "dsbl"}},

	// Codes that a vendor alone uses.
	{Cause: Cause{ID: "microsoft.5.7.515", Group: "dmarc", Title: "Outlook.com wants SPF, DKIM and DMARC of the From domain to pass", Page: "https://learn.microsoft.com/defender-office-365/email-authentication-about",
		Steps: []string{
			"Read the notice: it prints the result of all three. Every one that is not Pass has to be mended; two out of three are not enough.",
			"Publish a DMARC record (p=none will do), sign with DKIM in the From domain, list every sending address in SPF.",
			"The rule holds for domains that send more than 5000 mails a day to Outlook.com, Hotmail and Live."}},
		status: []string{"5.7.515"}},
	{Cause: Cause{ID: "microsoft.s3140", Group: "blocklist", Title: "Outlook.com blocks our IP address or its network", Page: "https://olcsupport.office.com/",
		Steps: []string{
			"Look at the address in SNDS (sendersupport.olc.protection.outlook.com/snds): colour, complaints, trap hits.",
			"Stop the cause, then fill in the sender support form and answer the first automatic reply.",
			"S3150 usually means the whole network of the provider: ask him too."}},
		words: []string{"s3140", "s3150", "s3115"}},
	{Cause: Cause{ID: "microsoft.delist", Group: "blocklist", Title: "Microsoft 365 blocks our IP address", Page: "https://sender.office.com/",
		Steps: []string{
			"Enter your mail address and the blocked IP address on the page and follow the mail you get; it takes up to 24 hours.",
			"Code 5.7.511 can't be lifted there: send the whole notice to delist@messaging.microsoft.com."}},
		words: []string{"sender.office.com", "delist@messaging.microsoft.com", "banned sending ip", "as(1410)"}},
	{Cause: Cause{ID: "microsoft.account", Group: "account", Title: "Microsoft 365 has stopped our own account or tenant from sending", Page: "https://security.microsoft.com/restrictedentities",
		Steps: []string{
			"Assume the account is in other hands: change its password, end its sessions, switch on MFA, look for forwarding rules.",
			"Then release it under Restricted entities in the Defender portal. A whole tenant (5.7.705, 5.7.708, 5.7.750) needs a support ticket."}},
		status: []string{"5.1.8", "5.7.501", "5.7.502", "5.7.503", "5.7.705", "5.7.708", "5.7.750"}, vendors: []string{"microsoft", "exchange", "outlook"}},
	{Cause: Cause{ID: "google.rate", Group: "rate", Title: "Gmail limits or blocks us for unsolicited mail", Page: "https://support.google.com/a/answer/81126",
		Steps: []string{
			"Slow down: fewer connections and mails at a time to Google; let the queue retry.",
			"The text says what is counted: IP address, network, DKIM or SPF domain, link, Message-ID.",
			"Look at the spam rate in Postmaster Tools: below 0.1 % is well, 0.3 % is the end. Mail only those who asked and open."}},
		status: []string{"4.7.28", "5.7.28"}, vendors: []string{"gmail", "google"}},
	{Cause: Cause{ID: "yahoo.deferral", Group: "rate", Title: "Yahoo defers us for complaints or unusual traffic", Page: "https://senders.yahooinc.com/smtp-error-codes/",
		Steps: []string{
			"Slow down and let the queue retry; TSS04 lifts by itself when complaints fall.",
			"Sign up for the Complaint Feedback Loop in the Sender Hub and drop everyone who complains."}},
		words: []string{"tss04", "tss05", "tss07", "tss09", "tss11", "tsd01", "[ts01]", "[ts02]", "[ts03]"}},
	{Cause: Cause{ID: "apple.cs01", Group: "reputation", Title: "Apple refuses our mail by its own policy", Page: "https://support.apple.com/102322",
		Steps: []string{
			"Check that SPF, DKIM and DMARC pass for the From domain and that the mail carries an unsubscribe link.",
			"Write to icloudadmin@apple.com with domain, IP addresses and the reply text."}},
		words: []string{"[cs01]", "icloudadmin@apple.com", "support.apple.com/en-us/102322", "ht204137"}},
	{Cause: Cause{ID: "t-online.contact", Group: "vendor", Title: "t-online.de wants to know who runs the mail server", Page: "https://postmaster.t-online.de/",
		Steps: []string{
			"Give the server a reverse DNS name under your own domain and a web page there that names who runs it and how to reach him.",
			"Then write to tosa@rx.t-online.de with the IP address."}},
		words: []string{"tosa@rx.t-online.de"}},

	// By reason, when no list and no code is named.
	{Cause: Cause{ID: "spf", Group: "spf", Title: "SPF: the sending server is not allowed by our record", Page: "https://www.rfc-editor.org/rfc/rfc7208",
		Steps: []string{
			"Compare the IP address in the sample with the TXT record v=spf1 of the envelope domain.",
			"Add the missing server or the sender's include:, keep one record with at most 10 look-ups, end it with ~all or -all.",
			"If the address is not yours at all, the mail was forwarded: DKIM in the From domain carries it through."}},
		reasons: []bounce.Reason{bounce.AuthSPF}},
	{Cause: Cause{ID: "dkim", Group: "dkim", Title: "DKIM: our signature is missing or does not verify", Page: "https://www.rfc-editor.org/rfc/rfc6376",
		Steps: []string{
			"Send a mail to yourself at a large provider and read Authentication-Results.",
			"Missing: switch signing on where the mail leaves, with d= the From domain and a key of 2048 bit.",
			"Failing: compare the key at SELECTOR._domainkey.DOMAIN with the signer's; look for a footer or gateway that changes the mail after signing."}},
		reasons: []bounce.Reason{bounce.AuthDKIM}},
	{Cause: Cause{ID: "dmarc", Group: "dmarc", Title: "DMARC: the From domain is not aligned, its policy refuses the mail", Page: "https://dmarc.org/overview/",
		Steps: []string{
			"The domain in From must be the one that SPF (envelope) or DKIM (d=) proves. One of the two is enough for DMARC itself.",
			"Sign with DKIM in the From domain at every sender you use; a newsletter tool needs your domain set up there.",
			"No record at all: publish v=DMARC1; p=none; rua=mailto:... and read the reports before you tighten it."}},
		reasons: []bounce.Reason{bounce.AuthDMARC}},
	{Cause: Cause{ID: "ptr", Group: "ptr", Title: "reverse DNS: our sending address has no fitting name", Page: "https://support.google.com/a/answer/81126",
		Steps: []string{
			"Have the owner of the IP address (hosting provider) set a PTR record to the server's own name, such as mail.example.org.",
			"That name must point back to the same address (A, and AAAA for IPv6), and the server should say it in HELO.",
			"If IPv6 can't get a PTR record, send by IPv4 only."}},
		reasons: []bounce.Reason{bounce.AuthPTR}},
	{Cause: Cause{ID: "auth", Group: "auth", Title: "authentication: the receiver could not tell that the mail is ours", Page: "https://support.google.com/a/answer/81126",
		Steps: []string{
			"Check SPF, DKIM and DMARC of the From domain one by one; the sample usually says which of them is missing.",
			"Large receivers want SPF and DKIM and a DMARC record from everyone who sends in bulk."}},
		reasons: []bounce.Reason{bounce.AuthFailed}},
	{Cause: Cause{ID: "blocklist", Group: "blocklist", Title: "our IP address has a bad name with the receiver",
		Steps: []string{
			"Read the sample: it usually names the list or a page. Look up the IP address there.",
			"Find what was sent from it (queue, logs, hacked forms or accounts) and stop that before you ask for removal.",
			"A shared address of an ESP: send him the sample."}},
		reasons: []bounce.Reason{bounce.ReputationIP}},
	{Cause: Cause{ID: "domain", Group: "reputation", Title: "our domain or a link has a bad name with the receiver",
		Steps: []string{
			"Look up the From domain and every link and tracking domain of the mail.",
			"Another IP address does not help. Mail fewer, to those who asked; a new domain has to grow slowly."}},
		reasons: []bounce.Reason{bounce.ReputationDomain}},
	{Cause: Cause{ID: "account", Group: "account", Title: "our own account at the sender is limited or stopped",
		Steps: []string{
			"Sign in at the sender (ESP, relay, mail host) named in the sample: the reason stands there.",
			"Check quota, payment, verified domains, and whether somebody else uses the password."}},
		reasons: []bounce.Reason{bounce.SenderAccount}},
	{Cause: Cause{ID: "rate", Group: "rate", Title: "we send faster than the receiver takes",
		Steps: []string{
			"Lower the number of parallel connections and the rate for this receiver, by its MX hosts rather than by domain.",
			"Let the queue retry for days; do not send the same mail again by hand."}},
		reasons: []bounce.Reason{bounce.RateLimited}},
	{Cause: Cause{ID: "tls", Group: "tls", Title: "TLS: the connection was not as secure as the receiver wants", Page: "https://www.checktls.com/",
		Steps: []string{
			"Switch opportunistic TLS on for outgoing mail (Postfix: smtp_tls_security_level = may, or dane).",
			"Offer TLS 1.2 or newer, and present a certificate that is valid for the server's name."}},
		reasons: []bounce.Reason{bounce.TLSFailed}},
	{Cause: Cause{ID: "protocol", Group: "protocol", Title: "the mail or the SMTP dialogue breaks a rule",
		Steps: []string{
			"The sample names it: a missing or double header, a line over 998 bytes, a HELO that is no host name, raw 8-bit headers.",
			"Mend it in the program that makes the mail; the receiver takes it unchanged from nobody."}},
		reasons: []bounce.Reason{bounce.ProtocolError}},
	{Cause: Cause{ID: "policy.mimecast", Group: "policy", Title: "a Mimecast customer's policy refuses us", Page: "https://community.mimecast.com/s/article/email-security-cloud-gateway-mimecast-smtp-error-codes",
		Steps: []string{
			"Most such blocks are set by the recipient's own administrator: ask him, by phone, for a permit entry with your domain and address.",
			"A spoofing rule means the From domain is his own: send such mail under your own domain."}},
		reasons: []bounce.Reason{bounce.PolicyRejected}, vendors: []string{"mimecast"}},
	{Cause: Cause{ID: "policy", Group: "policy", Title: "an administrator's rule at the receiver refuses us",
		Steps: []string{
			"Read the sample: it usually names the rule (sender domain, country, spoofed sender, no such sender).",
			"Check that our From domain exists, takes mail and is not the receiver's own; else ask the receiver's postmaster."}},
		reasons: []bounce.Reason{bounce.PolicyRejected}},
	{Cause: Cause{ID: "content.virus", Group: "content", Title: "our mail was taken for malware",
		Steps: []string{
			"Take the mail as the sample names it and scan its attachments and link targets; a hacked site is the usual reason.",
			"Send a link to a clean page instead of an attachment. Stop the campaign until then."}},
		reasons: []bounce.Reason{bounce.ContentVirus}},
	{Cause: Cause{ID: "content.spam", Group: "content", Title: "our mail was taken for spam by its content",
		Steps: []string{
			"Compare with mail of ours that arrives: links, shorteners, attachments, one large picture, missing plain text.",
			"Send a part of the list first; who never opens should leave the list."}},
		reasons: []bounce.Reason{bounce.ContentSpam}},
	{Cause: Cause{ID: "content.policy", Group: "content", Title: "the receiver does not take such content",
		Steps: []string{"The sample names it: a file type, a link, a word, a size of a part. Send it another way to this receiver."}},
		reasons: []bounce.Reason{bounce.ContentPolicy}},
	{Cause: Cause{ID: "content.size", Group: "content", Title: "our mail is larger than the receiver takes",
		Steps: []string{"Send a link instead of the attachment. 10 MB arrives almost everywhere; an attachment grows by a third on its way."}},
		reasons: []bounce.Reason{bounce.MessageTooLarge}},
	{Cause: Cause{ID: "path.relay", Group: "path", Title: "a server refuses to relay: our route or the receiver's MX is wrong",
		Steps: []string{
			"Compare the refusing host in the sample with the MX records of the recipient's domain.",
			"Not among them: our transport map, smarthost sign-in or DNS cache sends it to the wrong place.",
			"Among them: the receiver's server does not know the domain; tell its postmaster."}},
		reasons: []bounce.Reason{bounce.RelayDenied}},
	{Cause: Cause{ID: "path.routing", Group: "path", Title: "the mail went in circles or found no way",
		Steps: []string{
			"Many domains at once: look at our own resolver, route and transport map first.",
			"One domain: its MX records point nowhere or to themselves; tell its postmaster."}},
		reasons: []bounce.Reason{bounce.RoutingFailed}},
	// Concentrations: no single reply says so, only many of them together.
	{Cause: Cause{ID: "path.unreachable", Group: "path", Title: "our own path: many unrelated domains can't be reached on one day",
		Steps: []string{
			"From the sending host, connect to port 25 of the MX of two domains that failed.",
			"Check the outgoing relay, the firewall and the transport map for what changed that day.",
			"These failures have no weight: no address was suppressed for them."}},
		reasons: []bounce.Reason{}},
	{Cause: Cause{ID: "path.domain_unknown", Group: "path", Title: "our own resolver or list: many unrelated domains do not exist on one day",
		Steps: []string{
			"Look up the MX of two domains that failed, on the sending host and elsewhere. If only our host fails, mend its resolver.",
			"If they really do not exist, look at where these recipients came from: an old or bought list looks like this.",
			"These failures have no weight: no address was suppressed for them."}},
		reasons: []bounce.Reason{}},
	{Cause: Cause{ID: "path.5.4.1", Group: "path", Title: "many unrelated domains answer \"access denied\" (5.4.1) on one day",
		Steps: []string{
			"Check whether our addresses or the list of recipients changed that day.",
			"Ask one of the receivers: at Microsoft 365 it means that the address does not exist, or that the tenant takes mail by another way.",
			"These failures have no weight: no address was suppressed for them."}},
		reasons: []bounce.Reason{}},
}
