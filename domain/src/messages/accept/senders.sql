-- The senders asked for, and the default one. $1 channel, $2 addresses
SELECT s.address, s.is_default, a.id AS provider_account_id, a.status
FROM senders s JOIN provider_accounts a ON a.id = s.provider_account_id
WHERE s.channel = $1 AND (s.is_default OR s.address = ANY ($2))
