package postgres

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Config is where a database is.
type Config struct {
	config *pgconn.Config
	shown  string
}

// Schemes begin the URLs that name a database here.
var Schemes = []string{"postgres://", "postgresql://"}

// IsURL tells that a place is a PostgreSQL database, and no file.
func IsURL(place string) bool {
	return strings.HasPrefix(place, Schemes[0]) || strings.HasPrefix(place, Schemes[1])
}

// Parse reads a URL as libpq does: postgres://user@host:port/database, with
// sslmode, sslrootcert, host (also the folder of a socket), search_path,
// connect_timeout and others behind the question mark. What it leaves out comes
// from the environment (PGHOST, PGPASSFILE, …), as everywhere.
func Parse(place string) (Config, error) {
	u, err := url.Parse(place)
	if err != nil || !IsURL(place) {
		return Config{}, ErrURL // its words may repeat a password
	}
	c, err := pgconn.ParseConfig(place)
	if err != nil {
		var wrong *pgconn.ParseConfigError
		if errors.As(err, &wrong) && wrong.Unwrap() != nil {
			err = wrong.Unwrap()
		}
		return Config{}, fmt.Errorf("%w (%w)", ErrURL, err)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "harvester"
	}
	c.RuntimeParams["client_encoding"] = "UTF8"
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	q.Del("password")
	u.RawQuery = q.Encode()
	return Config{c, u.String()}, nil
}

// String is the URL without a password.
func (c Config) String() string { return c.shown }

// Connector makes connections for a use of the database. settings are laid over
// those of the server; begin begins a transaction that may write.
func (c Config) Connector(begin string, settings map[string]string) *Connector {
	own := c.config.Copy()
	maps.Copy(own.RuntimeParams, settings)
	return &Connector{config: own, begin: begin}
}

// Errors of a server that does not suit, or does not let us in.
var (
	ErrURL      = errors.New("that is no address of a PostgreSQL database: write postgres://user@host/database")
	ErrTooOld   = errors.New("the PostgreSQL server is too old: it takes 14 or later")
	ErrEncoding = errors.New("the database has another encoding than UTF-8: make one with \"createdb --encoding UTF8 --template template0\"")
)

// oldest is the first version that is supported.
const oldest = 14

// suits checks what a session says of its server.
func suits(pg *pgconn.PgConn) error {
	version := pg.ParameterStatus("server_version")
	if n, err := strconv.Atoi(leading(version)); err == nil && n < oldest {
		return fmt.Errorf("%w (it is %s)", ErrTooOld, version)
	}
	if e := pg.ParameterStatus("server_encoding"); e != "UTF8" {
		return fmt.Errorf("%w (it has %s)", ErrEncoding, e)
	}
	return nil
}

// leading are the digits that a text begins with: "18beta1" is 18.
func leading(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}
