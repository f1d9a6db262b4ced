package auth

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"harvester/harvest"
)

// entry is what to do about a text that a server says, in the words of its
// console. The first that is found counts.
type entry struct{ text, do string }

func lookUp(table []entry, said string) string {
	lower := strings.ToLower(said)
	for _, e := range table {
		if strings.Contains(lower, e.text) {
			return e.do
		}
	}
	return ""
}

const again = "sign in again: harvester auth"

// endpointAdvice is about the errors of token endpoints. Source:
// learn.microsoft.com/entra/identity-platform/reference-error-codes,
// developers.google.com/identity/protocols/oauth2/service-account, RFC 6749 §5.2, RFC 8628 §3.5.
var endpointAdvice = []entry{
	{"aadsts7000222:", "the client secret has expired: make a new one under App registrations > Certificates & secrets"},
	{"aadsts7000215:", "the client secret is wrong: take its Value under Certificates & secrets, not its Secret ID"},
	{"aadsts7000218:", "set Allow public client flows to Yes under App registrations > Authentication, or give client_secret"},
	{"aadsts7000112:", "the application is disabled: Enterprise applications > Properties > Enabled for users to sign-in"},
	{"aadsts700027:", "the certificate is not that of the application: upload it under App registrations > Certificates & secrets"},
	{"aadsts700016:", "the application is unknown in this tenant: compare client_id with Application (client) ID, and tenant"},
	{"aadsts700082:", "nobody used the sign-in for too long: " + again},
	{"aadsts70008:", "the sign-in has expired: " + again},
	{"aadsts90002:", "the tenant is unknown: compare tenant with Directory (tenant) ID"},
	{"aadsts900023:", "the tenant is neither a domain nor an id: compare tenant with Directory (tenant) ID"},
	{"aadsts65001:", "nobody has consented: Grant admin consent under App registrations > API permissions"},
	{"aadsts70011:", "the scope is wrong: leave scopes out, or use https://outlook.office365.com/.default"},
	{"aadsts500011:", "the tenant has no Exchange Online, or scopes names another service"},
	{"aadsts53003:", "a Conditional Access policy blocks this sign-in: exclude the application or this machine's address from it"},
	{"aadsts50076:", "a second factor is wanted: " + again},
	{"aadsts50173:", "the password was changed: " + again},
	{"aadsts70000:", "the sign-in was revoked: " + again},
	{"authorization_pending", "nobody entered the code in time"},
	{"authorization_declined", "the user said no"},
	{"access_denied", "the user said no, or an administrator has not allowed the application"},
	{"expired_token", "nobody entered the code in time"},
	{"unauthorized_client", "Admin console > Security > API controls > Manage Domain Wide Delegation: add the client id with the scope https://mail.google.com/"},
	{"invalid_scope", "the provider doesn't give this scope to this kind of client; Google gives that of Gmail to no device code: use service_account or refresh_token"},
	{"invalid email or user id", "username must be a mailbox of the Workspace domain"},
	{"invalid jwt", "check this machine's clock, and that the service account's key was not deleted"},
	{"account not found", "the service account was deleted, or service_account is the key of another"},
	{"invalid_client", "check client_id and client_secret"},
	{"invalid_grant", "revoked or expired: check the mailbox name and this machine's clock, or " + again},
}

// serverAdvice is about the words with which mail servers refuse a sign-in.
// Source: support.google.com/mail/answer/7126229,
// learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online.
var serverAdvice = []entry{
	{"application-specific password required", "make an app password: Google Account > Security > 2-Step Verification > App passwords"},
	{"imap access is disabled", "switch IMAP on: Admin console > Apps > Google Workspace > Gmail > End User Access"},
	{"not enabled for imap use", "switch IMAP on: Gmail > Settings > Forwarding and POP/IMAP"},
	{"web login required", "sign in to the account with a browser once, or use an app password"},
	{"log in via your web browser", "sign in to the account with a browser once, or use an app password"},
	{"basicauthblocked", "Microsoft 365 takes no passwords: set up [mailbox.oauth]"},
	{"basic authentication is disabled", "Microsoft 365 takes no passwords: set up [mailbox.oauth]"},
	{"authenticated but not connected", "the mailbox is not open to this sign-in: Add-MailboxPermission -AccessRights FullAccess, and Set-CASMailbox -ImapEnabled $true"},
}

// Hint is what to do when a mail server refuses credentials with these words.
func Hint(c Credentials, words string) string {
	if do := lookUp(serverAdvice, words); do != "" {
		return do
	}
	if b, ok := c.(*Bearer); ok {
		return b.refusal()
	}
	return "check username and password; some providers want an app password or OAuth2"
}

// explain turns the error of a token endpoint into one that tells what to do.
func explain(where string, err error) error {
	if errors.Is(err, errNoRefresh) {
		return &endpointError{kind: harvest.ErrAuth, cause: err, hint: "run harvester auth for it"}
	}
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		if where == "" {
			return err
		}
		return fmt.Errorf("asking %s for a token: %w", where, err)
	}
	status := 0
	if answer.Response != nil {
		status = answer.Response.StatusCode
	}
	said := strings.TrimSpace(answer.ErrorCode + " " + firstLine(answer.ErrorDescription))
	if said == "" {
		said = firstLine(string(answer.Body))
	}
	cause := fmt.Errorf("%s answered %d %s", where, status, said)
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return &endpointError{cause: cause, after: retryAfter(answer.Response)} // it passes
	}
	hint := lookUp(endpointAdvice, said)
	if hint == "" {
		hint = "check the OAuth2 settings of this mailbox"
	}
	return &endpointError{kind: harvest.ErrAuth, cause: cause, hint: hint}
}

// retryAfter is how long a provider wants to be left alone (RFC 9110 §10.2.3,
// in seconds; a date is not used by those we know).
func retryAfter(r *http.Response) time.Duration {
	if r == nil {
		return 0
	}
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, 24*time.Hour)
}

// endpointError is the answer of a token endpoint; with a kind it is one that
// an operator must mend.
type endpointError struct {
	kind, cause error
	hint        string
	after       time.Duration
}

func (e *endpointError) Error() string {
	if e.hint == "" {
		return e.cause.Error()
	}
	return e.cause.Error() + " (" + e.hint + ")"
}

func (e *endpointError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.cause}
	}
	return []error{e.kind, e.cause}
}

// RetryAfter is what the provider asked for; see [harvest.RetryAfter].
func (e *endpointError) RetryAfter() time.Duration { return e.after }

func firstLine(s string) string {
	const most = 300
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSpace(s[:min(len(s), most)])
}
