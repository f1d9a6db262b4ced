package compose

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"harvester/cmd/harvester/config"
	"harvester/harvest"
	"harvester/harvest/auth"
)

// Probed is what a look at one mailbox found. It has as many folders as could
// be opened.
type Probed struct {
	Mailbox string
	Folders []Folder
	Offers  []string // what the server can do beyond the least; nil where that is not asked
	Less    []string // in which way it does less than it is asked for
	Err     error
}

// Folder is one folder of a probed mailbox.
type Folder struct {
	Name     string
	Messages int
}

const (
	probesAtOnce  = 8
	probeDeadline = 90 * time.Second // looking for what a provider sent
)

// Probe signs in to every mailbox and opens its folders, reads nothing and
// changes nothing. The findings stand in the order of the configuration.
func Probe(ctx context.Context, c *config.Config) []Probed {
	return each(c.Mailboxes, func(m *config.Mailbox) Probed { return probe(ctx, c, m) })
}

// each asks a few mailboxes at a time.
func each[T any](boxes []config.Mailbox, ask func(*config.Mailbox) T) []T {
	found := make([]T, len(boxes))
	slots := make(chan struct{}, probesAtOnce)
	var asking sync.WaitGroup
	for i := range boxes {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			found[i] = ask(&boxes[i])
		})
	}
	asking.Wait()
	return found
}

func probe(ctx context.Context, c *config.Config, m *config.Mailbox) Probed {
	p := Probed{Mailbox: string(m.Name)}
	ctx, cancel := context.WithTimeout(ctx, probeDeadline)
	defer cancel()
	session, err := source(m, Tokens(c, m), false, nil).Open(ctx)
	if err != nil {
		p.Err = err
		return p
	}
	defer func() { _ = session.Close(ctx) }() // what counts was asked before
	if s, ok := session.(harvest.Capable); ok {
		p.Offers = append([]string{}, s.Capabilities(ctx)...)
	}
	var opened []string
	prober, ok := session.(harvest.Prober)
	if !ok {
		return p
	}
	for _, name := range session.Folders() {
		n, err := prober.Probe(ctx, name)
		if err != nil {
			p.Err = errors.Join(p.Err, err)
			continue
		}
		p.Folders = append(p.Folders, Folder{name, n})
		opened = append(opened, name)
	}
	if s, ok := session.(harvest.Limited); ok && p.Err == nil {
		p.Less, p.Err = s.Limits(ctx, settling(m).Wanted(opened))
	}
	return p
}

// Proof is what came of signing in to one mailbox.
type Proof struct {
	Probed
	Token       *oauth2.Token // nil where a password or nothing signs in
	Permissions []string      // that the token names, where it can be read
}

// Prove gets a new token where a mailbox wants one, signs in and opens the
// folders; it reads nothing and changes nothing on the server.
func Prove(ctx context.Context, c *config.Config, boxes []config.Mailbox) []Proof {
	return each(boxes, func(m *config.Mailbox) Proof { return prove(ctx, c, m) })
}

func prove(ctx context.Context, c *config.Config, m *config.Mailbox) Proof {
	p := Proof{Probed: Probed{Mailbox: string(m.Name)}}
	if m.OAuth != nil {
		limited, cancel := context.WithTimeout(ctx, probeDeadline)
		defer cancel()
		var err error
		if p.Token, err = Tokens(c, m).Renew(limited); err != nil {
			p.Err = &harvest.Fault{Mailbox: p.Mailbox, Step: "getting a token for " + m.Username, Err: err}
			return p
		}
		p.Permissions, _ = auth.Permissions(p.Token.AccessToken)
	}
	p.Probed = probe(ctx, c, m)
	return p
}
