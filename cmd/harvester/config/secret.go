package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	credentials   = "/etc/harvester/credentials" // the package's; readable for root
	secretLimit   = 64 << 10                     // bytes of a secret
	secretTimeout = 30 * time.Second             // a command that prints a secret
)

// Secret refers to a secret that is kept elsewhere; it never holds the value.
//
//	credential:NAME   a file in $CREDENTIALS_DIRECTORY (systemd LoadCredential=),
//	                  or without it in /etc/harvester/credentials
//	file:PATH         a file
//	env:NAME          an environment variable
//	exec:COMMAND      standard output of a command, run by /bin/sh
type Secret struct{ kind, name string }

var secretKinds = []string{"credential", "file", "env", "exec"}

// ErrSecretValue is returned where a secret stands itself instead of a reference.
var ErrSecretValue = errors.New("a secret is written as a reference: credential:NAME, file:PATH, env:NAME or exec:COMMAND")

// ErrSecret is in the error for a secret that can't be read.
var ErrSecret = errors.New("secret not usable")

// secretError names the reference; it prints as its text alone.
type secretError struct{ error }

func (e secretError) Unwrap() []error { return []error{ErrSecret, e.error} }

// UnmarshalText reads a reference. Its error never repeats the text, which may
// be the secret itself.
func (s *Secret) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = Secret{}
		return nil
	}
	kind, name, ok := strings.Cut(string(b), ":")
	for _, k := range secretKinds {
		if ok && kind == k && name != "" {
			*s = Secret{kind, name}
			return nil
		}
	}
	return ErrSecretValue
}

// Reference is where the secret is kept; a command is not shown, since it may
// carry secrets of its own.
func (s Secret) Reference() string {
	switch s.kind {
	case "":
		return ""
	case "exec":
		return "exec:…"
	}
	return s.kind + ":" + s.name
}

// path is the path in a file: reference, to be resolved.
func (s *Secret) path() []*string {
	if s.kind != "file" {
		return nil
	}
	return []*string{&s.name}
}

// IsZero tells that there is no reference.
func (s Secret) IsZero() bool { return s.kind == "" }

// The printed forms are redacted, so that no log or dump shows more.
func (s Secret) String() string               { return "<secret>" }
func (s Secret) GoString() string             { return "<secret>" }
func (s Secret) LogValue() slog.Value         { return slog.StringValue("<secret>") }
func (s Secret) MarshalText() ([]byte, error) { return []byte("<secret>"), nil }

// Resolve reads the secret, without the line end behind it. Its error names
// the reference, never the value.
func (s Secret) Resolve(ctx context.Context) (string, error) {
	v, err := s.read(ctx)
	if err != nil {
		return "", secretError{fmt.Errorf("reading secret %s: %w", s.Reference(), err)}
	}
	v = strings.TrimRight(v, "\r\n")
	if v == "" {
		return "", secretError{fmt.Errorf("reading secret %s: it is empty", s.Reference())}
	}
	return v, nil
}

func (s Secret) read(ctx context.Context) (string, error) {
	switch s.kind {
	case "env":
		v, ok := os.LookupEnv(s.name)
		if !ok {
			return "", errors.New("the variable is not set")
		}
		return v, nil
	case "credential":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if s.name != filepath.Base(s.name) {
			return "", errors.New("a credential is named without a path")
		}
		if dir == "" { // what root types; the service has its own copies
			v, err := readSecretFile(filepath.Join(credentials, s.name))
			if err != nil {
				err = fmt.Errorf("$CREDENTIALS_DIRECTORY is not set, as systemd does with LoadCredential=, and here: %w", err)
			}
			return v, err
		}
		return readCredential(dir, s.name)
	case "file":
		return readSecretFile(s.name)
	case "exec":
		return run(ctx, s.name)
	}
	return "", errors.New("no reference is set")
}

// readCredential also looks one folder below, where LoadCredential= of a
// directory puts its files under "credentials_NAME" or "credentials/NAME".
func readCredential(dir, name string) (string, error) {
	v, err := readSecretFile(filepath.Join(dir, name))
	for _, other := range []string{"credentials_" + name, filepath.Join("credentials", name)} {
		if !errors.Is(err, os.ErrNotExist) {
			break
		}
		v, err = readSecretFile(filepath.Join(dir, other))
	}
	return v, err
}

func readSecretFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, secretLimit+1))
	if err == nil && len(b) > secretLimit {
		err = fmt.Errorf("it is larger than %d bytes", secretLimit)
	}
	return string(b), err
}

func run(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Stdout, cmd.WaitDelay = &out, time.Second
	if err := cmd.Run(); err != nil {
		return "", err
	}
	if out.Len() > secretLimit {
		return "", fmt.Errorf("it is larger than %d bytes", secretLimit)
	}
	return out.String(), nil
}
