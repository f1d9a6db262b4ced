-- The indexes of the concentrations follow from their table in package policy.
DROP INDEX events_domain;
DROP INDEX events_path;
