-- What became of sends: one array a column. Only the attempt that made the send records it, and only while no
-- receipt has said more. An id of the provider's that another message holds already (two equal texts, one of them
-- looked up) is left to that one. $7: when reconciliation asks first, in seconds from now.
UPDATE messages m SET
    state = r.state,
    provider_message_id = CASE WHEN NOT EXISTS (
        SELECT FROM messages o
        WHERE o.provider_account_id = m.provider_account_id AND o.provider_message_id = r.provider_id
    ) THEN r.provider_id END,
    error_code = r.code,
    error_detail = r.detail,
    sent_at = CASE WHEN r.state IN ('sent', 'delivered', 'undelivered') THEN now() END,
    delivered_at = CASE WHEN r.state = 'delivered' THEN now() END,
    check_at = CASE WHEN r.state = 'sent' THEN now() + make_interval(secs => $7) END,
    updated_at = now()
FROM unnest($1::uuid[], $2::int2[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS r (id, attempt, state, provider_id, code, detail)
WHERE m.id = r.id AND m.attempts = r.attempt AND m.state = 'sending'
RETURNING m.id, m.contact_id, m.state, m.error_code
