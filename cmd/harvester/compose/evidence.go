package compose

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"harvester/parse"
	"harvester/schedule/diagnose"
	"harvester/store/engine"
	"harvester/store/policy"
	"harvester/store/query"
)

// perIncident bounds the different things that one cause of an incident can
// have looked up.
const perIncident = 5

// heard is a piece of evidence, with the failures that say so.
type heard struct {
	diagnose.Evidence
	mails                int
	addresses, receivers map[string]bool
	all                  *query.Cost // of more failures than are read one by one; nil: those are all
}

// evidence is what an incident's failures say, one piece for each address,
// return path and receiver that they name, the most frequent first; those of
// causes that only follow from the incident come last.
func (s *Set) evidence(ctx context.Context, in *query.Incident) ([]heard, error) {
	since := s.DB.Now().AddDate(0, 0, -diagnoseDays)
	if in.Opened.Before(since) {
		since = in.Opened
	}
	var list []heard
	for i, id := range append([]string{in.ID}, in.Includes...) {
		cause := in.Cause
		if i > 0 {
			cause, _, _ = policy.CauseByKey(id)
		}
		claims, cost, err := s.DB.Incidents.Claims(ctx, id, since)
		if err != nil {
			return nil, err
		}
		said := s.gather(in.ID, cause.ID, cause.Group, claims)
		if len(said) == 1 && cost.Mails > said[0].mails {
			said[0].all = &cost
		}
		if err := s.kept(ctx, said, claims); err != nil {
			return nil, err
		}
		list = append(list, said...)
	}
	if len(list) == 0 { // nothing is proven to be ours
		list = []heard{{Evidence: diagnose.Evidence{Incident: in.ID, Cause: in.Cause.ID, Group: "unproven",
			Claim: diagnose.Claim{Sentence: in.Sample, First: in.Opened, Last: in.LastSeen, Count: max(in.Count, 1)}}}}
	}
	return list, nil
}

// join checks pieces of evidence, and tells what comes out of several of them
// once, with what it cost in all.
func join(ctx context.Context, c *diagnose.Checker, list []heard) []diagnose.Finding {
	var out []diagnose.Finding
	var by []heard // what each finding rests on
	for i := range list {
		for _, f := range c.Incident(ctx, &list[i].Evidence) {
			at := slices.IndexFunc(out, func(o diagnose.Finding) bool {
				return o.ID == f.ID && o.Verdict == f.Verdict && o.Subject.Key() == f.Subject.Key() && o.Claim != nil && f.Claim != nil
			})
			if at < 0 {
				h := list[i]
				h.addresses, h.receivers = maps.Clone(h.addresses), maps.Clone(h.receivers)
				out, by = append(out, f), append(by, h)
				continue
			}
			a, b := out[at].Claim, f.Claim
			a.Count += b.Count
			if b.First.Before(a.First) {
				a.First = b.First
			}
			if b.Last.After(a.Last) {
				a.Last = b.Last
			}
			for _, o := range b.Operators {
				if len(a.Operators) < maxOperators && !slices.Contains(a.Operators, o) {
					a.Operators = append(a.Operators, o)
				}
			}
			by[at].mails, by[at].all = by[at].mails+list[i].mails, nil
			maps.Copy(by[at].addresses, list[i].addresses)
			maps.Copy(by[at].receivers, list[i].receivers)
		}
	}
	for i := range out {
		switch h := &by[i]; {
		case h.all != nil:
			out[i].Cost = &diagnose.Cost{Mails: h.all.Mails, Addresses: h.all.Addresses, Receivers: h.all.Receivers, Since: h.all.Since}
		case h.mails > 0 && out[i].Claim != nil:
			out[i].Cost = &diagnose.Cost{Mails: h.mails, Addresses: len(h.addresses), Receivers: len(h.receivers), Since: out[i].Claim.First}
		}
	}
	return out
}

// maxOperators bounds those who are named as having said so.
const maxOperators = 20

// maxKept bounds the kept notices that are read for one incident.
const maxKept = 50

// kept adds what the notices themselves say, of those whose original is still
// kept: the Received fields and the HELO name of the mail that came back, and
// its signatures, as for a notice that is handed in as a file.
func (s *Set) kept(ctx context.Context, list []heard, claims []query.StoredClaim) error {
	own, read := s.Config.Own(), 0
	for i := range claims {
		if read == maxKept || !slices.ContainsFunc(list, func(ev heard) bool { return ev.Header == nil }) {
			return nil
		}
		raw, err := s.DB.Notices.Raw(ctx, claims[i].Message)
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		read++
		res := parse.Parse(raw, s.Parsing())
		for _, told := range diagnose.Notice(raw, &res, own) {
			for j := range list {
				list[j].Complete(&told)
			}
		}
	}
	return nil
}

// gather brings claims together that would be checked the same way; without a
// cause and its group, by what each says.
func (s *Set) gather(incident, cause, group string, claims []query.StoredClaim) []heard {
	own := s.Config.Own()
	var list []heard
	for i := range claims {
		x := &claims[i]
		ev := diagnose.Evidence{Incident: incident, Cause: cause, Group: group, Remote: x.RemoteMTA, Recipient: x.Domain, Signatures: x.DKIM,
			From:  domainOf(x.From),
			Claim: diagnose.Claim{Receiver: x.RemoteMTA, Sentence: x.Diagnostic, Status: x.Status, Reason: x.Reason, First: x.At, Last: x.At, Count: 1}}
		ev.Envelope(x.ReturnPath, x.DeliveredTo, own)
		ev.IP, _ = netip.ParseAddr(x.Named)
		if !ev.IP.IsValid() {
			ev.IP = policy.Named(x.Diagnostic, x.RemoteMTA)
		}
		ev.Reports(x.ReportingMTA, own)
		if group != "path" && group != "tls" && group != "" {
			ev.Recipient = ""
		}
		if x.Operator != "" {
			ev.Claim.Operators = []string{x.Operator}
		}
		at := slices.IndexFunc(list, func(o heard) bool {
			return o.IP == ev.IP && (ev.IP.IsValid() || o.Reporter == ev.Reporter) && o.MailFrom == ev.MailFrom && o.From == ev.From && o.Recipient == ev.Recipient &&
				(group != "" || o.Claim.Reason == ev.Claim.Reason && o.Remote == ev.Remote) && slices.Equal(o.Signatures, ev.Signatures)
		})
		if at < 0 {
			list = append(list, heard{Evidence: ev, mails: 1, addresses: map[string]bool{x.Key: true}, receivers: map[string]bool{x.Operator: true}})
			continue
		}
		h := &list[at]
		h.mails++
		h.addresses[x.Key], h.receivers[x.Operator] = true, true
		o := &h.Claim
		o.Count++
		o.First = x.At // they come latest first
		if x.Operator != "" && len(o.Operators) < maxOperators && !slices.Contains(o.Operators, x.Operator) {
			o.Operators = append(o.Operators, x.Operator)
		}
	}
	slices.SortStableFunc(list, func(a, b heard) int { return b.Claim.Count - a.Claim.Count })
	return list[:min(len(list), perIncident)]
}

func domainOf(address string) string {
	return policy.Domain(policy.Key(address))
}
