-- Applies reports of a provider by rank: one array a column, one report a message.
-- A report finds its message by the provider's id, or, where the answer to the send was not recorded (the sender
-- died in between, or the report overtook it), by our own id out of the callback's address. $8: seconds until
-- reconciliation asks about what is only `sent`.
WITH r AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
        AS r (account_id, provider_id, message_id, state, code, detail, at)
), hit AS (
    SELECT m.id, r.* FROM r
    JOIN messages m ON m.provider_account_id = r.account_id AND m.provider_message_id = r.provider_id
    UNION ALL
    SELECT m.id, r.* FROM r
    JOIN messages m ON m.id = r.message_id AND m.provider_account_id = r.account_id
    WHERE m.direction = 'outbound' AND m.state IN ('queued', 'sending') AND m.attempts > 0
        AND m.provider_message_id IS NULL AND r.provider_id <> ALL (m.past_provider_ids)
)
UPDATE messages m SET
    state = h.state,
    provider_message_id = h.provider_id,
    error_code = h.code,
    error_detail = h.detail,
    sent_at = coalesce(m.sent_at, h.at),
    delivered_at = CASE WHEN h.state = 'delivered' THEN h.at ELSE m.delivered_at END,
    check_at = CASE WHEN h.state = 'sent' THEN now() + make_interval(secs => $8) END,
    updated_at = now()
FROM hit h
WHERE m.id = h.id AND message_rank(h.state) > message_rank(m.state)
RETURNING m.id, m.job_id, m.contact_id, m.channel, m.to_address, m.state, m.error_code
