-- Applies reports of a provider by rank: one array a column, one report a message.
-- A report finds its message by the provider's id, or, where the answer to the send was not recorded (the sender
-- died in between, or the report overtook it), by our own id out of the callback's address. A name that an earlier
-- send of a redriven message had counts only if it says that this send reached the phone after all, before the next
-- one left. $8: seconds until reconciliation asks about what is only `sent`.
-- Every `= ANY` says again what a join says, as a restriction of the table itself: without statistics the planner takes
-- the tenant (row-level security) for more selective than any join, and would read all of its messages, three times over.
WITH r AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
        AS r (account_id, provider_id, message_id, state, code, detail, at)
), hit AS MATERIALIZED (
    SELECT m.id AS hit_id, m.job_id AS hit_job, m.state IN ('failed', 'undelivered') AS revived, r.* FROM r
    JOIN messages m ON m.provider_account_id = r.account_id AND m.provider_message_id = r.provider_id
    WHERE m.provider_account_id = ANY ($1) AND m.provider_message_id = ANY ($2)
    UNION ALL
    SELECT DISTINCT ON (m.id) m.id, m.job_id, false, r.* FROM r
    JOIN messages m ON m.id = r.message_id AND m.provider_account_id = r.account_id
    WHERE m.id = ANY ($3) AND m.direction = 'outbound' AND m.attempts > 0 AND m.provider_message_id IS NULL
        AND (m.state IN ('queued', 'sending') AND r.provider_id <> ALL (m.past_provider_ids)
            OR m.state = 'queued' AND r.state = 'delivered')
        AND NOT EXISTS (
            SELECT FROM messages o
            WHERE o.provider_account_id = r.account_id AND o.provider_message_id = r.provider_id
                AND o.provider_account_id = ANY ($1) AND o.provider_message_id = ANY ($2))
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
WHERE m.id = ANY (ARRAY(SELECT hit_id FROM hit)) AND m.id = h.hit_id
    AND message_rank(h.state) > message_rank(m.state)
RETURNING m.id, h.hit_job AS job_id, m.contact_id, m.to_address, m.state, m.error_code, m.error_detail, h.revived,
    m.provider_message_id
