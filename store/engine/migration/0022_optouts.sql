-- What an operator said of an opt-out that nothing proves: "AUTHOR: REASON" where
-- he believes it, the same behind a "-" where not, '' while it waits.
ALTER TABLE events ADD COLUMN accepted TEXT NOT NULL DEFAULT '';
CREATE INDEX events_optout ON events (id) WHERE proof = 'none' AND accepted = '' AND kind IN ('unsubscribe', 'complaint');
