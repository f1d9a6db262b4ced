-- status counts what could not be read, which is rare among millions that were.
CREATE INDEX locators_poison ON locators (mailbox, folder) WHERE state = 'poison';
