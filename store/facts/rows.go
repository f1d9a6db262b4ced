package facts

import (
	"harvester/parse"
	"harvester/store/engine"
	"harvester/store/policy"

	"github.com/klauspost/compress/zstd"
)

// rows are what a batch writes, in the order in which it is written.
type rows struct {
	known       map[[32]byte]*content
	lastMessage int64 // highest number of a message, stored or here
	lastEvent   int64
	messages    []messageRow
	locators    []locatorRow
	events      []eventRow
	raws        []rawRow
}

// content is one message that is stored, or stands in the batch.
type content struct {
	id, at int64
	stored bool
	// Where its rows stand in the batch, and its events in Touched.New.
	message, event, place int
}

type messageRow struct {
	id, at, now int64
	*Item
}

type locatorRow struct {
	*Item
	message      any // number; nil: there was nothing to read
	state, error string
}

type eventRow struct {
	id, message, at int64
	idx             int
	attribution
	result *parse.Result
	*parse.Recipient
}

type rawRow struct {
	message int64
	size    int
	data    []byte
}

func (r *rows) place(it *Item, message any, state, failure string) {
	r.locators = append(r.locators, locatorRow{it, message, state, failure})
}

func (r *rows) raw(message int64, raw []byte) error {
	if len(raw) > RawCap {
		raw = raw[:RawCap]
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	r.raws = append(r.raws, rawRow{message, len(raw), z.EncodeAll(raw, nil)})
	return nil
}

func (r *rows) write(t *engine.Tx) error {
	if err := insertMessages.Rows(t, r.messages); err != nil {
		return err
	}
	if err := insertLocators.Rows(t, r.locators); err != nil {
		return err
	}
	if err := insertEvents.Rows(t, r.events); err != nil {
		return err
	}
	return insertRaws.Rows(t, r.raws)
}

var insertMessages = engine.Insert[messageRow]{Table: "messages", Columns: []engine.Column[messageRow]{
	{Name: "id", Of: func(m *messageRow) any { return m.id }},
	{Name: "hash", Of: func(m *messageRow) any { return m.Message.Hash[:] }},
	{Name: "at", Of: func(m *messageRow) any { return m.at }},
	{Name: "harvested", Of: func(m *messageRow) any { return m.now }},
	{Name: "size", Of: func(m *messageRow) any { return max(m.Message.Size, int64(len(m.Message.Raw))) }},
	{Name: "truncated", Of: func(m *messageRow) any { return m.Message.Truncated }},
	{Name: "kind", Of: func(m *messageRow) any { return m.Result.Kind.String() }},
	{Name: "dialect", Of: func(m *messageRow) any { return m.Result.Dialect }},
	{Name: "message_id", Of: func(m *messageRow) any { return m.Result.MessageID }},
	{Name: "sender", Of: func(m *messageRow) any { return m.Result.From }},
	{Name: "return_path", Of: func(m *messageRow) any { return m.Result.ReturnPath }},
	{Name: "delivered_to", Of: func(m *messageRow) any { return m.Result.DeliveredTo }},
	{Name: "subject", Of: func(m *messageRow) any { return m.Result.Subject }},
	{Name: "date", Of: func(m *messageRow) any { return engine.Millis(m.Result.Date.Time) }},
	{Name: "reporting_mta", Of: func(m *messageRow) any { return m.Result.ReportingMTA }},
	{Name: "arrival", Of: func(m *messageRow) any { return engine.Millis(m.Result.Arrival.Time) }},
	{Name: "envelope_id", Of: func(m *messageRow) any { return m.Result.EnvelopeID }},
	{Name: "sender_message", Of: func(m *messageRow) any { return m.Result.SenderMessage }},
	{Name: "feedback_type", Of: func(m *messageRow) any { return m.Result.FeedbackType }},
	{Name: "hint", Of: func(m *messageRow) any { return m.Result.Hint }},
	{Name: "rules", Of: func(m *messageRow) any { return m.Result.Rules }},
	{Name: "original_message_id", Of: func(m *messageRow) any { return m.Result.Original.MessageID }},
	{Name: "original_from", Of: func(m *messageRow) any { return m.Result.Original.From }},
	{Name: "original_to", Of: func(m *messageRow) any { return m.Result.Original.To }},
	{Name: "original_subject", Of: func(m *messageRow) any { return m.Result.Original.Subject }},
	{Name: "original_date", Of: func(m *messageRow) any { return m.Result.Original.Date }},
	{Name: "original_return_path", Of: func(m *messageRow) any { return m.Result.Original.ReturnPath }},
	{Name: "original_sender", Of: func(m *messageRow) any { return m.Result.Original.Sender }},
	{Name: "list_id", Of: func(m *messageRow) any { return m.Result.Original.ListID }},
	{Name: "feedback_id", Of: func(m *messageRow) any { return m.Result.Original.FeedbackID }},
	{Name: "dkim", Of: func(m *messageRow) any { return engine.JSONList(m.Result.Original.DKIM) }},
	{Name: "unsubscribe", Of: func(m *messageRow) any { return string(m.Result.Original.Unsubscribe) }},
	{Name: "notes", Of: func(m *messageRow) any { return engine.JSONList(m.Result.Notes) }},
	{Name: "provenance", Of: func(m *messageRow) any { return provenanceText(m.Result.Provenance) }},
}}

var insertLocators = engine.Insert[locatorRow]{Table: "locators", Conflict: "ON CONFLICT DO NOTHING", Columns: []engine.Column[locatorRow]{
	{Name: "message", Of: func(l *locatorRow) any { return l.message }},
	{Name: "mailbox", Of: func(l *locatorRow) any { return l.Message.Mailbox }},
	{Name: "folder", Of: func(l *locatorRow) any { return l.Message.Folder }},
	{Name: "uidvalidity", Of: func(l *locatorRow) any { return l.Message.UIDValidity }},
	{Name: "uid", Of: func(l *locatorRow) any { return l.Message.UID }},
	{Name: "name", Of: func(l *locatorRow) any { return l.Message.Name }},
	{Name: "received", Of: func(l *locatorRow) any { return engine.Millis(l.Message.Received) }},
	{Name: "state", Of: func(l *locatorRow) any { return l.state }},
	{Name: "error", Of: func(l *locatorRow) any { return l.error }},
	{Name: "disposition", Of: func(l *locatorRow) any { return l.Disposition.String() }},
	{Name: "target", Of: func(l *locatorRow) any { return l.Target }},
}}

var insertEvents = engine.Insert[eventRow]{Table: "events", Columns: []engine.Column[eventRow]{
	{Name: "id", Of: func(e *eventRow) any { return e.id }},
	{Name: "message", Of: func(e *eventRow) any { return e.message }},
	{Name: "idx", Of: func(e *eventRow) any { return e.idx }},
	{Name: "at", Of: func(e *eventRow) any { return e.at }},
	{Name: "key", Of: func(e *eventRow) any { return e.key }},
	{Name: "domain", Of: func(e *eventRow) any { return policy.Domain(e.key) }},
	{Name: "address", Of: func(e *eventRow) any { return e.Recipient.Recipient }},
	{Name: "kind", Of: func(e *eventRow) any { return e.result.Kind.String() }},
	{Name: "original_recipient", Of: func(e *eventRow) any { return e.OriginalRecipient }},
	{Name: "final_recipient", Of: func(e *eventRow) any { return e.FinalRecipient }},
	{Name: "action", Of: func(e *eventRow) any { return e.Action.String() }},
	{Name: "status", Of: func(e *eventRow) any { return e.Status }},
	{Name: "reply_code", Of: func(e *eventRow) any { return e.ReplyCode }},
	{Name: "reason", Of: func(e *eventRow) any { return e.Reason.String() }},
	{Name: "fault", Of: func(e *eventRow) any { return e.Fault.String() }},
	{Name: "class", Of: func(e *eventRow) any { return e.Class.String() }},
	{Name: "vendor", Of: func(e *eventRow) any { return e.Vendor }},
	{Name: "rule", Of: func(e *eventRow) any { return e.Rule }},
	{Name: "rules", Of: func(e *eventRow) any { return e.result.Rules }},
	{Name: "confidence", Of: func(e *eventRow) any { return e.Confidence.String() }},
	{Name: "remote_mta", Of: func(e *eventRow) any { return e.RemoteMTA }},
	{Name: "diagnostic", Of: func(e *eventRow) any { return e.Diagnostic }},
	{Name: "evidence", Of: func(e *eventRow) any { return e.Evidence }},
	{Name: "proof", Of: func(e *eventRow) any { return e.proof.String() }},
	{Name: "stream", Of: func(e *eventRow) any { return e.stream }},
	{Name: "operator", Of: func(e *eventRow) any { return e.operator }},
	{Name: "original_message_id", Of: func(e *eventRow) any { return e.result.Original.MessageID }},
	{Name: "cause", Of: func(e *eventRow) any { return e.cause }},
	{Name: "named", Of: func(e *eventRow) any { return e.named }},
	{Name: "concern", Of: func(e *eventRow) any { return e.concern }},
	{Name: "forgeable", Of: func(e *eventRow) any { return e.forgeable }},
	{Name: "token", Of: func(e *eventRow) any { return e.token }},
	{Name: "doubt", Of: func(e *eventRow) any { return e.doubt }},
	{Name: "behind", Of: func(e *eventRow) any { return e.Behind }},
	{Name: "unread", Of: func(e *eventRow) any { return e.Unread }},
}}

var insertRaws = engine.Insert[rawRow]{Table: "raws", Columns: []engine.Column[rawRow]{
	{Name: "message", Of: func(r *rawRow) any { return r.message }},
	{Name: "size", Of: func(r *rawRow) any { return r.size }},
	{Name: "data", Of: func(r *rawRow) any { return r.data }},
}}
