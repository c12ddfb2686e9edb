DROP TABLE messages;
DROP FUNCTION message_rank(text);
DROP TABLE templates;
DROP TABLE senders;
DROP TABLE provider_accounts;
