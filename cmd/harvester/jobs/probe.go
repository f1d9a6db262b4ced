package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/harvest"
)

// Probed is what a look at one mailbox found. It has as many folders as could
// be opened.
type Probed struct {
	Mailbox string
	Folders []Folder
	Err     error
}

// Folder is one folder of a probed mailbox.
type Folder struct {
	Name     string
	Messages int
}

const (
	probesAtOnce  = 8
	probeDeadline = 90 * time.Second
)

// Probe signs in to every mailbox and opens its folders, reads nothing and
// changes nothing. The findings stand in the order of the configuration.
func Probe(ctx context.Context, c *config.Config) []Probed {
	found := make([]Probed, len(c.Mailboxes))
	slots := make(chan struct{}, probesAtOnce)
	var probing sync.WaitGroup
	for i := range c.Mailboxes {
		probing.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i] = probe(ctx, &c.Mailboxes[i])
		})
	}
	probing.Wait()
	return found
}

func probe(ctx context.Context, m *config.Mailbox) Probed {
	p := Probed{Mailbox: string(m.Name)}
	ctx, cancel := context.WithTimeout(ctx, probeDeadline)
	defer cancel()
	session, err := source(m, false, nil).Open(ctx)
	if err != nil {
		p.Err = err
		return p
	}
	defer func() { _ = session.Close(ctx) }() // what counts was asked before
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
	}
	return p
}
