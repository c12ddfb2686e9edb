-- $1 tenant, $2 channel, then one array a column.
INSERT INTO messages (tenant_id, direction, channel, state, created_at, updated_at, id, class, contact_id,
    provider_account_id, template_id, from_address, to_address, body, segments, job_id, send_at)
SELECT $1, 'outbound', $2, 'queued', n.created_at, n.created_at, n.id, n.class, n.contact_id,
    n.account_id, n.template_id, n.from_address, n.to_address, n.body, n.segments, n.job_id, n.send_at
FROM unnest($3::timestamptz[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[],
    $11::text[], $12::int2[], $13::uuid[], $14::timestamptz[])
    AS n (created_at, id, class, contact_id, account_id, template_id, from_address, to_address, body, segments,
        job_id, send_at)
