package facts

import (
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/envelope"
	"harvester/store/policy"
)

// optOut makes an opt-out by mail an event of who asked: the recipient of the
// return path that the mail came to, else who wrote it.
func (w *Writing) optOut(it *Item) {
	res := &it.Result
	if res.Kind != bounce.KindUnsubscribe || len(res.Recipients) > 0 {
		return
	}
	who := res.From
	if s, known := envelope.Read(w.Ours.ReturnPaths, res.DeliveredTo); known && s.Signed && s.Recipient != "" {
		who = s.Recipient
	}
	if !policy.IsAddress(who) || policy.Own(policy.Domain(policy.Key(who)), w.Ours.Domains) {
		return
	}
	res.Recipients = []parse.Recipient{{Recipient: who}}
}

// proveOptOut says whether an opt-out by mail is from who it is about: our own
// server recorded that its From is authentic. A signed return path speaks for
// itself, and what a mail encloses says nothing here.
func (ours *Ours) proveOptOut(a *attribution, res *parse.Result) {
	if a.proof >= policy.ProofLedger {
		return
	}
	a.proof, a.token = policy.ProofNone, ""
	if v := res.Provenance.Verified; v != "" && v == policy.Domain(a.key) && policy.Key(res.From) == a.key {
		a.proof, a.doubt = policy.ProofAuthentic, ""
	}
}
