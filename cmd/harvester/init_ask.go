package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"harvester/cmd/harvester/config"
	"harvester/parse/domain"
	"harvester/store/export"
)

// interview asks its questions one a line; an empty answer takes what is proposed.
type interview struct {
	in  *bufio.Reader
	out io.Writer
}

// ask asks until an answer is accepted; right says what is wrong with one.
func (q *interview) ask(flag, text, proposal string, right func(string) error) (string, error) {
	for {
		if proposal != "" {
			fmt.Fprintf(q.out, "%s [%s]: ", text, proposal)
		} else {
			fmt.Fprintf(q.out, "%s: ", text)
		}
		line, err := q.in.ReadString('\n')
		answer := strings.TrimSpace(line)
		if errors.Is(err, io.EOF) && answer == "" {
			fmt.Fprintln(q.out)
			return "", fail(exitUsage, fmt.Errorf("no answer for --%s", flag), "answer the question or give the flag")
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if answer == "" {
			answer = proposal
		}
		wrong := right(answer)
		if wrong == nil {
			return answer, nil
		}
		fmt.Fprintf(q.out, "%v\n", wrong)
	}
}

// text makes a check out of what reads a value of the configuration.
func text[T any, P interface {
	*T
	UnmarshalText([]byte) error
}](answer string) error {
	if answer == "" {
		return errors.New("it can't be empty")
	}
	return P(new(T)).UnmarshalText([]byte(answer))
}

func given(answer string) error {
	if answer == "" {
		return errors.New("it can't be empty")
	}
	return nil
}

func oneOf(words ...string) func(string) error {
	return func(answer string) error {
		for _, w := range words {
			if answer == w {
				return nil
			}
		}
		return fmt.Errorf("one of %s", strings.Join(words, ", "))
	}
}

// each checks a list that is parted by commas.
func each(right func(string) error) func(string) error {
	return func(answer string) error {
		for _, one := range list(answer) {
			if err := right(one); err != nil {
				return fmt.Errorf("%s: %w", one, err)
			}
		}
		return given(answer)
	}
}

func list(answer string) (words []string) {
	for w := range strings.SplitSeq(answer, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// servers are the IMAP servers of the providers.
var servers = map[string]string{"microsoft": "outlook.office365.com:993", "google": "imap.gmail.com:993"}

// ask asks for what the flags leave open, and checks what they say.
func (s *setup) ask(q *interview) error {
	own, exports := strings.Join(s.own, ","), strings.Join(s.exports, ",")
	all := []struct {
		flag, text string
		proposal   func() string
		to         *string
		right      func(string) error
		only       string // provider, "" for all
	}{
		{"own", "The domains that you send as, parted by commas", nil, &own, each(text[config.OwnDomain]), ""},
		{"provider", "Who runs the mailbox: microsoft, google or other", func() string { return "other" }, &s.provider, oneOf("microsoft", "google", "other"), ""},
		{"server", "The IMAP server, host:port", func() string { return servers[s.provider] }, &s.server, text[config.Server], ""},
		{"tls", "How the connection is protected: implicit, starttls or none", func() string { return s.byPort() }, &s.tls, oneOf("implicit", "starttls", "none"), "other"},
		{"username", "The login, mostly the mailbox's address", func() string { return "bounces@" + domain.Name(list(own)[0]) }, &s.username, given, ""},
		{"password", "Where the password is kept", func() string { return "credential:bounces" }, &s.password, text[config.Secret], "other"},
		{"tenant", "The Directory (tenant) ID", nil, &s.tenant, given, "microsoft"},
		{"client-id", "The Application (client) ID", nil, &s.clientID, given, "microsoft"},
		{"secret", "Where the client secret is kept", func() string { return "credential:m365" }, &s.credential, text[config.Secret], "microsoft"},
		{"secret", "Where the key file of the service account is kept", func() string { return "credential:google.json" }, &s.credential, text[config.Secret], "google"},
		{"export", "Who imports the list (harvester export profiles), parted by commas", func() string { return "csv" }, &exports, each(knownProfile), ""},
	}
	for _, one := range all {
		if *one.to != "" {
			if err := one.right(*one.to); err != nil {
				return fail(exitUsage, fmt.Errorf("--%s: %w", one.flag, err), "")
			}
		}
	}
	for _, one := range all {
		if *one.to != "" || one.only != "" && one.only != s.provider {
			continue
		}
		proposal := ""
		if one.proposal != nil {
			proposal = one.proposal()
		}
		var err error
		if *one.to, err = q.ask(one.flag, one.text, proposal, one.right); err != nil {
			return err
		}
	}
	s.own, s.exports = list(own), list(exports)
	return nil
}

// byPort is how the connection to a server is mostly protected.
func (s *setup) byPort() string {
	switch {
	case strings.HasSuffix(s.server, ":143"), strings.HasSuffix(s.server, ":110"):
		return "starttls"
	}
	return "implicit"
}

func knownProfile(name string) error {
	_, err := export.Lookup(name)
	return err
}
