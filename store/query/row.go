package query

import (
	"harvester/parse/bounce"
	"harvester/store/engine"
)

// A list is long and its words repeat: they come as one column. An address comes
// only where it differs from its key.
var (
	briefFields = []engine.Field[Suppression]{
		{Column: "key", To: func(s *Suppression) any { return &s.Key }},
		{Column: "CASE WHEN address = key THEN '' ELSE address END", To: func(s *Suppression) any { return &s.Address }},
		engine.Recurring(takeWords, briefWords...),
	}
	allFields = append([]engine.Field[Suppression]{
		{Column: "key", To: func(s *Suppression) any { return &s.Key }},
		{Column: "CASE WHEN address = key THEN '' ELSE address END", To: func(s *Suppression) any { return &s.Address }},
		{Column: "domain", To: func(s *Suppression) any { return &s.Domain }},
		{Column: "since", To: func(s *Suppression) any { return engine.When(&s.Since) }},
		{Column: "last_seen", To: func(s *Suppression) any { return engine.When(&s.LastSeen) }},
		{Column: "expires", To: func(s *Suppression) any { return engine.When(&s.Expires) }},
		{Column: "held_until", To: func(s *Suppression) any { return engine.When(&s.HeldUntil) }},
		{Column: "count", To: func(s *Suppression) any { return &s.Count }},
		{Column: "reply_code", To: func(s *Suppression) any { return &s.ReplyCode }},
		{Column: "remote_mta", To: func(s *Suppression) any { return &s.RemoteMTA }},
		{Column: "diagnostic", To: func(s *Suppression) any { return &s.Diagnostic }},
	}, engine.Recurring(takeWords, append([]engine.Field[Suppression]{
		{Column: "stream", To: func(s *Suppression) any { return &s.Stream }},
		{Column: "state", To: func(s *Suppression) any { return engine.Text(&s.State) }},
		// An operator's act has no kind.
		{Column: "CASE kind WHEN '' THEN " + engine.Word(bounce.KindNone) + " ELSE kind END", To: func(s *Suppression) any { return engine.Text(&s.Kind) }},
		{Column: "line", To: func(s *Suppression) any { return &s.Line }},
		{Column: "proof", To: func(s *Suppression) any { return engine.Text(&s.Proof) }},
		{Column: "rule", To: func(s *Suppression) any { return &s.Rule }},
		{Column: "rules", To: func(s *Suppression) any { return &s.RulePack }},
	}, briefWords...)...))
)

var briefWords = []engine.Field[Suppression]{
	{Column: "source", To: func(s *Suppression) any { return &s.Source }},
	{Column: "scope", To: func(s *Suppression) any { return engine.Text(&s.Scope) }},
	{Column: "class", To: func(s *Suppression) any { return engine.Text(&s.Class) }},
	{Column: "reason", To: func(s *Suppression) any { return &s.Reason }},
	{Column: "status", To: func(s *Suppression) any { return &s.Status }},
}

// takeWords copies what recurs.
func takeWords(to, from *Suppression) {
	to.Source, to.Scope, to.Class, to.Reason, to.Status = from.Source, from.Scope, from.Class, from.Reason, from.Status
	to.Stream, to.State, to.Kind, to.Line, to.Proof, to.Rule, to.RulePack = from.Stream, from.State, from.Kind, from.Line, from.Proof, from.Rule, from.RulePack
}
