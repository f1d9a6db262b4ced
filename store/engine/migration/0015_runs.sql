-- A run names its job in two words: what it does, and to what.
ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT '';    -- package job: harvest, export, …
ALTER TABLE runs ADD COLUMN subject TEXT NOT NULL DEFAULT ''; -- the mailbox, the export, …; '' where there is but one
UPDATE runs SET kind = CASE instr(job, ' ') WHEN 0 THEN job ELSE substr(job, 1, instr(job, ' ') - 1) END,
 subject = CASE instr(job, ' ') WHEN 0 THEN '' ELSE substr(job, instr(job, ' ') + 1) END;
DROP INDEX runs_job;
ALTER TABLE runs DROP COLUMN job;
CREATE INDEX runs_job ON runs (kind, subject, started);
