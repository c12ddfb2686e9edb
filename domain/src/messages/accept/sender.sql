-- The sender asked for, else the default one, else the oldest.
-- $1 channel, $2 address or null
SELECT s.address, a.id AS provider_account_id, a.status
FROM senders s JOIN provider_accounts a ON a.id = s.provider_account_id
WHERE s.channel = $1 AND ($2::text IS NULL OR s.address = $2)
ORDER BY s.is_default DESC, (a.status = 'active') DESC, s.id
LIMIT 1
