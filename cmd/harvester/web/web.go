// Package web serves what others ask the daemon over HTTP: health, metrics,
// the look-up API and the pages for people. It is off unless configured. What
// shows addresses wants the token; there is no CORS, no script and nothing to
// load from elsewhere.
//
// A page is a file of pages and a method that gathers what it shows. The first
// one (overview.go) answers whether somebody has to act; behind each of its
// numbers lies a page that shows what was counted, down to the single notice.
package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"harvester/cmd/harvester/compose"
	"harvester/schedule"
	"harvester/store/query"
)

// Options say what is served.
type Options struct {
	// Token is what a client must show to see addresses or to act. Empty: only
	// health and metrics are served.
	Token string
	// CheckHost answers nobody who calls this server by another name than an IP
	// address, localhost or one of Hosts, in lower case.
	CheckHost bool
	Hosts     []string
	// Actions lets the status page acknowledge, release and allow.
	Actions bool
	// Set is the configuration at work.
	Set *compose.Set
	// States says how the jobs stand.
	States func() []schedule.State
	// Alive fails when the scheduler no longer turns.
	Alive func() error
	// Metrics answers /metrics.
	Metrics http.Handler
	Log     *slog.Logger
}

// The limits of a request. Everything is small; only the ledger takes long
// bodies, and reads them row by row.
const (
	headerTime = 5 * time.Second // to send the header of a request
	bodyTime   = time.Minute     // to send a request
	answerTime = 2 * time.Minute // to answer
	idleTime   = 2 * time.Minute // between two requests
	closeTime  = 5 * time.Second // to finish when the daemon stops
	maxHeader  = 16 << 10        // bytes of the header of a request
	maxBody    = 4 << 20         // bytes of a request
	maxLedger  = 256 << 20       // bytes of a ledger that is uploaded
	maxClients = 512             // connections at a time; then a newcomer takes the place of a quiet one, or waits
	quietTime  = time.Second     // for which a connection may ask nothing at that limit
)

// ErrListen tells that an address can't be listened on.
var ErrListen = errors.New("listening")

// Listen opens what web.listen names: host:port, or unix:PATH for a socket
// that the group may use, too.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	path, unix := strings.CutPrefix(address, "unix:")
	if !unix {
		l, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("%w on %s: %w", ErrListen, address, err)
		}
		return l, nil
	}
	// A socket that a crash left behind would be in the way; anything else stays.
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("%w: removing the old socket: %w", ErrListen, err)
		}
	}
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("%w on %s: %w", ErrListen, address, err)
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // the group is who shall ask
		return nil, errors.Join(fmt.Errorf("opening the socket to its group: %w", err), l.Close())
	}
	return l, nil
}

// Listenable tells why an address can't be listened on, whoever listens there
// now: the machine does not have it, or its folder is missing. What lies below
// /run is made by who starts the service.
func Listenable(ctx context.Context, address string) error {
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		if strings.HasPrefix(path, "/run/") {
			return nil
		}
		_, err := os.Stat(filepath.Dir(path))
		return err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	return l.Close()
}

// Serve answers on l until ctx ends, then lets what is under way end.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	clients := limit(l, maxClients, quietTime)
	s := &http.Server{
		Handler: h, ConnState: clients.follow, ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(clients) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := s.Shutdown(closing); err != nil {
		_ = s.Close() // cuts off who did not end in time
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	}
	return nil
}

// Site is everything that is served, behind the guard.
type Site struct {
	http.Handler
	server *server
}

// Warm counts what the overview shows, so that nobody has to wait for it who
// opens the page first. Where it fails, the page tells why.
func (s *Site) Warm(ctx context.Context) { _, _, _ = s.server.counted(ctx, shortTrend) }

// New is what a daemon serves.
func New(o Options) (*Site, error) {
	s := &server{Options: o, session: newSession(o.Token), tokenSum: sha256.Sum256([]byte(o.Token)), sealer: newSealer(o.Token),
		counter: counter{kept: map[int]*counted{}}, calendar: query.NewCalendar(o.Set.DB.Reports)}
	var err error
	if s.pages, err = s.templates(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.HandleFunc(r.pattern, s.admit(r))
	}
	if o.CheckHost {
		return &Site{addressed(guard(mux), o.Hosts), s}, nil
	}
	return &Site{guard(mux), s}, nil
}

type server struct {
	Options
	session  session
	tries    tries
	tokenSum [sha256.Size]byte
	pages    *template.Template
	sealer   sealer
	counter  counter
	calendar *query.Calendar
}

// access is what a route wants from a client.
type access int

const (
	open    access = iota // anybody: it shows no address
	bearer                // the token in the header Authorization
	visitor               // the token, or a session that signed in with it
)

type route struct {
	pattern string
	access  access
	serve   func(http.ResponseWriter, *http.Request)
}

// routes are all there is. The paths below /v1 are described in openapi.json;
// a test holds the two equal.
func (s *server) routes() []route {
	return []route{
		{"GET /livez", open, s.livez},
		{"GET /readyz", open, s.readyz},
		{"GET /metrics", open, s.metrics},

		{"GET /v1/openapi.json", open, s.openAPI},
		{"GET /v1/lookup", bearer, s.lookup},
		{"POST /v1/lookup", bearer, s.lookupMany},
		{"GET /v1/pause/{stream}", bearer, s.pause},
		{"GET /v1/suppressions", bearer, s.suppressions},
		{"POST /v1/suppressions", bearer, s.decide},
		{"GET /v1/events", bearer, s.events},
		{"GET /v1/incidents", bearer, s.incidents},
		{"POST /v1/ledger", bearer, s.ledger},

		{"GET /{$}", visitor, s.overviewPage},
		{"GET /failures", visitor, s.failuresPage},
		{"GET /receiver", visitor, s.receiverPage},
		{"GET /reason", visitor, s.reasonPage},
		{"GET /stream", visitor, s.streamPage},
		{"GET /rates", visitor, s.ratesPage},
		{"GET /incidents", visitor, s.incidentsPage},
		{"GET /incident", visitor, s.incidentPage},
		{"GET /list", visitor, s.listPage},
		{"POST /list", visitor, s.searchList},
		{"GET /list/download", visitor, s.download},
		{"GET /events", visitor, s.eventsPage},
		{"GET /notice/{id}", visitor, s.noticePage},
		{"GET /address", visitor, s.addressPage},
		{"GET /address/{ref}", visitor, s.addressPage},
		{"POST /find", visitor, s.find},
		{"GET /reports", visitor, s.reportsPage},
		{"GET /report/{date}", visitor, s.reportPage},
		{"GET /jobs", visitor, s.jobsPage},
		{"GET /job", visitor, s.jobPage},
		{"GET /triage", visitor, s.triagePage},
		{"POST /act", visitor, s.act},
		{"GET /login", open, s.loginPage},
		{"POST /login", open, s.login},
		{"POST /logout", open, s.logout},
		{"GET /style.css", open, s.style},
	}
}
