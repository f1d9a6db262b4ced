package view

import (
	"bytes"
	"strings"

	"harvester/parse/arf"
	"harvester/parse/dsn"
	"harvester/parse/mime"
)

// reportDepth is how deep the multipart may stand whose parts are the report:
// footers and gateways wrap it once or twice.
const reportDepth = 2

// New decodes one raw mail, in any line ends. It never fails; what could not be
// read is noted. raw must not be changed while the result lives.
func New(raw []byte, lim mime.Limits) *Mail {
	m := read(raw, lim)
	m.unwrap(lim)
	return m
}

func read(raw []byte, lim mime.Limits) *Mail {
	root, notes := mime.Read(raw, lim)
	h := root.Header
	m := &Mail{Root: root, Header: h, Notes: notes, Subject: subject(h)}
	for i := range h { // QUIRK: some MTAs write two From fields, the first one empty
		if strings.EqualFold(h[i].Name, "From") && m.From == "" {
			if addr, name := mime.Address(h[i].Value); addr != "" || m.FromName == "" {
				m.From, m.FromName = addr, name
			}
		}
	}
	to := h.Get("To")
	if list := mime.Addresses(to[:min(len(to), 1024)]); len(list) > 0 {
		m.To = list[0]
	}
	if h.Has("Return-Path") {
		m.ReturnPath = returnPath(h.Get("Return-Path"))
	}
	r := reader{m: m, limit: lim.HeaderBytes}
	if r.limit <= 0 {
		r.limit = mime.DefaultLimits().HeaderBytes
	}
	r.collect(root)
	r.assign()
	return m
}

func subject(h mime.Header) string {
	s := h.Text("Subject")
	if strings.ContainsAny(s, "\t\r\n") || strings.Contains(s, "  ") {
		return strings.Join(strings.Fields(s), " ")
	}
	return s
}

func returnPath(v string) string {
	if addr, _ := mime.Address(v); addr != "" {
		return addr
	}
	if v = strings.Trim(v, " \t<>"); v != "" {
		return v
	}
	return "<>"
}

// reader gives each part its role.
type reader struct {
	m      *Mail
	limit  int    // bytes of a returned header
	leaves []leaf // outside of enclosed mails, in order
	report bool   // a multipart/report was seen

	siblings int // status parts united
}

// leaf is a part and its text, decoded when it is asked for.
type leaf struct {
	*mime.Part
	text string
	done bool
}

// collect lists the leaves that may be part of the report. It never enters an
// enclosed mail.
func (r *reader) collect(p *mime.Part) {
	if p.Type == "multipart/report" {
		r.report = true
	}
	if !strings.HasPrefix(p.Type, "multipart/") || len(p.Children) == 0 {
		r.leaves = append(r.leaves, leaf{Part: p})
		return
	}
	for _, c := range p.Children {
		r.collect(c)
	}
}

// assign finds the reports by type, then by their looks, then the
// human-readable text and the returned header among what is left.
func (r *reader) assign() {
	m := r.m
	taken := make([]bool, len(r.leaves))
	for i := range r.leaves {
		taken[i] = r.leaves[i].Depth <= reportDepth+1 && r.typed(&r.leaves[i])
	}
	if m.Report == nil && m.Feedback == nil && m.Receipt == nil && r.automatic() {
		for i := range r.leaves {
			taken[i] = taken[i] || r.leaves[i].Depth <= reportDepth+1 && r.sniffed(&r.leaves[i], i)
		}
	}
	text := r.text(taken)
	if text >= 0 {
		taken[text] = true
	}
	for i := range r.leaves {
		if m.Original != nil {
			break
		}
		if !taken[i] && i > 0 {
			r.returned(r.leaves[i].Part)
		}
	}
	if m.Feedback != nil {
		m.Feedback.Complete(m.Root)
	} else if m.Report == nil {
		m.Feedback = arf.FromMail(m.Root, m.Text)
	}
	if m.Report == nil && m.Feedback == nil && m.Receipt == nil && r.automatic() {
		r.inline()
	}
	if m.Report != nil {
		r.addNote(m.Report.Notes)
	}
	if m.Feedback != nil {
		r.addNote(m.Feedback.Notes)
	}
}

// typed reads the parts that say what they are.
func (r *reader) typed(p *leaf) bool {
	m := r.m
	switch p.Type {
	case "message/delivery-status", "message/global-delivery-status", "message/xdelivery-status", "message/x-delivery-status":
		r.addStatus(r.decode(p))
	case "message/feedback-report":
		if m.Feedback == nil {
			m.Feedback = arf.Parse(r.decode(p))
		}
	case "message/disposition-notification", "message/global-disposition-notification":
		if m.Receipt == nil {
			m.Receipt = mime.Fields([]byte(r.decode(p)))
		}
	case "message/rfc822", "message/global", "message/news":
		if m.Original == nil && len(p.Children) > 0 {
			m.Original = &Original{Header: p.Children[0].Header, Raw: p.Children[0].Raw()}
		}
	case "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/rfc822-header", "message/global-headers", "message/partial":
		if m.Original == nil {
			m.Original = r.original(r.head(p.Part))
		}
	case "application/ms-tnef":
		r.addNote([]string{"TNEF attachment not read"})
	default:
		return false
	}
	return true
}

func (r *reader) addStatus(text string) {
	report := dsn.Parse(text)
	if r.m.Report == nil {
		r.m.Report = report
		return
	}
	r.addNote([]string{"several status parts united"})
	if r.siblings++; r.siblings < 100 {
		r.m.Report.Add(report)
	}
}

// automatic tells whether a mail may hold a report that does not say so. In
// the mail of a person a status part is something quoted.
func (r *reader) automatic() bool {
	h := r.m.Header
	return r.report || r.m.Daemon() || r.m.From == "" || h.Has("X-Failed-Recipients") || h.Has("Auto-Submitted")
}

// sniffed reads a report part that is typed as something else.
func (r *reader) sniffed(p *leaf, i int) bool {
	if !p.Is("text/plain", "application/octet-stream", "text/x-delivery-status") && strings.HasPrefix(p.Type, "image/") || p.Is("text/html") {
		return false
	}
	if i == 0 && len(r.leaves) > 1 && !r.report {
		return false
	}
	if len(p.Body()) > 4<<20 {
		return false
	}
	text := r.decode(p)
	if head := strings.TrimLeft(text, "\n"); strings.HasPrefix(head, ">") || strings.HasPrefix(head, "|") {
		text = string(unquote([]byte(text)))
	}
	if dsn.Sniff(text) {
		r.addNote([]string{"status part typed " + p.Type})
		r.addStatus(text)
		return true
	}
	if mime.FieldName(strings.TrimLeft(text, "\n")) != "" && strings.Contains(text[:min(len(text), 2000)], "Feedback-Type:") && r.m.Feedback == nil {
		r.addNote([]string{"feedback report typed " + p.Type})
		r.m.Feedback = arf.Parse(text)
		return true
	}
	return false
}

// text picks the human-readable part: the first text/plain that says anything,
// else HTML, else any text, else what the reports left.
func (r *reader) text(taken []bool) int {
	for _, want := range []func(p *mime.Part) bool{
		func(p *mime.Part) bool { return p.Type == "text/plain" && !p.Attached() },
		func(p *mime.Part) bool { return p.Type == "text/html" && !p.Attached() },
		func(p *mime.Part) bool {
			return strings.HasPrefix(p.Type, "text/") || strings.HasPrefix(p.Type, "multipart/")
		},
	} {
		for i := range r.leaves {
			p := &r.leaves[i]
			if taken[i] || !want(p.Part) {
				continue
			}
			text := r.decode(p)
			if p.Type == "text/html" {
				text = mime.HTMLText(text)
			}
			if strings.TrimSpace(text) == "" {
				continue
			}
			r.m.Text, r.m.HTML = text, p.Type == "text/html"
			return i
		}
	}
	return -1
}

// returned takes a part that looks like a mail or its header as the returned
// one. QUIRK: maddy, Facebook, Bigfoot and gateways type it as they like.
func (r *reader) returned(p *mime.Part) {
	if strings.HasPrefix(p.Type, "image/") || p.Type == "text/html" {
		return
	}
	o := r.original(unquote(r.head(p)))
	seen := 0
	for _, name := range []string{"Received", "Return-Path", "From", "To", "Subject", "Date", "Message-ID"} {
		if o.Header.Has(name) {
			seen++
		}
	}
	if seen >= 3 {
		r.addNote([]string{"returned message typed " + p.Type})
		r.m.Original = o
	}
}

func (r *reader) original(head []byte) *Original {
	return &Original{Header: mime.ReadHeader(head, r.limit), Raw: head}
}

// head returns the beginning of a part, decoded: a returned header, never
// what hangs on it.
func (r *reader) head(p *mime.Part) []byte {
	b := p.Head(r.limit)
	if p.Cut() && len(b) < r.limit {
		b = b[:bytes.LastIndexByte(b, '\n')+1]
	}
	return b
}

func (r *reader) decode(p *leaf) string {
	if !p.done {
		var notes []string
		p.text, notes = p.Decode()
		if p.Cut() {
			p.text = whole(p.text, r.m.Header)
		}
		p.done = true
		r.addNote(notes)
	}
	return p.text
}

func (r *reader) addNote(notes []string) {
	for _, n := range notes {
		known := false
		for _, k := range r.m.Notes {
			known = known || k == n
		}
		if !known {
			r.m.Notes = append(r.m.Notes, n)
		}
	}
}
