-- Whether a failure would suppress by the word of a notice that came from outside
-- and that anybody can have written: such are limited by the hour. '' or 'outside'.
ALTER TABLE events ADD COLUMN forgeable TEXT NOT NULL DEFAULT '';
