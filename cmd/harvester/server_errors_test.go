//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"harvester/harvest/imap/imaptest"
	"harvester/harvest/imap/memserver"
	"harvester/store/engine/postgres/pgtest"
)

// What keeps a server from being harvested into ends the program with one line
// that says what to do, and the status that tells systemd whether to try again.
func TestServerErrorsEndTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("a server that is wrong in many ways")
	}
	s := pgtest.Start(t)
	root := s.URL("postgres")
	hba := filepath.Join(s.Dir, "data", "pg_hba.conf")
	text, err := os.ReadFile(hba)
	if err == nil {
		err = os.WriteFile(hba, append([]byte("local all locked scram-sha-256\n"), text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, root, `CREATE ROLE locked LOGIN PASSWORD 'right'; CREATE ROLE poor LOGIN; CREATE ROLE late LOGIN CONNECTION LIMIT 0; CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET statement_timeout = '1ms'`)
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		pgtest.Exec(t, root, "CREATE DATABASE "+encoding+" ENCODING '"+encoding+"' LOCALE 'C' LOCALE_PROVIDER 'libc' TEMPLATE template0")
	}
	pgtest.Exec(t, root, `SELECT pg_reload_conf()`)
	fresh, newer, still := s.Database(t), s.Database(t), s.Database(t)
	pgtest.Exec(t, newer, `CREATE TABLE harvester_schema (version INTEGER); INSERT INTO harvester_schema VALUES (9999)`)
	pgtest.Exec(t, still, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	t.Cleanup(func() { // before the database is dropped
		pgtest.Exec(t, root, "ALTER DATABASE "+database(still)+" RESET default_transaction_read_only")
	})
	mail, err := memserver.Start(imaptest.Username, imaptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mail.Close() })
	if err := mail.Create("M0"); err != nil {
		t.Fatal(err)
	}
	as := func(role string) string { return strings.Replace(fresh, "harvester@", role+"@", 1) }
	for _, tt := range []struct {
		name, url string
		status    int
		says      string
	}{
		{"a URL that is none", "postgres://h:port/x", exitConfig, "postgres://user@host/database"},
		{"nobody there", "postgres://harvester@/x?host=" + t.TempDir(), exitTempFail, "check that it runs"},
		{"a wrong password", as("locked"), exitNoPerm, "store.password"},
		{"no such database", s.URL("none"), exitConfig, "createdb"},
		{"LATIN1", s.URL("latin1"), exitConfig, "UTF8"},
		{"SQL_ASCII", s.URL("sql_ascii"), exitConfig, "UTF8"},
		{"read-only", still, exitConfig, "standby"},
		{"no right to create", as("poor"), exitNoPerm, "GRANT"},
		{"newer", newer, exitConfig, "upgrade this one"},
		{"no connection left", as("late"), exitTempFail, "max_connections"},
		{"too little time", as("hasty"), exitTempFail, "statement_timeout"},
		{"full disk", fullDisk(t, s), exitIO, "no space is left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.url == "" {
				t.Skip("no small file system can be mounted here")
			}
			config := fleetConfig(t, mail.Addr, 1, fmt.Sprintf("url = %q\npassword = \"file:password\"\n", tt.url))
			for _, command := range []string{"once", "run"} {
				var out, errs bytes.Buffer
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // what can't start does not run
				got := run(ctx, []string{command, "--config", config}, stdio{strings.NewReader(""), &out, &errs})
				cancel()
				said := ""
				for line := range strings.Lines(errs.String()) {
					if strings.HasPrefix(line, "harvester: ") {
						said += line
					}
				}
				if got != tt.status || !strings.Contains(said, tt.says) || strings.Count(said, "\n") != 1 && !strings.Contains(said, "harvester.toml") {
					t.Errorf("%s: status %d, want %d\n%s", command, got, tt.status, errs.String())
				}
			}
		})
	}
}

// database is the name of the database in a URL of pgtest.
func database(url string) string {
	_, rest, _ := strings.Cut(url, "@/")
	name, _, _ := strings.Cut(rest, "?")
	return name
}

// fullDisk is the URL of a database without room for tables; "" where a small file
// system can't be made.
func fullDisk(t *testing.T, s *pgtest.Server) string {
	t.Helper()
	dir := filepath.Join(s.Dir, "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=9m")
	if errors.Is(err, os.ErrPermission) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pgtest.Exec(t, s.URL("postgres"), "DROP DATABASE IF EXISTS small WITH (FORCE)")
		pgtest.Exec(t, s.URL("postgres"), "DROP TABLESPACE IF EXISTS small")
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	info, err := os.Stat(filepath.Join(s.Dir, "data"))
	if err == nil {
		owner := info.Sys().(*syscall.Stat_t)
		err = os.Chown(dir, int(owner.Uid), int(owner.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, s.URL("postgres"), "CREATE TABLESPACE small LOCATION '"+dir+"'")
	pgtest.Exec(t, s.URL("postgres"), "CREATE DATABASE small TEMPLATE template0 TABLESPACE small")
	pgtest.Exec(t, s.URL("small"), `CREATE SCHEMA others; CREATE TABLE others.fills (x TEXT)`)
	pgtest.Exec(t, s.URL("small"), `DO $$ BEGIN INSERT INTO others.fills SELECT repeat('x', 1000) FROM generate_series(1, 100000); EXCEPTION WHEN disk_full THEN END $$`)
	return s.URL("small")
}
