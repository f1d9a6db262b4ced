package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"harvester/cmd/harvester/daemon"
)

func newRun(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: harvest, export and report on schedule",
		Long: `Runs until it is stopped, under systemd or any other supervisor. SIGTERM stops
after the message in hand is stored; SIGHUP reads the configuration again and
keeps the old one when the new one is wrong; SIGUSR1 logs how every job stands.`,
		Example: "  harvester run --config /etc/harvester/harvester.toml",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(a.Err, format)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			watchdog, err := sd.SdWatchdogEnabled(false)
			if err != nil {
				watchdog = 0 // not under a watchdog of ours
			}
			return daemon.Run(ctx, daemon.Options{
				Load: a.loadConfig, Reload: onSignal(ctx, syscall.SIGHUP), Dump: onSignal(ctx, syscall.SIGUSR1),
				Notify: func(state string) {
					if _, err := sd.SdNotify(false, state); err != nil {
						log.Warn("notifying the service manager failed", "err", err)
					}
				},
				Watchdog: watchdog, Version: readBuild().Version, Log: log,
			})
		},
	}
	cmd.Flags().StringVar(&format, "log-format", "auto", "auto, text, logfmt or json")
	exits(cmd, exitOK, "it was stopped", exitUsage, "the command line is wrong", exitSoftware, "a job did not end in time",
		exitCantCreate, "the database can't be written", exitIO, "disk full, or the database is damaged",
		exitTempFail, "another harvester is at work", exitConfig, "the configuration is wrong, or the database is newer")
	return cmd
}

// onSignal passes a signal on, several in short time as one.
func onSignal(ctx context.Context, s os.Signal) <-chan struct{} {
	in, out := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(in, s)
	go func() {
		defer signal.Stop(in)
		for {
			select {
			case <-in:
				select {
				case out <- struct{}{}:
				default:
				}
			case <-ctx.Done():
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return out
}
