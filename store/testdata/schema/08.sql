-- A database of schema 8, filled by the program of that day. DO NOT EDIT: it stands
-- for the databases that are out there.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE messages (
  id            INTEGER PRIMARY KEY,
  hash          BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32), -- SHA-256 of the whole raw message
  at            INTEGER NOT NULL,             -- when it came in: the earliest time known from its places
  harvested     INTEGER NOT NULL,             -- when it was stored
  size          INTEGER NOT NULL,             -- bytes of the whole message
  truncated     INTEGER NOT NULL DEFAULT 0,   -- 1: only its head was read
  kind          TEXT    NOT NULL,
  dialect       TEXT    NOT NULL DEFAULT '',
  message_id    TEXT    NOT NULL DEFAULT '',  -- of the notice itself
  sender        TEXT    NOT NULL DEFAULT '',  -- From of the notice, address only
  return_path   TEXT    NOT NULL DEFAULT '',
  delivered_to  TEXT    NOT NULL DEFAULT '',
  subject       TEXT    NOT NULL DEFAULT '',
  date          INTEGER,                      -- Date of the notice
  reporting_mta TEXT    NOT NULL DEFAULT '',
  arrival       INTEGER,                      -- when the reporting MTA took the mail that failed
  envelope_id   TEXT    NOT NULL DEFAULT '',
  sender_message TEXT   NOT NULL DEFAULT '',  -- an ESP's or MTA's own id of the mail we sent
  feedback_type TEXT    NOT NULL DEFAULT '',
  hint          TEXT    NOT NULL DEFAULT '',
  rules         TEXT    NOT NULL DEFAULT '',  -- version of the rule pack that answered
  original_message_id TEXT NOT NULL DEFAULT '', -- the mail that came back
  original_from TEXT    NOT NULL DEFAULT '',
  original_to   TEXT    NOT NULL DEFAULT '',
  original_subject TEXT NOT NULL DEFAULT '',
  original_date TEXT    NOT NULL DEFAULT '',  -- as written
  original_return_path TEXT NOT NULL DEFAULT '',
  original_sender TEXT  NOT NULL DEFAULT '',
  list_id       TEXT    NOT NULL DEFAULT '',
  feedback_id   TEXT    NOT NULL DEFAULT '',
  dkim          TEXT    NOT NULL DEFAULT '',  -- JSON array of "selector._domainkey.domain", '' when empty
  notes         TEXT    NOT NULL DEFAULT ''   -- JSON array of what was repaired, '' when empty
) STRICT;
INSERT INTO messages VALUES(1,X'45acf2bef7d7e020d2a94c8c920f24ab9aad1656598e6cb4db86983b5ec3e361',1786007922000,1796042465497,1483,0,'complaint','','<aol-scomp@aol.net>','scomp@aol.net','scomp@aol.net','bounces@news.example.com','Email Feedback Report for IP 192.0.2.25',1786007922000,'',NULL,'','','abuse','','4dd123ba1eb2','<20260803061500.4711.news@news.example.com>','news@news.example.com','redacted@aol.example','Our August offers','Mon, 03 Aug 2026 08:15:00 +0200','bounces+jo=example.org@news.example.com','','','','["s1._domainkey.news.example.com"]','["AOL feedback report without its fields","AOL feedback report without its fields"]');
INSERT INTO messages VALUES(2,X'2aa2dde495034175b6a336e1cc0bd3c6e6296280b88ecd29a8463e848ab2d03f',1786098709000,1796042465497,1895,0,'complaint','','<arf-dovecot-report@example.org>','jo@example.org','jo@example.org','fbl@news.example.com','Report: Our August offers',1786098709000,'',NULL,'','','abuse','','4dd123ba1eb2','<20260803061500.4711.news@news.example.com>','news@news.example.com','jo@example.org','Our August offers','Mon, 03 Aug 2026 08:15:00 +0200','bounces+jo=example.org@news.example.com','','','','["s1._domainkey.news.example.com"]','');
INSERT INTO messages VALUES(3,X'e1c96062923f35b8fb2380bd7ab549cb042d98eaa3f652894da63a7432e5a6e0',1786007922000,1796042465497,1412,0,'complaint','','<jmrp-inner-header@hotmail.com>','staff@hotmail.com','staff@hotmail.com','bounces@news.example.com','complaint about message from 192.0.2.25',1786007922000,'',NULL,'','','abuse','','4dd123ba1eb2','<20260803061500.4711.news@news.example.com>','news@news.example.com','jo@hotmail.example','Our August offers','Mon, 03 Aug 2026 08:15:00 +0200','bounces+jo=example.org@news.example.com','','','','["s1._domainkey.news.example.com"]','["JMRP report","JMRP report"]');
INSERT INTO messages VALUES(4,X'911b591f109e08b696694ca71a717075dfc969f89406e66673e353f1e7d8b58d',1792835490000,1796042465497,2875,0,'delay','postfix','<20261024095130.8488497356@mail.example.org>','MAILER-DAEMON@mail.example.org','<>','bounces@example.org','Delayed Mail (still being retried)',1792835490000,'mail.example.org',1792829085000,'','postfix:7914ACBE84','','','4dd123ba1eb2','<20261024080445.ff3e412ee3@mail.example.org>','news@example.org','ivan.horvat@foundry.example.net','What is new in October','Sat, 24 Oct 2026 08:04:45 +0000','bounces@example.org','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(5,X'4a52f43eb33b49ffaf036c8a392b75b0bd7e47bfd53521f51cb877fa31ccf7c2',1794226676000,1796042465497,2092,0,'bounce','exchange2003','<bYbNUr8CP00000292@srv03.harbour.example.com>','postmaster@harbour.example.com','<>','bounces@example.org','Delivery Status Notification (Failure)',1794226676000,'srv03.harbour.example.com',1794226676000,'','postfix:6D691CE465','','','4dd123ba1eb2','<20261109141756.2965a51bf2@mail.example.org>','orders@example.org','m.rossi@harbour.example.com','Your appointment on Thursday','Mon, 09 Nov 2026 14:17:56 +0000','bounces@example.org','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(6,X'e1596d291664d3c0ced9484443be1380a92a5d539f68033ed0d24fc84d004ff5',1791211249000,1796042465497,5901,0,'bounce','exchange','<135cc75a0079-d0d9@EX08.corp.hub.example.com>','MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@hub.example.com','<>','bounces@example.org','Undeliverable: Three ideas for your garden',1791211249000,'EX08.corp.hub.example.com',1791214849000,'','postfix:1E24562136','','','4dd123ba1eb2','<20261005154040.58ac48af96@mail.example.org>','orders@example.org','b.kraft@solano.test','Three ideas for your garden','Mon, 05 Oct 2026 15:40:40 +0000','','','','','["m2026._domainkey.example.org"]','["Final-Recipient decapsulated","Final-Recipient decapsulated"]');
INSERT INTO messages VALUES(7,X'23123f5c969742991b33220b9ce321a3376296bbd8c16af2b883cdd298251e06',1791925717000,1796042465497,5098,0,'bounce','exchange','<3dc95dea91fd-53ea@EX03.corp.chorale.test>','MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@chorale.test','<>','bounces@example.org','Undeliverable: What is new in October',1791925717000,'EX03.corp.chorale.test',1791929317000,'','postfix:35BDABF534','','','4dd123ba1eb2','<20261013220744.431af4cbe2@mail.example.org>','events@example.org','omar.haddad@chorale.test','What is new in October','Tue, 13 Oct 2026 22:07:44 +0000','','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(8,X'9b7a220d277c81dda0705c1a9812580860af39dd4b6f6b220394db10d5de536b',1792130488000,1796042465497,3406,0,'bounce','exchange','<1a48da3da2ef-3a02@EX02.corp.hillside.example.com>','MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@hillside.example.com','<>','bounces@example.org','Undeliverable: Programme for the winter season',1792130488000,'EX02.corp.hillside.example.com',1792134088000,'','postfix:FF25215CB5','','','4dd123ba1eb2','<20261016070115.f0aae9cf58@mail.example.org>','billing@example.org','theater@hillside.example.com','Programme for the winter season','Fri, 16 Oct 2026 07:01:15 +0000','','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(9,X'903ea4a6c3ebaa260ef30c7f60777a67ff076b0a0da7e0963bf2e35b8dd2465d',1792035797000,1796042465497,2076,0,'bounce','exchange55','<1XJBPJW0S6SVJ95PMEBICHPAPBZATX@ntserver.verlag.example>','postmaster@verlag.example','<>','bounces@example.org','Undeliverable: Your order has been shipped',1792035797000,'',NULL,'','postfix:3241FBC670','','','4dd123ba1eb2','<20261015034317.779ceb7463@mail.example.org>','orders@example.org','redaktion@verlag.example','Your order has been shipped','Thu, 15 Oct 2026 03:43:17 +0000','bounces@example.org','','','','','');
INSERT INTO messages VALUES(10,X'5042d7d267d22e9f30681fd239e360a257dd73ea3fcfb18bc9a350aa3aed0d02',1794269812000,1796042465497,5650,0,'bounce','exchange','<fc8ea34f440d-7be4@EX03.corp.kontor.example>','postmaster@kontor.example','<>','bounces@example.org','Ei voi toimittaa: Please confirm your address',1794269812000,'EX03.corp.kontor.example',1794273412000,'','postfix:0FC0557E99','','','4dd123ba1eb2','<20261110011627.4295c0c01f@mail.example.org>','news@example.org','buchhaltung@kontor.example','Please confirm your address','Tue, 10 Nov 2026 01:16:27 +0000','','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(11,X'7efeb0644985a18795895c13dda63520f50178569554026bce5b587bd08d4b06',1791844543000,1796042465497,6507,0,'bounce','exchange','<74b9fd3bba65-c21f@EX02.corp.cartograph.example>','postmaster@cartograph.example','<>','bounces@example.org','Niedostarczalne: Reminder: the workshop starts on Monday',1791844543000,'EX02.corp.cartograph.example',1791848143000,'','postfix:A32F8FB63C','','','4dd123ba1eb2','<20261012233459.2c83d59989@mail.example.org>','events@example.org','quentin.roy@cartograph.example','Reminder: the workshop starts on Monday','Mon, 12 Oct 2026 23:34:59 +0000','','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(12,X'7822b1fe3b0d0b22c4e104e28a68d75e740d6be3f524f5cc6ef6fbf9b20ed641',1794529308000,1796042465497,7517,0,'bounce','office365','<a951b2df-d9ad74381114@PA4PR07MB2386.eurprd07.prod.outlook.com>','postmaster@pinewood.test','<>','bounces@example.org','Undeliverable: Your receipt',1794529308000,'PA4PR07MB2386.eurprd07.prod.outlook.com',1794529308000,'','postfix:0430AA8D85','','','4dd123ba1eb2','<20261113002128.8094b300e6@mail.example.org>','billing@example.org','g.santos@pinewood.test','Your receipt','Fri, 13 Nov 2026 00:21:28 +0000','bounces@example.org','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(13,X'61d48672437a907568d450b1f06d8acd537e8c711cfa7482a9d38e1b5a090d88',1793651487000,1796042465497,7178,0,'bounce','office365','<c9d26708-97ec5a93c49c@PA4PR07MB2260.eurprd07.prod.outlook.com>','postmaster@kiosk.example.com','<>','bounces@example.org','Undeliverable: Programme for the winter season',1793651487000,'PA4PR07MB2260.eurprd07.prod.outlook.com',1793651487000,'','postfix:9474B0F377','','','4dd123ba1eb2','<20261102203107.7f31110c55@mail.example.org>','orders@example.org','u.hofer@kiosk.example.com','Programme for the winter season','Mon, 02 Nov 2026 20:31:07 +0000','bounces@example.org','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(14,X'718516d087d2a751119d261eef909ae02e2d8d599a0c58d43475c68d5977dcee',1790391801000,1796042465497,7502,0,'bounce','office365','<41246146-5dd2e7a5f82d@PA4PR07MB8736.eurprd07.prod.outlook.com>','postmaster@lantern.example','<>','bounces@example.org','Undeliverable: Changes to our terms',1790391801000,'PA4PR07MB8736.eurprd07.prod.outlook.com',1790391801000,'','postfix:6236D75662','','','4dd123ba1eb2','<20260926030301.654c29ffdc@mail.example.org>','events@example.org','n.romano@lantern.example','Changes to our terms','Sat, 26 Sep 2026 03:03:01 +0000','bounces@example.org','','','','["m2026._domainkey.example.org"]','');
INSERT INTO messages VALUES(15,X'5cfd3d47da27b63ead5576e5a55e5f8767191ce9e0447eaea22f4338511f4b39',1790675514000,1796042465497,1992,0,'delivered','exim','<E1tQqWs-00000004bXY-0aPz@mail.example.org>','Mailer-Daemon@mail.example.org','<>','bounces@example.org','Delivery Status Notification',1790675514000,'mail.example.org',1790675514000,'','postfix:6736787763','','','4dd123ba1eb2','<20260929095154.ab6fb2d22f@mail.example.org>','orders@example.org','noa.levi@gartenbau.example.com','Your appointment on Thursday','Tue, 29 Sep 2026 09:51:54 +0000','bounces@example.org','','','','["m2026._domainkey.example.org"]','["the status part is vague: the reply is taken from the text"]');
CREATE TABLE locators (
  id          INTEGER PRIMARY KEY,
  message     INTEGER REFERENCES messages (id) ON DELETE CASCADE, -- NULL: gone or poison, there was nothing to read
  mailbox     TEXT    NOT NULL,
  folder      TEXT    NOT NULL DEFAULT '',
  uidvalidity INTEGER NOT NULL DEFAULT 0,
  uid         INTEGER NOT NULL DEFAULT 0,
  name        TEXT    NOT NULL DEFAULT '',    -- path or UIDL, for sources without UIDs
  received    INTEGER,                        -- INTERNALDATE or file time
  state       TEXT    NOT NULL CHECK (state IN ('stored', 'gone', 'poison')),
  error       TEXT    NOT NULL DEFAULT '',    -- why a poison message can't be read
  disposition TEXT    NOT NULL CHECK (disposition IN ('keep', 'seen', 'move', 'delete')),
  target      TEXT    NOT NULL DEFAULT '',    -- folder of a move
  settled     INTEGER                         -- when the disposition was carried out
) STRICT;
INSERT INTO locators VALUES(1,1,'import','',0,0,'/var/mail/old/complaint-aol-scomp.eml',1786007922000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(2,2,'import','',0,0,'/var/mail/old/complaint-arf-dovecot-report.eml',1786098709000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(3,3,'import','',0,0,'/var/mail/old/complaint-jmrp-inner-header.eml',1786007922000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(4,4,'import','',0,0,'/var/mail/old/delayed.eml',1792835490000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(5,5,'import','',0,0,'/var/mail/old/exchange-2000-failed-utf7.eml',NULL,'stored','','keep','',NULL);
INSERT INTO locators VALUES(6,6,'import','',0,0,'/var/mail/old/exchange-2010-failed-imceasmtp.eml',1791214849000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(7,7,'import','',0,0,'/var/mail/old/exchange-2016-failed-content-filter.eml',1791929317000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(8,8,'import','',0,0,'/var/mail/old/exchange-2019-failed-text-only.eml',1792134088000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(9,9,'import','',0,0,'/var/mail/old/exchange-5.5-failed.eml',1792035797000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(10,10,'import','',0,0,'/var/mail/old/exchange-localised-fi.eml',1794273412000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(11,11,'import','',0,0,'/var/mail/old/exchange-localised-pl.eml',1791848143000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(12,12,'import','',0,0,'/var/mail/old/exchange-online-failed-bad-outbound-sender.eml',1794529308000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(13,13,'import','',0,0,'/var/mail/old/exchange-online-failed-group-members-only.eml',1793651487000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(14,14,'import','',0,0,'/var/mail/old/exchange-online-failed-traffic-not-accepted.eml',1790391801000,'stored','','keep','',NULL);
INSERT INTO locators VALUES(15,15,'import','',0,0,'/var/mail/old/exim-delivered.eml',NULL,'stored','','keep','',NULL);
CREATE TABLE raws (
  message INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
  size    INTEGER NOT NULL,  -- bytes before compression, at most the cap
  data    BLOB    NOT NULL
) STRICT;
CREATE TABLE events (
  id           INTEGER PRIMARY KEY,
  message      INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  idx          INTEGER NOT NULL,             -- position in the message
  at           INTEGER NOT NULL,             -- that of the message
  key          TEXT    NOT NULL,             -- address key, '' when nobody is named
  domain       TEXT    NOT NULL,             -- domain of the key
  address      TEXT    NOT NULL,             -- as written
  kind         TEXT    NOT NULL,             -- that of the message
  original_recipient TEXT NOT NULL DEFAULT '',
  final_recipient TEXT NOT NULL DEFAULT '',
  action       TEXT    NOT NULL,
  status       TEXT    NOT NULL DEFAULT '',  -- enhanced status code (RFC 3463)
  reply_code   INTEGER NOT NULL DEFAULT 0,
  reason       TEXT    NOT NULL,
  fault        TEXT    NOT NULL,
  class        TEXT    NOT NULL,
  vendor       TEXT    NOT NULL DEFAULT '',
  rule         TEXT    NOT NULL DEFAULT '',
  rules        TEXT    NOT NULL DEFAULT '',  -- version of the rule pack
  confidence   TEXT    NOT NULL,
  remote_mta   TEXT    NOT NULL DEFAULT '',
  diagnostic   TEXT    NOT NULL DEFAULT '',
  evidence     TEXT    NOT NULL DEFAULT '',  -- the words that matched
  proof        TEXT    NOT NULL,             -- of sending: none, returned, ledger, signed
  stream       TEXT    NOT NULL DEFAULT '',  -- of ours, that sent the mail
  operator     TEXT    NOT NULL DEFAULT '',  -- who runs the receiving MX: a known name, or an organisational domain
  original_message_id TEXT NOT NULL DEFAULT '',
  duplicate_of INTEGER, cause TEXT NOT NULL DEFAULT '', named TEXT NOT NULL DEFAULT '', concern TEXT NOT NULL DEFAULT '', token TEXT NOT NULL DEFAULT '', doubt TEXT NOT NULL DEFAULT '',                      -- derived: an earlier event for the same mail and reason family
  UNIQUE (message, idx)
) STRICT;
INSERT INTO events VALUES(1,1,0,1786007922000,'redacted@aol.example','aol.example','redacted@aol.example','complaint','','redacted@aol.example','','',0,'unclassified','unknown','none','','','4dd123ba1eb2','none','','','','none','','aol.example','<20260803061500.4711.news@news.example.com>',NULL,'','','','','');
INSERT INTO events VALUES(2,3,0,1786007922000,'jo@hotmail.example','hotmail.example','jo@hotmail.example','complaint','','jo@hotmail.example','','',0,'unclassified','unknown','none','','','4dd123ba1eb2','none','','','','none','','hotmail.example','<20260803061500.4711.news@news.example.com>',NULL,'','','','','');
INSERT INTO events VALUES(3,4,0,1792835490000,'ivan.horvat@foundry.example.net','foundry.example.net','ivan.horvat@foundry.example.net','delay','ivan.horvat@foundry.example.net','ivan.horvat@foundry.example.net','delayed','4.4.1',0,'deferred','receiver','none','','generic.expired','4dd123ba1eb2','rule','mx1.foundry.example.net','connect to mx1.foundry.example.net[203.0.113.60]:25: Connection timed out','Connection timed out','returned','news@example.org','example.net','<20261024080445.ff3e412ee3@mail.example.org>',NULL,'','','','','');
INSERT INTO events VALUES(4,5,0,1794226676000,'m.rossi@harbour.example.com','harbour.example.com','m.rossi@harbour.example.com','bounce','','m.rossi@harbour.example.com','failed','5.1.1',0,'user_unknown','recipient','hard','','','4dd123ba1eb2','status','','','5.1.1','returned','orders@example.org','example.com','<20261109141756.2965a51bf2@mail.example.org>',NULL,'','','unknown','','');
INSERT INTO events VALUES(5,6,0,1791211249000,'b.kraft@solano.test','solano.test','b.kraft@solano.test','bounce','b.kraft@solano.test','b.kraft@solano.test','failed','5.1.10',550,'user_unknown','recipient','hard','microsoft','microsoft.recipient-not-found','4dd123ba1eb2','rule','','550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient IMCEASMTP-b+2Ekraft+40solano+2Etest@hub.example.com not found by SMTP address lookup','RESOLVER.ADR.RecipientNotFound','returned','orders@example.org','solano.test','<20261005154040.58ac48af96@mail.example.org>',NULL,'','','unknown','','');
INSERT INTO events VALUES(6,7,0,1791925717000,'omar.haddad@chorale.test','chorale.test','omar.haddad@chorale.test','bounce','','omar.haddad@chorale.test','failed','5.2.1',550,'content_spam','message','block','microsoft','microsoft.quarantined','4dd123ba1eb2','rule','','550 5.2.1 Content Filter agent quarantined this message','Content Filter agent quarantined','returned','events@example.org','chorale.test','<20261013220744.431af4cbe2@mail.example.org>',NULL,'content.spam','','','','');
INSERT INTO events VALUES(7,8,0,1792130488000,'theater@hillside.example.com','hillside.example.com','theater@hillside.example.com','bounce','','theater@hillside.example.com','failed','5.4.1',550,'user_unknown','recipient','hard','microsoft','microsoft.directory-edge','4dd123ba1eb2','rule','example-com.mail.protection.outlook.com','550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5PEPF00014B8A.eurprd02.prod.outlook.com 2026-10-14T08:21:33.902Z 0977A99362AE019B]','Recipient address rejected: Access denied','returned','billing@example.org','microsoft','<20261016070115.f0aae9cf58@mail.example.org>',NULL,'','','5.4.1','','');
INSERT INTO events VALUES(8,9,0,1792035797000,'redaktion@verlag.example','verlag.example','redaktion@verlag.example','bounce','','redaktion@verlag.example','failed','',0,'user_unknown','recipient','hard','','generic.user-unknown','4dd123ba1eb2','rule','','The recipient name is not recognized MSEXCH:IMS:Quarry:MAIN:NTSERVER 0 (000C05A6) Unknown Recipient','recipient name is not recognized','returned','orders@example.org','verlag.example','<20261015034317.779ceb7463@mail.example.org>',NULL,'','','unknown','','');
INSERT INTO events VALUES(9,10,0,1794269812000,'buchhaltung@kontor.example','kontor.example','buchhaltung@kontor.example','bounce','','buchhaltung@kontor.example','failed','5.7.124',550,'recipient_restricted','recipient_policy','block','microsoft','microsoft.restricted','4dd123ba1eb2','rule','example-com.mail.protection.outlook.com','< example-com.mail.protection.outlook.com #5.7.124 smtp;550 5.7.124 RESOLVER.RST.NotAuthorizedForGroup; not authorized; Sender not in allowed-senders list for group>','RESOLVER.RST.NotAuthorized','returned','news@example.org','microsoft','<20261110011627.4295c0c01f@mail.example.org>',NULL,'','','','','');
INSERT INTO events VALUES(10,11,0,1791844543000,'quentin.roy@cartograph.example','cartograph.example','quentin.roy@cartograph.example','bounce','','quentin.roy@cartograph.example','failed','5.1.10',550,'user_unknown','recipient','hard','microsoft','microsoft.recipient-not-found','4dd123ba1eb2','rule','','550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient quentin.roy@cartograph.example not found by SMTP address lookup','RESOLVER.ADR.RecipientNotFound','returned','events@example.org','cartograph.example','<20261012233459.2c83d59989@mail.example.org>',NULL,'','','unknown','','');
INSERT INTO events VALUES(11,12,0,1794529308000,'g.santos@pinewood.test','pinewood.test','g.santos@pinewood.test','bounce','','g.santos@pinewood.test','failed','5.1.8',550,'sender_account','sender','block','microsoft','microsoft.our-account','4dd123ba1eb2','rule','','550 5.1.8 Access denied, bad outbound sender AS(42003)','bad outbound sender','returned','billing@example.org','pinewood.test','<20261113002128.8094b300e6@mail.example.org>',NULL,'microsoft.account','','','','');
INSERT INTO events VALUES(12,13,0,1793651487000,'u.hofer@kiosk.example.com','kiosk.example.com','u.hofer@kiosk.example.com','bounce','','u.hofer@kiosk.example.com','failed','5.7.124',550,'recipient_restricted','recipient_policy','block','microsoft','microsoft.restricted','4dd123ba1eb2','rule','','550 5.7.124 RESOLVER.RST.NotAuthorizedForGroup; not authorized; Sender not in allowed-senders list for group','RESOLVER.RST.NotAuthorized','returned','orders@example.org','example.com','<20261102203107.7f31110c55@mail.example.org>',NULL,'','','','','');
INSERT INTO events VALUES(13,14,0,1790391801000,'n.romano@lantern.example','lantern.example','n.romano@lantern.example','bounce','','n.romano@lantern.example','failed','5.7.708',550,'sender_account','sender','block','microsoft','microsoft.our-account','4dd123ba1eb2','rule','','550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP. For more information please go to http://go.microsoft.com/fwlink/?LinkId=526655 AS(7230)','traffic not accepted from this IP','returned','events@example.org','lantern.example','<20260926030301.654c29ffdc@mail.example.org>',NULL,'microsoft.account','','','','');
INSERT INTO events VALUES(14,15,0,1790675514000,'noa.levi@gartenbau.example.com','gartenbau.example.com','noa.levi@gartenbau.example.com','delivered','noa.levi@gartenbau.example.com','noa.levi@gartenbau.example.com','delivered','2.0.0',250,'unclassified','unknown','none','','','4dd123ba1eb2','none','mx.kontor.example','(relayed via non DSN router)','','returned','orders@example.org','kontor.example','<20260929095154.ab6fb2d22f@mail.example.org>',NULL,'','','','','');
CREATE TABLE suppressions (
  key        TEXT    NOT NULL,
  source     TEXT    NOT NULL,             -- bounce, complaint, unsubscribe, operator
  stream     TEXT    NOT NULL DEFAULT '',  -- '' unless scope is 'stream'
  scope      TEXT    NOT NULL,             -- address (all streams), marketing, stream
  state      TEXT    NOT NULL,             -- suppressed, held
  address    TEXT    NOT NULL,             -- as first seen
  domain     TEXT    NOT NULL,
  kind       TEXT    NOT NULL,             -- of the message it rests on; '' for the operator's
  reason     TEXT    NOT NULL,             -- bounce reason, complaint, unsubscribe, manual
  class      TEXT    NOT NULL,
  since      INTEGER NOT NULL,             -- time of the event that met the policy line
  last_seen  INTEGER NOT NULL,
  expires    INTEGER,                      -- NULL: never
  held_until INTEGER,
  count      INTEGER NOT NULL,             -- counted events
  line       TEXT    NOT NULL,             -- the policy line, in words
  proof      TEXT    NOT NULL,
  rule       TEXT    NOT NULL DEFAULT '',
  rules      TEXT    NOT NULL DEFAULT '',
  status     TEXT    NOT NULL DEFAULT '',
  reply_code INTEGER NOT NULL DEFAULT 0,
  remote_mta TEXT    NOT NULL DEFAULT '',
  diagnostic TEXT    NOT NULL DEFAULT '',
  event      INTEGER,                      -- the event that met the line
  override   INTEGER,                      -- the operator's act
  PRIMARY KEY (key, source, stream)
) STRICT, WITHOUT ROWID;
INSERT INTO suppressions VALUES('b.kraft@solano.test','bounce','','address','suppressed','b.kraft@solano.test','solano.test','bounce','user_unknown','hard',1791211249000,1791211249000,1854283249000,NULL,1,'user_unknown: after 1, for 24 months, all streams','returned','microsoft.recipient-not-found','4dd123ba1eb2','5.1.10',550,'','550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient IMCEASMTP-b+2Ekraft+40solano+2Etest@hub.example.com not found by SMTP address lookup',5,NULL);
INSERT INTO suppressions VALUES('press@example.net','operator','','address','suppressed','press@example.net','example.net','','manual','none',1796042465895,1796042465895,NULL,NULL,1,'operator: after 1, for good, all streams','none','','','',0,'','',NULL,1);
INSERT INTO suppressions VALUES('quentin.roy@cartograph.example','bounce','','address','suppressed','quentin.roy@cartograph.example','cartograph.example','bounce','user_unknown','hard',1791844543000,1791844543000,1854916543000,NULL,1,'user_unknown: after 1, for 24 months, all streams','returned','microsoft.recipient-not-found','4dd123ba1eb2','5.1.10',550,'','550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient quentin.roy@cartograph.example not found by SMTP address lookup',10,NULL);
INSERT INTO suppressions VALUES('redaktion@verlag.example','bounce','','address','suppressed','redaktion@verlag.example','verlag.example','bounce','user_unknown','hard',1792035797000,1792035797000,1855107797000,NULL,1,'user_unknown: after 1, for 24 months, all streams','returned','generic.user-unknown','4dd123ba1eb2','',0,'','The recipient name is not recognized MSEXCH:IMS:Quarry:MAIN:NTSERVER 0 (000C05A6) Unknown Recipient',8,NULL);
INSERT INTO suppressions VALUES('theater@hillside.example.com','bounce','','address','suppressed','theater@hillside.example.com','hillside.example.com','bounce','user_unknown','hard',1792130488000,1792130488000,1855202488000,NULL,1,'user_unknown: after 1, for 24 months, all streams','returned','microsoft.directory-edge','4dd123ba1eb2','5.4.1',550,'example-com.mail.protection.outlook.com','550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5PEPF00014B8A.eurprd02.prod.outlook.com 2026-10-14T08:21:33.902Z 0977A99362AE019B]',7,NULL);
CREATE TABLE changes (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,                -- when the change was stored
  op      TEXT    NOT NULL CHECK (op IN ('add', 'hold', 'remove')), -- remove: also what expired
  key     TEXT    NOT NULL,
  address TEXT    NOT NULL,
  domain  TEXT    NOT NULL,
  source  TEXT    NOT NULL,
  stream  TEXT    NOT NULL DEFAULT '',
  reason  TEXT    NOT NULL,
  class   TEXT    NOT NULL,
  why     TEXT    NOT NULL DEFAULT ''      -- of a removal
) STRICT;
INSERT INTO changes VALUES(1,1796042465497,'add','b.kraft@solano.test','b.kraft@solano.test','solano.test','bounce','','user_unknown','hard','');
INSERT INTO changes VALUES(2,1796042465497,'add','quentin.roy@cartograph.example','quentin.roy@cartograph.example','cartograph.example','bounce','','user_unknown','hard','');
INSERT INTO changes VALUES(3,1796042465497,'add','redaktion@verlag.example','redaktion@verlag.example','verlag.example','bounce','','user_unknown','hard','');
INSERT INTO changes VALUES(4,1796042465497,'add','theater@hillside.example.com','theater@hillside.example.com','hillside.example.com','bounce','','user_unknown','hard','');
INSERT INTO changes VALUES(5,1796042465895,'add','press@example.net','press@example.net','example.net','operator','','manual','none','');
CREATE TABLE overrides (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  act     TEXT    NOT NULL CHECK (act IN ('add', 'remove', 'allow', 'undo')),
  pattern TEXT    NOT NULL,                -- address key, '@domain' or '@*.domain'
  address TEXT    NOT NULL DEFAULT '',     -- as the operator wrote it
  until   INTEGER,                         -- NULL: for good
  target  INTEGER REFERENCES overrides (id), -- of an undo
  reason  TEXT    NOT NULL,
  author  TEXT    NOT NULL
) STRICT;
INSERT INTO overrides VALUES(1,1796042465895,'add','press@example.net','press@example.net',NULL,NULL,'asked by phone','ops');
INSERT INTO overrides VALUES(2,1796042466327,'allow','@partner.example','',NULL,NULL,'our partner','ops');
CREATE TABLE cursors (
  mailbox     TEXT    NOT NULL,
  folder      TEXT    NOT NULL,
  uidvalidity INTEGER NOT NULL,
  last_uid    INTEGER NOT NULL,
  state       TEXT    NOT NULL DEFAULT '',  -- opaque, for sources without UIDs
  at          INTEGER NOT NULL,             -- when it was stored
  PRIMARY KEY (mailbox, folder)
) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
  id      INTEGER PRIMARY KEY,
  job     TEXT    NOT NULL,
  started INTEGER NOT NULL,
  ended   INTEGER,                          -- NULL: running, or cut off by a crash
  ok      INTEGER NOT NULL DEFAULT 0,
  detail  TEXT    NOT NULL DEFAULT ''       -- one line, or the error
) STRICT;
INSERT INTO runs VALUES(1,'import',1796042465370,1796042465536,1,'15 read, 15 new, 4 suppressed');
CREATE TABLE exports (
  id         INTEGER PRIMARY KEY,
  name       TEXT    NOT NULL,
  profile    TEXT    NOT NULL,
  path       TEXT    NOT NULL,
  generation INTEGER NOT NULL,              -- grows with each new content of that name
  at         INTEGER NOT NULL,
  rows       INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  sha256     TEXT    NOT NULL,              -- of the file, lower-case hex
  state      TEXT    NOT NULL CHECK (state IN ('published', 'withheld')),
  why        TEXT    NOT NULL DEFAULT '',   -- of a withheld one
  UNIQUE (name, generation)
) STRICT;
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('computed with','f00328537c100d6c e33c61dbd4af22a1');
CREATE TABLE incident_acts (
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  incident TEXT    NOT NULL,               -- its key
  act      TEXT    NOT NULL CHECK (act IN ('ack', 'note')),
  text     TEXT    NOT NULL,
  author   TEXT    NOT NULL
) STRICT;
CREATE TABLE bins (
  kind    TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  bin     INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (kind, subject, bin)
) STRICT, WITHOUT ROWID;
INSERT INTO bins VALUES('domain','hillside.example.com',20742,1);
INSERT INTO bins VALUES('outage','cartograph.example',497734,1);
INSERT INTO bins VALUES('outage','example.com',498396,1);
INSERT INTO bins VALUES('outage','microsoft',497814,1);
INSERT INTO bins VALUES('outage','solano.test',497558,1);
INSERT INTO bins VALUES('outage','verlag.example',497787,1);
INSERT INTO bins VALUES('path','5.4.1',20742,1);
CREATE TABLE windows (
  kind     TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  start    INTEGER NOT NULL,
  ends     INTEGER NOT NULL,               -- of the burst itself
  until    INTEGER NOT NULL,               -- up to which events are held
  peak     INTEGER NOT NULL,               -- most distinct things in one bin
  baseline INTEGER NOT NULL,               -- what is usual; 0: not known
  PRIMARY KEY (kind, subject, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE rulings (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  kind    TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  start   INTEGER NOT NULL,
  ends    INTEGER NOT NULL,
  act     TEXT    NOT NULL CHECK (act IN ('release', 'drop')),
  reason  TEXT    NOT NULL,
  author  TEXT    NOT NULL
) STRICT;
CREATE TABLE trips (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  why     TEXT    NOT NULL,
  acked   INTEGER,                         -- NULL: exports stand still
  reason  TEXT    NOT NULL DEFAULT '',     -- of the release
  author  TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE sent (
  id     INTEGER PRIMARY KEY,             -- first 63 bits of SHA-256 over Message-ID, NUL, address key
  at     INTEGER NOT NULL,
  stream TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE tombstones (
  hash    BLOB    NOT NULL,               -- HMAC-SHA256 of the address key, with meta's "tombstone key"
  source  TEXT    NOT NULL,               -- of the suppression; '' when none stood
  stream  TEXT    NOT NULL,
  scope   TEXT    NOT NULL,
  reason  TEXT    NOT NULL,
  class   TEXT    NOT NULL,
  since   INTEGER NOT NULL,
  expires INTEGER,
  at      INTEGER NOT NULL,               -- of the erasure
  author  TEXT    NOT NULL,
  PRIMARY KEY (hash, source, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE pushed (
  push    TEXT    NOT NULL,                -- as configured
  key     TEXT    NOT NULL,
  address TEXT    NOT NULL,                -- as it was sent
  list    TEXT    NOT NULL,                -- of the target's lists
  state   TEXT    NOT NULL CHECK (state IN ('sent', 'refused')),
  why     TEXT    NOT NULL DEFAULT '',     -- of a refusal, the target's words
  at      INTEGER NOT NULL,
  PRIMARY KEY (push, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE pushes (
  push TEXT    PRIMARY KEY,
  mark INTEGER NOT NULL,
  form TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_at ON messages (at);
CREATE UNIQUE INDEX locators_place ON locators (mailbox, folder, uidvalidity, uid, name, ifnull(message, 0));
CREATE INDEX locators_message ON locators (message);
CREATE INDEX locators_unsettled ON locators (mailbox, folder) WHERE settled IS NULL AND disposition <> 'keep';
CREATE INDEX events_key ON events (key);
CREATE INDEX events_at ON events (at);
CREATE INDEX suppressions_expires ON suppressions (expires) WHERE expires IS NOT NULL;
CREATE INDEX suppressions_domain ON suppressions (domain);
CREATE INDEX changes_at ON changes (at);
CREATE INDEX changes_key ON changes (key);
CREATE INDEX overrides_pattern ON overrides (pattern);
CREATE INDEX runs_job ON runs (job, started);
CREATE INDEX events_cause ON events (cause, at) WHERE cause <> '';
CREATE INDEX events_domain ON events (domain, at) WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown');
CREATE INDEX incident_acts_incident ON incident_acts (incident, at);
CREATE INDEX sent_at ON sent (at);
CREATE VIEW suppressed (address, key, reason, class, since, expires, stream, scope, source, last_seen, count, domain) AS
  SELECT address, key, reason, class, since, expires, stream, scope, source, last_seen, count, domain
  FROM suppressions
  WHERE state = 'suppressed' AND (expires IS NULL OR expires > CAST(strftime('%s', 'now') AS INTEGER) * 1000);
CREATE INDEX events_path ON events (concern, operator, at) WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown');
CREATE INDEX events_success ON events (operator, at) WHERE (action = 'delivered' OR kind = 'receipt') AND proof <> 'none';
COMMIT;
PRAGMA application_id = 1752331891;
PRAGMA user_version = 8;
