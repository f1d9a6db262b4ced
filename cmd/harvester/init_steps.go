package main

import (
	"fmt"
	"strings"
)

// steps says what is left to do. The names in the consoles are those of
// docs/mailboxes.md, which a test holds.
func (s *setup) steps() string {
	switch s.provider {
	case "microsoft":
		return fmt.Sprintf(`Microsoft 365, once (docs/mailboxes.md says more):
1. Microsoft Entra admin center > App registrations > New registration: from
   its Overview take Application (client) ID and Directory (tenant) ID.
2. API permissions > Add a permission > APIs my organization uses > Office 365
   Exchange Online > Application permissions > IMAP.AccessAsApp, then Grant
   admin consent.
3. Certificates & secrets > New client secret: its Value
   %s
4. Enterprise applications, your application, Overview: its Object ID. Then in
   Exchange Online PowerShell:
     Connect-ExchangeOnline
     New-ServicePrincipal -AppId %[2]s -ObjectId OBJECT_ID -DisplayName harvester
     Add-MailboxPermission -Identity %[3]s -User OBJECT_ID -AccessRights FullAccess
     Set-CASMailbox -Identity %[3]s -ImapEnabled $true
5. harvester auth --check bounces
`, keep(s.credential), s.clientID, s.username)
	case "google":
		return fmt.Sprintf(`Google Workspace, once (docs/mailboxes.md says more):
1. Google Cloud console > IAM & Admin > Service accounts > Create service
   account: take its Unique ID. Keys > Add key > Create new key > JSON: the file
   %s
2. APIs & Services > Library > Gmail API > Enable.
3. Admin console > Security > Access and data control > API controls > Manage
   Domain Wide Delegation > Add new: the Unique ID, and the scope
   https://mail.google.com/
4. Admin console > Apps > Google Workspace > Gmail > End User Access: IMAP is on.
5. harvester auth --check bounces
`, keep(s.credential))
	}
	return "The password of " + s.username + "\n" + keep(s.password) + "\n"
}

// keep says how a secret gets to where its reference points.
func keep(reference string) string {
	kind, name, _ := strings.Cut(reference, ":")
	switch kind {
	case "credential":
		return fmt.Sprintf("goes into /etc/harvester/credentials/%s, for root alone:\n     install -m 600 /dev/stdin /etc/harvester/credentials/%[1]s", name)
	case "file":
		return "goes into the file " + name + ", which only the service's user may read."
	case "env":
		return "goes into the environment variable " + name + "."
	}
	return "is what the command prints."
}
