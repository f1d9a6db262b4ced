-- Where receivers took mail of ours: what closes an incident.
CREATE INDEX events_success ON events (operator, at) WHERE (action = 'delivered' OR kind = 'receipt') AND proof <> 'none';
