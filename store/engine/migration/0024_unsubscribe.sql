-- How the mail that came back lets its recipient unsubscribe: none, mail, link,
-- unsigned, one_click; '' where its header did not come back whole. The great
-- receivers ask for it.
ALTER TABLE messages ADD COLUMN unsubscribe TEXT NOT NULL DEFAULT '';
