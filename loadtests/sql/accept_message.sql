-- What accepting one message writes: its row and its job's, in one transaction of one tenant, under the same row-level
-- security as the API. As many round trips as the API makes. @names are filled in by the bench.
\set seq :seq + 1
\startpipeline
BEGIN;
SET LOCAL app.tenant_id = '@tenant';
\endpipeline
INSERT INTO messages (tenant_id, direction, channel, state, created_at, updated_at, id, class, contact_id,
    provider_account_id, template_id, from_address, to_address, body, segments, job_id, send_at)
SELECT '@tenant', 'outbound', 'sms', 'queued', now(), now(), n.id, 'transactional', NULL,
    '@account', NULL, '@sender', '+1415' || lpad((:seq % 7000000 + 2000000)::text, 7, '0'), '@body', 1, n.id, NULL
FROM (SELECT ('@prefix70008' || lpad(:seq::text, 11, '0') || lpad(:client_id::text, 4, '0'))::uuid AS id) n;
INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, lane, priority, cost, payload, subject, unique_key,
    run_at, not_after, max_attempts, trace, request_id, progress_total, state)
SELECT '@tenant', n.id, 'sends', 'messages.send', 1, '@sender', 0, 1, '{"messages":1}', 'msg_' || left(n.id::text, 26), NULL,
    now(), NULL, 8, NULL, 'req_' || left(n.id::text, 26), 1, 'waiting'
FROM (SELECT ('@prefix70008' || lpad(:seq::text, 11, '0') || lpad(:client_id::text, 4, '0'))::uuid AS id) n
RETURNING id, state = 'scheduled' AS scheduled;
COMMIT;
