-- Takes up to $2 messages of each of the jobs $1, of $3 segments together. Whether a message may go out is decided here,
-- in the statement that takes it: between the door and now the recipient may have said STOP. What an earlier run
-- left in `sending` comes back too, not fresh: it may have left, so it is looked up first. $4: for how long after a
-- claim its send may still be on its way. (What is MATERIALIZED is done once: without statistics the planner takes the
-- tenant for so selective that it would do it again for each of its messages.)
WITH open AS MATERIALIZED (
    -- One look into the index a job, in its order: it ends where the slice is full.
    SELECT m.* FROM unnest($1) AS job (id) CROSS JOIN LATERAL (
        SELECT m.id, m.class, m.channel, m.to_address, m.provider_account_id, m.segments
        FROM messages m
        WHERE m.job_id = job.id AND m.state = 'queued'
        ORDER BY m.id
        LIMIT $2) m
), affordable AS (
    SELECT o.*, sum(o.segments) OVER (ORDER BY o.id) AS units FROM open o
), judged AS MATERIALIZED (
    SELECT o.id, CASE
        WHEN a.status = 'disabled' THEN 'provider_account_disabled'
        WHEN a.status = 'auth_failed' THEN 'provider_auth_failed'
        WHEN o.class = 'compliance' THEN NULL
        WHEN s.reason = 'stop' OR c.consent = 'opted_out' THEN 'recipient_opted_out'
        WHEN s.reason IS NOT NULL THEN 'recipient_suppressed'
        WHEN o.class = 'marketing' AND c.consent IS DISTINCT FROM 'opted_in' THEN 'recipient_not_opted_in'
        END AS refusal, a.status
    FROM affordable o
    JOIN provider_accounts a ON a.id = o.provider_account_id
    LEFT JOIN suppressions s ON s.channel = o.channel AND s.address = o.to_address
    LEFT JOIN contact_channels c ON c.channel = o.channel AND c.address = o.to_address
    WHERE o.units <= $3
), claimed AS (
    UPDATE messages m SET
        state = CASE WHEN j.refusal IS NULL THEN 'sending' WHEN j.status <> 'active' THEN 'failed' ELSE 'refused' END,
        error_code = j.refusal,
        error_detail = NULL,
        attempts = m.attempts + (j.refusal IS NULL)::int::int2,
        attempted_at = CASE WHEN j.refusal IS NULL THEN now() ELSE m.attempted_at END,
        updated_at = now()
    FROM judged j
    WHERE m.id = ANY (ARRAY(SELECT id FROM judged)) AND m.id = j.id AND m.state = 'queued'
    RETURNING m.*
)
SELECT true AS fresh, false AS settled, id, job_id, contact_id, provider_account_id, state, class, from_address, to_address,
    CASE WHEN state = 'sending' THEN body ELSE '' END AS body, segments, attempts, attempted_at, error_code,
    past_provider_ids
FROM claimed
UNION ALL
SELECT false, m.attempted_at < now() - make_interval(secs => $4), m.id, m.job_id, m.contact_id,
    m.provider_account_id, m.state, m.class, m.from_address, m.to_address, m.body, m.segments, m.attempts, m.attempted_at, m.error_code,
    m.past_provider_ids
FROM messages m
WHERE m.job_id = ANY ($1) AND m.state = 'sending'
