package main

import (
	"context"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
)

// open reads the configuration and opens its database beside a daemon that may
// be running: for reading, or for a command that acts.
func (a *app) open(ctx context.Context, readOnly bool) (*compose.Set, error) {
	c, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	return openSet(ctx, c, readOnly)
}

func openSet(ctx context.Context, c *config.Config, readOnly bool) (*compose.Set, error) {
	return compose.Open(ctx, c, compose.Options{ReadOnly: readOnly})
}

// judging runs f on a database in which events are stored, or judged anew.
func (a *app) judging(ctx context.Context, f func(*compose.Set) error) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	set, err := compose.Open(ctx, c, compose.Options{Judges: true})
	if err != nil {
		return err
	}
	defer set.Close()
	return f(set)
}

// with runs f on an open database.
func (a *app) with(ctx context.Context, readOnly bool, f func(*compose.Set) error) error {
	set, err := a.open(ctx, readOnly)
	if err != nil {
		return err
	}
	defer set.Close()
	return f(set)
}
