-- When the daemon runs a job again whose last run failed; NULL: by its schedule.
ALTER TABLE runs ADD COLUMN retry INTEGER;
