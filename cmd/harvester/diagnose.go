package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/harvest/file"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/resolve"
	"harvester/store/query"
)

// The statuses of diagnose are those of its answer, as pause-check's are.
const (
	exitMend  = 1
	exitCant  = 2
	noNetwork = "no DNS server can be reached: nothing can be looked up"
)

func newDiagnose(a *app) *cobra.Command {
	d := &diagnoser{app: a}
	cmd := &cobra.Command{
		Use:   "diagnose [INCIDENT|DOMAIN|IP|FILE]",
		Short: "Check what receivers claim: is it true, whose fault is it, what mends it",
		Long: `Checks with DNS, and with the mail that came back, whether what receivers claim
is true: SPF, DKIM, DMARC, reverse DNS, blocklists, TLS, routes, recipients'
domains. Each finding says whether it is so, who has to act, and the steps, with
the record to publish where every input of it is known.

Without an argument all open incidents are checked, and what is found is kept
with them. INCIDENT is an id of "harvester incidents"; DOMAIN one of yours, or a
recipient's; IP an address that you send from; FILE a notice, "-" for standard
input.

Asked are only your own domains, keys and addresses, the lists that you
configured or a receiver named, and domains of receivers: never an address, and
never another resolver than yours. docs/diagnose.md`,
		Example: "  harvester diagnose\n  harvester diagnose spf:example.org\n  harvester diagnose example.org --json\n  harvester diagnose bounce.eml",
		Args:    args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.what = ""
			if len(args) > 0 {
				d.what = args[0]
			}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&d.json, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&d.propose, "propose", false, "print a [diagnose] table made from the mail that came back")
	cmd.Flags().BoolVar(&d.connect, "connect", false, "speak to receivers' servers, too: STARTTLS, MTA-STS policies")
	cmd.Flags().BoolVar(&d.asked, "asked", false, "name on standard error what was asked")
	cmd.Flags().StringArrayVar(&d.own, "own", nil, "a `domain` of yours, beside those configured; may be repeated")
	cmd.Flags().StringArrayVar(&d.resolver, "resolver", nil, "the `address` of a resolver, in place of those configured")
	exits(cmd, exitOK, "nothing is to be mended", exitMend, "something is", exitCant, "it can't be told", exitUsage, "the command line is wrong",
		exitNoInput, "no such file, or no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

// diagnoser answers one command line.
type diagnoser struct {
	*app
	what                          string
	json, propose, connect, asked bool
	own, resolver                 []string

	config  *config.Config
	set     *compose.Set // nil: there is no database
	checker *diagnose.Checker
	names   []string
	reads   bool // nothing is kept
}

func (d *diagnoser) run(ctx context.Context) error {
	c, err := d.loadConfig()
	if errors.Is(err, config.ErrNoFile) && d.configFlag == "" && (len(d.own) > 0 || isIP(d.what)) {
		c, err = &config.Config{}, nil // without configuration, what the command line says is enough
	}
	if err != nil {
		return err
	}
	for _, own := range d.own {
		var domain config.Domain
		if err := domain.UnmarshalText([]byte(own)); err != nil {
			return fail(exitUsage, fmt.Errorf("--own: %w", err), "")
		}
		c.OwnDomains = append(c.OwnDomains, config.OwnDomain(domain))
		c.Diagnose.Domains = append(c.Diagnose.Domains, domain)
	}
	if len(d.resolver) > 0 {
		c.Diagnose.Resolver = nil
	}
	for _, r := range d.resolver {
		var server config.Resolver
		if err := server.UnmarshalText([]byte(r)); err != nil {
			return fail(exitUsage, fmt.Errorf("--resolver: %w", err), "")
		}
		c.Diagnose.Resolver = append(c.Diagnose.Resolver, server)
	}
	d.config = c
	return d.open(ctx)
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// open opens the database, where one is needed or there, and goes on.
func (d *diagnoser) open(ctx context.Context) error {
	_, missing := os.Stat(d.config.Store.Path)
	if d.config.Store.URL != "" {
		missing = nil
	}
	if d.config.Store.Path != "" && (missing == nil || d.what == "" || d.propose) {
		_, noFile := os.Stat(d.what)
		d.reads = d.propose || len(d.own) > 0 || d.what == "-" || isIP(d.what) || d.what != "" && noFile == nil
		set, err := openSet(ctx, d.config, d.reads)
		if err != nil {
			return err
		}
		defer set.Close()
		d.set = set
	} else if d.what == "" || d.propose {
		return fail(exitUsage, errors.New("what is to be diagnosed?"), "without configuration, name a domain, an address or a file")
	}
	if d.propose {
		return d.printProposal(ctx)
	}
	var history func(name, typ string) []diagnose.Earlier
	if d.set != nil {
		history = d.set.History(ctx)
	}
	checker, err := compose.Checker(d.config, resolve.Options{Asked: func(x resolve.Answer) { d.names = append(d.names, x.Type+" "+x.Name) }}, history)
	if errors.Is(err, resolve.ErrNoResolver) {
		return fail(exitCant, errors.New("no resolver is known: nothing can be looked up"), "name one: --resolver 127.0.0.1, or [diagnose] resolver")
	}
	if err != nil {
		return err
	}
	checker.Connect = d.connect
	d.checker = checker
	list, err := d.find(ctx)
	if err != nil {
		return err
	}
	return d.print(list)
}

// find checks what the argument stands for.
func (d *diagnoser) find(ctx context.Context) ([]diagnose.Finding, error) {
	if d.what == "" {
		return d.incidents(ctx, "")
	}
	if ip, err := netip.ParseAddr(d.what); err == nil {
		list := d.checker.IP(ctx, ip)
		if d.set == nil {
			return list, nil
		}
		return list, d.set.Lay(ctx, list, d.checker.History)
	}
	if _, err := os.Stat(d.what); err == nil || d.what == "-" {
		return d.file(ctx)
	}
	if d.set != nil {
		list, err := d.incidents(ctx, d.what)
		if err != nil || list != nil {
			return list, err
		}
	}
	var domain config.Domain
	if err := domain.UnmarshalText([]byte(d.what)); err != nil || strings.Contains(d.what, ":") {
		return nil, fail(exitUsage, fmt.Errorf("%q is no incident, domain, address or file", d.what), "harvester incidents list --all shows the ids")
	}
	if slices.Contains(fileEndings, strings.ToLower(path.Ext(d.what))) { // and no domain
		return nil, fail(exitNoInput, fmt.Errorf("%s: no such file", d.what), "")
	}
	if d.set == nil {
		for _, own := range d.checker.Own {
			if string(domain) == own || strings.HasSuffix(string(domain), "."+own) {
				return d.checker.Domain(ctx, string(domain)), nil
			}
		}
		return d.checker.Incident(ctx, &diagnose.Evidence{Group: "domain", Recipient: string(domain)}), nil
	}
	return d.set.DiagnoseDomain(ctx, d.checker, string(domain))
}

// fileEndings are those of files that hold mail.
var fileEndings = []string{".eml", ".msg", ".mbox", ".txt"}

// incidents checks the open incidents, or the latest one with an id; nil when
// there is none.
func (d *diagnoser) incidents(ctx context.Context, id string) ([]diagnose.Finding, error) {
	since := time.Now()
	if id != "" {
		since = time.Time{}
	}
	all, err := d.set.DB.Incidents.Incidents(ctx, since)
	if err != nil {
		return nil, err
	}
	var list []query.Incident
	for _, in := range all {
		if id == "" || in.ID == id && len(list) == 0 {
			list = append(list, in)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	found, err := d.set.DiagnoseIncidents(ctx, d.checker, list)
	if err != nil {
		return nil, err
	}
	if d.reads {
		return found, nil
	}
	return found, errors.Join(d.set.KeepFindings(ctx, list, found), d.set.KeepDNS(ctx, found))
}

// file checks what a notice claims.
func (d *diagnoser) file(ctx context.Context) ([]diagnose.Finding, error) {
	var raw []byte
	var err error
	if d.what == "-" {
		raw, err = io.ReadAll(io.LimitReader(d.In, file.DefaultMaxMessage))
	} else {
		var f *os.File
		if f, err = os.Open(d.what); err == nil {
			defer f.Close()
			raw, err = io.ReadAll(io.LimitReader(f, file.DefaultMaxMessage))
		}
	}
	if err != nil {
		return nil, fail(exitNoInput, err, "")
	}
	own := d.checker.Own
	opts := &parse.Options{OwnDomains: own}
	if d.set != nil {
		opts = d.set.Parsing()
	}
	res := parse.Parse(raw, opts)
	evs := diagnose.Notice(raw, &res, own)
	if len(evs) == 0 {
		return nil, fail(exitData, fmt.Errorf("%s claims nothing that can be looked up: it is %s", d.what, article(res.Kind)), "harvester parse --why says what it is")
	}
	var list []diagnose.Finding
	for i := range evs {
		list = append(list, d.checker.Incident(ctx, &evs[i])...)
	}
	diagnose.Rank(list)
	return list, nil
}

func article(kind bounce.Kind) string {
	switch kind {
	case bounce.KindNone:
		return "ordinary mail"
	case bounce.KindAutoReply, bounce.KindUnsubscribe, bounce.KindUnparsed:
		return "an " + strings.ReplaceAll(kind.String(), "_", " ")
	default:
		return "a " + kind.String()
	}
}

// print shows what was found, and says it by the status.
func (d *diagnoser) print(list []diagnose.Finding) error {
	if d.asked {
		for _, n := range d.names {
			fmt.Fprintf(d.Err, "asked %s\n", printable(n))
		}
	}
	if !d.json && unreachable(list) {
		return verdictStatus(list) // one line says it
	}
	err := d.buffered(func(w *bytes.Buffer) error {
		enc, p := json.NewEncoder(w), &page{w: w, zone: d.config.Timezone.Location()}
		for i := range list {
			if !d.json {
				p.finding(&list[i], d.colours(d.Out))
			} else if err := enc.Encode(list[i]); err != nil {
				return err
			}
		}
		if len(list) == 0 && !d.json {
			p.line("no incident is open")
		}
		return p.err
	})
	if err != nil {
		return err
	}
	return verdictStatus(list)
}

// verdictStatus is 1 when something is to be mended, 2 when something can't be
// told, 0 else.
func verdictStatus(list []diagnose.Finding) error {
	cant := 0
	for i := range list {
		if list[i].Open() {
			return fail(exitMend, errors.New(""), "")
		}
		if list[i].Verdict == diagnose.CannotTell {
			cant++
		}
	}
	switch {
	case cant == 0:
		return nil
	case unreachable(list):
		return fail(exitCant, errors.New(noNetwork), "look at the resolver: --resolver names another one")
	}
	return fail(exitCant, errors.New(""), "")
}

// unreachable tells that no question was answered at all.
func unreachable(list []diagnose.Finding) bool {
	for i := range list {
		dead := false
		for _, m := range list[i].Measured {
			dead = dead || m.State == "unknown" && (strings.Contains(m.Note, "can't be reached") || strings.Contains(m.Note, "in time"))
			if m.State != "unknown" && m.Resolver != "" {
				return false
			}
		}
		if !dead || list[i].Verdict != diagnose.CannotTell {
			return false
		}
	}
	return len(list) > 0
}
