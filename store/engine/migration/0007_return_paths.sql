-- What a return path of ours says about the notice that came to it.

-- Names the path that verified, for one recipient or sender and day: further
-- notices to it are the same mail's. A hash, '' when nothing is signed.
ALTER TABLE events ADD COLUMN token TEXT NOT NULL DEFAULT '';
-- Why a return path with a token speaks against the notice; '' when it does not.
ALTER TABLE events ADD COLUMN doubt TEXT NOT NULL DEFAULT '';
