package compose

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"harvester/parse"
	"harvester/schedule/diagnose"
)

// shown tells what mail of our domains looked like that came back.
func (s *Set) shown(ctx context.Context) func(domain string) ([]diagnose.Shown, *diagnose.Sent) {
	return func(domain string) ([]diagnose.Shown, *diagnose.Sent) {
		list, err := s.DB.Incidents.ReturnedFrom(ctx, domain, s.DB.Now().AddDate(0, 0, -diagnoseDays))
		if err != nil {
			s.Log.WarnContext(ctx, "what came back of a domain can't be read", slog.String("name", domain), slog.Any("err", err))
			return nil, nil
		}
		own := s.Config.Own()
		out := make([]diagnose.Shown, len(list))
		for i := range list {
			r := &list[i]
			out[i] = diagnose.Shown{N: r.N, Complaint: r.Complaint, Reason: r.Reason, MailFrom: domainOf(r.ReturnPath), Signatures: r.DKIM, List: r.ListID != "",
				Unsubscribe: parse.Unsubscribe(r.Unsubscribe), Reply: r.Diagnostic}
			var ev diagnose.Evidence
			if ev.Reports(r.ReportingMTA, own); ev.Direct {
				out[i].IP, _ = netip.ParseAddr(r.Named)
			}
		}
		return out, s.sent(ctx)
	}
}

// sent is how much was sent, and how many complained, where all of it is of one
// domain; nil where that is not known.
func (s *Set) sent(ctx context.Context) *diagnose.Sent {
	if len(s.Config.DiagnoseDomains()) != 1 {
		return nil
	}
	rates, err := s.DB.Rates.Rates(ctx)
	if err != nil {
		s.Log.WarnContext(ctx, "the rates can't be read", slog.Any("err", err))
		return nil
	}
	var sum diagnose.Sent
	for _, r := range rates {
		if r.Sent != nil {
			sum.Mails, sum.Complaints, sum.Days = sum.Mails+*r.Sent, sum.Complaints+r.Complaints, max(sum.Days, int(r.To.Sub(r.From).Round(24*time.Hour)/(24*time.Hour)))
		}
	}
	if sum.Mails == 0 {
		return nil
	}
	return &sum
}
